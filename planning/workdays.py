"""Lead times in working days: which day an order has to start so that it is done by another.

A day's *number* is how many working days come before it. An order of n days that is due on a day takes the n working
days before that day; one that starts on a day is there on the n-th working day after the first it can work on.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from canonical.plan import PlanCalendar

WEEK = 7
MONDAY = 1
"""Day ordinal 1 was a Monday."""


class WorkDays:
    """The working days of one calendar, over all time: a weekly pattern in closed form, exceptions by bisection."""

    def __init__(self, calendar: PlanCalendar | None = None) -> None:
        pattern = calendar.weekdays if calendar else (True,) * WEEK
        self.every_day = all(pattern) and not (calendar and calendar.exceptions)
        self._before = [0, *accumulate(int(day) for day in pattern)]
        changed = sorted({day.toordinal(): works for day, works in (calendar.exceptions if calendar else ())}.items())
        self._days = [day for day, works in changed if works != pattern[(day - MONDAY) % WEEK]]
        steps = [1 if works else -1 for day, works in changed if works != pattern[(day - MONDAY) % WEEK]]
        self._steps = [0, *accumulate(steps)]
        self._found: dict[int, int] = {}

    def number(self, day: int) -> int:
        """How many working days there are before this day ordinal."""
        weeks, rest = divmod(day - MONDAY, WEEK)
        return weeks * self._before[WEEK] + self._before[rest] + self._steps[bisect_left(self._days, day)]

    def day(self, number: int) -> int:
        """The working day with this number."""
        found = self._found.get(number)
        if found is None:
            low = (number - self._steps[-1] - len(self._days)) * WEEK // self._before[WEEK] - WEEK * WEEK
            high = (number + 2 * len(self._days) + WEEK) * WEEK // self._before[WEEK] + WEEK * WEEK
            found = self._found[number] = low + bisect_left(
                range(low, high), number + 1, key=lambda d: self.number(d + 1)
            )
        return found

    def start(self, due: int, lead: int) -> int:
        """The day an order of `lead` working days starts that is due on `due`."""
        if self.every_day or not lead:
            return due - lead
        return self.day(self.number(due) - lead)

    def first_due(self, start: int, lead: int) -> int:
        """The first day an order of `lead` working days can be due that starts on `start` or later."""
        if self.every_day or not lead:
            return start + lead
        return self.day(self.number(start) + lead - 1) + 1

    def end(self, start: int, lead: int) -> int:
        """The day an order of `lead` working days is there that starts on `start` or the first working day after."""
        if self.every_day or not lead:
            return start + lead
        return self.day(self.number(start) + lead)


EVERY_DAY = WorkDays()


@lru_cache(maxsize=256)
def work_days(calendar: PlanCalendar) -> WorkDays:
    """The working days of a calendar; it must have a working weekday."""
    return WorkDays(calendar)


def has_working_days(calendar: PlanCalendar) -> bool:
    """Whether the weekly pattern is one of seven days with a working day among them."""
    return len(calendar.weekdays) == WEEK and any(calendar.weekdays)
