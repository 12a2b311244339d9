"""The CRM's one error shape: a JSON array of messages with a code."""

from __future__ import annotations

from typing import Any


class CrmError(Exception):
    """A refusal: HTTP status, Salesforce error code, message, and the fields it is about."""

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, fields

    def body(self) -> list[dict[str, Any]]:
        """`[{"message", "errorCode", "fields"?}]`."""
        one: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        return [{**one, "fields": list(self.fields)}] if self.fields else [one]
