"""What each work centre has on each day: its hours on working days, what a system says of single days before them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.golden_rows import rows
from planning.load import MINUTE, Capacity
from planning.workdays import WorkDays, work_days

if TYPE_CHECKING:
    from canonical.plan import PlanningSnapshot
    from pipeline.golden_rows import Frames

DAYS = 1101
HOUR = 60 * MINUTE
FIVE_DAYS = 5
"""Working days of a week where no calendar says otherwise."""


def capacities(frames: Frames, picture: PlanningSnapshot, company: str | None = None) -> Capacity:
    """Thousandths of a second by work centre and day from the planning day on; centres without hours have no limit.

    A day of maintenance is a day of the centre's calendar with fewer hours, or none; `company` names the calendar of
    centres that name none.
    """
    known = {calendar.name: work_days(calendar) for calendar in picture.calendars}
    single: dict[str, dict[date, Decimal]] = {}
    for row in rows(frames, "calendar_day"):
        single.setdefault(row["calendar"], {})[row["day"]] = row["hours"]
    found = {}
    for row in rows(frames, "work_centre"):
        if row["hours_per_day"] is not None:
            name = row["calendar"] or company
            own = single.get(name or "", {})
            found[row["golden_id"]] = _days(picture.as_of, row["hours_per_day"], known.get(name or ""), own)
    return found


def _days(as_of: date, hours: Decimal, calendar: WorkDays | None, single: Mapping[date, Decimal]) -> tuple[int, ...]:
    days = [as_of + timedelta(number) for number in range(DAYS)]
    return tuple(int(single.get(day, hours if _works(day, calendar) else Decimal(0)) * HOUR) for day in days)


def _works(day: date, calendar: WorkDays | None) -> bool:
    if calendar is None:
        return day.weekday() < FIVE_DAYS
    return calendar.number(day.toordinal() + 1) > calendar.number(day.toordinal())
