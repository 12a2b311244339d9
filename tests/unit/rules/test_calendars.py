"""Calendars from YAML: the shipped ones, China's moved days, and what a person gets wrong."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from rules.calendars import load_calendar, load_calendars


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text("why: {en: mine, zh: 我的}\n" + text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_calendar(written(folder, text))
    return [f"{fault.line}:{fault.column} {fault.message}" for fault in caught.value.faults]


def test_load_calendars__the_shipped_ones() -> None:
    assert set(load_calendars()) == {"office", "two_shifts", "workdays", "always"}


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-02-14", True),  # a Saturday moved for the Spring Festival
        ("2026-02-17", False),  # the festival
        ("2026-02-23", False),  # a Monday off in exchange
        ("2026-10-10", True),
        ("2026-11-07", False),
        ("2027-01-31", True),  # a Sunday the file itself moved
        ("2027-02-11", False),  # and its shutdown
    ],
)
def test_office__knows_moved_working_days(day: str, *, works: bool) -> None:
    office = load_calendars()["office"]
    assert office.is_working_day(date.fromisoformat(day)) == works
    assert office.worked_on(date.fromisoformat(day)) == timedelta(hours=8 if works else 0)


def test_exception__wins_over_a_holiday(tmp_path: Path) -> None:
    text = """\
zone: Asia/Shanghai
week: {mon-fri: ["09:00-17:00"], sat: ["09:00-12:00"]}
holidays: CN
exceptions:
  - {from: 2026-10-01, to: 2026-10-02, shifts: ["10:00-11:00"], why: stocktaking}
"""
    calendar = load_calendar(written(tmp_path, text))
    assert [calendar.worked_on(date(2026, 10, day)) for day in (1, 2, 5)] == [
        timedelta(hours=1), timedelta(hours=1), timedelta(0)
    ]  # fmt: skip
    assert calendar.worked_on(date(2026, 11, 7)) == timedelta(hours=3)


def test_faults__are_told_together_with_their_places(tmp_path: Path) -> None:
    text = """\
zone: Asia/Shanghia
week:
  mon-fri: ["09:00-17:00", "nine"]
  fri: ["09:00-12:00"]
  someday: []
holidays: XX
exceptions:
  - {from: 2026-10-05, to: 2026-10-01, why: backwards}
"""
    told = faults(tmp_path, text)
    assert [line.split()[0] for line in told] == ["2:1", "4:28", "5:3", "6:3", "7:1", "9:5"]
    assert "'nine' is no shift" in told[1]
    assert "fri stands twice" in told[2]


def test_calendar__that_nobody_works_by_is_refused(tmp_path: Path) -> None:
    assert "nobody ever works" in faults(tmp_path, "zone: UTC\nweek: {mon: []}\n")[0]


def test_calendar__moved_days_like_what(tmp_path: Path) -> None:
    text = 'zone: UTC\nweek: {mon: ["09:00-17:00"]}\nmoved_days_like: mun\n'
    assert "'mun' is no weekday" in faults(tmp_path, text)[0]
