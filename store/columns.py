"""Column types that keep what SQL would lose: time zones and exact JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from canonical import strict_json

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _escape(found: re.Match[str]) -> str:
    """Half a character, which JSON may carry and UTF-8 may not, as JSON's own escape."""
    return f"\\u{ord(found.group()):04x}"


def canonical_text(value: object) -> str:
    """A JSON value as the columns keep it."""
    return _LONE_SURROGATE.sub(_escape, strict_json.dumps(value))


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC moment. A naive value is refused (`ValueError`): it would mean a guess about its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite keeps it without a zone so that its text sorts."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Back to aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class StrictJson(TypeDecorator[Any]):
    """A JSON value as canonical text: decimals exact, keys sorted, the same value always the same text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Canonical text; `None` is SQL NULL."""
        return None if value is None else canonical_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002
        """The JSON value."""
        return None if value is None else strict_json.loads(value)
