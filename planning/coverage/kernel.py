"""Forward from what is there: when each order of a plan in tables is ready, and each demand covered.

Twin of `planning.feasible`. What comes in time decides nothing, so each item keeps a short list of whom it keeps
waiting, and until when: an order by a day after its start, a fixed consumer by any day. Items are settled from the
lowest level up, each once: its orders look for themselves on the lists of its components, then its own list is written.
An item whose list comes out as it was is of no concern to those above; nor is one whose list can only come out so
(`planning.coverage.lasting`), and that is most of those a change has planned again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from planning.columns import MERGED, PEG
from planning.coverage.lasting import (
    NEVER,
    Board,
    Stood,
    arrival,
    expected_day,
    lasts,
    match_orders,
    most_orders,
)
from planning.kernels.compiling import allocating, compiled_and_kept, fingerprint, fused
from planning.kernels.scratch import longer_bench
from planning.kernels.sorting import borrow, sort_positions
from planning.kernels.unfolding import part_marked, room_to_part
from planning.kernels.writing import longer

DONE, MORE_LATE, BEYOND = range(3)
"""How settling ends: all done, the list of an item has no room, or a day is beyond the calendars."""


class Agenda(NamedTuple):
    """`due` says whose orders look for their days again, `told` whose list is written anew whatever its orders say.

    `planned` says whose list is written anew unless it lasts, and `days` when its needs are others. `several` says
    which fixed consumers ask several items, `again` which of those are kept waiting otherwise by one.
    """

    due: Any
    told: Any
    planned: Any
    days: Any
    several: Any
    again: Any


class Ways(NamedTuple):
    """Components (and by-products) by item, its lead time, and what `_end` asks of calendars.

    `number` says by calendar and day how many working days lie before it, `day` which day each working day is.
    """

    below_from: Any
    below: Any
    lead: Any
    number: Any
    day: Any


@fused
def _end(item: Any, start: Any, columns: Any, ways: Ways) -> Any:
    """Twin of `WorkDays.end`; -1 where that is beyond the calendar."""
    lead, calendar = ways.lead[item], columns.items[item].calendar
    if calendar == 0 or lead == 0:
        return np.int64(start + lead)
    if start >= ways.number.shape[1] or ways.number[calendar, start] + lead >= ways.day.shape[1]:
        return np.int64(-1)
    return np.int64(ways.day[calendar, ways.number[calendar, start] + lead])


@fused
def _ready_on(order: int, item: int, material: Any, columns: Any, pages: Any, ways: Ways) -> Any:
    """Twin of `Feasible._from_material`; `material` is 0 where none is late; -1: beyond the calendar."""
    if material >= NEVER:
        return np.int64(NEVER)
    expected = expected_day(order, columns, pages)
    if material <= pages.draws[order].start:
        return np.int64(expected)
    end = _end(item, material, columns, ways)
    return np.int64(end if end < 0 else max(expected, end))


@fused
def _first_late(low: int, high: int, consumer: int, late: Any) -> Any:
    """The first row of a list whose consumer is at least this one."""
    while low < high:
        middle = (low + high) // 2
        if late[middle].consumer < consumer:
            low = middle + 1
        else:
            high = middle
    return low


@fused
def _gather_material(
    item: int, material: Any, columns: Any, pages: Any, board: Board, ways: Ways, stood: Stood, room: Any
) -> None:
    """Fill in by order of the item the last day a component keeps it waiting until, 0 where none does.

    Lists from before the change know its orders by the rows they had then.
    """
    late, first, before = board.late, pages.spans.order_from[item], stood.spans.order_from[item]
    known = borrow(room, stood.spans.order_to[item] - before if first != before else 0)
    if first != before:
        match_orders(item, known, columns, pages, stood)
    material[:] = 0
    for at in range(ways.below_from[item], ways.below_from[item + 1]):
        below = ways.below[at]
        renamed = first != before and board.late_from[below] < stood.filled
        start, count = (before, len(known)) if renamed else (first, len(material))
        row = _first_late(board.late_from[below], board.late_to[below], start, late)
        while row < board.late_to[below] and late[row].consumer < start + count:
            order = np.int64(late[row].consumer) - start
            if renamed:
                order = known[order]
            if order >= 0:
                material[order] = max(material[order], late[row].day)
            row += 1


@fused
def _settle_orders(item: int, columns: Any, pages: Any, board: Board, ways: Ways, stood: Stood, room: Any) -> Any:
    """Give the orders of an item their days; returns whether one moved, -1 where a day is beyond the calendars."""
    room.used[0] = 0
    first = pages.spans.order_from[item]
    material = borrow(room, pages.spans.order_to[item] - first)
    _gather_material(item, material, columns, pages, board, ways, stood, room)
    moved = 0
    for order in range(len(material)):
        day = _ready_on(first + order, item, material[order], columns, pages, ways)
        if day < 0:
            return np.int64(-1)
        if day != board.ready[first + order]:
            board.ready[first + order] = day
            moved = 1
    return np.int64(moved)


@fused
def _mark(item: int, columns: Any, pages: Any, shelf: Any, board: Board, bench: Any) -> Any:
    """Mark the cells of runs that are kept waiting; returns the last day there is one, -1 where there is none."""
    days, last = columns.rules.days, np.int64(-1)
    bench.room.used[1] += 1
    for peg in range(pages.spans.peg_from[item], pages.spans.peg_to[item]):
        cell = MERGED - pages.pegs[peg].consumer
        if cell >= 0 and bench.cells[cell].turn != bench.room.used[1]:
            day = np.int64(cell % days)
            if arrival(pages.pegs[peg].supply, columns, pages, shelf, board.ready) > day:
                bench.cells[cell].turn = bench.room.used[1]
                last = max(last, day)
    return last


@fused
def _collect(pegs: Any, columns: Any, pages: Any, shelf: Any, board: Board, who: Any, until: Any) -> Any:
    """Fill in whom these pegs of single needs keep waiting, and until when; returns how many there are."""
    count = 0
    for peg in range(len(pegs)):
        consumer = pegs[peg].consumer
        if consumer <= MERGED:
            continue
        day = arrival(pegs[peg].supply, columns, pages, shelf, board.ready)
        if day > (np.int64(pages.draws[consumer].start) if consumer >= 0 else np.int64(0)):
            who[count], until[count] = consumer, day
            count += 1
    return count


@fused
def _write_list(first: int, count: int, who: Any, until: Any, late: Any, room: Any) -> Any:
    """Write the list, each consumer once with its last day; returns the row after it."""
    position = borrow(room, count)
    sort_positions(who[:count], position, room)
    at = first
    for place in range(count):
        consumer, day = who[place], until[position[place]]
        if at > first and late[at - 1].consumer == consumer:
            late[at - 1].day = max(np.int64(late[at - 1].day), day)
            continue
        late[at].consumer, late[at].day = consumer, day
        at += 1
    return at


@fused
def _tell_one(consumer: int, day: int, pages: Any, board: Board, agenda: Agenda) -> None:
    """A consumer is kept waiting by an item until this day, unlike before; 0 says that it is not."""
    if consumer >= 0:
        agenda.due[pages.orders[consumer].item] = 1
    elif agenda.several[-1 - consumer]:
        agenda.again[-1 - consumer] = 1
    else:
        board.covered[-1 - consumer] = day


@fused
def _tell(item: int, first: int, last: int, pages: Any, board: Board, agenda: Agenda) -> Any:
    """Tell those whose day differs between the list that stands and the new one; returns whether there are any."""
    late, old, old_last, new = board.late, board.late_from[item], board.late_to[item], first
    differ = False
    while old < old_last or new < last:
        if new >= last or (old < old_last and late[old].consumer < late[new].consumer):
            _tell_one(late[old].consumer, 0, pages, board, agenda)
            old += 1
            differ = True
        elif old >= old_last or late[new].consumer < late[old].consumer:
            _tell_one(late[new].consumer, late[new].day, pages, board, agenda)
            new += 1
            differ = True
        else:
            if late[old].day != late[new].day:
                _tell_one(late[new].consumer, late[new].day, pages, board, agenda)
                differ = True
            old += 1
            new += 1
    return differ


@fused
def _rewrite(
    item: int, columns: Any, pages: Any, shelf: Any, bench: Any, board: Board, agenda: Agenda, filled: Any, limit: int,
    parted: Any,
) -> Any:  # fmt: skip
    """Write the list of an item anew; False where there is no room for it."""
    spans, room = pages.spans, bench.room
    pegs, count = pages.pegs[spans.peg_from[item] : spans.peg_to[item]], 0
    last_day = _mark(item, columns, pages, shelf, board, bench)
    if last_day >= 0:
        pegs = parted[: part_marked(item, last_day, columns, pages, bench, parted)]
    room.used[0] = 0
    shorts = spans.short_to[item] - spans.short_from[item]
    who, until = borrow(room, len(pegs) + shorts), borrow(room, len(pegs) + shorts)
    count = _collect(pegs, columns, pages, shelf, board, who, until)
    for short in range(spans.short_from[item], spans.short_to[item]):
        who[count], until[count] = pages.shorts[short].consumer, NEVER
        count += 1
    if filled[0] + count > limit:
        return False
    last = _write_list(filled[0], count, who, until, board.late, room)
    if _tell(item, filled[0], last, pages, board, agenda):
        board.late_from[item], board.late_to[item], filled[0] = filled[0], last, last
    return True


@fused
def _to_write(item: int, moved: Any, columns: Any, pages: Any, shelf: Any, bench: Any, board: Any, agenda: Any,
              stood: Any) -> Any:  # fmt: skip
    """Whether the list of an item has to be written anew."""
    if agenda.told[item] or not agenda.planned[item]:
        return moved != 0 or agenda.told[item] != 0
    return not lasts(item, agenda.days[item], columns, pages, shelf, bench, board, stood)


@allocating
def settle(
    columns: Any, pages: Any, shelf: Any, bench: Any, board: Any, agenda: Any, ways: Any, stood: Any, chosen: Any,
    begin: int, filled: Any, limit: int,
) -> Any:  # fmt: skip
    """Settle these items of one level, from a place on; returns how it ended, the place, and the bench.

    The lists are written from row `filled` up to `limit`; MORE_LATE says to go on at this place with more room.
    """
    parted = np.empty(1024, PEG)
    for place in range(begin, len(chosen)):
        item = chosen[place]
        least = 4 * most_orders(item, pages, stood)
        if least > len(bench.room.ints):
            bench = longer_bench(bench, least, 0, 0)
        moved = _settle_orders(item, columns, pages, board, ways, stood, bench.room) if agenda.due[item] else 0
        if moved < 0:
            return BEYOND, place, bench
        if _to_write(item, moved, columns, pages, shelf, bench, board, agenda, stood):
            agenda.told[item] = 1
            most = room_to_part(item, columns, pages)
            if 2 * most > len(bench.desk):
                bench = longer_bench(bench, 2 * most, 2 * most, 0)
            parted = longer(parted, 2 * most)
            if not _rewrite(item, columns, pages, shelf, bench, board, agenda, filled, limit, parted):
                return MORE_LATE, place, bench
        agenda.due[item] = agenda.told[item] = agenda.planned[item] = 0
    return DONE, len(chosen), bench


def _kept(version: str) -> Any:
    """The kernel, kept on disk for these sources."""

    def settled(
        columns: Any, pages: Any, shelf: Any, bench: Any, board: Any, agenda: Any, ways: Any, stood: Any, chosen: Any,
        begin: int, filled: Any, limit: int,
    ) -> Any:  # fmt: skip
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return settle(columns, pages, shelf, bench, board, agenda, ways, stood, chosen, begin, filled, limit)

    return compiled_and_kept(settled)


_SOURCES = (Path(__file__), Path(__file__).with_name("lasting.py"))
_OWN = hashlib.sha256(b"".join(source.read_bytes() for source in _SOURCES)).hexdigest()
settle_items = _kept(fingerprint() + _OWN)

__all__ = ["BEYOND", "DONE", "MORE_LATE", "NEVER", "Agenda", "Ways", "settle_items"]
