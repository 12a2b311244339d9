"""Quantities and buckets of cases: decimals outside, ints of a fine scale and days inside, plain JSON numbers back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import TypeVar

from canonical.plan import Plan
from canonical.strict_yaml import Path_, suggest
from planning.cases.forms import PAST_DUE, Bucket

SCALES = (10**10, 10**8, 10**6, 10**4, 10**2, 1)
"""Scaled units of one unit, the finest first; what it makes too large for 64 bits is planned in the next."""
FIRST_DAY = date(2000, 1, 1)
_TOO_LARGE = frozenset({"overflow", "absurd_quantity"})
_WEEK = 7
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class CaseFault:
    """What a case says that cannot be, where it says so, and what to do."""

    path: Path_
    message: str
    hint: str | None = None


class CaseRefused(ValueError):
    """A case that cannot be planned as it stands."""

    def __init__(self, *faults: CaseFault) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{'.'.join(map(str, one.path))}: {one.message}" for one in faults))


def scaled(value: Decimal, scale: int) -> int:
    """A quantity in scaled units, rounded up."""
    return ceil(Fraction(value) * scale)


def number(value: Fraction) -> int | float:
    """A JSON number, to nine places."""
    rounded = round(value, 9)
    return int(rounded) if rounded.denominator == 1 else float(rounded)


def in_the_finest_scale(planned: Callable[[int], tuple[Plan, Outcome]]) -> Outcome:
    """What planning gives in the finest scale whose quantities fit; the last scale's outcome in any case."""
    for scale in SCALES:
        plan, outcome = planned(scale)
        if not any(problem.kind in _TOO_LARGE for problem in plan.problems):
            break
    return outcome


def chosen(lines: dict[str, Callable[[], object]], asked: Iterable[str], path: Path_) -> dict[str, object]:
    """The lines of an answer that are asked for; raises CaseRefused for one that is none."""
    names = list(asked)
    faults = [
        CaseFault((*path, name), f"no line {name!r} is known; known: {', '.join(sorted(lines))}", suggest(name, lines))
        for name in names
        if name not in lines
    ]
    if faults:
        raise CaseRefused(*faults)
    return {name: lines[name]() for name in names}


@dataclass(frozen=True, slots=True)
class Buckets:
    """Bucket k is k - 1 days after the first day, whatever it stands for; dates are counted from `start`."""

    start: date | None = None
    days: int = 1

    @classmethod
    def of(cls, unit: str, start: date | None) -> Buckets:
        """From `week`, or `day (1 = 2015-01-01)`; `start` goes before a date in the unit."""
        told = re.search(r"\d{4}-\d{2}-\d{2}", unit)
        return cls(start or (date.fromisoformat(told[0]) if told else None), _WEEK if "week" in unit.lower() else 1)

    def number(self, bucket: Bucket, path: Path_) -> int:
        """The bucket's number, 1 for all that is overdue; raises CaseRefused for what names none."""
        text = str(bucket)
        if text == PAST_DUE or re.fullmatch(r"-?\d{1,5}", text):
            return 1 if text == PAST_DUE else max(int(text), 1)
        try:
            day = date.fromisoformat(text[:10])
        except ValueError:
            raise CaseRefused(CaseFault(path, f"{text!r} is no bucket", "Say its number, from 1, or a date")) from None
        if self.start is None:
            raise CaseRefused(CaseFault(path, "a date, and nothing says which day bucket 1 is", "Add `start`"))
        return max((day - self.start).days // self.days + 1, 1)


def bucket_day(bucket: int) -> date:
    """The planner's day of a bucket."""
    return FIRST_DAY + timedelta(bucket - 1)


def bucket_of(day: date) -> int:
    """The bucket of a planner's day; 0 and less are before the first."""
    return (day - FIRST_DAY).days + 1
