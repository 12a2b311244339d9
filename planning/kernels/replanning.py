"""Plans again only what a change reaches, beside the plan that stands: the result is that of planning everything.

An item is planned again when one of its own rows changed, or an order of a parent (as component, or as by-product).
Items coupled by substitutes share supplies, so all of such a pool are planned again, from the first on: those that
nothing has reached come out as they were. What comes out as it was is dropped, and reaches no one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planning.kernels.compiling import allocating, compiled
from planning.kernels.substitution import arising_from
from planning.kernels.turns import (
    DONE,
    FAILED,
    MORE_BENCH,
    MORE_PAGES,
    MORE_SHELF,
    check_room,
    longer_shelf,
    more_bench,
    more_pages,
    turn,
    write,
)

AGAIN = 9
"""A pool was reached: its first item has to be planned before."""


class Links(NamedTuple):
    """Whom an item reaches: `below` by item (components and by-products), the items of its pool (-1: none)."""

    below_from: Any
    below: Any
    pool: Any
    pool_from: Any
    pool_items: Any


class Reach(NamedTuple):
    """`due` says which items are still to be planned, `changed` which came out otherwise, `opened` which pools were."""

    due: Any
    changed: Any
    opened: Any


@compiled
def _put_back(item: int, columns: Any, shelf: Any) -> None:
    """What the item's own supplies gave is there again."""
    for supply in range(columns.items[item].supply_from, columns.items[item].supply_to):
        shelf.free[supply], shelf.wanted[supply] = shelf.rows[supply].quantity, -1
    for supply in range(shelf.arising[item, 0], shelf.arising[item, 1]):
        shelf.free[supply], shelf.wanted[supply] = shelf.rows[supply].quantity, -1


@compiled
def _open_pool(pool: int, columns: Any, shelf: Any, links: Links, reach: Reach) -> None:
    reach.opened[pool] = 1
    for at in range(links.pool_from[pool], links.pool_from[pool + 1]):
        _put_back(links.pool_items[at], columns, shelf)
        reach.due[links.pool_items[at]] = 1


@compiled
def _same_orders(old: int, new: int, count: int, pages: Any) -> Any:
    orders, draws = pages.orders, pages.draws
    for at in range(count):
        a, b = old + at, new + at
        if orders[a].quantity != orders[b].quantity or orders[a].surplus != orders[b].surplus:
            return False
        if orders[a].owner != orders[b].owner or orders[a].number != orders[b].number:
            return False
        if orders[a].due != orders[b].due or orders[a].overdue != orders[b].overdue:
            return False
        if draws[a].quantity != draws[b].quantity or draws[a].start != draws[b].start:
            return False
        if draws[a].urgency != draws[b].urgency or orders[a].root != orders[b].root:
            return False
    return True


@compiled
def _finish(item: int, old: Any, pages: Any, links: Links, reach: Reach) -> None:
    """Keep the standing orders where the new ones are the same; else those below are due."""
    spans, filled = pages.spans, pages.filled
    reach.due[item] = 0
    first, last = spans.order_from[item], spans.order_to[item]
    before, count = old.order_from[item], old.order_to[item] - old.order_from[item]
    if count == last - first and _same_orders(before, first, count, pages):
        for peg in range(spans.peg_from[item], spans.peg_to[item]):
            if pages.pegs[peg].supply >= first:
                pages.pegs[peg].supply += before - first
        spans.order_from[item], spans.order_to[item], filled[0] = before, before + count, first
        return
    reach.changed[item] = 1
    for at in range(links.below_from[item], links.below_from[item + 1]):
        reach.due[links.below[at]] = 1


@compiled
def _replan(begin: int, columns: Any, old: Any, pages: Any, shelf: Any, bench: Any, links: Links, reach: Reach) -> Any:
    """Plan what is due, from this item on; returns how the last one ended, and which it was."""
    for item in range(begin, len(columns.items) - 1):
        if not reach.due[item]:
            continue
        pool = links.pool[item]
        if pool >= 0 and not reach.opened[pool]:
            _open_pool(pool, columns, shelf, links, reach)
            return np.int64(AGAIN), np.int64(links.pool_items[links.pool_from[pool]])
        ended = check_room(item, columns, pages, shelf, bench, 1)
        if ended == DONE:
            if pool < 0:
                _put_back(item, columns, shelf)
            ended = turn(item, columns, pages, pages, shelf, bench, 1)
        if ended != DONE:
            return np.int64(ended), np.int64(item)
        _finish(item, old, pages, links, reach)
    return np.int64(DONE), np.int64(len(columns.items))


@allocating
def replan(columns: Any, old: Any, pages: Any, shelf: Any, bench: Any, links: Any, reach: Any) -> Any:
    """Plan what is due in `reach`; returns whether no quantity passed LIMIT, pages, shelf and bench.

    `pages` hold the standing rows, after which new ones are written, and copies of the spans `old`.
    """
    item = 0
    while item < len(columns.items) - 1:
        ended, item = _replan(item, columns, old, pages, shelf, bench, links, reach)
        if ended == FAILED:
            return False, pages, shelf, bench
        if ended == MORE_BENCH:
            bench = more_bench(item, columns, pages, shelf, bench)
        if ended == MORE_SHELF:
            shelf = longer_shelf(shelf, shelf.used[0] + arising_from(item, columns, pages.spans))
        if ended == MORE_PAGES:
            pages = more_pages(item, columns, bench, pages)
            write(item, columns, shelf, bench, pages)
            _finish(item, old, pages, links, reach)
    return True, pages, shelf, bench
