"""The compiled planner: nets, sizes, offsets and pegs item by item over tables of ints, as `planning.mrp` says.

Children pull: an item's needs are its independent ones and what the orders of its parents, which are planned by
then, draw of it. This module plans one item after the other; `planning.kernels.levels` has two threads do so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planning.columns import DRAW, ORDER, PEG, SHORT, Pages, Shelf, Spans
from planning.kernels.compiling import allocating, either_way, fused
from planning.kernels.lots import keep, order_lots, settle
from planning.kernels.matching import allocate, by_day, honour, reserve, supplies_of
from planning.kernels.ranking import fill_up, most_needs, pull, rank
from planning.kernels.scratch import longer_bench
from planning.kernels.sorting import borrow
from planning.kernels.substitution import arising_from, gather, pool_size, substitute
from planning.kernels.writing import longer, lot_count, peg_existing, write_groups, write_shorts

if TYPE_CHECKING:
    from planning.columns import Columns

OFTEN = 26
DONE, FAILED, MORE_BENCH, MORE_PAGES, MORE_SHELF = range(5)
"""How planning an item ends: something has to grow before, or after planning it (MORE_PAGES)."""


@fused
def _match(item: int, n: int, columns: Any, orders: Any, bench: Any, shelf: Any) -> None:
    """The first half of `PlanningRun.plan_item`: what existing supply and earlier planned orders give."""
    desk, taken, groups, marks, room = bench.desk, bench.taken, bench.groups, bench.marks, bench.room
    turn = room.used[1]
    taken.count[:] = 0
    groups.count[:] = 0
    groups.count[4] = turn
    if columns.items[item].claim_from < columns.items[item + 1].claim_from:
        honour(item, n, columns, orders, desk, shelf, taken)
    order = borrow(room, supplies_of(item, columns, shelf))
    by_day(item, order, columns, shelf, room)
    if len(order):
        reserve(0, n, order, 3 * turn, desk, shelf, taken, marks, room)
    if not columns.items[item].blocked:
        keep(item, columns, desk, groups, marks, taken)
    if len(order):
        reserve(1, n, order, 3 * turn + 1, desk, shelf, taken, marks, room)
    replaced = columns.items[item].substitute_from < columns.items[item + 1].substitute_from
    if replaced:
        substitute(1, item, n, columns, orders, desk, shelf, taken, room)
    if len(order):
        allocate(item, n, order, columns, desk, shelf, taken, room)
    if replaced:
        substitute(0, item, n, columns, orders, desk, shelf, taken, room)


@fused
def most_claims(columns: Any) -> Any:
    """The most claims any item has."""
    claims = 0
    for item in range(len(columns.items) - 1):
        claims = max(claims, columns.items[item + 1].claim_from - columns.items[item].claim_from)
    return claims


@fused
def needs_room(item: int, columns: Any, spans: Any, shelf: Any, arising: int) -> Any:
    """How many needs an item can have, and how much its supplies can give, `arising` by-products among them."""
    most = most_needs(item, columns, spans)
    supplies = supplies_of(item, columns, shelf) + arising + pool_size(item, columns, shelf)
    claims = columns.items[item + 1].claim_from - columns.items[item].claim_from
    return most, 2 * most + 2 * supplies + 2 * claims


@fused
def check_room(item: int, columns: Any, book: Any, shelf: Any, bench: Any, gathering: int) -> Any:
    """What has to grow before the item can be planned."""
    arising = 0
    if gathering and columns.items[item].yield_from < columns.items[item + 1].yield_from:
        arising = arising_from(item, columns, book.spans)
        if shelf.used[0] + arising > len(shelf.free):
            return np.int64(MORE_SHELF)
    most, gifts = needs_room(item, columns, book.spans, shelf, arising)
    least = 12 * (most + gifts) + 64
    if most > len(bench.desk) or gifts > len(bench.taken.rows) or least > len(bench.room.ints):
        return np.int64(MORE_BENCH)
    return np.int64(DONE)


@fused
def start(item: int, bench: Any, pages: Any) -> None:
    """Clear the bench for an item, whose rows begin where these pages end."""
    spans, filled, room = pages.spans, pages.filled, bench.room
    spans.order_from[item] = spans.order_to[item] = filled[0]
    spans.peg_from[item] = spans.peg_to[item] = filled[1]
    spans.short_from[item] = spans.short_to[item] = filled[2]
    room.used[0], room.used[2] = 0, 0
    room.used[1] += 1


@fused
def _plan_item(item: int, n: int, columns: Any, book: Any, shelf: Any, bench: Any) -> Any:
    """Match and order one item whose needs are pulled; False where a quantity passes LIMIT."""
    room, desk, groups = bench.room, bench.desk, bench.groups
    if not fill_up(item, columns.items[item].merge, n, columns, shelf, desk):
        return False
    rank(desk, bench.sheet, n, columns, book.orders, room)
    _match(item, n, columns, book.orders, bench, shelf)
    if not columns.items[item].blocked:
        order_lots(item, n, 3 * room.used[1] + 2, columns, desk, groups, bench.marks, bench.owners, room)
        settle(item, columns, groups)
    return groups.count[3] == 0


def new_shelf(columns: Columns) -> Shelf:
    """The supplies known before planning, in the table they came in: by-products are written to a longer one."""
    known = len(columns.supplies)
    arising, count = np.zeros((len(columns.items), 2), np.int64), np.full(1, known)
    return Shelf(columns.supplies, columns.supplies["quantity"].copy(), np.full(known, -1), arising, count)


@either_way
def longer_shelf(shelf: Any, least: int) -> Any:
    rows, free, wanted = longer(shelf.rows, least), longer(shelf.free, least), longer(shelf.wanted, least)
    return Shelf(rows, free, wanted, shelf.arising, shelf.used)


def new_pages(items: int, orders: int, pegs: int) -> Pages:
    """Room for so many orders and pegs; what is never written takes no memory."""
    return Pages(
        np.empty(orders, ORDER), np.empty(orders, DRAW), np.empty(pegs, PEG), np.empty(0, SHORT),
        np.zeros(3, np.int64), Spans(*np.zeros((len(Spans._fields), items), np.int64)),
    )  # fmt: skip


@either_way
def longer_pages(pages: Any, orders: int, pegs: int, shorts: int) -> Any:
    """The pages with room for so many more rows."""
    filled = pages.filled
    return Pages(
        longer(pages.orders, filled[0] + orders), longer(pages.draws, filled[0] + orders),
        longer(pages.pegs, filled[1] + pegs), longer(pages.shorts, filled[2] + shorts), filled, pages.spans,
    )  # fmt: skip


@fused
def write(item: int, columns: Any, shelf: Any, bench: Any, pages: Any) -> None:
    """Write what was found for the item, and where it stands."""
    desk, filled, spans, n = bench.desk, pages.filled, pages.spans, bench.room.used[2]
    if columns.items[item].blocked:
        filled[2] = write_shorts(item, n, filled[2], desk, pages.shorts)
    peg = peg_existing(n, columns.items[item].merge, filled[1], desk, shelf, bench.taken, pages.pegs, bench.room)
    filled[0], filled[1] = write_groups(
        item, n, filled[0], peg, columns, desk, bench.groups, pages.orders, pages.draws, pages.pegs, bench.room
    )
    spans.order_to[item], spans.peg_to[item], spans.short_to[item] = filled[0], filled[1], filled[2]


@fused
def rows_needed(item: int, columns: Any, bench: Any) -> Any:
    """How many orders, pegs and shortages writing the item takes at most."""
    lots = lot_count(item, columns, bench.groups)
    shorts = bench.room.used[2] if columns.items[item].blocked else 0
    return lots, bench.taken.count[0] + bench.groups.count[1] + lots, shorts


@fused
def turn(item: int, columns: Any, book: Any, pages: Any, shelf: Any, bench: Any, gathering: int) -> Any:
    """Plan one item whose room was checked, and write it; where the pages are too short, `write` is left to do."""
    start(item, bench, pages)
    yields = columns.items[item].yield_from < columns.items[item + 1].yield_from
    if gathering and yields and not gather(item, columns, book, shelf):
        return np.int64(FAILED)
    return plan_pulled(item, pull(item, columns, book, bench), columns, book, pages, shelf, bench)


@fused
def plan_pulled(item: int, n: Any, columns: Any, book: Any, pages: Any, shelf: Any, bench: Any) -> Any:
    """`turn` from where so many needs are pulled; -1 where a quantity passed LIMIT."""
    filled = pages.filled
    if n == 0:
        return np.int64(DONE)
    if n < 0 or not _plan_item(item, n, columns, book, shelf, bench):
        return np.int64(FAILED)
    bench.room.used[2] = n
    lots, pegs, shorts = rows_needed(item, columns, bench)
    if filled[0] + lots > len(pages.orders) or filled[1] + pegs > len(pages.pegs):
        return np.int64(MORE_PAGES)
    if filled[2] + shorts > len(pages.shorts):
        return np.int64(MORE_PAGES)
    write(item, columns, shelf, bench, pages)
    return np.int64(DONE)


@fused
def _turns(begin: int, chosen: Any, columns: Any, book: Any, pages: Any, shelf: Any, bench: Any, gathering: int) -> Any:
    """Plan items until one needs more room; returns how that one ended, and its place."""
    for place in range(begin, len(chosen)):
        ended = check_room(chosen[place], columns, book, shelf, bench, gathering)
        if ended == DONE:
            ended = turn(chosen[place], columns, book, pages, shelf, bench, gathering)
        if ended != DONE:
            return np.int64(ended), np.int64(place)
    return np.int64(DONE), np.int64(len(chosen))


@allocating
def more_bench(item: int, columns: Any, book: Any, shelf: Any, bench: Any) -> Any:
    """The bench with room for this item."""
    most, gifts = needs_room(item, columns, book.spans, shelf, arising_from(item, columns, book.spans))
    return longer_bench(bench, most, gifts, most_claims(columns) if len(columns.claims) else 0)


@allocating
def more_pages(item: int, columns: Any, bench: Any, pages: Any) -> Any:
    """The pages with room for this item."""
    lots, pegs, shorts = rows_needed(item, columns, bench)
    return longer_pages(pages, lots, pegs, shorts)


@allocating
def plan_in_turn(columns: Any, book: Any, pages: Any, shelf: Any, bench: Any, chosen: Any, direct: Any) -> Any:
    """Plan these items one after the other; returns whether no quantity passed LIMIT, pages, shelf and bench.

    `direct` says that `pages` are the book itself; else the orders of all parents are in the book, and by-products on
    the shelf. Twin of `planning.mrp.plan_plainly`.
    """
    place, gathering = 0, 1 if direct else 0
    while place < len(chosen):
        ended, place = _turns(place, chosen, columns, book, pages, shelf, bench, gathering)
        if ended == FAILED:
            return False, pages, shelf, bench
        if ended == MORE_BENCH:
            bench = more_bench(chosen[place], columns, book, shelf, bench)
        if ended == MORE_SHELF:
            arising = arising_from(chosen[place], columns, book.spans)
            shelf = longer_shelf(shelf, shelf.used[0] + arising)
        if ended == MORE_PAGES:
            pages = more_pages(chosen[place], columns, bench, pages)
            if direct:
                book = pages
            write(chosen[place], columns, shelf, bench, pages)
            place += 1
    return True, pages, shelf, bench
