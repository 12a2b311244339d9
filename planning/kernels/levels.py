"""Two threads plan the items of one level; what they write is put together in planning order, whoever was faster.

Items of one level draw nothing of each other. Those that have substitutes take from items of other levels, though, and
two of them may take from the same one: such items are of one *pool*, and one thread plans all of a pool, in order,
after the level's other items.
"""

from __future__ import annotations

from typing import Any

from planning.kernels.compiling import allocating, compiled
from planning.kernels.substitution import arising_from, gather
from planning.kernels.turns import longer_pages, longer_shelf


@allocating
def gather_all(columns: Any, book: Any, shelf: Any, first: int, last: int) -> Any:
    """The by-products of a level's items, their parents being planned; False where a quantity passes the limit."""
    arising = 0
    for item in range(first, last):
        arising += arising_from(item, columns, book.spans)
    shelf = longer_shelf(shelf, shelf.used[0] + arising)
    for item in range(first, last):
        if columns.items[item].yield_from < columns.items[item + 1].yield_from and not gather(
            item, columns, book, shelf
        ):
            return False, shelf
    return True, shelf


@compiled
def _copy_item(item: int, book: Any, pages: Any) -> None:
    """Append one item's orders, pegs and shortages to the book."""
    filled, to, source = book.filled, book.spans, pages.spans
    moved = filled[0] - source.order_from[item]
    to.order_from[item], to.peg_from[item], to.short_from[item] = filled[0], filled[1], filled[2]
    at = filled[0]
    for row in range(source.order_from[item], source.order_to[item]):
        book.orders[at], book.draws[at] = pages.orders[row], pages.draws[row]
        at += 1
    filled[0] = at
    at = filled[1]
    for row in range(source.peg_from[item], source.peg_to[item]):
        book.pegs[at] = pages.pegs[row]
        if book.pegs[at].supply >= 0:
            book.pegs[at].supply += moved
        at += 1
    filled[1] = at
    at = filled[2]
    for row in range(source.short_from[item], source.short_to[item]):
        book.shorts[at] = pages.shorts[row]
        at += 1
    filled[2] = at
    to.order_to[item], to.peg_to[item], to.short_to[item] = filled[0], filled[1], filled[2]


@allocating
def collect(book: Any, written: Any, worker: Any, first: int, last: int) -> Any:
    """The book with what was written for these items; `worker` says by item on whose pages."""
    orders = pegs = shorts = 0
    for pages in written:
        orders += pages.filled[0]
        pegs += pages.filled[1]
        shorts += pages.filled[2]
    book = longer_pages(book, orders, pegs, shorts)
    for item in range(first, last):
        _copy_item(item, book, written[worker[item]])
    for pages in written:
        pages.filled[:] = 0
    return book
