"""The compiled planner: nets, sizes, offsets and pegs item by item over tables of ints, exactly as `planning.mrp` says.

Children pull: an item's needs are its independent ones and what the orders of its parents, which are planned by
then, draw of it. Compiled at first use and kept in `__pycache__` (or numba's own folder, where that cannot be
written).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planning.columns import ORDER, PEG, SHORT, Columns, Result
from planning.kernels.compiling import allocating, compiled, compiled_and_kept, fingerprint
from planning.kernels.lots import keep, order_lots, settle
from planning.kernels.matching import allocate, by_day, honour, reserve, supplies_of
from planning.kernels.ranking import fill_up, most_needs, pull, rank
from planning.kernels.scratch import RANKED, Room, Shelf, new_groups, new_marks, new_sheet, new_taken
from planning.kernels.sorting import borrow
from planning.kernels.substitution import arising_from, gather, pool_size, substitute
from planning.kernels.writing import longer, lot_count, peg_existing, write_groups, write_shorts

if TYPE_CHECKING:
    from collections.abc import Callable

OFTEN = 26


@compiled
def _match(
    item: int, n: int, columns: Any, orders: Any, desk: Any, shelf: Any, taken: Any, groups: Any, marks: Any, room: Any
) -> None:
    """The first half of `PlanningRun.plan_item`: what existing supply and earlier planned orders give."""
    taken.count[:] = 0
    groups.count[:] = 0
    if columns.items[item].claim_from < columns.items[item + 1].claim_from:
        honour(item, n, columns, orders, desk, shelf, taken)
    order = borrow(room, supplies_of(item, columns, shelf))
    by_day(item, order, columns, shelf, room)
    if len(order):
        reserve(0, n, order, 3 * item, desk, shelf, taken, marks, room)
    if not columns.items[item].blocked:
        keep(item, columns, desk, groups, marks, taken)
    if len(order):
        reserve(1, n, order, 3 * item + 1, desk, shelf, taken, marks, room)
    replaced = columns.items[item].substitute_from < columns.items[item + 1].substitute_from
    if replaced:
        substitute(1, item, n, columns, orders, desk, shelf, taken, room)
    if len(order):
        allocate(item, n, order, columns, desk, shelf, taken, room)
    if replaced:
        substitute(0, item, n, columns, orders, desk, shelf, taken, room)


@compiled
def _most_claims(columns: Any) -> Any:
    """The most claims any item has."""
    claims = 0
    for item in range(len(columns.items) - 1):
        claims = max(claims, columns.items[item + 1].claim_from - columns.items[item].claim_from)
    return claims


@compiled
def _needs_room(item: int, desk: Any, taken: Any, room: Any, columns: Any, order_from: Any, shelf: Any) -> Any:
    """How many needs an item can have and how much its supplies can give, where that is more than there is room for."""
    most = most_needs(item, columns, order_from)
    supplies = supplies_of(item, columns, shelf) + pool_size(item, columns, shelf)
    claims = columns.items[item + 1].claim_from - columns.items[item].claim_from
    gifts = 2 * most + 2 * supplies + 2 * claims
    least = 12 * (most + gifts) + 64
    return most, gifts, most > len(desk) or gifts > len(taken.rows) or least > len(room.ints)


@compiled
def _plan_item(
    item: int,
    columns: Any,
    orders: Any,
    order_from: Any,
    desk: Any,
    sheet: Any,
    shelf: Any,
    taken: Any,
    groups: Any,
    marks: Any,
    owners: Any,
    room: Any,
) -> Any:
    """Match and order one item; returns how many needs it has, -1 where a quantity passes LIMIT."""
    room.used[0] = 0
    n = pull(item, columns, orders, order_from, desk, sheet)
    if n <= 0:
        return np.int64(n)
    if not fill_up(item, n, columns, shelf, desk):
        return np.int64(-1)
    rank(desk, sheet, n, columns, orders, room)
    _match(item, n, columns, orders, desk, shelf, taken, groups, marks, room)
    if not columns.items[item].blocked:
        order_lots(item, n, 3 * item + 2, columns, desk, groups, marks, owners, room)
        settle(item, columns, groups)
    return np.int64(-1 if groups.count[3] else n)


@allocating
def _new_shelf(columns: Any) -> Any:
    known = len(columns.supplies)
    arising = np.zeros((len(columns.items), 2), np.int64)
    return Shelf(columns.supplies, columns.supplies.quantity.copy(), np.full(known, -1, np.int64), arising)


@allocating
def _longer_shelf(shelf: Any, least: int) -> Any:
    rows, free, wanted = longer(shelf.rows, least), longer(shelf.free, least), longer(shelf.wanted, least)
    return Shelf(rows, free, wanted, shelf.arising)


@allocating
def _solve(columns: Any) -> Any:
    """Plan every item; twin of `planning.mrp.plan_plainly`."""
    count = len(columns.items) - 1
    # Room for an order each fortnight of a year: what is never written takes no memory, and what grows is copied.
    least = max(len(columns.needs) * 2, 1024)
    orders, shorts = np.empty(least + OFTEN * count, ORDER), np.empty(0, SHORT)
    pegs = np.empty(least + OFTEN * len(columns.lines), PEG)
    order_from, peg_from = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    shelf, supplies = _new_shelf(columns), len(columns.supplies)
    marks, owners = new_marks(columns.rules.roots), np.empty(columns.rules.roots, np.int64)
    claims, size = _most_claims(columns), 256
    desk, sheet, groups = np.empty(size, RANKED), new_sheet(size), new_groups(size, claims)
    taken, room = new_taken(2 * size, claims), Room(np.empty(64 * size, np.int64), np.zeros(1, np.int64))
    order = peg = short = 0
    for item in range(count):
        order_from[item + 1], peg_from[item + 1] = order, peg
        arising = arising_from(item, columns, order_from)
        if arising:
            shelf = _longer_shelf(shelf, supplies + arising)
            supplies = gather(item, supplies, columns, orders, order_from, shelf)
        most, gifts, more = _needs_room(item, desk, taken, room, columns, order_from, shelf)
        if more:
            size = max(2 * most, len(desk))
            desk, sheet, groups = np.empty(size, RANKED), new_sheet(size), new_groups(size, claims)
            taken = new_taken(2 * max(gifts, size), claims)
            room = Room(np.empty(24 * (size + 2 * gifts) + 128, np.int64), np.zeros(1, np.int64))
        n = (
            -1
            if supplies < 0
            else _plan_item(item, columns, orders, order_from, desk, sheet, shelf, taken, groups, marks, owners, room)
        )
        if n < 0:
            return Result(False, orders, order_from, pegs, peg_from, shorts, shelf.rows, shelf.free, shelf.wanted)
        if n == 0:
            continue
        lots = lot_count(item, columns, groups)
        if order + lots > len(orders):
            orders = longer(orders, order + lots)
        if peg + taken.count[0] + groups.count[1] + lots > len(pegs):
            pegs = longer(pegs, peg + taken.count[0] + groups.count[1] + lots)
        if columns.items[item].blocked:
            shorts = longer(shorts, short + n)
            short = write_shorts(item, n, short, desk, shorts)
        peg = peg_existing(n, peg, desk, shelf, taken, pegs, room)
        order, peg = write_groups(item, n, order, peg, columns, desk, groups, orders, pegs, room)
        order_from[item + 1], peg_from[item + 1] = order, peg
    free, wanted = shelf.free[:supplies], shelf.wanted[:supplies]
    return Result(
        True, orders[:order], order_from, pegs[:peg], peg_from, shorts[:short], shelf.rows[:supplies], free, wanted
    )


def _kept(version: str) -> Callable[[Columns], Result]:
    """`_solve`, kept on disk for these sources: numba looks at one file's date, but hashes what a function holds."""

    def solve(columns: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return _solve(columns)

    return compiled_and_kept(solve)


solve = _kept(fingerprint())
