"""The compiled planner: nets, sizes, offsets and pegs item by item over tables of ints, exactly as `planning.mrp` says.

Children pull: an item's needs are its independent ones and what the orders of its parents, which are planned by
then, draw of it. Compiled at first use and kept in `__pycache__` (or numba's own folder, where that cannot be
written).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planning.columns import ORDER, PEG, SHORT, Columns, Result
from planning.kernels.compiling import compiled, compiled_and_kept, fingerprint
from planning.kernels.lots import keep, order_lots, settle
from planning.kernels.matching import allocate, by_day, honour, reserve
from planning.kernels.ranking import fill_up, most_needs, pull, rank
from planning.kernels.scratch import RANKED, Shelf, new_groups, new_marks, new_sheet, new_taken
from planning.kernels.substitution import arising_from, gather, pool_size, substitute
from planning.kernels.writing import longer, lot_count, peg_existing, write_groups, write_shorts

if TYPE_CHECKING:
    from collections.abc import Callable


@compiled
def _match(
    item: int, n: int, columns: Any, orders: Any, desk: Any, shelf: Any, taken: Any, groups: Any, marks: Any
) -> None:
    """The first half of `PlanningRun.plan_item`: what existing supply and earlier planned orders give."""
    taken.count[:] = 0
    groups.count[:] = 0
    if columns.items[item].claim_from < columns.items[item + 1].claim_from:
        honour(item, n, columns, orders, desk, shelf, taken)
    order = by_day(item, columns, shelf)
    if len(order):
        reserve(0, n, order, 3 * item, desk, shelf, taken, marks)
    if not columns.items[item].blocked:
        keep(item, columns, desk, groups, marks, taken)
    if len(order):
        reserve(1, n, order, 3 * item + 1, desk, shelf, taken, marks)
    replaced = columns.items[item].substitute_from < columns.items[item + 1].substitute_from
    if replaced:
        substitute(1, item, n, columns, orders, desk, shelf, taken)
    if len(order):
        allocate(item, n, order, columns, desk, shelf, taken)
    if replaced:
        substitute(0, item, n, columns, orders, desk, shelf, taken)


@compiled
def _most_claims(columns: Any) -> Any:
    """The most claims any item has."""
    claims = 0
    for item in range(len(columns.items) - 1):
        claims = max(claims, columns.items[item + 1].claim_from - columns.items[item].claim_from)
    return claims


@compiled
def _new_shelf(columns: Any) -> Any:
    known = len(columns.supplies)
    arising = np.zeros((len(columns.items), 2), np.int64)
    return Shelf(columns.supplies, columns.supplies.quantity.copy(), np.full(known, -1, np.int64), arising)


@compiled
def _supplies_of(item: int, columns: Any, shelf: Any) -> Any:
    known = columns.items[item + 1].supply_from - columns.items[item].supply_from
    return known + shelf.arising[item, 1] - shelf.arising[item, 0]


@compiled
def _failed(orders: Any, order_from: Any, pegs: Any, peg_from: Any, shorts: Any, shelf: Any) -> Any:
    return Result(False, orders, order_from, pegs, peg_from, shorts, shelf.rows, shelf.free, shelf.wanted)


@compiled
def _solve(columns: Any) -> Any:  # noqa: C901 - one loop, and what may end it
    """Plan every item; twin of `planning.mrp.plan_plainly`."""
    count = len(columns.items) - 1
    room = max(len(columns.needs) * 2, 1024)
    orders, pegs, shorts = np.empty(room, ORDER), np.empty(room, PEG), np.empty(0, SHORT)
    order_from, peg_from = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    shelf, supplies = _new_shelf(columns), len(columns.supplies)
    marks, owners = new_marks(columns.rules.roots), np.empty(columns.rules.roots, np.int64)
    claims = _most_claims(columns)
    size = 256
    desk, sheet, groups = np.empty(size, RANKED), new_sheet(size), new_groups(size, claims)
    taken = new_taken(size, claims)
    order = peg = short = 0
    for item in range(count):
        order_from[item + 1], peg_from[item + 1] = order, peg
        arising = arising_from(item, columns, order_from)
        if arising:
            shelf = Shelf(
                longer(shelf.rows, supplies + arising),
                longer(shelf.free, supplies + arising),
                longer(shelf.wanted, supplies + arising),
                shelf.arising,
            )
            supplies = gather(item, supplies, columns, orders, order_from, shelf)
            if supplies < 0:
                return _failed(orders, order_from, pegs, peg_from, shorts, shelf)
        most = most_needs(item, columns, order_from)
        if most > size:
            size = 2 * most
            desk, sheet, groups = np.empty(size, RANKED), new_sheet(size), new_groups(size, claims)
        if most == 0:
            continue
        n = pull(item, columns, orders, order_from, desk, sheet)
        if n < 0 or not fill_up(item, n, columns, shelf, desk):
            return _failed(orders, order_from, pegs, peg_from, shorts, shelf)
        if n == 0:
            continue
        givers = 2 * n + _supplies_of(item, columns, shelf) + 2 * pool_size(item, columns, shelf) + 2 * claims
        if givers > len(taken.rows):
            taken = new_taken(2 * givers, claims)
        rank(desk, sheet, n, columns, orders)
        _match(item, n, columns, orders, desk, shelf, taken, groups, marks)
        if columns.items[item].blocked:
            shorts = longer(shorts, short + n)
            short = write_shorts(item, n, short, desk, shorts)
        else:
            order_lots(item, n, 3 * item + 2, columns, desk, groups, marks, owners)
            settle(item, columns, groups)
        if groups.count[3]:
            return _failed(orders, order_from, pegs, peg_from, shorts, shelf)
        lots = lot_count(item, columns, groups)
        orders = longer(orders, order + lots)
        pegs = longer(pegs, peg + taken.count[0] + groups.count[1] + lots)
        peg = peg_existing(n, peg, desk, shelf, taken, pegs)
        order, peg = write_groups(item, n, order, peg, columns, desk, groups, orders, pegs)
        order_from[item + 1], peg_from[item + 1] = order, peg
    return Result(
        True,
        orders[:order],
        order_from,
        pegs[:peg],
        peg_from,
        shorts[:short],
        shelf.rows[:supplies],
        shelf.free[:supplies],
        shelf.wanted[:supplies],
    )


def _kept(version: str) -> Callable[[Columns], Result]:
    """`_solve`, kept on disk for these sources: numba looks at one file's date, but hashes what a function holds."""

    def solve(columns: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return _solve(columns)

    return compiled_and_kept(solve)


solve = _kept(fingerprint())
