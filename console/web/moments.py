"""Days and moments that a form or an address names, on the plant's clock; what no calendar holds is none."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from console.web.visit import Visit


def span_of(visit: Visit, day: str | None) -> tuple[datetime, datetime] | None:
    """From the first moment of a day of the plant's calendar to that of the next one; None where no day is named."""
    try:
        named = date.fromisoformat(day or "")
        return _first(visit, named), _first(visit, named + timedelta(days=1))
    except (ValueError, OverflowError):
        return None


def _first(visit: Visit, day: date) -> datetime:
    return datetime.combine(day, time(), visit.site.zone).astimezone(UTC)


def last_moment(visit: Visit, day: str) -> datetime | None:
    """The last minute of a day of the plant's calendar; None where none is named."""
    span = span_of(visit, day)
    return span[1] - timedelta(minutes=1) if span else None


def moment_of(visit: Visit, text: str | None) -> datetime | None:
    """A moment as `datetime-local` fields write it, by the plant's clock; None where none is named."""
    try:
        found = datetime.fromisoformat(text or "")
        local = found.astimezone(visit.site.zone) if found.tzinfo else found.replace(tzinfo=visit.site.zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
