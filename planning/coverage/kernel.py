"""Forward from what is there: when each order of a plan in tables is ready, and each demand covered.

Twin of `planning.feasible`. An order remembers which component decides its day, so that a change of another one is
weighed without looking at the rest; only where the deciding one comes earlier are all components asked again. Items are
settled from the lowest level up, each once.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from planning.kernels.compiling import allocating, compiled, compiled_and_kept, fingerprint

NEVER = 2**30
"""The day of what is missing for good."""


class Board(NamedTuple):
    """By order its day, that of its material and the item that decides it; by fixed consumer the same."""

    ready: Any
    material: Any
    decider: Any
    covered: Any
    settler: Any


class Agenda(NamedTuple):
    """What is to be done: items to look at, those whose pegs count anew, those whose orders ask all components again.

    `several` says which fixed consumers ask for several items, `again` which of those have to ask them all again.
    """

    due: Any
    pegs: Any
    whole: Any
    several: Any
    again: Any


class Ways(NamedTuple):
    """Components (and by-products) by item; lead times, calendars."""

    below_from: Any
    below: Any
    lead: Any
    number: Any
    day: Any


@compiled
def _end(item: Any, start: Any, columns: Any, ways: Ways) -> Any:
    """Twin of `WorkDays.end`; -1 where that is beyond the calendar."""
    lead, calendar = ways.lead[item], columns.items[item].calendar
    if calendar == 0 or lead == 0:
        return np.int64(start + lead)
    if start >= ways.number.shape[1] or ways.number[calendar, start] + lead >= ways.day.shape[1]:
        return np.int64(-1)
    return np.int64(ways.day[calendar, ways.number[calendar, start] + lead])


@compiled
def _expected(order: int, columns: Any, pages: Any) -> Any:
    """The day the plan has an order done."""
    item = pages.orders[order].item
    if pages.orders[order].overdue:
        return np.int64(columns.items[item].late_end)
    return max(np.int64(pages.orders[order].due), np.int64(columns.items[item].frozen))


@compiled
def _ready_on(order: int, columns: Any, pages: Any, board: Board, ways: Ways) -> Any:
    """Twin of `Feasible._from_material`."""
    item, material = np.int64(pages.orders[order].item), np.int64(board.material[order])
    if material >= NEVER:
        return np.int64(NEVER)
    expected = _expected(order, columns, pages)
    if material <= pages.draws[order].start:
        return np.int64(expected)
    end = _end(item, material, columns, ways)
    return np.int64(end if end < 0 else max(expected, end))


@compiled
def _arrival(supply: int, columns: Any, pages: Any, shelf: Any, board: Board) -> Any:
    """Twin of `Feasible._arrival`."""
    if supply >= 0:
        return np.int64(board.ready[supply])
    row = -1 - supply
    if shelf.rows[row].on_hand:
        return np.int64(0)
    if shelf.rows[row].made >= 0:
        return _expected(shelf.rows[row].made, columns, pages)
    return np.int64(shelf.rows[row].day)


@compiled
def _note(consumer: int, day: Any, item: int, pages: Any, board: Board, agenda: Agenda) -> None:
    """An item covers a consumer on this day: what that means for the day everything is there.

    What is there when an order starts does not decide its day, and counts as there from the first.
    """
    if consumer >= 0:
        parent = pages.orders[consumer].item
        day = np.int64(0) if day <= pages.draws[consumer].start else np.int64(day)
        if day > board.material[consumer]:
            board.material[consumer], board.decider[consumer] = day, item
            agenda.due[parent] = 1
        elif day < board.material[consumer] and board.decider[consumer] == item:
            agenda.whole[parent] = agenda.due[parent] = 1
        return
    fixed = -1 - consumer
    if day > board.covered[fixed]:
        board.covered[fixed], board.settler[fixed] = day, item
    elif day < board.covered[fixed] and board.settler[fixed] == item:
        if agenda.several[fixed]:
            agenda.again[fixed] = 1
        else:
            board.covered[fixed] = day


@compiled
def _tell(
    item: int, pegs: Any, columns: Any, pages: Any, shelf: Any, board: Board, agenda: Agenda, latest: Any
) -> None:
    """Say to each consumer of the item when the last of what it gets is there; `latest` is -1 before and after."""
    size, shorts, spans = len(latest), pages.shorts, pages.spans
    for peg in range(len(pegs)):
        at = np.int64(pegs[peg].consumer)
        at += size if at < 0 else 0
        latest[at] = max(latest[at], _arrival(pegs[peg].supply, columns, pages, shelf, board))
    for short in range(spans.short_from[item], spans.short_to[item]):
        at = np.int64(shorts[short].consumer)
        latest[at + size if at < 0 else at] = NEVER
        _note(shorts[short].consumer, NEVER, item, pages, board, agenda)
    for peg in range(len(pegs)):
        at = np.int64(pegs[peg].consumer)
        at += size if at < 0 else 0
        if 0 <= latest[at] < NEVER:
            _note(pegs[peg].consumer, np.int64(latest[at]), item, pages, board, agenda)
        elif latest[at] == NEVER:
            _note(pegs[peg].consumer, NEVER, item, pages, board, agenda)
        latest[at] = -1
    for short in range(spans.short_from[item], spans.short_to[item]):
        at = np.int64(shorts[short].consumer)
        latest[at + size if at < 0 else at] = -1


@compiled
def _hear(
    below: int, level: Any, pegs: Any, columns: Any, pages: Any, shelf: Any, board: Board, agenda: Agenda
) -> None:
    """What one component says to the orders of a level that ask all of theirs."""
    for peg in range(len(pegs)):
        order = pegs[peg].consumer
        if order >= 0 and agenda.whole[pages.orders[order].item] and level[pages.orders[order].item]:
            day = _arrival(pegs[peg].supply, columns, pages, shelf, board)
            if day > board.material[order] and day > pages.draws[order].start:
                board.material[order], board.decider[order] = day, below
    for short in range(pages.spans.short_from[below], pages.spans.short_to[below]):
        order = pages.shorts[short].consumer
        if order >= 0 and agenda.whole[pages.orders[order].item] and level[pages.orders[order].item]:
            board.material[order], board.decider[order] = NEVER, below


@compiled
def _settle_orders(item: int, columns: Any, pages: Any, board: Board, ways: Ways) -> Any:
    """Give the orders of an item their days; returns whether one moved, -1 where a day is beyond the calendars."""
    moved = 0
    for order in range(pages.spans.order_from[item], pages.spans.order_to[item]):
        day = _ready_on(order, columns, pages, board, ways)
        if day < 0:
            return np.int64(-1)
        if day != board.ready[order]:
            board.ready[order] = day
            moved = 1
    return np.int64(moved)


@compiled
def _reset(item: int, pages: Any, board: Board) -> None:
    for order in range(pages.spans.order_from[item], pages.spans.order_to[item]):
        board.material[order], board.decider[order] = 0, -1


@allocating
def begin(columns: Any, pages: Any, board: Any, ways: Any, first: Any) -> Any:
    """The orders from row `first` on are new; False where a day is beyond the calendars."""
    for order in range(first, pages.filled[0]):
        board.material[order], board.decider[order] = 0, -1
        board.ready[order] = _ready_on(order, columns, pages, board, ways)
        if board.ready[order] < 0:
            return False
    return True


@allocating
def listen(
    columns: Any, pages: Any, shelf: Any, board: Any, agenda: Any, chosen: Any, pegs: Any, starts: Any, level: Any
) -> None:
    """What these components say to the orders of those items of a level that ask all of theirs again."""
    for place in range(len(chosen)):
        part = pegs[starts[place] : starts[place + 1]]
        _hear(chosen[place], level, part, columns, pages, shelf, board, agenda)


@allocating
def settle(columns: Any, pages: Any, board: Any, agenda: Any, ways: Any, chosen: Any) -> Any:
    """Give the orders of these items their days; marks whose pegs count anew, False where one is beyond calendars."""
    for item in chosen:
        agenda.due[item] = agenda.whole[item] = 0
        moved = _settle_orders(item, columns, pages, board, ways)
        if moved < 0:
            return False
        if moved:
            agenda.pegs[item] = 1
    return True


@allocating
def tell(
    columns: Any, pages: Any, shelf: Any, board: Any, agenda: Any, chosen: Any, pegs: Any, starts: Any, latest: Any
) -> None:
    """Say to the consumers of these items when the last of what they get is there."""
    for place in range(len(chosen)):
        agenda.pegs[chosen[place]] = 0
        part = pegs[starts[place] : starts[place + 1]]
        _tell(chosen[place], part, columns, pages, shelf, board, agenda, latest)


@allocating
def forget(pages: Any, board: Any, chosen: Any) -> None:
    """The orders of these items ask all their components again."""
    for item in chosen:
        _reset(item, pages, board)


def _kept(version: str) -> tuple[Any, ...]:
    """The kernels, kept on disk for these sources."""

    def begun(columns: Any, pages: Any, board: Any, ways: Any, first: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return begin(columns, pages, board, ways, first)

    def heard(
        columns: Any, pages: Any, shelf: Any, board: Any, agenda: Any, chosen: Any, pegs: Any, starts: Any, level: Any
    ) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return listen(columns, pages, shelf, board, agenda, chosen, pegs, starts, level)

    def settled(columns: Any, pages: Any, board: Any, agenda: Any, ways: Any, chosen: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return settle(columns, pages, board, agenda, ways, chosen)

    return tuple(compiled_and_kept(each) for each in (begun, heard, settled))


def _kept_too(version: str) -> tuple[Any, ...]:
    """As above."""

    def told(
        columns: Any, pages: Any, shelf: Any, board: Any, agenda: Any, chosen: Any, pegs: Any, starts: Any, latest: Any
    ) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return tell(columns, pages, shelf, board, agenda, chosen, pegs, starts, latest)

    def forgotten(pages: Any, board: Any, chosen: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return forget(pages, board, chosen)

    return tuple(compiled_and_kept(each) for each in (told, forgotten))


_OWN = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
begin_days, hear_all, settle_days = _kept(fingerprint() + _OWN)
tell_all, forget_days = _kept_too(fingerprint() + _OWN)
