"""Room the compiled planner works in: the needs, allocations and lots of the item in hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from planning.columns import MOST_MERGED, row_type
from planning.kernels.compiling import allocating, either_way

if TYPE_CHECKING:
    from planning.columns import Columns

RANKED = row_type("raw_consumer raw_quantity raw_urgency raw_day raw_root urgency day root consumer open next")
"""A need: as pulled (`raw_*`, in any order), and in rank order."""
TAKE = row_type("supply need quantity")
ARRIVED = row_type("need quantity")
PLANNED = row_type("need owner quantity")
GROUP = row_type("owner day total sized urgency first last")
SHARE = row_type("need quantity next")
OVER = row_type("key group")
MARK = row_type("group_turn group list_turn head tail")
"""By root: the turn that last used the entry (0: none), and what it stored there."""
CELL = row_type("quantity turn")
"""By urgency and day: what merged needs ask for, and in which turn."""


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
    """Ints to borrow while one item is planned; `used` is (how many, which turn it is, how many needs the item has)."""

    ints: Any
    used: Any


class Groups(NamedTuple):
    """Planned orders in the making, their shares as linked lists, and the lots with something over.

    `count` is (groups, shares, lots over, 1 where a quantity passed the limit, the turn: which marks are of this item).
    """

    rows: Any
    shares: Any
    over: Any
    count: Any


@either_way
def new_sheet(n: int) -> Any:
    return Sheet(
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n + 2, np.int64),
    )


@either_way
def new_taken(n: int, claims: int) -> Any:
    """Every allocation uses up a need, a supply or a claim: `n` bounds the first two, twice the claims the rest."""
    rows = np.empty(n + 2 * claims, TAKE)
    return Taken(rows, np.empty(claims, ARRIVED), np.empty(claims, PLANNED), np.zeros(3, np.int64))


@either_way
def new_groups(n: int, claims: int) -> Any:
    """Every share uses up a need, a claim or what a lot had over, and a lot has something over once per growth."""
    shares = 3 * n + 2 * claims + 8
    return Groups(np.empty(n + claims, GROUP), np.empty(shares, SHARE), np.empty(shares, OVER), np.zeros(5, np.int64))


class Bench(NamedTuple):
    """All the room one thread plans in."""

    desk: Any
    sheet: Any
    taken: Any
    groups: Any
    marks: Any
    owners: Any
    room: Any
    cells: Any


def new_bench(columns: Columns) -> Bench:
    size, roots = 256, columns.rules.roots
    claims = int(np.diff(columns.items["claim_from"]).max(initial=0))
    merged = columns.rules.urgencies * columns.rules.days
    room = Room(np.empty(64 * size, np.int64), np.zeros(3, np.int64))
    return Bench(
        np.empty(size, RANKED), new_sheet(size), new_taken(2 * size, claims), new_groups(size, claims),
        np.zeros(roots, MARK), np.empty(roots, np.int64), room, np.zeros(merged if merged <= MOST_MERGED else 1, CELL),
    )  # fmt: skip


@allocating
def longer_bench(bench: Any, most: int, gifts: int, claims: int) -> Any:
    """Room for so many needs and for so much that supplies can give."""
    size = max(2 * most, len(bench.desk))
    used = bench.room.used
    room = Room(np.empty(24 * (size + 2 * gifts) + 128, np.int64), used)
    taken = new_taken(2 * max(gifts, size), claims)
    return Bench(
        np.empty(size, RANKED), new_sheet(size), taken, new_groups(size, claims), bench.marks, bench.owners, room,
        bench.cells,
    )  # fmt: skip
