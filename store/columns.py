"""Column types that keep what SQL would lose: time zones and exact JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
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


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC moment. A naive value is refused (`ValueError`): it would mean a guess about its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite keeps it without a zone so that its text sorts."""
        if value is None:
            return None
        moment = _in_utc(value)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """On SQLite the same text as SQLAlchemy makes of it, in one step: a delivery writes dozens of moments."""
        return _sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Back to aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_WITHOUT_ZONE = len("2026-01-01 00:00:00.000000")


def _sqlite_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    return _in_utc(value).isoformat(" ", "microseconds")[:_WITHOUT_ZONE]


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
