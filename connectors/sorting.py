"""What a reply means: the declared rules first, then the HTTP status."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import jmespath

from canonical.errors import (
    AuthenticationFailed,
    MillstreamError,
    RateLimited,
    SchemaDrift,
    SystemUnavailable,
    UnmappableRecord,
)
from connectors.spec import Errors, OutcomeName, Rule
from connectors.template import fill
from connectors.transport import Reply

_LONGEST = 300
_BY_STATUS: dict[int, OutcomeName] = {
    HTTPStatus.UNAUTHORIZED: "expired",
    HTTPStatus.REQUEST_TIMEOUT: "unknown",
    HTTPStatus.PRECONDITION_FAILED: "stale",
    HTTPStatus.LOCKED: "retry",
    HTTPStatus.TOO_EARLY: "retry",
    HTTPStatus.TOO_MANY_REQUESTS: "retry",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sorted reply; `code` and `message` are the system's own words, when it failed."""

    outcome: OutcomeName
    code: str | None = None
    message: str | None = None
    failed: bool = False

    def __str__(self) -> str:
        return " ".join(part for part in (self.code, self.message) if part) or self.outcome


def sort(reply: Reply, errors: Errors, rules: Iterable[Rule]) -> Verdict:
    """Sort one reply; the first rule that fits wins."""
    failed = reply.status >= HTTPStatus.MULTIPLE_CHOICES or bool(search(errors.failed, reply.body))
    if not failed:
        return Verdict("applied")
    code, message = text(search(errors.code, reply.body)), text(search(errors.message, reply.body))
    message = (message or f"HTTP {reply.status}")[:_LONGEST]
    for rule in (*rules, *errors.outcomes):
        if _fits(rule, reply.status, code, message):
            return Verdict(rule.outcome, code, message, failed=True)
    return Verdict(_by_status(reply), code, message, failed=True)


def _fits(rule: Rule, status: int, code: str | None, message: str) -> bool:
    return (
        (not rule.status or status in rule.status)
        and (not rule.code or code in rule.code)
        and all(piece in message for piece in rule.message)
    )


def _by_status(reply: Reply) -> OutcomeName:
    if reply.status in _BY_STATUS:
        return _BY_STATUS[reply.status]
    if reply.status == HTTPStatus.SERVICE_UNAVAILABLE and reply.retry_after is not None:
        return "retry"  # it names the time to come back, so it has not begun
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "unknown"
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
        return "unknown"  # never followed; who answered is not certain
    return "rejected"


def read_error(verdict: Verdict, reply: Reply, system: str) -> MillstreamError:
    """A failed read as the error that says what happens next."""
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(str(verdict), system=system, retry_after=reply.retry_after)
    if verdict.outcome in ("retry", "unknown"):
        return SystemUnavailable(str(verdict), system=system, retry_after=reply.retry_after)
    if reply.status == HTTPStatus.FORBIDDEN:
        return AuthenticationFailed(str(verdict), system=system)
    return SchemaDrift(str(verdict), system=system)


_WAY: Final = re.compile(r"[A-Za-z_]\w*|\[(\d+)\]", re.ASCII)
_PLAIN: Final = re.compile(r"([A-Za-z_]\w*|\[\d+\])(\.[A-Za-z_]\w*|\[\d+\])*", re.ASCII)
"""Most paths are names and places in lists; walking them costs a tenth of interpreting them."""


@lru_cache
def _way(path: str) -> tuple[str | int, ...] | None:
    """The names and places of a plain path; None for any other."""
    if not _PLAIN.fullmatch(path):
        return None
    return tuple(int(one[1]) if one[1] else one[0] for one in _WAY.finditer(path))


def search(path: str | None, body: object) -> Any:  # noqa: ANN401 - any JSON value
    """What stands at a JMESPath; None without a path or a match."""
    if path is None or body is None:
        return None
    if (way := _way(path)) is not None:
        return _walked(way, body)
    try:
        return jmespath.search(path, body)
    except jmespath.exceptions.JMESPathError:
        return None  # the body has another shape than this path speaks of


def _walked(way: tuple[str | int, ...], body: object) -> Any:  # noqa: ANN401 - any JSON value
    for part in way:
        if isinstance(part, str):
            body = body.get(part) if isinstance(body, dict) else None
        else:
            body = body[part] if isinstance(body, list) and part < len(body) else None
    return body


def text(value: object) -> str | None:
    """A found value as text; None stays None."""
    return None if value is None else str(value)


def same(sent: object, seen: object) -> bool:
    """Whether a system shows what it was sent: numbers by value, everything else as text."""
    if sent is None or seen is None:
        return sent is seen
    if isinstance(sent, bool) or isinstance(seen, bool):
        return str(sent).lower() == str(seen).lower()
    try:
        return Decimal(str(sent)) == Decimal(str(seen))
    except InvalidOperation:
        return str(sent) == str(seen)


def speaking_of(rules: Iterable[Rule], known: Mapping[str, Any]) -> list[Rule]:
    """Rules with our document's names in place; one that asks for a name we do not know cannot fit."""
    named = []
    for rule in rules:
        try:
            named.append(rule.model_copy(update={"message": tuple(fill(piece, known) for piece in rule.message)}))
        except UnmappableRecord:
            continue
    return named
