"""Settles the days of a plan in tables level by level, from the lowest up, in two threads where there is much to do."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planning.beside import SPARE, THREADS, Stretch, longer_table
from planning.columns import NotCovered
from planning.coverage.kernel import BEYOND, MORE_LATE, Agenda, Ways, settle_items
from planning.coverage.lasting import Stood

if TYPE_CHECKING:
    from planning.beside import Beside
    from planning.columns import Columns, Ints, Result
    from planning.coverage.lasting import Board
    from planning.net_change import StandingPlan

SPAN = 8
"""Calendars reach so many times as far as the plan itself, its lead times end on end."""


class Settling(NamedTuple):
    """A plan in tables, what stood before it, what is to be settled of it, and the threads to do so."""

    columns: Columns
    result: Result
    stood: Stood
    agenda: Agenda
    ways: Ways
    beside: Beside

    def settle(self, board: Board) -> Board:
        """Settle what is due; lists are written after those that stood, and the table of them is lengthened at need.

        Raises NotCovered where a day is beyond the calendars.
        """
        filled = self.stood.filled
        share = (len(board.late) - filled) // THREADS
        stretches = [Stretch([filled + n * share], [filled + n * share + share]) for n in range(THREADS)]
        due, told, planned = self.agenda.due, self.agenda.told, self.agenda.planned
        for low, high in reversed([*pairwise(self.columns.level_from.tolist())]):
            chosen = low + np.flatnonzero(due[low:high] | told[low:high] | planned[low:high])
            if len(chosen):
                board = self._settle_level(board, stretches, chosen)
        return board

    def _settle_level(self, board: Board, stretches: list[Stretch], chosen: Ints) -> Board:
        """Settle these items of one level; those below are settled."""
        todo = {n: (share, 0) for n, share in enumerate(self.beside.halves(chosen))}
        while todo:
            ended = self.beside.together(
                {n: partial(self._work, n, board, stretches[n], *at) for n, at in todo.items()}
            )
            if BEYOND in (how for how, _ in ended.values()):
                raise NotCovered("a day beyond the calendars")
            todo = {n: (todo[n][0], place) for n, (how, place) in ended.items() if how == MORE_LATE}
            for n in todo:
                end = len(board.late)
                stretches[n] = Stretch([end], [2 * end + SPARE])
                board = board._replace(late=longer_table(board.late, 2 * end + SPARE, end))
        return board

    def _work(self, n: int, board: Board, stretch: Stretch, share: Ints, begin: int) -> tuple[int, int]:
        """What one thread does, in its own stretch of the table; returns how it ended, and where."""
        ended, place, self.beside.benches[n] = settle_items(
            self.columns, self.result.pages, self.result.shelf, self.beside.benches[n], board, self.agenda, self.ways,
            self.stood, share, begin, stretch.filled, stretch.limits[0],
        )  # fmt: skip
        return ended, place


def until(board: Board, item: int, consumer: int) -> int:
    """Until when an item keeps a consumer waiting; 0 where it does not."""
    rows = board.late[board.late_from[item] : board.late_to[item]]
    at = int(np.searchsorted(rows["consumer"], consumer))
    return int(rows["day"][at]) if at < len(rows) and rows["consumer"][at] == consumer else 0


def ways_of(standing: StandingPlan) -> Ways:
    """Where the items' components, lead times and calendars stand."""
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
