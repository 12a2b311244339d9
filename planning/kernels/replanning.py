"""Plans again only what a change reaches, beside the plan that stands: the result is that of planning everything.

An item is planned again when one of its own rows changed, or an order of a parent (as component, or as by-product).
Items coupled by substitutes share supplies, so all of such a pool are planned again, from the first on: those that
nothing has reached come out as they were. Orders that come out as they were stand where they stood, and reach no one;
nor do those that only have more or less over. `planning.beside` takes the levels one after the other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planning.kernels.compiling import allocating, fused
from planning.kernels.repulling import pull_again
from planning.kernels.substitution import arising_from, gather
from planning.kernels.turns import (
    DONE,
    MORE_BENCH,
    MORE_PAGES,
    check_room,
    longer_shelf,
    more_bench,
    plan_pulled,
    rows_needed,
    start,
    write,
)

WEEK, LAST_BIT = 7, 62


class Links(NamedTuple):
    """Whom an item reaches: `below` by item (components and by-products), the items of its pool (-1: none)."""

    below_from: Any
    below: Any
    pool: Any
    pool_from: Any
    pool_items: Any


class Reach(NamedTuple):
    """`due` says which items are still to be planned, `changed` which came out otherwise, `planned` which were planned.

    `touched` says whose own needs changed. `days` says by item, a bit for each stretch of days (`day_bit`), when orders
    of its parents start that are not as they were. `spared` are rows of orders written over, with what those had over
    before; `spares` counts them. Two threads have the flags together, and the rest each for itself.
    """

    due: Any
    changed: Any
    planned: Any
    touched: Any
    days: Any
    spared: Any
    spares: Any


@fused
def _put_back(item: int, columns: Any, shelf: Any) -> None:
    """What the item's own supplies gave is there again."""
    for supply in range(columns.items[item].supply_from, columns.items[item].supply_to):
        shelf.free[supply], shelf.wanted[supply] = shelf.rows[supply].quantity, -1
    for supply in range(shelf.arising[item, 0], shelf.arising[item, 1]):
        shelf.free[supply], shelf.wanted[supply] = shelf.rows[supply].quantity, -1


@fused
def day_bit(day: int, columns: Any) -> Any:
    """The number of the bit that stands for this day among 63: its week or its bucket, and all far ones together."""
    return np.int64(min(np.int64(day) // max(columns.rules.bucket, WEEK), LAST_BIT))


@fused
def same_order(a: int, b: int, pages: Any) -> Any:
    """Whether two orders are the same, whatever they have over."""
    orders, draws = pages.orders, pages.draws
    if orders[a].quantity != orders[b].quantity or orders[a].root != orders[b].root:
        return False
    if orders[a].owner != orders[b].owner or orders[a].number != orders[b].number:
        return False
    if orders[a].due != orders[b].due or orders[a].overdue != orders[b].overdue:
        return False
    if draws[a].quantity != draws[b].quantity or draws[a].start != draws[b].start:
        return False
    return draws[a].urgency == draws[b].urgency


@fused
def comes_before(a: int, b: int, columns: Any, orders: Any) -> Any:
    """Which of two orders of one item is planned first: -1 the first of them, 1 the other, 0 they have one place."""
    if orders[a].due != orders[b].due:
        return np.int64(-1 if orders[a].due < orders[b].due else 1)
    one, other = columns.root_rank[orders[a].owner], columns.root_rank[orders[b].owner]
    if one != other:
        return np.int64(-1 if one < other else 1)
    return np.int64(np.int64(orders[a].number > orders[b].number) - np.int64(orders[a].number < orders[b].number))


@fused
def _days_between(old: int, old_end: int, new: int, new_end: int, columns: Any, pages: Any) -> Any:
    """The days, as bits, on which orders start that are in one of these plans of an item only; 0: they are the same."""
    days: Any = np.int64(0)
    one: Any = np.int64(1)
    draws = pages.draws
    while old < old_end or new < new_end:
        place = -1 if new >= new_end else 1
        if old < old_end and new < new_end:
            place = comes_before(old, new, columns, pages.orders)
            if place == 0 and same_order(old, new, pages):
                old += 1
                new += 1
                continue
        if place <= 0:
            days |= one << day_bit(draws[old].start, columns)
            old += 1
        if place >= 0:
            days |= one << day_bit(draws[new].start, columns)
            new += 1
    return days


@fused
def _keep(item: int, old: int, new: int, count: int, pages: Any, reach: Reach) -> None:
    """Let the standing orders stand, with what the new ones have over; remember what they had."""
    orders = pages.orders
    for at in range(count):
        if orders[old + at].surplus != orders[new + at].surplus:
            row = reach.spares[0]
            reach.spared[row, 0], reach.spared[row, 1] = old + at, orders[old + at].surplus
            reach.spares[0] = row + 1
            orders[old + at].surplus = orders[new + at].surplus
            reach.changed[item] = 1
    for peg in range(pages.spans.peg_from[item], pages.spans.peg_to[item]):
        if pages.pegs[peg].supply >= 0:
            pages.pegs[peg].supply += old - new
    pages.spans.order_from[item], pages.spans.order_to[item], pages.filled[0] = old, old + count, new


@fused
def _finish(item: int, old: Any, columns: Any, pages: Any, links: Links, reach: Reach) -> None:
    """Keep the standing orders where the new ones are the same; else those below are due."""
    spans = pages.spans
    reach.due[item], reach.planned[item] = 0, 1
    first, count = spans.order_from[item], spans.order_to[item] - spans.order_from[item]
    before = old.order_from[item]
    days = _days_between(before, old.order_to[item], first, first + count, columns, pages)
    if days == 0:
        _keep(item, before, first, count, pages, reach)
        return
    reach.changed[item] = 1
    for at in range(links.below_from[item], links.below_from[item + 1]):
        reach.due[links.below[at]] = 1
        reach.days[links.below[at]] |= days


@fused
def _begin(item: int, pages: Any) -> None:
    """The rows of an item begin where these pages end, which are others than those it was planned beside."""
    spans, filled = pages.spans, pages.filled
    spans.order_from[item], spans.peg_from[item], spans.short_from[item] = filled[0], filled[1], filled[2]
    spans.order_to[item], spans.peg_to[item], spans.short_to[item] = filled[0], filled[1], filled[2]


@fused
def _replan(
    begin: int, chosen: Any, columns: Any, old: Any, book: Any, pages: Any, shelf: Any, bench: Any, links: Links,
    reach: Reach,
) -> Any:  # fmt: skip
    """Plan these items until one needs more room; returns how that one ended, and its place."""
    for place in range(begin, len(chosen)):
        item = chosen[place]
        ended = check_room(item, columns, book, shelf, bench, 0)
        if ended == DONE:
            if links.pool[item] < 0:
                _put_back(item, columns, shelf)
            start(item, bench, pages)
            n = pull_again(item, reach.touched[item], columns, old, book, bench)
            ended = plan_pulled(item, n, columns, book, pages, shelf, bench)
        if ended != DONE:
            return np.int64(ended), np.int64(place)
        _finish(item, old, columns, pages, links, reach)
    return np.int64(DONE), np.int64(len(chosen))


@allocating
def replan(
    columns: Any, old: Any, book: Any, pages: Any, shelf: Any, bench: Any, links: Any, reach: Any, chosen: Any,
    begin: int, waiting: Any,
) -> Any:  # fmt: skip
    """Plan these items of one level, from a place on; returns how it ended, the place, the bench, and rows needed.

    `book` are all rows, `pages` those this thread writes to, `old` the spans of the plan that stands. MORE_PAGES says
    that the item at this place is planned but not written: with pages that have the rows needed (orders, pegs,
    shortages), go on there, `waiting`.
    """
    if waiting:
        _begin(chosen[begin], pages)
        write(chosen[begin], columns, shelf, bench, pages)
        _finish(chosen[begin], old, columns, pages, links, reach)
        begin += 1
    while True:
        ended, begin = _replan(begin, chosen, columns, old, book, pages, shelf, bench, links, reach)
        if ended == MORE_PAGES:
            return ended, begin, bench, rows_needed(chosen[begin], columns, bench)
        if ended != MORE_BENCH:
            return ended, begin, bench, (np.int64(0), np.int64(0), np.int64(0))
        bench = more_bench(chosen[begin], columns, book, shelf, bench)


@allocating
def arise(columns: Any, book: Any, shelf: Any, chosen: Any) -> Any:
    """The by-products of these items, whose parents are planned; False where a quantity passes the limit."""
    arising = 0
    for item in chosen:
        arising += arising_from(item, columns, book.spans)
    shelf = longer_shelf(shelf, shelf.used[0] + arising)
    for item in chosen:
        if columns.items[item].yield_from < columns.items[item + 1].yield_from and not gather(
            item, columns, book, shelf
        ):
            return False, shelf
    return True, shelf


__all__ = [
    "DONE", "LAST_BIT", "MORE_PAGES", "Links", "Reach", "arise", "comes_before", "day_bit", "replan", "same_order",
]  # fmt: skip
