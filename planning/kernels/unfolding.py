"""Parts the pegs of runs (all needs of one day and urgency of an item) into pegs of single needs, in planning order.

A run is served like a queue: what it takes first goes to the need with the first rank. So the runs' pegs say all, and
are a small part of the rows; who asks for single ones gets them from here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.columns import MERGE_ALL, MERGE_NONE, MERGED, PEG
from planning.kernels.compiling import allocating, fused
from planning.kernels.ranking import fill_up, most_needs, pull_each, pull_marked, rank
from planning.kernels.scratch import longer_bench
from planning.kernels.sorting import borrow, sort_positions
from planning.kernels.writing import longer


@fused
def _line_up(item: int, n: int, columns: Any, bench: Any, before: Any) -> None:
    """What all needs of a lower rank ask for, by need; and in the cells where each run begins in that queue."""
    desk, cells, turn, days = bench.desk, bench.cells, bench.room.used[1], columns.rules.days
    everything, stock = columns.items[item].merge == MERGE_ALL, columns.rules.stock_root
    total: Any = np.int64(0)
    for need in range(n):
        before[need] = total
        if everything or desk[need].root == stock:
            key = desk[need].urgency * days + desk[need].day
            if cells[key].turn != turn:
                cells[key].turn, cells[key].quantity = turn, total
        total += desk[need].open
    before[n] = total


@fused
def _in_queue(peg: int, pages: Any, bench: Any) -> Any:
    """Whether a peg is of a run whose needs are lined up."""
    consumer = pages.pegs[peg].consumer
    return consumer <= MERGED and bench.cells[MERGED - consumer].turn == bench.room.used[1]


@fused
def _begin(first: int, last: int, columns: Any, pages: Any, bench: Any, begin: Any) -> None:
    """Where in the queue each peg of a run begins.

    A run takes existing supply as its pegs stand, then what other lots have over, the latest first, then its own lot.
    """
    key, position = borrow(bench.room, last - first), borrow(bench.room, last - first)
    lined, days, count = borrow(bench.room, last - first), columns.rules.days, 0
    for at in range(last - first):
        if _in_queue(first + at, pages, bench):
            supply, day = pages.pegs[first + at].supply, (MERGED - pages.pegs[first + at].consumer) % days
            lined[count], key[count] = at, 0
            if supply >= 0:
                due = pages.orders[supply].due
                key[count] = days + 1 if due == day else days - due
            count += 1
    sort_positions(key[:count], position[:count], bench.room)
    for place in range(count):
        at = lined[position[place]]
        cell = MERGED - pages.pegs[first + at].consumer
        begin[at] = bench.cells[cell].quantity
        bench.cells[cell].quantity += pages.pegs[first + at].quantity


@fused
def _need_at(begin: int, before: Any, n: int) -> Any:
    """The need that stands at this place of the queue."""
    low, high = 0, n
    while low + 1 < high:
        middle = (low + high) // 2
        if before[middle] <= begin:
            low = middle
        else:
            high = middle
    return low


@fused
def _part(peg: int, begin: int, count: int, before: Any, n: int, pages: Any, desk: Any, parted: Any) -> Any:
    """Write one peg of a run need by need; returns how many pegs there are now."""
    end = begin + pages.pegs[peg].quantity
    need = _need_at(begin, before, n)
    while begin < end:
        upto = min(end, before[need + 1])
        if upto > begin:
            parted[count].supply, parted[count].consumer = pages.pegs[peg].supply, desk[need].consumer
            parted[count].quantity = upto - begin
            count += 1
            begin = upto
        need += 1
    return count


@fused
def _part_queue(item: int, n: int, count: int, columns: Any, pages: Any, bench: Any, parted: Any) -> Any:
    """Write the pegs of an item with runs, for the needs pulled; returns how many pegs there are now."""
    desk, room = bench.desk, bench.room
    first, last = pages.spans.peg_from[item], pages.spans.peg_to[item]
    rank(desk, bench.sheet, n, columns, pages.orders, room)
    before, begin = borrow(room, n + 1), borrow(room, last - first)
    _line_up(item, n, columns, bench, before)
    _begin(first, last, columns, pages, bench, begin)
    for peg in range(first, last):
        if pages.pegs[peg].consumer > MERGED:
            parted[count] = pages.pegs[peg]
            count += 1
        elif _in_queue(peg, pages, bench):
            count = _part(peg, begin[peg - first], count, before, n, pages, desk, parted)
    return count


@fused
def _part_item(item: int, count: int, columns: Any, pages: Any, shelf: Any, bench: Any, parted: Any) -> Any:
    """Write the pegs of an item with runs; returns how many pegs there are now."""
    bench.room.used[0] = 0
    bench.room.used[1] += 1
    n = pull_each(item, columns, pages, bench.desk, bench.sheet)
    fill_up(item, MERGE_NONE, n, columns, shelf, bench.desk)
    return _part_queue(item, n, count, columns, pages, bench, parted)


@fused
def _fill_marked(item: int, n: int, columns: Any, pages: Any, desk: Any) -> None:
    """What the safety stock of an item that is topped up asks for: what is pegged to its run, and nobody else asks."""
    own = -1 - columns.items[item].safety_consumer
    days, safety = columns.rules.days, -1
    for at in range(n):
        if desk[at].raw_consumer == own:
            safety = at
    if columns.items[item].top_up <= 0 or safety < 0:
        return
    urgency, day, run = desk[safety].raw_urgency, desk[safety].raw_day, 0
    for peg in range(pages.spans.peg_from[item], pages.spans.peg_to[item]):
        if pages.pegs[peg].consumer == MERGED - (urgency * days + day):
            run += pages.pegs[peg].quantity
    for at in range(n):
        if at != safety and desk[at].raw_urgency == urgency and desk[at].raw_day == day:
            run -= desk[at].raw_quantity
    desk[safety].raw_quantity = run


@fused
def part_marked(item: int, last: int, columns: Any, pages: Any, bench: Any, parted: Any) -> Any:
    """Write the pegs of an item, of its runs only those in cells of this turn; returns how many there are.

    None of these cells is after the day `last`. `room_to_part` says how much room that takes.
    """
    marked = bench.room.used[1]
    bench.room.used[0] = 0
    n = pull_marked(item, marked, last, columns, pages, bench.desk, bench.sheet, bench.cells)
    bench.room.used[1] += 1
    _fill_marked(item, n, columns, pages, bench.desk)
    return _part_queue(item, n, 0, columns, pages, bench, parted)


@fused
def room_to_part(item: int, columns: Any, pages: Any) -> Any:
    """How many needs or pegs the item has at most."""
    spans = pages.spans
    return max(most_needs(item, columns, spans), spans.peg_to[item] - spans.peg_from[item])


@allocating
def part(columns: Any, pages: Any, shelf: Any, bench: Any, chosen: Any) -> Any:
    """The pegs of these items need by need, and where each item's begin."""
    parted, starts, count = np.empty(1024, PEG), np.zeros(len(chosen) + 1, np.int64), 0
    for place in range(len(chosen)):
        item = chosen[place]
        first, last = pages.spans.peg_from[item], pages.spans.peg_to[item]
        starts[place] = count
        most = room_to_part(item, columns, pages)
        if 2 * most > len(bench.desk):
            bench = longer_bench(bench, 2 * most, 2 * most, 0)
        parted = longer(parted, count + last - first + most)
        if columns.items[item].merge < MERGE_NONE and last > first:
            count = _part_item(item, count, columns, pages, shelf, bench, parted)
            continue
        for peg in range(first, last):
            parted[count] = pages.pegs[peg]
            count += 1
    starts[len(chosen)] = count
    return parted[:count], starts
