"""Says of an item that a change has planned again whether the list of whom it keeps waiting can only be as it was.

It is where the same pegs arrive late on the same days, and whoever asks on those days is who asked before. That is much
faster to see than a list is written: an order that comes out otherwise mostly does so on a day when nothing is late.
The list then knows orders of the item's parents by the rows they had; `match_orders` says which rows they have now.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from planning.columns import MERGED, row_type
from planning.kernels.compiling import fused
from planning.kernels.replanning import comes_before, day_bit, same_order

NEVER = 2**30
"""The day of what is missing for good."""
LATE = row_type("", "consumer day")
"""Whom an item keeps waiting (numbered as in pegs), and until which day."""


class Board(NamedTuple):
    """By order the day it is `ready`, by fixed consumer the day it is `covered` (0: in time); the lists by item.

    An item's list are the rows from `late_from` to `late_to` of `late`, by consumer.
    """

    ready: Any
    covered: Any
    late: Any
    late_from: Any
    late_to: Any


class Stood(NamedTuple):
    """The plan before the change: its spans, the days its orders were ready on, and how many rows its lists had."""

    spans: Any
    ready: Any
    filled: Any


@fused
def expected_day(order: int, columns: Any, pages: Any) -> Any:
    """The day the plan has an order done."""
    item = pages.orders[order].item
    if pages.orders[order].overdue:
        return np.int64(columns.items[item].late_end)
    return max(np.int64(pages.orders[order].due), np.int64(columns.items[item].frozen))


@fused
def arrival(supply: int, columns: Any, pages: Any, shelf: Any, ready: Any) -> Any:
    """Twin of `Feasible._arrival`."""
    if supply >= 0:
        return np.int64(ready[supply])
    row = -1 - supply
    if shelf.rows[row].on_hand:
        return np.int64(0)
    if shelf.rows[row].made >= 0:
        return expected_day(shelf.rows[row].made, columns, pages)
    return np.int64(shelf.rows[row].day)


@fused
def match_orders(item: int, known: Any, columns: Any, pages: Any, stood: Stood) -> None:
    """Fill in by order the item had which of its orders is the same now, -1 where none is."""
    first, last = pages.spans.order_from[item], pages.spans.order_to[item]
    before, new = stood.spans.order_from[item], first
    for old in range(len(known)):
        known[old] = -1
        while new < last and comes_before(new, before + old, columns, pages.orders) < 0:
            new += 1
        if new < last and same_order(before + old, new, pages):
            known[old] = new - first


@fused
def _mark(item: int, spans: Any, ready: Any, columns: Any, pages: Any, shelf: Any, bench: Any) -> Any:
    """Mark the cells of runs that are kept waiting; returns on which days orders start that ask in them, as bits."""
    days, asked = columns.rules.days, np.int64(0)
    for peg in range(spans.peg_from[item], spans.peg_to[item]):
        cell = MERGED - pages.pegs[peg].consumer
        if cell >= 0 and bench.cells[cell].turn != bench.room.used[1]:
            day = cell % days
            if arrival(pages.pegs[peg].supply, columns, pages, shelf, ready) > day:
                bench.cells[cell].turn = bench.room.used[1]
                asked |= _starts(day, item, columns)
    return asked


@fused
def _starts(day: Any, item: int, columns: Any) -> Any:
    """When orders start that ask an item for something on this day, as bits."""
    safety, one, found = columns.items[item].safety, np.int64(1), np.int64(0)
    first = day_bit(day + safety if day else 0, columns)
    for bit in range(first, day_bit(day + safety + columns.rules.bucket, columns) + 1):
        found |= one << np.int64(bit)
    return found


@fused
def _next(peg: Any, last: Any, ready: Any, columns: Any, pages: Any, shelf: Any, bench: Any) -> Any:
    """The first peg from here that says whom the item keeps waiting."""
    while peg < last:
        consumer = pages.pegs[peg].consumer
        if consumer <= MERGED:
            if bench.cells[MERGED - consumer].turn == bench.room.used[1]:
                return np.int64(peg)
        else:
            day = arrival(pages.pegs[peg].supply, columns, pages, shelf, ready)
            if day > (np.int64(pages.draws[consumer].start) if consumer >= 0 else np.int64(0)):
                return np.int64(peg)
        peg += 1
    return np.int64(peg)


@fused
def _same_peg(one: Any, other: Any, columns: Any, pages: Any, shelf: Any, board: Board, stood: Stood) -> Any:
    """Whether a peg that stood says what another one says now: runs are parted by when their lots are due."""
    pegs = pages.pegs
    if pegs[one].consumer != pegs[other].consumer or pegs[one].quantity != pegs[other].quantity:
        return False
    a, b = pegs[one].supply, pegs[other].supply
    if (a < 0) != (b < 0) or (a >= 0 and pages.orders[a].due != pages.orders[b].due):
        return False
    return arrival(a, columns, pages, shelf, stood.ready) == arrival(b, columns, pages, shelf, board.ready)


@fused
def lasts(item: int, days: Any, columns: Any, pages: Any, shelf: Any, bench: Any, board: Board, stood: Stood) -> Any:
    """Whether the list of an item is as it was; `days` are those on which its needs may be others, as bits."""
    spans, old = pages.spans, stood.spans
    if spans.short_from[item] < spans.short_to[item] or old.short_from[item] < old.short_to[item]:
        return False
    bench.room.used[1] += 1
    asked = _mark(item, spans, board.ready, columns, pages, shelf, bench)
    asked |= _mark(item, old, stood.ready, columns, pages, shelf, bench)
    if days & asked:
        return False
    one, one_end, other, other_end = old.peg_from[item], old.peg_to[item], spans.peg_from[item], spans.peg_to[item]
    while True:
        one = _next(one, one_end, stood.ready, columns, pages, shelf, bench)
        other = _next(other, other_end, board.ready, columns, pages, shelf, bench)
        if one >= one_end or other >= other_end:
            return one >= one_end and other >= other_end
        if not _same_peg(one, other, columns, pages, shelf, board, stood):
            return False
        one += 1
        other += 1


@fused
def most_orders(item: int, pages: Any, stood: Stood) -> Any:
    """How many orders the item has and had."""
    now = pages.spans.order_to[item] - pages.spans.order_from[item]
    return now + stood.spans.order_to[item] - stood.spans.order_from[item]
