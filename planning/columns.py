"""What the compiled planner reads and writes: tables of ints, no string, no object.

Items are numbered in planning order (low-level code, then code), roots in the order of their text, days from the
planning day. `ITEM` rows name where the item's rows of the other tables begin; one row more than there are items says
where they end. A consumer is an order number, or `-1 - n` for the n-th *fixed* consumer (demand, firm order, safety
stock), which was known before planning. `planning.encoding` fills these, `planning.decoding` reads them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Table = NDArray[np.void]
LIMIT = 2**61
"""Quantities above this are left to the plain planner, so that no sum in the compiled one can overflow."""


def row_type(wide: str, narrow: str = "") -> np.dtype[np.void]:
    """A row of int64 fields, then int32 ones."""
    fields = [(name, np.int64) for name in wide.split()] + [(name, np.int32) for name in narrow.split()]
    return np.dtype(fields, align=True)


ITEM = row_type(
    "lead unit smallest largest period blocked place need_from supply_from line_from document_from claim_from"
)
"""Lead time in days, lot rule (0: none), whether no order can be planned, place among consumers, first rows."""
NEED = row_type("urgency day fixed quantity")
"""Independent need; `urgency` is the rank of (tier, priority)."""
FIXED = row_type("place sub root")
"""Consumer known before planning: (place, sub) sorts it among all consumers of its root."""
SUPPLY = row_type("day quantity reserved traced on_hand")
"""Existing supply, in the order of the keys; `reserved` is a root or -1."""
LINE = row_type("parent numerator denominator")
"""What a parent's orders draw of a component: `numerator / denominator` per scaled unit."""
DOCUMENT = row_type("root number")
"""Order number that must not be used again, by (root, number)."""
CLAIM = row_type("consumer quantity owner stays first last")
"""Prior peg by consumer code: on a planned order (`owner` >= 0) or on the supplies `targets[first:last]`."""
ORDER = row_type("quantity surplus", "item root number due urgency")
"""Planned order; `due` in days from the planning day, `number` is the last part of the key."""
PEG = row_type("quantity", "supply consumer")
"""Peg; `supply` is an order number or `-1 - n` for the n-th existing supply."""
SHORT = row_type("item consumer day quantity")
"""What nothing covers, because no order can be planned for the item."""


class Rules(NamedTuple):
    """The policies, and how many of each thing there are."""

    latest_first: bool
    take_late: bool
    by_date: bool
    days: int
    roots: int
    places: int
    stock_root: int
    claim_numbers: int


class Columns(NamedTuple):
    """One snapshot as the compiled planner reads it; `date_root` numbers each day as an owner (`need_date`)."""

    rules: Rules
    items: Table
    needs: Table
    fixed: Table
    supplies: Table
    lines: Table
    documents: Table
    claims: Table
    targets: Ints
    date_root: Ints


class Result(NamedTuple):
    """What the compiled planner found; `ok` is False where a quantity passed LIMIT and nothing else counts.

    `order_from` and `peg_from` give each item's first row, `free` what is left of each supply, `wanted` the day of
    its earliest need (-1: none).
    """

    ok: bool
    orders: Table
    order_from: Ints
    pegs: Table
    peg_from: Ints
    shorts: Table
    free: Ints
    wanted: Ints


def ints(values: Any) -> Ints:  # noqa: ANN401 - whatever numpy takes
    """An int64 array; raises OverflowError for what does not fit."""
    return np.array(values, dtype=np.int64)


def table(row: np.dtype[np.void], columns: dict[str, Any]) -> Table:
    """A table of this row type from equally long columns."""
    length = len(next(iter(columns.values())))
    rows: Table = np.zeros(length, row)
    for name, values in columns.items():
        rows[name] = values
    return rows
