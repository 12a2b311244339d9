"""Times as systems write them are the same instants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from connectors.moments import Written, moment

AT = datetime(2026, 3, 1, 8, 5, tzinfo=UTC)
SAID = {
    "rfc3339": "2026-03-01T09:05:00+01:00",
    "local": "2026-03-01 09:05:00",
    "year_month_day": "2026/3/1 09:05:00",
    "day_month_year": "1.3.2026 09:05",
    "month_day_year": "03/01/2026 09:05",
    "unix_seconds": "1772352300",
    "unix_milliseconds": "1772352300000",
}


@pytest.mark.parametrize("written", get_args(Written))
def test_moment__is_the_same_however_it_is_written(written: Written) -> None:
    assert moment(SAID[written], ZoneInfo("Europe/Berlin"), written) == AT


@pytest.mark.parametrize("written", get_args(Written))
@pytest.mark.parametrize("said", ["", "soon", "31.31.2026", "9" * 40])
def test_moment__what_is_none_is_an_error(said: str, written: Written) -> None:
    with pytest.raises((ValueError, OverflowError)):
        moment(said, ZoneInfo("UTC"), written)
