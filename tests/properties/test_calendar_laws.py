"""Laws of working time, over calendars with nights, holidays, overlaps and changing clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.calendars import Shift, WorkingCalendar

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
FIRST, LAST = datetime(2023, 12, 1, tzinfo=UTC), datetime(2025, 1, 31, tzinfo=UTC)
"""A leap year, with every change of clocks in it."""

times = st.builds(time, st.integers(0, 23), st.sampled_from((0, 30)))
shifts = st.lists(st.builds(Shift, times, times), max_size=3).map(tuple)
days = st.dates(FIRST.date(), LAST.date())
moments = st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC))
amounts = st.integers(0, 60 * 60).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def calendars(draw: st.DrawFn) -> WorkingCalendar:
    """Any week with some working time in it, and any days that differ."""
    week = draw(st.tuples(*[shifts] * 7).filter(lambda found: any(_long(one) for one in found)))
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    return WorkingCalendar("drawn", zone, week, draw(st.dictionaries(days, shifts, max_size=12)))


def _long(one: tuple[Shift, ...]) -> bool:
    """Whether some of it is left on a day when clocks skip an hour."""
    day = date(2024, 6, 3)
    return any((end - begin) >= timedelta(hours=3) for begin, end in (shift.on(day, ZoneInfo("UTC")) for shift in one))


@given(calendars(), moments, amounts)
@settings(max_examples=40, deadline=None)
def test_between_is_the_inverse_of_add(calendar: WorkingCalendar, moment: datetime, amount: timedelta) -> None:
    assert calendar.between(moment, calendar.add(moment, amount)) == amount
    assert calendar.between(calendar.add(moment, -amount), moment) == amount


@given(calendars(), moments, amounts, amounts)
@settings(max_examples=40, deadline=None)
def test_adding_twice_is_adding_the_sum(
    calendar: WorkingCalendar, moment: datetime, first: timedelta, second: timedelta
) -> None:
    assert calendar.add(calendar.add(moment, first), second) == calendar.add(moment, first + second)
    assert calendar.add(calendar.add(moment, -first), -second) == calendar.add(moment, -first - second)


@given(calendars(), moments, moments, moments)
@settings(max_examples=40, deadline=None)
def test_time_between_adds_up(calendar: WorkingCalendar, first: datetime, second: datetime, third: datetime) -> None:
    one, two, three = sorted((first, second, third))
    assert calendar.between(one, two) + calendar.between(two, three) == calendar.between(one, three)
    assert timedelta(0) <= calendar.between(one, three) <= three - one


@given(calendars(), moments, moments, amounts, amounts)
@settings(max_examples=40, deadline=None)
def test_add_is_monotone(
    calendar: WorkingCalendar, first: datetime, second: datetime, less: timedelta, more: timedelta
) -> None:
    less, more = sorted((less, more))
    earlier, later = sorted((first, second))
    assert calendar.add(earlier, less) <= calendar.add(later, less)
    assert calendar.add(earlier, less) <= calendar.add(earlier, more)


@given(calendars(), moments, st.integers(1, 60 * 60))
@settings(max_examples=40, deadline=None)
def test_what_is_added_ends_in_working_time(calendar: WorkingCalendar, moment: datetime, minutes: int) -> None:
    ended = calendar.add(moment, timedelta(minutes=minutes))
    assert calendar.is_working(ended - timedelta(microseconds=1))


@given(calendars(), days, days)
@settings(max_examples=40, deadline=None)
def test_the_hours_of_days_are_the_time_between_their_midnights(
    calendar: WorkingCalendar, first: date, second: date
) -> None:
    begin, end = sorted((first, min(second, first + timedelta(days=90))))
    whole = sum((calendar.worked_on(begin + timedelta(days=at)) for at in range((end - begin).days + 1)), timedelta(0))
    midnight = datetime.combine(begin, time(0), tzinfo=calendar.zone)
    assert calendar.between(midnight, calendar.end_of(end)) == whole


@given(calendars(), days, st.integers(-40, 40))
@settings(max_examples=40, deadline=None)
def test_working_days_count_back(calendar: WorkingCalendar, day: date, count: int) -> None:
    there = calendar.add_days(day, count)
    assert abs(calendar.days_between(day, there)) == (abs(count) if count >= 0 else _back(calendar, there, day))
    assert count == 0 or calendar.is_working_day(there)


def _back(calendar: WorkingCalendar, there: date, day: date) -> int:
    """Working days after `there` up to `day`, counted one by one."""
    return sum(calendar.is_working_day(there + timedelta(days=at)) for at in range(1, (day - there).days + 1))
