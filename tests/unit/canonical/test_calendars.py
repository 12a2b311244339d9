"""Working time at the edges people trip over: nights, holidays, leap days, changing clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from canonical.calendars import (
    ALL_DAY,
    NoWorkingTimeError,
    Shift,
    WorkingCalendar,
    hours_from,
    work_centre_calendar,
)

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
DESK = (Shift(time(8), time(12)), Shift(time(13), time(17)))
OFFICE = WorkingCalendar("office", SHANGHAI, (*(DESK,) * 5, (), ()), {date(2026, 10, 10): DESK, date(2026, 10, 1): ()})


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("begin", "hours", "end"),
    [
        ("2026-11-03T09:00", 2, "2026-11-03T11:00"),
        ("2026-11-03T09:00", 3, "2026-11-03T12:00"),  # the end of a shift, not the begin of the next
        ("2026-11-03T11:00", 2, "2026-11-03T14:00"),  # over lunch
        ("2026-11-06T16:00", 2, "2026-11-09T09:00"),  # over the weekend
        ("2026-11-07T10:00", 1, "2026-11-09T09:00"),  # from within it
        ("2026-10-09T16:00", 2, "2026-10-10T09:00"),  # into a moved working Saturday
        ("2026-09-30T16:00", 2, "2026-10-02T09:00"),  # over a holiday
        ("2026-11-09T09:00", -2, "2026-11-06T16:00"),
        ("2026-11-07T10:00", 0, "2026-11-07T10:00"),
        ("2028-02-28T16:00", 9, "2028-02-29T17:00"),  # a leap day is worked like any other
    ],
)
def test_add__walks_working_time_only(begin: str, hours: int, end: str) -> None:
    assert OFFICE.add(at(begin), timedelta(hours=hours)) == at(end)


def test_between__counts_backwards_too() -> None:
    assert OFFICE.between(at("2026-11-06T16:00"), at("2026-11-09T09:00")) == timedelta(hours=2)
    assert OFFICE.between(at("2026-11-09T09:00"), at("2026-11-06T16:00")) == timedelta(hours=-2)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 7), ("2026-10-24", 9), ("2026-05-05", 8)])
def test_night_shift__is_as_long_as_it_really_was_when_clocks_change(day: str, hours: int) -> None:
    nights = WorkingCalendar("nights", BERLIN, ((Shift(time(22), time(6)),),) * 7)
    noon = at(f"{day}T12:00", BERLIN)
    assert nights.between(noon, noon + timedelta(days=1)) == timedelta(hours=hours)


def test_shift__in_an_hour_that_is_skipped_has_no_length() -> None:
    early = WorkingCalendar("early", BERLIN, ((Shift(time(2), time(3)),),) * 7)
    assert early.worked_on(date(2026, 3, 29)) == timedelta(0)
    assert early.worked_on(date(2026, 3, 30)) == timedelta(hours=1)


def test_worked_on__counts_what_two_shifts_share_once() -> None:
    handover = WorkingCalendar("handover", SHANGHAI, ((Shift(time(6), time(14)), Shift(time(13), time(21))),) * 7)
    assert handover.worked_on(date(2026, 11, 3)) == timedelta(hours=15)


def test_calendar_without_rest__is_plain_time() -> None:
    begin = datetime(2026, 3, 28, 12, tzinfo=UTC)
    always = WorkingCalendar("always", BERLIN, (ALL_DAY,) * 7)
    assert always.add(begin, timedelta(hours=48)) == begin + timedelta(hours=48)


def test_calendar_without_working_time__is_said_and_does_not_hang() -> None:
    never = WorkingCalendar("never", SHANGHAI, ((),) * 7)
    with pytest.raises(NoWorkingTimeError, match="never"):
        never.add(at("2026-11-03T09:00"), timedelta(hours=1))
    with pytest.raises(NoWorkingTimeError, match="never"):
        never.add_days(date(2026, 11, 3), 1)
    assert never.between(at("2026-11-03T09:00"), at("2027-11-03T09:00")) == timedelta(0)


def test_calendar__has_seven_days() -> None:
    with pytest.raises(ValueError, match="seven"):
        WorkingCalendar("short", SHANGHAI, (DESK,))


def test_days__skip_what_is_free_and_take_what_was_moved() -> None:
    assert OFFICE.add_days(date(2026, 9, 30), 1) == date(2026, 10, 2)
    assert OFFICE.add_days(date(2026, 10, 9), 1) == date(2026, 10, 10)
    assert OFFICE.add_days(date(2026, 10, 12), -1) == date(2026, 10, 10)
    assert OFFICE.days_between(date(2026, 10, 12), date(2026, 10, 9)) == -2
    assert OFFICE.working_day_from(date(2026, 10, 1)) == date(2026, 10, 2)
    assert OFFICE.working_day_until(date(2026, 10, 1)) == date(2026, 9, 30)


def test_work_centre_calendar__has_its_hours_and_the_days_that_differ() -> None:
    found = work_centre_calendar(
        "WC10", SHANGHAI, Decimal(16), {date(2026, 11, 8): Decimal("4.5"), date(2026, 11, 9): Decimal(0)}
    )
    worked = [found.worked_on(date(2026, 11, day)) for day in (6, 7, 8, 9)]
    assert worked == [timedelta(hours=16), timedelta(0), timedelta(hours=4.5), timedelta(0)]


def test_hours_from__refuses_what_no_day_has() -> None:
    with pytest.raises(ValueError, match="0 to 24"):
        hours_from(time(8), Decimal(25))
    assert hours_from(time(8), Decimal(24)) == (Shift(time(8), time(8)),)
