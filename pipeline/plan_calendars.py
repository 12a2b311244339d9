"""The days lead times count: the company's working calendar, and that of the work centre where an item is begun."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache

from canonical.plan import PlanCalendar
from pipeline.golden_rows import Frames, Row, rows
from pipeline.planning_settings import Planning, working_calendar

FIVE_DAYS = (True, True, True, True, True, False, False)


def plan_calendars(frames: Frames, planning: Planning) -> tuple[PlanCalendar, ...]:
    """Every calendar that is named and known; the planner names the others.

    A shipped calendar has its own week and holidays. Days that a system tells of (`calendar_day`) go before them; a
    calendar of which there are only such days has the company's week.
    """
    days: defaultdict[str, dict[date, bool]] = defaultdict(dict)
    for row in rows(frames, "calendar_day"):
        days[row["calendar"]][row["day"]] = row["hours"] > 0
    named = {row["calendar"] for row in rows(frames, "work_centre") if row["calendar"]}
    named |= {planning.calendar} if planning.calendar else set()
    company = _shipped(planning.calendar) if planning.calendar else None
    week = company.weekdays if company else FIVE_DAYS
    return tuple(_calendars(sorted(named), days, week))


def _calendars(
    named: list[str], days: Mapping[str, Mapping[date, bool]], week: tuple[bool, ...]
) -> Iterator[PlanCalendar]:
    for name in named:
        shipped = _shipped(name)
        if shipped is None and name not in days:
            continue
        base = shipped or PlanCalendar(name, week)
        differing = {**dict(base.exceptions), **days.get(name, {})}
        yield PlanCalendar(name, base.weekdays, tuple(sorted(differing.items())))


@lru_cache(maxsize=32)
def _shipped(name: str) -> PlanCalendar | None:
    known = working_calendar(name)
    if known is None:
        return None
    weekdays = tuple(bool(shifts) for shifts in known.week)
    differing = {day: bool(shifts) for day, shifts in known.days.items() if bool(shifts) != weekdays[day.weekday()]}
    return PlanCalendar(name, weekdays, tuple(sorted(differing.items())))


def centre_calendars(frames: Frames) -> Mapping[str, str]:
    """Work centre → its calendar, for those that name one."""
    return {row["golden_id"]: row["calendar"] for row in rows(frames, "work_centre") if row["calendar"]}


def calendar_of(steps: list[Row], centres: Mapping[str, str], company: str | None) -> str | None:
    """The calendar an item made in these steps counts by: that of the first work centre that has one of its own."""
    return next((centres[step["work_centre"]] for step in steps if step["work_centre"] in centres), company)
