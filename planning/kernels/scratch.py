"""Room the compiled planner works in: the needs, allocations and lots of the item in hand."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planning.columns import row_type
from planning.kernels.compiling import allocating

RANKED = row_type("raw_consumer raw_quantity raw_urgency raw_day raw_root urgency day root consumer open next")
"""A need: as pulled (`raw_*`, in any order), and in rank order."""
TAKE = row_type("supply need quantity")
ARRIVED = row_type("need quantity")
PLANNED = row_type("need owner quantity")
GROUP = row_type("owner day total sized urgency first last")
SHARE = row_type("need quantity next")
OVER = row_type("key group")
MARK = row_type("group_item group list_item head tail")
"""By root: the item that last used the entry, and what it stored there."""


class Sheet(NamedTuple):
    """Room to sort the ranks of one item's needs."""

    key: Any
    position: Any
    spare_key: Any
    spare_position: Any
    runs: Any


class Taken(NamedTuple):
    """What existing supply gives, and what is left of prior pegs; `count` is (taken, arrived, planned)."""

    rows: Any
    arrived: Any
    planned: Any
    count: Any


class Room(NamedTuple):
    """Ints to borrow while one item is planned; `used` counts them."""

    ints: Any
    used: Any


class Shelf(NamedTuple):
    """Supplies not planned with their item, what is left of each, and the first day each is wanted (-1: never).

    `arising` are the first and last by-product of each item.
    """

    rows: Any
    free: Any
    wanted: Any
    arising: Any


class Groups(NamedTuple):
    """Planned orders in the making, their shares as linked lists, and the lots with something over.

    `count` is (groups, shares, lots over, 1 where a quantity passed the limit).
    """

    rows: Any
    shares: Any
    over: Any
    count: Any


@allocating
def new_sheet(n: int) -> Any:
    return Sheet(
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n + 2, np.int64),
    )


@allocating
def new_taken(n: int, claims: int) -> Any:
    """Every allocation uses up a need, a supply or a claim: `n` bounds the first two, twice the claims the rest."""
    rows = np.empty(n + 2 * claims, TAKE)
    return Taken(rows, np.empty(claims, ARRIVED), np.empty(claims, PLANNED), np.zeros(3, np.int64))


@allocating
def new_groups(n: int, claims: int) -> Any:
    """Every share uses up a need, a claim or what a lot had over, and a lot has something over once per growth."""
    shares = 3 * n + 2 * claims + 8
    return Groups(np.empty(n + claims, GROUP), np.empty(shares, SHARE), np.empty(shares, OVER), np.zeros(4, np.int64))


@allocating
def new_marks(roots: int) -> Any:
    marks = np.empty(roots, MARK)
    for root in range(roots):
        marks[root].group_item = marks[root].list_item = -1
    return marks
