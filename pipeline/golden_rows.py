"""Golden rows as the planner's picture reads them, and quantities in the planner's scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from typing import Any

import polars as pl

from canonical.plan import DEFAULT_SCALE
from pipeline.cuts import Cut

Frames = Mapping[str, pl.DataFrame]
Row = Mapping[str, Any]
ZERO = Decimal(0)
MILLION = 1_000_000
FEW = 512
"""So many rows are made at once: their iterator, which makes as many at a time, costs more than the rows."""


def rows(frames: Frames, entity: str) -> Iterator[Row]:
    """The golden rows of one entity; none where nothing was ever landed."""
    if isinstance(frames, Cut):
        return iter(frames.rows(entity))
    frame = frames.get(entity)
    if frame is None:
        return iter(())
    return iter(frame.rows(named=True)) if frame.height <= FEW else frame.iter_rows(named=True)


def scaled(quantity: Decimal) -> int:
    """Stocking units to planning units (millionths), rounded up where a source gives more than six places."""
    return int((quantity * DEFAULT_SCALE).to_integral_value(rounding=ROUND_CEILING))


def unscaled(quantity: int) -> Decimal:
    """Planning units to stocking units, exactly."""
    return Decimal(quantity) / DEFAULT_SCALE


def ppm(share: Decimal | None) -> int:
    """A share as parts per million, to the nearest one."""
    return int(((share or ZERO) * MILLION).to_integral_value(rounding=ROUND_HALF_EVEN))


def begins(row: Row) -> date | None:
    """The first day a dated row holds."""
    found: date | None = row.get("valid_from")
    return found


def ends(row: Row) -> date | None:
    """The first day a dated row no longer holds; a year 9999 is how systems write that there is none."""
    found: date | None = row.get("valid_to")
    return None if found is not None and found.year == date.max.year else found


def in_force(row: Row, day: date) -> bool:
    """Whether a dated row holds on a day."""
    first, until = begins(row), ends(row)
    return (first is None or first <= day) and (until is None or until > day)
