"""When a record changed, as systems write it: the watermark needs times that can be compared, whatever their dress."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

Written = Literal[
    "rfc3339", "local", "year_month_day", "day_month_year", "month_day_year", "unix_seconds", "unix_milliseconds"
]
"""How times are written; `rfc3339` and `local` are both ISO 8601, with an offset or without."""
_DATE: Final = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(.*)", re.DOTALL)
_ORDER: Final = {"year_month_day": (1, 2, 3), "day_month_year": (3, 2, 1), "month_day_year": (3, 1, 2)}
_TICKS: Final = {"unix_seconds": timedelta(seconds=1), "unix_milliseconds": timedelta(milliseconds=1)}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(said: str, zone: ZoneInfo, written: Written) -> datetime:
    """What a system wrote, as an instant; without an offset it is the system's own time.

    Raises `ValueError` for what is no such time, `OverflowError` beyond the calendar.
    """
    if written in _TICKS:
        return _EPOCH + int(said) * _TICKS[written]
    at = datetime.fromisoformat(_iso(said, written))
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _iso(said: str, written: Written) -> str:
    found = _DATE.fullmatch(said) if written in _ORDER else None
    if found is None:
        return said
    year, month, day = (found[place] for place in _ORDER[written])
    return f"{year}-{month:0>2}-{day:0>2}{found[4]}"
