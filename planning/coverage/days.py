"""The days on which a standing plan covers its demands, and what a change beside it does to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from planning.beside import SPARE, THREADS, longer_table
from planning.coverage.figures import Counting, Lots, counting, expected_of, lots_of
from planning.coverage.kernel import Agenda
from planning.coverage.lasting import LATE, NEVER, Board, Stood
from planning.coverage.settling import Settling, until, ways_of
from planning.feasible import Moved
from planning.tidying import rows_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from canonical.plan import PlanDemand
    from planning.columns import Columns, Ints, Result
    from planning.net_change import Changed, StandingPlan


@dataclass(frozen=True, slots=True)
class Covered:
    """The days demands are covered on, by number of the consumer, from the planning day on; NEVER where never.

    0 where all of it is there by the day it is needed.
    """

    today: date
    days: Ints

    def on(self, number: int) -> date | None:
        """The day a consumer is covered on, the planning day where that is by the day it is due; None: never."""
        day = int(self.days[number])
        return None if day >= NEVER else self.today + timedelta(day)


class Coverage:
    """When a standing plan covers what. Raises NotCovered where a day is beyond what calendars are kept for."""

    def __init__(self, standing: StandingPlan) -> None:
        self.standing = standing
        columns, result = standing.columns, standing.result
        items, orders, fixed = len(columns.items) - 1, int(result.pages.filled[0]), len(columns.fixed)
        self.phantoms = {
            code
            for code, item in standing.prepared.admitted.items.items()
            if item.sourcing == "phantom" and code not in standing.prepared.blocked
        }
        self.wanted, self.demand = self._demands(fixed)
        self.several = np.zeros(fixed, np.uint8)
        for code in self.phantoms & standing.demands.keys():
            self.several[[standing.known[key] for key in standing.demands[code]]] = 1
        self.ways = ways_of(standing)
        board = Board(
            np.zeros(orders, np.int32), np.zeros(fixed, np.int32), np.empty(orders + SPARE, LATE),
            *np.zeros((2, items), np.int64),
        )  # fmt: skip
        flags = np.ones((2, items), np.uint8)
        agenda = Agenda(
            flags[0], flags[1], np.zeros(items, np.uint8), np.zeros(items, np.int64), self.several,
            np.zeros(fixed, np.uint8),
        )  # fmt: skip
        self.filled = 0
        self.board = self._compact(self._settle(columns, result, board, agenda))
        self.base = Covered(standing.prepared.snapshot.as_of, self.board.covered)

    def _demands(self, fixed: int) -> tuple[Ints, Ints]:
        """By fixed consumer the day it is wanted, counted from the planning day, and whether it is a demand."""
        standing = self.standing
        wanted, demand = np.zeros((2, fixed), np.int64)
        today = standing.prepared.snapshot.as_of.toordinal()
        for row in standing.prepared.admitted.demands:
            number = standing.known[row.key]
            wanted[number], demand[number] = max(row.due.toordinal() - today, 0), 1
        return wanted, demand

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
        columns, old, several = change.columns, self.board, self.several.copy()
        spans, before = change.result.pages.spans, self.standing.result.pages.spans
        ready = np.empty(int(change.result.pages.filled[0]), np.int32)
        ready[: len(old.ready)] = old.ready
        board = Board(ready, old.covered.copy(), old.late, old.late_from.copy(), old.late_to.copy())
        for row in change.added:
            # One that takes the place of another may ask another item.
            several[change.number[row.key]] = row.item in self.phantoms or row.key in change.dropped
        flags = np.zeros((3, len(columns.items) - 1), np.uint8)
        flags[0] = (spans.order_from != before.order_from) | (spans.order_to != before.order_to)
        flags[2, change.planned] = 1
        again = np.zeros(len(several), np.uint8)
        agenda = Agenda(flags[0], flags[1], flags[2], change.days, several, again)
        after = self._settle(columns, change.result, board, agenda, change.added)
        self.board = old._replace(late=after.late)  # the room that was made for the change
        return Covered(self.base.today, after.covered)

    def before(self, added: Iterable[PlanDemand], dropped: Collection[str]) -> Covered:
        """What `moved` asks of the plan that stands: days in time too, of demands that come back wanted earlier."""
        standing, days = self.standing, self.base.days
        numbers = [
            standing.known[row.key]
            for row in added
            if row.key in dropped and row.due < standing.demands[standing.item_of[row.key]][row.key].due
        ]
        if not numbers:
            return self.base
        codes = {standing.names.codes[item] for number in numbers for item in self._asked_by(number, ())}
        pegs = standing.pegs_of(*sorted(codes))
        pegs = pegs[np.isin(pegs["consumer"], -1 - np.array(numbers))]
        days = days.astype(np.int64)
        np.maximum.at(days, -1 - pegs["consumer"], self._arrivals(pegs["supply"]))
        return Covered(self.base.today, days)

    def _arrivals(self, supplies: Ints) -> Ints:
        """The days these supplies of the plan that stands are there, numbered as in pegs; twin of `kernel._arrival`."""
        standing, planned = self.standing, supplies >= 0
        days = np.empty(len(supplies), np.int64)
        days[planned] = self.board.ready[supplies[planned]]
        rows = standing.result.shelf.rows[-1 - supplies[~planned]]
        there = np.where(rows["on_hand"] != 0, 0, rows["day"]).astype(np.int64)
        made = (rows["on_hand"] == 0) & (rows["made"] >= 0)
        there[made] = expected_of(standing.columns, standing.result, rows["made"][made])
        days[~planned] = there
        return days

    def moved(self, change: Changed, before: Covered, after: Covered) -> tuple[Moved, ...]:
        """The demands in both plans that are covered on another day, the worst first; as `planning.feasible.moved`."""
        base, standing = self.base, self.standing
        replaced = {standing.known[row.key]: row for row in change.added if row.key in change.dropped}
        differ = np.maximum(base.days, self.wanted) != np.maximum(after.days, self.wanted)
        differ &= self.demand != 0
        differ[[standing.known[key] for key in change.dropped]] = False
        differ[[*replaced]] = True
        found = []
        for number in np.flatnonzero(differ).tolist():
            key = standing.names.fixed_keys[number]
            row = replaced.get(number) or standing.demands[standing.item_of[key]][key]
            found.append(_moved(row, before.on(number), after.on(number)))
        moves = [row for row in found if row.before != row.after]
        return tuple(sorted(moves, key=lambda row: (row.days is not None, -(row.days or 0), row.key)))

    def _settle(
        self, columns: Columns, result: Result, board: Board, agenda: Agenda, added: Iterable[PlanDemand] = ()
    ) -> Board:
        """Settle what is due; returns the board, whose table of lists may have been lengthened."""
        stood = Stood(self.standing.result.pages.spans, self.board.ready if self.filled else board.ready, self.filled)
        board = Settling(columns, result, stood, agenda, self.ways, self.standing.beside).settle(board)
        for number in np.flatnonzero(agenda.again).tolist():
            asked = self._asked_by(number, added)
            board.covered[number] = max((until(board, item, -1 - number) for item in asked), default=0)
        return board

    def _compact(self, board: Board) -> Board:
        """The lists one after the other, and as much room after them."""
        rows, (starts, ends) = rows_in(board.late_from, board.late_to)
        self.filled = len(rows)
        late = longer_table(board.late[rows], 2 * len(rows) + THREADS * SPARE, len(rows))
        return board._replace(late=late, late_from=starts, late_to=ends)

    def _asked_by(self, number: int, added: Iterable[PlanDemand]) -> Iterable[int]:
        """The items a demand is for: components, where it is for a phantom."""
        standing, key = self.standing, self.standing.names.fixed_keys[number]
        row = next((row for row in added if row.key == key), None)
        code = standing.item_of[key] if row is None else row.item
        if code not in self.phantoms:
            return [standing.number[code]]
        return [standing.number[component] for component, *_ in standing.prepared.explosion.components.get(code, ())]


def _moved(row: PlanDemand, was: date | None, will: date | None) -> Moved:
    return Moved(row.key, row.root, row.item, row.due, was and max(was, row.due), will and max(will, row.due))


__all__ = ["Coverage", "Covered"]
