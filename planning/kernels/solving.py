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
from planning.kernels.lots import keep, order_lots
from planning.kernels.matching import allocate, by_day, honour, reserve
from planning.kernels.ranking import count_needs, pull, rank
from planning.kernels.scratch import RANKED, new_groups, new_marks, new_sheet, new_taken
from planning.kernels.writing import longer, lot_count, peg_existing, write_groups, write_shorts

if TYPE_CHECKING:
    from collections.abc import Callable


@compiled
def _match(
    item: int, n: int, columns: Any, orders: Any, desk: Any, free: Any, taken: Any, groups: Any, marks: Any
) -> None:
    """The first half of `_Run.plan_item`: what existing supply and earlier planned orders give."""
    taken.count[:] = 0
    groups.count[:] = 0
    if columns.items[item].claim_from < columns.items[item + 1].claim_from:
        honour(item, n, columns, orders, desk, free, taken)
    low, high = columns.items[item].supply_from, columns.items[item + 1].supply_from
    order = by_day(low, high, columns.supplies)
    if low < high:
        reserve(0, n, order, 3 * item, columns, desk, free, taken, marks)
    if not columns.items[item].blocked:
        keep(item, columns, desk, groups, marks, taken)
    if low < high:
        reserve(1, n, order, 3 * item + 1, columns, desk, free, taken, marks)
        allocate(item, n, order, columns, desk, free, taken)


@compiled
def _most_rows(columns: Any) -> Any:
    """The most claims and the most supplies any item has."""
    items = columns.items
    claims = supplies = 0
    for item in range(len(items) - 1):
        claims = max(claims, items[item + 1].claim_from - items[item].claim_from)
        supplies = max(supplies, items[item + 1].supply_from - items[item].supply_from)
    return claims, supplies


@compiled
def _solve(columns: Any) -> Any:
    """Plan every item; twin of `planning.mrp.plan_plainly`."""
    count = len(columns.items) - 1
    room = max(len(columns.needs) * 2, 1024)
    orders, pegs, shorts = np.empty(room, ORDER), np.empty(room, PEG), np.empty(0, SHORT)
    order_from, peg_from = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    free, wanted = columns.supplies.quantity.copy(), np.full(len(columns.supplies), -1, np.int64)
    marks, owners = new_marks(columns.rules.roots), np.empty(columns.rules.roots, np.int64)
    claims, supplies = _most_rows(columns)
    size = 0
    order = peg = short = 0
    for item in range(count):
        order_from[item + 1], peg_from[item + 1] = order, peg
        n = count_needs(item, columns, order_from)
        if n > size or item == 0:
            size = max(2 * n, 256)
            desk, sheet, groups = np.empty(size, RANKED), new_sheet(size), new_groups(size, claims)
            taken = new_taken(size + supplies, claims)
        if n == 0:
            continue
        if not pull(item, columns, orders, order_from, desk, sheet):
            return Result(False, orders, order_from, pegs, peg_from, shorts, free, wanted)
        rank(desk, sheet, n, columns, orders)
        _match(item, n, columns, orders, desk, free, taken, groups, marks)
        if columns.items[item].blocked:
            shorts = longer(shorts, short + n)
            short = write_shorts(item, n, short, desk, shorts)
        else:
            order_lots(item, n, 3 * item + 2, columns, desk, groups, marks, owners)
        if groups.count[3]:
            return Result(False, orders, order_from, pegs, peg_from, shorts, free, wanted)
        lots = lot_count(item, columns.items, groups)
        orders = longer(orders, order + lots)
        pegs = longer(pegs, peg + taken.count[0] + groups.count[1] + lots)
        peg = peg_existing(n, peg, desk, taken, pegs, wanted)
        order, peg = write_groups(item, n, order, peg, columns, desk, groups, orders, pegs)
        order_from[item + 1], peg_from[item + 1] = order, peg
    return Result(True, orders[:order], order_from, pegs[:peg], peg_from, shorts[:short], free, wanted)


def _kept(version: str) -> Callable[[Columns], Result]:
    """`_solve`, kept on disk for these sources: numba looks at one file's date, but hashes what a function holds."""

    def solve(columns: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return _solve(columns)

    return compiled_and_kept(solve)


solve = _kept(fingerprint())
