"""Parts the pegs of runs (all needs of one day and urgency of an item) into pegs of single needs, in planning order.

A run is served like a queue: what it takes first goes to the need with the first rank. So the runs' pegs say all, and
are a small part of the rows; who asks for single ones gets them from here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.columns import MERGE_ALL, MERGE_NONE, MERGED, PEG
from planning.kernels.compiling import allocating, compiled
from planning.kernels.ranking import fill_up, most_needs, pull_each, rank
from planning.kernels.scratch import longer_bench
from planning.kernels.sorting import borrow, sort_positions
from planning.kernels.writing import longer


@compiled
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


@compiled
def _begin(first: int, last: int, columns: Any, pages: Any, bench: Any, begin: Any) -> None:
    """Where in the queue each peg of a run begins.

    A run takes existing supply as its pegs stand, then what other lots have over, the latest first, then its own lot.
    """
    key, position = borrow(bench.room, last - first), borrow(bench.room, last - first)
    days = columns.rules.days
    for at in range(last - first):
        supply, consumer = pages.pegs[first + at].supply, pages.pegs[first + at].consumer
        key[at] = 0
        if supply >= 0 and consumer <= MERGED:
            due = pages.orders[supply].due
            key[at] = days + 1 if due == (MERGED - consumer) % days else days - due
    sort_positions(key, position, bench.room)
    for at in range(last - first):
        peg = first + position[at]
        if pages.pegs[peg].consumer <= MERGED:
            cell = MERGED - pages.pegs[peg].consumer
            begin[position[at]] = bench.cells[cell].quantity
            bench.cells[cell].quantity += pages.pegs[peg].quantity


@compiled
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


@compiled
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


@compiled
def _part_item(item: int, count: int, columns: Any, pages: Any, shelf: Any, bench: Any, parted: Any) -> Any:
    """Write the pegs of an item with runs; returns how many pegs there are now."""
    desk, room = bench.desk, bench.room
    first, last = pages.spans.peg_from[item], pages.spans.peg_to[item]
    room.used[0] = 0
    room.used[1] += 1
    n = pull_each(item, columns, pages, desk, bench.sheet)
    fill_up(item, MERGE_NONE, n, columns, shelf, desk)
    rank(desk, bench.sheet, n, columns, pages.orders, room)
    before, begin = borrow(room, n + 1), borrow(room, last - first)
    _line_up(item, n, columns, bench, before)
    _begin(first, last, columns, pages, bench, begin)
    for peg in range(first, last):
        if pages.pegs[peg].consumer <= MERGED:
            count = _part(peg, begin[peg - first], count, before, n, pages, desk, parted)
        else:
            parted[count] = pages.pegs[peg]
            count += 1
    return count


@allocating
def part(columns: Any, pages: Any, shelf: Any, bench: Any, chosen: Any) -> Any:
    """The pegs of these items need by need, and where each item's begin."""
    parted, starts, count = np.empty(1024, PEG), np.zeros(len(chosen) + 1, np.int64), 0
    for place in range(len(chosen)):
        item = chosen[place]
        first, last = pages.spans.peg_from[item], pages.spans.peg_to[item]
        starts[place] = count
        most = max(most_needs(item, columns, pages.spans), last - first)
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
