"""What the compiled planner reads and writes: plain int arrays, no string, no object.

Items are numbered in planning order (low-level code, then code), roots in the order of their text, days from the
planning day. `*_from` arrays have one entry more than there are items: the rows of item `i` are `from[i]` up to
`from[i + 1]`. A consumer is an order number, or `-1 - n` for the n-th *fixed* consumer (demand, firm order, safety
stock), which was known before planning. `planning.encoding` fills these, `planning.decoding` reads them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
LIMIT = 2**61
"""Quantities above this are left to the plain planner, so that no sum in the compiled one can overflow."""


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


class Items(NamedTuple):
    """By item: lead time in days, lot rule (0: none), whether no order can be planned, place among consumers."""

    lead: Ints
    unit: Ints
    smallest: Ints
    largest: Ints
    period: Ints
    blocked: Ints
    place: Ints


class Needs(NamedTuple):
    """Independent needs by item; `urgency` is the rank of (tier, priority)."""

    start: Ints
    urgency: Ints
    day: Ints
    fixed: Ints
    quantity: Ints


class Fixed(NamedTuple):
    """Consumers known before planning. (`place`, `sub`) sorts them among all consumers of one root."""

    place: Ints
    sub: Ints
    root: Ints


class Supplies(NamedTuple):
    """Existing supply by item, in the order of its keys; `reserved` is a root or -1."""

    start: Ints
    day: Ints
    quantity: Ints
    reserved: Ints
    traced: Ints
    on_hand: Ints


class Lines(NamedTuple):
    """What each component's parents draw of it: `numerator / denominator` per scaled unit."""

    start: Ints
    parent: Ints
    numerator: Ints
    denominator: Ints


class Documents(NamedTuple):
    """Order numbers that must not be used again, by item, sorted by (root, number)."""

    start: Ints
    root: Ints
    number: Ints


class Claims(NamedTuple):
    """Prior pegs by item, sorted by consumer code; either on a planned order (`owner` >= 0) or on listed supplies."""

    start: Ints
    consumer: Ints
    quantity: Ints
    owner: Ints
    stays: Ints
    first: Ints
    last: Ints
    targets: Ints


class Columns(NamedTuple):
    """One snapshot as the compiled planner reads it; `date_root` numbers each day as an owner (`need_date`)."""

    rules: Rules
    items: Items
    needs: Needs
    fixed: Fixed
    supplies: Supplies
    lines: Lines
    documents: Documents
    claims: Claims
    date_root: Ints


class Orders(NamedTuple):
    """Planned orders, those of one item together; days from the planning day, `number` is the last part of the key."""

    item: NDArray[np.int32]
    root: NDArray[np.int32]
    number: NDArray[np.int32]
    due: NDArray[np.int32]
    urgency: NDArray[np.int32]
    quantity: Ints
    surplus: Ints


class Pegs(NamedTuple):
    """Pegs, those of one item together; `supply` is an order number or `-1 - n` for the n-th existing supply."""

    supply: NDArray[np.int32]
    consumer: NDArray[np.int32]
    quantity: Ints


class Shorts(NamedTuple):
    """What nothing covers, because no order can be planned for the item."""

    item: Ints
    consumer: Ints
    day: Ints
    quantity: Ints


class Result(NamedTuple):
    """What the compiled planner found; `ok` is False where a quantity passed LIMIT and nothing else counts."""

    ok: bool
    orders: Orders
    order_start: Ints
    pegs: Pegs
    peg_start: Ints
    shorts: Shorts
    free: Ints
    wanted: Ints


def starts(owners: Ints, count: int) -> Ints:
    """The `*_from` array of rows sorted by owner."""
    return np.searchsorted(owners, np.arange(count + 1)).astype(np.int64)


def ints(values: Any) -> Ints:  # noqa: ANN401 - whatever numpy takes
    """An int64 array; raises OverflowError for what does not fit."""
    return np.array(values, dtype=np.int64)
