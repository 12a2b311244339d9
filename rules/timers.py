"""Timers: what has to happen within so much working time, and what follows where it does not.

A rule with `within` and `escalate` starts a timer for the record it fires on. The timer stands as long as the
record is there and the rule's conditions hold; what people wait for is therefore what makes a condition false
(`unless: status == "ordered"`). When it runs out, the rule's `escalate` is acted on, once.

    within: {hours: 24, calendar: office}                 # working hours, from when the rule fired
    within: {hours: 0, calendar: office, from: due}       # from a field of the record: when the day is over
    within: {days: 2, calendar: office}                   # whole working days: until the end of the second
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from canonical.calendars import NoWorkingTimeError, WorkingCalendar
from rules.diff import Change

MICROSECONDS = 3_600_000_000
"""An hour of them."""


class Within(BaseModel):
    """How much working time there is, by which calendar, counted from when."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    hours: Decimal | None = Field(default=None, ge=0, le=20_000)
    days: int | None = Field(default=None, ge=0, le=2_000)
    calendar: str
    from_: str | None = Field(default=None, alias="from")
    """A field of the fact with a day or a moment; left out: the moment the rule fires."""

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.hours is None) == (self.days is None):
            raise ValueError("say either hours or days")
        return self

    def due(self, base: datetime, calendar: WorkingCalendar) -> datetime | None:
        """When the time is up (UTC), counted from `base`; None where that is beyond the end of all dates.

        Where nobody works any more by the calendar it is counted around the clock: better too early than never.
        """
        hours = timedelta(microseconds=int((self.hours or 0) * MICROSECONDS))
        with suppress(NoWorkingTimeError, OverflowError):
            if self.days is not None:
                return calendar.end_of(calendar.add_days(calendar.day_of(base), self.days))
            return calendar.add(base, hours)
        with suppress(OverflowError):
            return base + timedelta(days=self.days or 0) + hours
        return None


@dataclass(frozen=True, slots=True)
class Watched:
    """A record that changed, seen by one rule that has a timer: `fired` now, and whether its conditions hold."""

    rule: str
    within: Within
    change: Change
    fired: bool
    holds: bool


@dataclass(frozen=True, slots=True)
class TimerDraft:
    """A timer to be started: it runs out at `due_at`, counted from `base`."""

    rule: str
    change: Change
    base: datetime
    due_at: datetime


TimerKey = tuple[str, str, str]
"""Rule, fact and key of the record: there is at most one timer for them."""


@dataclass(frozen=True, slots=True)
class TimerChanges:
    """What becomes of timers because of some changes; what is cancelled goes before what is started."""

    cancelled: tuple[TimerKey, ...]
    started: tuple[TimerDraft, ...]


def timer_changes(
    watched: Iterable[Watched],
    standing: Mapping[TimerKey, datetime],
    calendars: Mapping[str, WorkingCalendar],
    now: datetime,
) -> TimerChanges:
    """Which timers start and which are cancelled; `standing` holds those that run or ran out, with their base.

    A rule that fires again does not start its timer anew, unless the moment it counts from is another now.
    """
    cancelled: list[TimerKey] = []
    started: list[TimerDraft] = []
    for one in watched:
        key = (one.rule, one.change.entity, one.change.key)
        base = counted_from(one.within, one.change.new, calendars[one.within.calendar], now) if one.holds else None
        kept = key in standing and base is not None and (one.within.from_ is None or standing[key] == base)
        if key in standing and not kept:
            cancelled.append(key)
        if base is not None and not kept and (one.fired or key in standing):
            due_at = one.within.due(base, calendars[one.within.calendar])
            started += [] if due_at is None else [TimerDraft(one.rule, one.change, base, due_at)]
    return TimerChanges(tuple(cancelled), tuple(started))


def counted_from(
    within: Within, row: Mapping[str, Any] | None, calendar: WorkingCalendar, now: datetime
) -> datetime | None:
    """The moment a timer counts from: now, or its field of the record (of a day: its end).

    None where that is empty, or the last day of all, by which systems mean none.
    """
    if row is None:
        return None
    if within.from_ is None:
        return now
    value = row[within.from_]
    if isinstance(value, datetime):
        return value
    return calendar.end_of(value) if isinstance(value, date) and value < date.max else None
