"""Working time: which hours of which days somebody works, and arithmetic over them.

Shifts are local times of one zone; moments are aware and compared in UTC, so an hour is an hour also on the
days when clocks change. A local time that a change of clocks repeats means its first turn; a shift that lies
wholly in an hour that is skipped has no length. Everything is a value: no clock, no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
IDLE_DAYS = 800
"""A calendar that has no working time for so long is taken for one that has none at all."""
WORKING_WEEK = (0, 1, 2, 3, 4)
"""Monday to Friday, as `date.weekday` counts."""


class NoWorkingTimeError(ValueError):
    """A calendar has no working time within `IDLE_DAYS` of a day."""


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """From one local time to another; an end that is not after the begin is on the next day (00:00-00:00: all day)."""

    begin: time
    end: time

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its begin and end on a day, in UTC; the end is before the begin where clocks skip the shift."""
        last = day if self.end > self.begin else day + DAY
        return _utc(day, self.begin, zone), _utc(last, self.end, zone)


Shifts = tuple[Shift, ...]
Span = tuple[datetime, datetime]
ALL_DAY: Shifts = (Shift(time(0), time(0)),)


def _utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """A weekly pattern of shifts in one zone, and the days that differ from it (no shifts: a holiday)."""

    name: str
    zone: ZoneInfo
    week: tuple[Shifts, ...]
    """Monday first, seven of them."""
    days: Mapping[date, Shifts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.week) != len(("mon", "tue", "wed", "thu", "fri", "sat", "sun")):
            raise ValueError(f"calendar {self.name}: a week has seven days, not {len(self.week)}")

    # -- days

    def shifts_on(self, day: date) -> Shifts:
        """The shifts that begin on a day."""
        return self.days[day] if day in self.days else self.week[day.weekday()]

    def is_working_day(self, day: date) -> bool:
        """Whether any shift begins on a day."""
        return bool(self.shifts_on(day))

    def day_of(self, moment: datetime) -> date:
        """The local day of a moment."""
        return moment.astimezone(self.zone).date()

    def add_days(self, day: date, count: int) -> date:
        """The working day `count` working days after (negative: before) `day`.

        0 gives `day` itself, also where it is no working day. Raises `NoWorkingTimeError`.
        """
        step = DAY if count >= 0 else -DAY
        for _ in range(abs(count)):
            day = self._next_working_day(day + step, step)
        return day

    def days_between(self, begin: date, end: date) -> int:
        """Working days after `begin` up to and with `end`; negative where `end` is before `begin`."""
        if end < begin:
            return -self.days_between(end, begin)
        return sum(self.is_working_day(begin + DAY * number) for number in range(1, (end - begin).days + 1))

    def working_day_from(self, day: date) -> date:
        """`day`, or the first working day after it. Raises `NoWorkingTimeError`."""
        return self._next_working_day(day, DAY)

    def working_day_until(self, day: date) -> date:
        """`day`, or the last working day before it. Raises `NoWorkingTimeError`."""
        return self._next_working_day(day, -DAY)

    def _next_working_day(self, day: date, step: timedelta) -> date:
        for number in range(IDLE_DAYS):
            if self.is_working_day(day + step * number):
                return day + step * number
        raise NoWorkingTimeError(f"calendar {self.name}: no working day for {IDLE_DAYS} days from {day}")

    def end_of(self, day: date) -> datetime:
        """When a local day is over, in UTC."""
        return _utc(day + DAY, time(0), self.zone)

    # -- hours

    def worked_on(self, day: date) -> timedelta:
        """The working time of a local day, from midnight to midnight; what two shifts share counts once."""
        return sum((end - begin for begin, end in self._worked(day)), timedelta(0))

    def is_working(self, moment: datetime) -> bool:
        """Whether somebody works at a moment; the end of a shift is no longer in it."""
        return any(begin <= moment < end for begin, end in self._worked(self.day_of(moment)))

    def spans(self, since: datetime) -> Iterator[Span]:
        """Working time from a moment on, as (begin, end) in UTC, in order, without overlap, cut at midnight.

        It ends only where a calendar has no working time for `IDLE_DAYS`.
        """
        moment = since.astimezone(UTC)
        day, idle = self.day_of(moment), 0
        while idle < IDLE_DAYS:
            for begin, end in self._worked(day):
                if end > moment:
                    yield max(begin, moment), end
                    idle = 0
            day, idle = day + DAY, idle + 1

    def spans_before(self, until: datetime) -> Iterator[Span]:
        """Working time up to a moment, the latest first; otherwise as `spans`."""
        moment = until.astimezone(UTC)
        day, idle = self.day_of(moment), 0
        while idle < IDLE_DAYS:
            for begin, end in reversed(self._worked(day)):
                if begin < moment:
                    yield begin, min(end, moment)
                    idle = 0
            day, idle = day - DAY, idle + 1

    def add(self, moment: datetime, working: timedelta) -> datetime:
        """The first moment (UTC) by which so much has been worked since `moment`; a negative amount goes back.

        Adding nothing gives `moment` itself. Raises `NoWorkingTimeError`.
        """
        left = abs(working)
        moment = moment.astimezone(UTC)
        if not left:
            return moment
        back = working < timedelta(0)
        for begin, end in self.spans_before(moment) if back else self.spans(moment):
            if end - begin >= left:
                return end - left if back else begin + left
            left -= end - begin
        raise NoWorkingTimeError(f"calendar {self.name}: no working time near {moment}")

    def between(self, begin: datetime, end: datetime) -> timedelta:
        """The working time from `begin` to `end`; negative where `end` is before `begin`."""
        if end < begin:
            return -self.between(end, begin)
        total = timedelta(0)
        for since, until in self.spans(begin):
            if since >= end:
                break
            total += min(until, end) - since
        return total

    def _worked(self, day: date) -> list[Span]:
        """The working time of a local day in order: its own shifts, and what reaches into it from the day before."""
        shifts = [(near, shift) for near in (day - DAY, day) for shift in self.shifts_on(near)]
        if not shifts:
            return []
        midnight, next_midnight = _utc(day, time(0), self.zone), self.end_of(day)
        found = (shift.on(near, self.zone) for near, shift in shifts)
        inside = ((max(begin, midnight), min(end, next_midnight)) for begin, end in found)
        return _merged(sorted((begin, end) for begin, end in inside if end > begin))


def _merged(spans: list[Span]) -> list[Span]:
    """Spans in order, those that touch or overlap joined."""
    joined: list[Span] = []
    for begin, end in spans:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def hours_from(begin: time, hours: Decimal) -> Shifts:
    """One shift of so many hours from a local time; none for 0. Raises `ValueError` for more than 24 or less than 0."""
    if not 0 <= hours <= 24:  # noqa: PLR2004 - the hours of a day
        raise ValueError(f"a day has 0 to 24 hours, not {hours}")
    if not hours:
        return ()
    length = timedelta(microseconds=int(hours * 3_600_000_000))
    return (Shift(begin, (datetime.combine(date.min, begin) + length).time()),)


def work_centre_calendar(
    name: str,
    zone: ZoneInfo,
    hours_per_day: Decimal,
    days: Mapping[date, Decimal],
    *,
    begin: time = time(8),
    weekdays: tuple[int, ...] = WORKING_WEEK,
) -> WorkingCalendar:
    """The calendar of a work centre: its hours a day, and the hours of the days that differ (`CalendarDay`)."""
    shifts = hours_from(begin, hours_per_day)
    week = tuple(shifts if weekday in weekdays else () for weekday in range(7))
    return WorkingCalendar(name, zone, week, {day: hours_from(begin, hours) for day, hours in days.items()})
