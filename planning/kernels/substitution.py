"""By-products as supply, and other items' supplies as stand-ins; each function is the twin of the one it names."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.columns import LIMIT
from planning.kernels.compiling import compiled, fused
from planning.kernels.matching import by_day, in_order, supplies_of
from planning.kernels.scrap import times, times_down
from planning.kernels.sorting import borrow


@fused
def arising_from(item: int, columns: Any, spans: Any) -> Any:
    """How many by-products the orders of an item's parents can yield of it."""
    count = 0
    for row in range(columns.items[item].yield_from, columns.items[item + 1].yield_from):
        parent = columns.yields[row].parent
        count += spans.order_to[parent] - spans.order_from[parent]
    return count


@fused
def gather(item: int, columns: Any, book: Any, shelf: Any) -> Any:
    """Twin of `PlanningRun._pass_down`, pulled: False where a quantity passes the limit.

    Parents stand in planning order, so by-products of one parent by several rows arise order by order.
    """
    first = at = shelf.used[0]
    orders, spans = book.orders, book.spans
    row, last = columns.items[item].yield_from, columns.items[item + 1].yield_from
    while row < last:
        parent, end = columns.yields[row].parent, row
        while end < last and columns.yields[end].parent == parent:
            end += 1
        frozen, late_end = columns.items[parent].frozen, columns.items[parent].late_end
        for order in range(spans.order_from[parent], spans.order_to[parent]):
            day = max(np.int64(orders[order].due), frozen)
            if orders[order].overdue:
                day = late_end
            for made in range(row, end):
                numerator, denominator = columns.yields[made].numerator, columns.yields[made].denominator
                quantity = times_down(book.draws[order].quantity, numerator, denominator)
                if quantity > LIMIT:
                    return False
                if quantity > 0:
                    shelf.rows[at].day, shelf.rows[at].quantity, shelf.rows[at].made = day, quantity, order
                    shelf.rows[at].item = item
                    shelf.rows[at].reserved, shelf.rows[at].traced, shelf.rows[at].on_hand = -1, 0, 0
                    shelf.free[at], shelf.wanted[at] = quantity, -1
                    at += 1
        row = end
    shelf.arising[item, 0], shelf.arising[item, 1], shelf.used[0] = first, at, at
    return True


@fused
def pool_size(item: int, columns: Any, shelf: Any) -> Any:
    """How many supplies all substitutes of an item have."""
    count = 0
    for row in range(columns.items[item].substitute_from, columns.items[item + 1].substitute_from):
        count += supplies_of(columns.substitutes[row].item, columns, shelf)
    return count


@fused
def _allows(row: int, need: int, columns: Any, orders: Any, desk: Any) -> Any:
    """Twin of `PlanningRun._allows`."""
    if not columns.substitutes[row].from_day <= desk[need].day < columns.substitutes[row].until_day:
        return False
    if columns.substitutes[row].parent >= 0:
        consumer = desk[need].consumer
        parent = np.int64(orders[consumer].item) if consumer >= 0 else columns.fixed[-1 - consumer].parent
        if parent != columns.substitutes[row].parent:
            return False
    root = desk[need].root
    if columns.substitutes[row].product >= 0 and columns.root_product[root] != columns.substitutes[row].product:
        return False
    return columns.substitutes[row].customer < 0 or columns.root_customer[root] == columns.substitutes[row].customer


@fused
def _gives_to(supply: int, need: int, other: int, item: int, columns: Any, desk: Any, shelf: Any) -> Any:
    """Twin of `Keeping.gives_to`."""
    if shelf.free[supply] == 0:
        return False
    stock = desk[need].root == columns.rules.stock_root
    reserved = shelf.rows[supply].reserved
    if reserved >= 0 and reserved == desk[need].root:
        return True
    if reserved >= 0 and (columns.items[other].apart or columns.rules.reserved_waits):
        return False
    return stock or not (columns.items[other].apart or columns.items[item].apart)


@fused
def _take_other(supply: int, row: int, need: int, columns: Any, desk: Any, shelf: Any, taken: Any) -> None:
    """Twin of `Matching.substitute`, for one supply."""
    numerator, denominator = columns.substitutes[row].numerator, columns.substitutes[row].denominator
    covered = min(desk[need].open, times_down(shelf.free[supply], denominator, numerator))
    if shelf.rows[supply].day > desk[need].day or covered <= 0:
        return
    quantity = times(covered, numerator, denominator)
    shelf.free[supply] -= quantity
    desk[need].open -= covered
    at = taken.count[0]
    taken.rows[at].supply, taken.rows[at].need, taken.rows[at].quantity = supply, need, quantity
    taken.count[0] += 1


@fused
def _fill_pool(before_own: int, item: int, pool: Any, start: Any, columns: Any, shelf: Any, room: Any) -> Any:
    """Fill in the supplies of each substitute, as they are taken, and where each one's begin; returns how many."""
    first, last = columns.items[item].substitute_from, columns.items[item + 1].substitute_from
    start[0] = size = 0
    for row in range(first, last):
        if columns.substitutes[row].before_own == before_own:
            other = columns.substitutes[row].item
            count = supplies_of(other, columns, shelf)
            order = borrow(room, count)
            by_day(other, order, columns, shelf, room)
            in_order(order, pool[size : size + count], columns, shelf, room)
            size += count
        start[row - first + 1] = size
    return size


@fused
def _take_others(row: int, need: int, item: int, pool: Any, columns: Any, desk: Any, shelf: Any, taken: Any) -> None:
    other = columns.substitutes[row].item
    for at in range(len(pool)):
        if desk[need].open == 0:
            return
        if _gives_to(pool[at], need, other, item, columns, desk, shelf):
            _take_other(pool[at], row, need, columns, desk, shelf, taken)


@compiled
def substitute(
    before_own: int, item: int, n: int, columns: Any, orders: Any, desk: Any, shelf: Any, taken: Any, room: Any
) -> None:
    """Twin of `PlanningRun._substitute`."""
    first, last = columns.items[item].substitute_from, columns.items[item + 1].substitute_from
    pool, start = borrow(room, pool_size(item, columns, shelf)), borrow(room, last - first + 1)
    if _fill_pool(before_own, item, pool, start, columns, shelf, room) == 0:
        return
    for need in range(n):
        for row in range(first, last):
            own = pool[start[row - first] : start[row - first + 1]]
            if len(own) and desk[need].open and _allows(row, need, columns, orders, desk):
                _take_others(row, need, item, own, columns, desk, shelf, taken)
