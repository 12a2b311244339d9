"""What planned orders need of each work centre, week by week, beside the working time it has there."""

from __future__ import annotations

from fractions import Fraction

import polars as pl

from canonical.plan import Plan, PlanningSnapshot
from planning.answers import rough_cut
from planning.workdays import WorkDays, work_days
from store.plan_rows import LoadRow

MINUTE, HOUR = 60, 3600
WEEK = 7
FIVE = 5
"""Working days of a week where no calendar says otherwise."""


def work_loads(plan: Plan, picture: PlanningSnapshot, centres: pl.DataFrame | None) -> list[LoadRow]:
    """Seconds needed and available, by work centre and week; a week has the working days of the centre's calendar.

    Where a centre names no calendar that is known, it works five days a week.
    """
    scales = {item.code: item.scale for item in picture.items}
    calendars = {calendar.name: work_days(calendar) for calendar in picture.calendars}
    rows = [] if centres is None else centres.to_dicts()
    hours = {row["golden_id"]: Fraction(row["hours_per_day"]) for row in rows if row["hours_per_day"] is not None}
    days = {row["golden_id"]: calendars[row["calendar"]] for row in rows if row["calendar"] in calendars}
    found = []
    for load in rough_cut(plan, picture.operations, {}, scales):
        centre, first = load.work_centre, load.week.toordinal()
        worked = _days(days.get(centre), first)
        available = int(hours[centre] * HOUR * worked) if centre in hours else None
        found.append(LoadRow(centre, load.week, int(load.needed * MINUTE), available))
    return found


def _days(calendar: WorkDays | None, first: int) -> int:
    """How many working days the week that begins on this day ordinal has."""
    return FIVE if calendar is None else calendar.number(first + WEEK) - calendar.number(first)
