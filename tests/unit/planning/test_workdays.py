from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from canonical.plan import PlanCalendar
from planning.workdays import WorkDays, has_working_days

MONDAY = date(2026, 3, 2)
GOLDEN_WEEK = tuple((date(2026, 10, day), False) for day in range(1, 8))


def test_start__takes_the_working_days_before_the_due_day() -> None:
    days = WorkDays(PlanCalendar("plant"))
    friday = (MONDAY - timedelta(3)).toordinal()
    assert days.start(MONDAY.toordinal(), 1) == friday
    assert days.start(MONDAY.toordinal() - 1, 1) == friday
    assert days.start(MONDAY.toordinal(), 5) == MONDAY.toordinal() - 7
    assert days.start(MONDAY.toordinal() - 1, 0) == MONDAY.toordinal() - 1
    assert days.end(friday, 1) == MONDAY.toordinal()


def test_start__a_holiday_does_not_count() -> None:
    days = WorkDays(PlanCalendar("plant", exceptions=(*GOLDEN_WEEK, (date(2026, 10, 10), True))))
    assert days.start(date(2026, 10, 9).toordinal(), 2) == date(2026, 9, 30).toordinal()
    assert days.end(date(2026, 9, 30).toordinal(), 3) == date(2026, 10, 10).toordinal()


def test_has_working_days__a_week_without_any_is_no_calendar() -> None:
    assert not has_working_days(PlanCalendar("never", (False,) * 7))
    assert not has_working_days(PlanCalendar("short", (True,)))


patterns = st.lists(st.booleans(), min_size=7, max_size=7).filter(any).map(tuple)
exceptions = st.dictionaries(st.integers(-40, 40).map(lambda n: MONDAY + timedelta(n)), st.booleans(), max_size=12)


@given(patterns, exceptions, st.integers(-30, 30), st.integers(1, 12))
def test_start_and_end__count_as_one_would_by_hand(
    pattern: tuple[bool, ...], other: dict[date, bool], due: int, lead: int
) -> None:
    calendar = PlanCalendar("any", pattern, tuple(other.items()))
    days = WorkDays(calendar)

    def works(day: date) -> bool:
        return other.get(day, pattern[day.weekday()])

    wanted = MONDAY + timedelta(due)
    start, left = wanted, lead
    while left:
        start -= timedelta(1)
        left -= works(start)
    assert days.start(wanted.toordinal(), lead) == start.toordinal()
    end, left = wanted, lead
    while left or not works(end):
        left -= works(end)
        end += timedelta(1)
    assert days.end(wanted.toordinal(), lead) == end.toordinal()
