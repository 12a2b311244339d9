"""The days on which a standing plan covers its demands, and what a change beside it does to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from planning.columns import NotCovered
from planning.coverage.figures import Counting, Lots, counting, lots_of
from planning.coverage.kernel import (
    NEVER,
    Agenda,
    Board,
    Ways,
    begin_days,
    forget_days,
    hear_all,
    settle_days,
    tell_all,
)
from planning.feasible import Moved
from planning.kernels.solving import new_room, single_pegs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from canonical.plan import PlanDemand
    from planning.columns import Columns, Ints, Result
    from planning.net_change import Changed, StandingPlan

PORTION = 256
"""Items whose pegs are parted at a time."""
SPAN = 8
"""Calendars reach so many times as far as the plan itself, its lead times end on end."""


@dataclass(frozen=True, slots=True)
class Covered:
    """The days demands are covered on, by number of the consumer, from the planning day on; NEVER where never."""

    today: date
    days: Ints

    def on(self, number: int) -> date | None:
        """The day a consumer is covered on; None where it never is."""
        day = int(self.days[number])
        return None if day >= NEVER else self.today + timedelta(day)


class Coverage:
    """When a standing plan covers what. Raises NotCovered where a day is beyond what calendars are kept for."""

    def __init__(self, standing: StandingPlan) -> None:
        self.standing = standing
        columns, result = standing.columns, standing.result
        items, orders = len(columns.items) - 1, int(result.pages.filled[0])
        self.phantoms = {
            code
            for code, item in standing.prepared.admitted.items.items()
            if item.sourcing == "phantom" and code not in standing.prepared.blocked
        }
        self.several = np.zeros(len(columns.fixed), np.uint8)
        for code in self.phantoms & standing.demands.keys():
            self.several[[standing.known[key] for key in standing.demands[code]]] = 1
        self.ways, self.bench = _ways(standing), new_room(columns)
        self.latest = np.full(orders + len(columns.fixed), -1, np.int32)
        ready, material, decider = np.zeros((3, orders), np.int32)
        fixed = len(columns.fixed)
        self.board = Board(ready, material, decider, np.zeros(fixed, np.int32), np.full(fixed, -1, np.int32))
        due, pegs = np.ones(items, np.uint8), np.ones(items, np.uint8)
        agenda = Agenda(due, pegs, np.zeros(items, np.uint8), self.several, np.zeros(fixed, np.uint8))
        self._settle(columns, result, self.board, agenda, first=0)
        self.base = Covered(standing.prepared.snapshot.as_of, self.board.covered)

    @cached_property
    def counting(self) -> Counting:
        """What counting figures takes; raises NotCovered where they cannot be counted."""
        return counting(self)

    @cached_property
    def lots(self) -> Lots:
        """The orders of the plan that stands, counted by item."""
        standing = self.standing
        every = np.arange(len(standing.columns.items) - 1)
        return lots_of(standing.columns, standing.result, standing.names.urgencies, every)

    def beside(self, change: Changed) -> Covered:
        """The same with a change in it, while the change lasts."""
        columns, result = change.columns, change.result
        more = int(result.pages.filled[0]) - len(self.board.ready)
        old = self.board
        ready, material, decider = (np.append(each, np.zeros(more, np.int32)) for each in old[:3])
        board = Board(ready, material, decider, old.covered.copy(), old.settler.copy())
        items, several = len(columns.items) - 1, self.several.copy()
        for row in change.added:
            number = change.number[row.key]
            board.covered[number], board.settler[number] = 0, -1
            several[number] = row.item in self.phantoms
        due = _planned_again(self.standing.result, result)
        agenda = Agenda(due, due.copy(), np.zeros(items, np.uint8), several, np.zeros(len(several), np.uint8))
        self._settle(columns, result, board, agenda, first=len(old.ready), added=change.added)
        return Covered(self.base.today, board.covered)

    def moved(self, change: Changed, after: Covered) -> tuple[Moved, ...]:
        """The demands in both plans that are covered on another day, the worst first; as `planning.feasible.moved`."""
        base, standing, found = self.base, self.standing, []
        replaced = {row.key: row for row in change.added}
        last = len(standing.known)
        for number in np.flatnonzero(base.days[:last] != after.days[:last]).tolist():
            key = standing.names.fixed_keys[number]
            code = standing.item_of.get(key)
            if code is None or (key in change.dropped and key not in replaced):
                continue
            found.append(self._moved(replaced.get(key, standing.demands[code][key]), number, after))
        found += [
            self._moved(row, standing.known[row.key], after)
            for row in change.added
            if row.key in standing.item_of and base.days[standing.known[row.key]] == after.days[standing.known[row.key]]
        ]
        moves = [row for row in found if row.before != row.after]
        return tuple(sorted(moves, key=lambda row: (row.days is not None, -(row.days or 0), row.key)))

    def _moved(self, row: PlanDemand, number: int, after: Covered) -> Moved:
        was, will = self.base.on(number), after.on(number)
        return Moved(row.key, row.root, row.item, row.due, was and max(was, row.due), will and max(will, row.due))

    def _settle(
        self,
        columns: Columns,
        result: Result,
        board: Board,
        agenda: Agenda,
        *,
        first: int,
        added: Iterable[PlanDemand] = (),
    ) -> None:
        size = int(result.pages.filled[0]) + len(columns.fixed)
        if size > len(self.latest):
            self.latest = np.full(2 * size, -1, np.int32)
        if not begin_days(columns, result.pages, board, self.ways, first):
            raise NotCovered("a day beyond the calendars")
        while True:
            for low, high in reversed([*pairwise(columns.level_from.tolist())]):
                self._settle_level(columns, result, board, agenda, (low, high))
            asking = np.flatnonzero(agenda.again)
            if not len(asking):
                return
            agenda.again[:] = 0
            board.covered[asking], board.settler[asking] = 0, -1
            for number in asking.tolist():
                for item in self._asked_by(number, added):
                    agenda.due[item] = agenda.pegs[item] = 1

    def _settle_level(
        self, columns: Columns, result: Result, board: Board, agenda: Agenda, bounds: tuple[int, int]
    ) -> None:
        """Settle the items of one level that are due; those below are settled."""
        low, high = bounds
        pages, shelf = result.pages, result.shelf
        whole = low + np.flatnonzero(agenda.whole[low:high])
        if len(whole):
            forget_days(pages, board, whole)
            level = np.zeros(len(agenda.due), np.uint8)
            level[low:high] = 1
            for chosen in _portions(self._below(whole)):
                pegs, starts = single_pegs(columns, result, chosen, self.bench)
                hear_all(columns, pages, shelf, board, agenda, chosen, pegs, starts, level)
        if not settle_days(columns, pages, board, agenda, self.ways, low + np.flatnonzero(agenda.due[low:high])):
            raise NotCovered("a day beyond the calendars")
        for chosen in _portions(low + np.flatnonzero(agenda.pegs[low:high])):
            pegs, starts = single_pegs(columns, result, chosen, self.bench)
            latest = self.latest[: int(pages.filled[0]) + len(columns.fixed)]
            tell_all(columns, pages, shelf, board, agenda, chosen, pegs, starts, latest)

    def _below(self, items: Ints) -> Ints:
        """The components of these items, each once."""
        first, below = self.ways.below_from, self.ways.below
        found = np.concatenate([below[first[item] : first[item + 1]] for item in items.tolist()])
        return np.unique(found)

    def _asked_by(self, number: int, added: Iterable[PlanDemand]) -> Iterable[int]:
        """The components a demand for a phantom is for."""
        key = self.standing.names.fixed_keys[number]
        row = next((row for row in added if row.key == key), None)
        code = self.standing.item_of[key] if row is None else row.item
        components = self.standing.prepared.explosion.components.get(code, ())
        return [self.standing.number[component] for component, *_ in components]


def _portions(items: Ints) -> Iterable[Ints]:
    """So many items that their pegs are small beside the plan."""
    return [items[at : at + PORTION] for at in range(0, len(items), PORTION)]


def _planned_again(before: Result, after: Result) -> Any:  # noqa: ANN401 - an array of flags
    """By item whether its pegs or shortages were written anew."""
    pairs = zip(before.pages.spans[2:], after.pages.spans[2:], strict=True)
    found = np.zeros(len(before.pages.spans.peg_from), bool)
    for old, new in pairs:
        found |= old != new
    return found.astype(np.uint8)


def _ways(standing: StandingPlan) -> Ways:
    lead = np.array([standing.prepared.admitted.items[code].lead_time_days or 0 for code in standing.names.codes])
    number, day = _calendars(standing, lead)
    return Ways(standing.links.below_from, standing.links.below, lead, number, day)


def _calendars(standing: StandingPlan, lead: Ints) -> tuple[Ints, Ints]:
    """By calendar: how many working days lie before each day, and which day each working day is."""
    columns, prepared = standing.columns, standing.prepared
    numbers = columns.items["calendar"][:-1]
    count = int(numbers.max(initial=0)) + 1
    levels = columns.level_from
    longest = sum(int(lead[low:high].max(initial=0)) for low, high in pairwise(levels.tolist()))
    supplies = int(columns.supplies["day"].max(initial=0))
    span = max(columns.rules.days, supplies, int(columns.items["late_end"].max(initial=0))) + SPAN * longest + 1
    before, days = np.tile(np.arange(span), (count, 1)), np.tile(np.arange(span), (count, 1))
    today = prepared.snapshot.as_of.toordinal()
    for calendar in range(1, count):
        code = standing.names.codes[int(np.flatnonzero(numbers == calendar)[0])]
        work = prepared.admitted.rules.days_of(code)
        start = work.number(today)
        before[calendar] = [work.number(today + day) - start for day in range(span)]
        days[calendar] = [work.day(start + number) - today for number in range(span)]
    return before, days


__all__ = ["Coverage", "Covered"]
