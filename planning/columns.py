"""What the compiled planner reads and writes: tables of ints, no string, no object.

Items are numbered in planning order (low-level code, then code), roots in the order of their text, days from the
planning day. `ITEM` rows name where the item's rows of the other tables begin; one row more than there are items says
where they end. A consumer is an order number, or `-1 - n` for the n-th *fixed* consumer (demand, firm order, safety
stock), which was known before planning. `planning.encoding` fills these, `planning.decoding` reads them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Table = NDArray[np.void]
LIMIT = 2**61
"""Quantities above this are left to the plain planner, so that no sum in the compiled one can overflow."""

OWNER_STEP = 2**40
"""Between the places of two owners' orders among the consumers of one root."""


def row_type(wide: str, narrow: str = "") -> np.dtype[np.void]:
    """A row of int64 fields, then int32 ones."""
    fields = [(name, np.int64) for name in wide.split()] + [(name, np.int32) for name in narrow.split()]
    return np.dtype(fields, align=True)


ITEM = row_type(
    "lead unit smallest largest period top_up scale place need_from need_to supply_from supply_to line_from "
    "document_from claim_from scrap_from substitute_from yield_from",
    "blocked apart calendar safety frozen arrival late_end safety_consumer merge pool",
)
"""Lead time in working days of the calendar, lot rule (0: none), whether no order can be planned, place among
consumers, first rows of the other tables. `arrival` is the day a new order can be there, `late_end` the day a make
order is there that starts on the planning day, `top_up` what is ordered beyond the safety stock. `merge` is MERGE_ALL,
MERGE_STOCK or MERGE_NONE, `pool` the same number for items whose substitutes are coupled, -1 where it has none."""
MERGE_ALL, MERGE_STOCK, MERGE_NONE = 0, 1, 2
"""Which needs of one day and urgency count as one: all, those without a root, none (see `kernels.ranking`)."""
NEED = row_type("urgency day fixed quantity")
"""Independent need; `urgency` is the rank of (tier, priority)."""
FIXED = row_type("place sub root parent")
"""Consumer known before planning: (place, sub) sorts it among all consumers of its root; a firm order's item or -1."""
SUPPLY = row_type("day quantity reserved traced on_hand made item")
"""Supply not planned with its item, in the order of the keys; `reserved` is a root or -1, `made` the order it is a
by-product of or -1."""
LINE = row_type("parent numerator denominator from_day until_day")
"""What a parent's orders draw of a component that start within these days: `numerator / denominator` per unit."""
DOCUMENT = row_type("root number")
"""Order number that must not be used again, by (root, number)."""
CLAIM = row_type("consumer quantity owner stays first last made")
"""Earlier peg by consumer code: on a planned order (`owner` >= 0) or on the supplies `targets[first:last]` and the
by-product of the order with the code `made` (-1: none)."""
SCRAP = row_type("day ppm")
"""Scrap rate of orders due on this day or later."""
SUBSTITUTE = row_type("item numerator denominator before_own parent product customer from_day until_day")
"""Stand-in for an item, by priority; parent (item), product (item) and customer are -1 where any will do."""
YIELD = row_type("parent numerator denominator")
"""By-product of a parent's orders, per unit started, rounded down."""
ORDER = row_type("quantity surplus", "item owner root number due overdue")
"""Planned order; days count from the planning day, `owner` and `number` are the end of its key, `overdue` says that it
should have started before the planning day."""
DRAW = row_type("quantity", "start urgency")
"""What is started by the order with the same number, and when: all that its components ask for."""
PEG = row_type("quantity", "supply consumer")
"""Peg; `supply` is an order number or `-1 - n` for the n-th supply, by-products after those known before planning.
A consumer below MERGED is a run: all needs of one day and urgency, served in rank order; `kernels.unfolding` parts it.
"""
MERGED = -(2**30)
MOST_MERGED = 2**18
SHORT = row_type("item consumer day quantity")
"""What nothing covers, because no order can be planned for the item."""
SCRAP_RULES = ("multiply", "divide", "add_percent_round_up", "sqrt")


class NotCovered(Exception):
    """The compiled planner does not know this case; the message names it. The plain planner does."""


class Rules(NamedTuple):
    """The policies, and how many of each thing there are."""

    latest_first: bool
    take_late: bool
    by_date: bool
    reserved_waits: bool
    scrap_rule: int
    days: int
    roots: int
    places: int
    stock_root: int
    claim_numbers: int
    urgencies: int
    bucket: int


class Columns(NamedTuple):
    """One snapshot as the compiled planner reads it.

    `date_root` numbers each day as an owner (`need_date`). `work_number` gives, one calendar after the other, how many
    working days lie between the planning day and each day, `work_day` the working day of each such number.
    `root_product` and `root_customer` are numbers by root, empty where no substitute asks for them, `root_rank` says
    how roots sort. `first_day` is the first day of each day's bucket, `level_from` the first item of each level, and
    one more than the last.
    """

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
    scrap: Table
    substitutes: Table
    yields: Table
    work_number: Ints
    work_day: Ints
    root_product: Ints
    root_customer: Ints
    root_rank: Ints
    first_day: Ints
    level_from: Ints


class Spans(NamedTuple):
    """By item: its first row, and the row after its last, among orders, pegs and shortages."""

    order_from: Ints
    order_to: Ints
    peg_from: Ints
    peg_to: Ints
    short_from: Ints
    short_to: Ints


class Pages(NamedTuple):
    """What is planned: orders with what they draw, pegs, shortages; `filled` counts them, `spans` are the items'."""

    orders: Table
    draws: Table
    pegs: Table
    shorts: Table
    filled: Ints
    spans: Spans


class Shelf(NamedTuple):
    """Supplies not planned with their item, what is left of each, and the first day each is wanted (-1: never).

    `arising` are the first and last by-product of each item; `used` is how many supplies there are.
    """

    rows: Table
    free: Ints
    wanted: Ints
    arising: Ints
    used: Ints


class Result(NamedTuple):
    """What the compiled planner found; `ok` is False where a quantity passed LIMIT and nothing else counts."""

    ok: bool
    pages: Pages
    shelf: Shelf


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


def unzip(rows: Iterable[tuple[int, ...]], width: int) -> list[Ints]:
    """The columns of equally long rows."""
    found = ints(list(rows)).reshape(-1, width)
    return [np.ascontiguousarray(found[:, column]) for column in range(width)]
