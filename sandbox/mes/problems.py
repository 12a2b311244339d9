"""Errors as RFC 9457 problem documents (`application/problem+json`)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.responses import JSONResponse


class Problem(Exception):
    """A refusal with an HTTP status; `more` adds members to the document."""

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:  # noqa: ANN401
        """`code` is the last part of the problem's type."""
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {
            "type": f"urn:mes:problem:{code}", "title": code.replace("_", " "), "status": status, "detail": detail,
            **more,
        }  # fmt: skip


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem on the wire; a 401 carries its challenge."""
    unauthorized = problem.status == HTTPStatus.UNAUTHORIZED
    challenge = {"WWW-Authenticate": 'Bearer realm="mes", error="invalid_token"'} if unauthorized else {}
    return JSONResponse(
        problem.body, problem.status, {**challenge, **(headers or {})}, media_type="application/problem+json"
    )


def invalid(error: ValidationError) -> Problem:
    """A body that does not fit its schema, one entry per fault, as 422."""
    faults = [
        {"field": ".".join(str(part) for part in fault["loc"]), "code": fault["type"], "message": fault["msg"]}
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return Problem(422, "validation", f"{len(faults)} field(s) are not valid", errors=faults)


def invalid_field(field: str, code: str, message: str) -> Problem:
    """One field that is well formed but means nothing here, as 422 in the same shape."""
    return Problem(422, "validation", message, errors=[{"field": field, "code": code, "message": message}])
