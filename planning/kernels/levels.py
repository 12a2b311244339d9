"""Two threads plan the items of one level; what they write is put together in planning order, whoever was faster.

Items of one level draw nothing of each other. Those that have substitutes take from items of other levels, though, and
two of them may take from the same one: such items are of one *pool*, and one thread plans all of a pool, in order.
"""

from __future__ import annotations

from typing import Any

from planning.kernels.compiling import fused
from planning.kernels.substitution import gather


@fused
def gather_all(columns: Any, book: Any, shelf: Any, first: int, last: int) -> Any:
    """The by-products of a level's items, their parents being planned; False where a quantity passes the limit."""
    for item in range(first, last):
        if columns.items[item].yield_from < columns.items[item + 1].yield_from and not gather(
            item, columns, book, shelf
        ):
            return False
    return True


@fused
def _copy_item(item: int, order: Any, peg: Any, short: Any, book: Any, pages: Any) -> None:
    """Write one item's orders, pegs and shortages to the book, from these rows on."""
    to, source = book.spans, pages.spans
    moved = order - source.order_from[item]
    to.order_from[item], to.peg_from[item], to.short_from[item] = order, peg, short
    for row in range(source.order_from[item], source.order_to[item]):
        book.orders[order], book.draws[order] = pages.orders[row], pages.draws[row]
        order += 1
    for row in range(source.peg_from[item], source.peg_to[item]):
        book.pegs[peg] = pages.pegs[row]
        if book.pegs[peg].supply >= 0:
            book.pegs[peg].supply += moved
        peg += 1
    for row in range(source.short_from[item], source.short_to[item]):
        book.shorts[short] = pages.shorts[row]
        short += 1
    to.order_to[item], to.peg_to[item], to.short_to[item] = order, peg, short


@fused
def collect(book: Any, pages: Any, worker: Any, thread: int, first: int, last: int) -> None:
    """Write to the book what is on this thread's pages of these items; `worker` says by item whose it is on.

    The others' rows are counted, so that each item's stand in planning order, whoever copies them.
    """
    spans, order, peg, short = pages.spans, book.filled[0], book.filled[1], book.filled[2]
    for item in range(first, last):
        if worker[item] == thread:
            _copy_item(item, order, peg, short, book, pages)
        order += spans.order_to[item] - spans.order_from[item]
        peg += spans.peg_to[item] - spans.peg_from[item]
        short += spans.short_to[item] - spans.short_from[item]
