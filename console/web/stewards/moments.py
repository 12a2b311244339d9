"""Days and moments that a form names, on the plant's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from console.web.visit import Visit


def last_moment(visit: Visit, day: str) -> datetime | None:
    """The last minute of a day of the plant's calendar; None where none is named."""
    try:
        midnight = datetime.combine(date.fromisoformat(day), time(), visit.site.zone)
    except ValueError:
        return None
    return (midnight + timedelta(days=1, minutes=-1)).astimezone(UTC)


def moment_of(visit: Visit, text: str | None) -> datetime | None:
    """A moment as `datetime-local` fields write it, by the plant's clock; None where none is named."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=visit.site.zone).astimezone(UTC)
