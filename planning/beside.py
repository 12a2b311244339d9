"""Plans beside a plan that stands what a change reaches, level by level, in two threads where there is much to do.

New rows are written after the standing ones, each thread into a stretch of its own; the tables keep the room for the
next change.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from planning.columns import NotCovered, Pages, Result, Shelf, Spans
from planning.kernels.replanning import DONE, MORE_PAGES, Links, Reach
from planning.kernels.scratch import new_bench
from planning.kernels.solving import arise_again, plan_again
from planning.tidying import rows_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from planning.columns import Columns, Ints, Table

THREADS = 2
PARALLEL_FROM = 64
"""Items of a level from which two threads share them."""
T = TypeVar("T")
SPARE = 4_096
"""Rows of each table that there is room for at least."""
EVERY_DAY = -1
""""On any day", as bits."""


class Reached(NamedTuple):
    """The plan with the change in it; flags by item: which were planned again, and which came out otherwise.

    `days` says by item on which days what it is asked for may be otherwise, as bits (`replanning.Reach`).
    """

    result: Result
    planned: Ints
    changed: Ints
    days: Ints


class Stretch:
    """The rows of the tables (orders, pegs, shortages) that one thread may write to, and how far it got."""

    def __init__(self, filled: Iterable[int], limits: Iterable[int]) -> None:
        self.filled = np.array([*filled])
        self.limits = [*limits]


class Beside:
    """A plan that stands, the room to plan beside it, and the last change."""

    def __init__(self, columns: Columns, result: Result, links: Links) -> None:
        self.links = links
        self.base = result._replace(pages=_roomy(result.pages))
        self.benches = [new_bench(columns) for _ in range(THREADS)]
        self.levels = columns.level_from
        self.logs: list[tuple[Ints, Ints]] = []

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(THREADS)

    def plan(self, columns: Columns, due: Iterable[int]) -> Reached:
        """Plan these items, and what they reach; `undo` has to be called before the next change.

        Raises NotCovered where a quantity passes the limit.
        """
        base, count = self.base, len(columns.items) - 1
        filled = base.pages.filled.tolist()
        tables = _tables(base.pages)
        share = [(len(table) - end) // THREADS for table, end in zip(tables, filled, strict=True)]
        self.stretches = [
            Stretch(
                (end + n * part for end, part in zip(filled, share, strict=True)),
                (end + n * part + part for end, part in zip(filled, share, strict=True)),
            )
            for n in range(THREADS)
        ]
        self.logs = [(np.empty((filled[0], 2), np.int64), np.zeros(1, np.int64)) for _ in range(THREADS)]
        flags = np.zeros((4, count + 1), np.uint8)
        asked = [*due]
        flags[0, asked] = flags[3, asked] = 1
        self.flags = flags
        self.days = np.zeros((THREADS, count + 1), np.int64)
        self.days[0, asked] = EVERY_DAY
        self.opened = np.zeros(len(self.links.pool_from), bool)
        self.pages = base.pages._replace(spans=Spans(*(span.copy() for span in base.pages.spans)))
        shelf = base.shelf
        self.shelf = Shelf(
            shelf.rows, shelf.free.copy(), shelf.wanted.copy(), shelf.arising.copy(), shelf.used.copy()
        )  # fmt: skip
        self._levels(columns)
        tops = np.max([stretch.filled for stretch in self.stretches], axis=0)
        self.base = Result(
            ok=True,
            pages=self.pages._replace(filled=base.pages.filled, spans=base.pages.spans),
            shelf=base.shelf._replace(rows=self.shelf.rows),
        )
        result = Result(ok=True, pages=self.pages._replace(filled=tops), shelf=self.shelf)
        return Reached(result, flags[1], flags[2], np.bitwise_or.reduce(self.days))

    def undo(self) -> None:
        """Let the orders that were only given something else over have what they had."""
        surplus = self.base.pages.orders["surplus"]
        for rows, count in self.logs:
            known = rows[: count[0]]
            surplus[known[:, 0]] = known[:, 1]
        self.logs = []

    def _levels(self, columns: Columns) -> None:
        """Plan the levels in order; where a pool is reached, go back to its first item."""
        level, last = 0, len(self.levels) - 1
        while level < last:
            low, high = self.levels[level], self.levels[level + 1]
            due = low + np.flatnonzero(self.flags[0, low:high])
            first = self._open_pools(columns, due)
            if first >= 0:
                level = int(np.searchsorted(self.levels, first, side="right")) - 1
                continue
            if len(due):
                self._plan_level(columns, due)
            level += 1

    def _open_pools(self, columns: Columns, due: Ints) -> int:
        """Have all items of the pools that are reached planned; returns the first of them, -1 where there is none."""
        links = self.links
        pools = np.unique(links.pool[due])
        pools = pools[pools >= 0]
        pools = pools[~self.opened[pools]]
        if not len(pools):
            return -1
        self.opened[pools] = True
        at, _ = rows_in(links.pool_from[pools], links.pool_from[pools + 1])
        members = links.pool_items[at]
        self.flags[0, members] = 1
        supplies, _ = rows_in(columns.items["supply_from"][members], columns.items["supply_to"][members])
        self.shelf.free[supplies] = self.shelf.rows["quantity"][supplies]
        self.shelf.wanted[supplies] = -1
        self.shelf.arising[members] = 0
        return int(members.min())

    def _plan_level(self, columns: Columns, due: Ints) -> None:
        items = columns.items
        arising = due[items["yield_from"][due] < items["yield_from"][due + 1]]
        if len(arising):
            ok, self.shelf = arise_again(columns, self.pages, self.shelf, arising)
            if not ok:
                raise NotCovered("a quantity beyond the limit")
        todo = {n: (share, 0, 0) for n, share in enumerate(self.halves(due))}
        while todo:
            ended = self.together({n: partial(self._plan_share, n, columns, *share) for n, share in todo.items()})
            if any(how not in (DONE, MORE_PAGES) for how, *_ in ended.values()):
                raise NotCovered("a quantity beyond the limit")
            todo = {n: (todo[n][0], place, 1) for n, (how, place, _) in ended.items() if how == MORE_PAGES}
            for n in todo:
                self._lengthen(n, ended[n][2])

    def halves(self, items: Ints) -> list[Ints]:
        """What each thread works on; all of a pool is planned by one, in order."""
        if len(items) < PARALLEL_FROM:
            return [items]
        worker = np.arange(len(items)) * THREADS // len(items)
        pool = self.links.pool[items]
        worker[pool >= 0] = pool[pool >= 0] % THREADS
        return [items[worker == n] for n in range(THREADS)]

    def together(self, tasks: Mapping[int, Callable[[], T]]) -> dict[int, T]:
        """What comes of these tasks, each in a thread of its own."""
        if len(tasks) == 1:
            return {n: task() for n, task in tasks.items()}
        running = {n: self._threads.submit(task) for n, task in tasks.items()}
        return {n: task.result() for n, task in running.items()}

    def _plan_share(
        self, n: int, columns: Columns, chosen: Ints, begin: int, waiting: int
    ) -> tuple[int, int, tuple[int, int, int]]:
        """Plan these items in the stretch of this thread."""
        stretch, (rows, count), flags = self.stretches[n], self.logs[n], self.flags
        orders, pegs, shorts = stretch.limits
        book = self.pages
        pages = Pages(
            book.orders[:orders],
            book.draws[:orders],
            book.pegs[:pegs],
            book.shorts[:shorts],
            stretch.filled,
            book.spans,
        )
        reach = Reach(flags[0], flags[2], flags[1], flags[3], self.days[n], rows, count)
        how, place, self.benches[n], needed = plan_again(
            columns, self.base.pages.spans, book, pages, self.shelf, self.benches[n], self.links, reach, chosen,
            begin, waiting,
        )  # fmt: skip
        return how, place, needed

    def _lengthen(self, n: int, needed: tuple[int, int, int]) -> None:
        """A new stretch for this thread, at the end of the tables, with room for these rows and more."""
        tables = _tables(self.pages)
        ends = [len(table) for table in tables]
        limits = [end + more + end // 4 + SPARE for end, more in zip(ends, needed, strict=True)]
        self.pages = _with_room(self.pages, limits, ends)
        self.stretches[n] = Stretch(ends, limits)


def _tables(pages: Pages) -> tuple[Table, Table, Table]:
    return pages.orders, pages.pegs, pages.shorts


def _roomy(pages: Pages) -> Pages:
    """The pages with room to write all anew; what is never written takes no memory."""
    filled = pages.filled.tolist()
    return _with_room(pages, [2 * count + 2 * SPARE for count in filled], filled)


def _with_room(pages: Pages, limits: list[int], used: list[int]) -> Pages:
    orders, pegs, shorts = limits
    return pages._replace(
        orders=longer_table(pages.orders, orders, used[0]), draws=longer_table(pages.draws, orders, used[0]),
        pegs=longer_table(pages.pegs, pegs, used[1]), shorts=longer_table(pages.shorts, shorts, used[2]),
    )  # fmt: skip


def longer_table(table: Table, length: int, used: int) -> Any:  # noqa: ANN401 - a table like this one
    """A table of this length that begins with the rows in use, or this one if it is long enough."""
    if len(table) >= length:
        return table
    longer = np.empty(length, table.dtype)
    longer[:used] = table[:used]
    return longer
