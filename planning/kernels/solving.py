"""The doors of the compiled planner: small plans in one thread, large ones level by level in two.

Compiled at first use and kept in `__pycache__` (or numba's own folder, where that cannot be written).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from planning.columns import Result
from planning.kernels.compiling import compiled_and_kept, fingerprint
from planning.kernels.levels import collect, gather_all
from planning.kernels.replanning import arise, replan
from planning.kernels.scratch import new_bench
from planning.kernels.turns import OFTEN, most_claims, new_pages, new_shelf, plan_in_turn
from planning.kernels.unfolding import part

if TYPE_CHECKING:
    from collections.abc import Callable

    from planning.columns import Columns, Ints, Table

THREADS = 2
PARALLEL_FROM = 2_000
"""Items from which it is worth to have threads take turns."""
BATCH = 2_048
"""Items planned before what the threads wrote is put together: what fits a processor's cache."""


def _kept(version: str) -> tuple[Callable[..., Any], ...]:
    """The kernels that plan.

    Kept on disk for these sources: numba looks at one file's date, but hashes what a function holds.
    """

    def start(columns: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return new_shelf(columns), new_bench(columns, most_claims(columns))

    def turn(columns: Any, book: Any, pages: Any, shelf: Any, bench: Any, chosen: Any, direct: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return plan_in_turn(columns, book, pages, shelf, bench, chosen, direct)

    def together(columns: Any, book: Any, shelf: Any, first: int, last: int) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return gather_all(columns, book, shelf, first, last)

    return tuple(compiled_and_kept(each) for each in (start, turn, together))


def _kept_too(version: str) -> tuple[Callable[..., Any], ...]:
    """The kernels that work on what is planned; kept as the others."""

    def put(book: Any, written: Any, worker: Any, first: int, last: int) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return collect(book, written, worker, first, last)

    def parted(columns: Any, pages: Any, shelf: Any, bench: Any, chosen: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return part(columns, pages, shelf, bench, chosen)

    return tuple(compiled_and_kept(each) for each in (put, parted))


def _kept_beside(version: str) -> tuple[Callable[..., Any], ...]:
    """The kernels that plan beside a plan that stands; kept as the others."""

    def again(
        columns: Any, old: Any, book: Any, pages: Any, shelf: Any, bench: Any, links: Any, reach: Any, chosen: Any,
        begin: int, waiting: Any,
    ) -> Any:  # fmt: skip
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return replan(columns, old, book, pages, shelf, bench, links, reach, chosen, begin, waiting)

    def arising(columns: Any, book: Any, shelf: Any, chosen: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return arise(columns, book, shelf, chosen)

    return tuple(compiled_and_kept(each) for each in (again, arising))


_start, plan_turns, _gather = _kept(fingerprint())
_collect, _part = _kept_too(fingerprint())
plan_again, arise_again = _kept_beside(fingerprint())


def solve(columns: Columns, *, threads: int = THREADS) -> Result:
    """The plan of all items, the same for any number of threads (at most two are used)."""
    items = len(columns.items) - 1
    # Room for an order each fortnight of a year: what is never written takes no memory, and what grows is copied.
    least = max(len(columns.needs) * 2, 1024)
    book = new_pages(items, least + OFTEN * items, least + 2 * OFTEN * items)
    shelf, bench = _start(columns)
    if threads == 1 or items < PARALLEL_FROM:
        ok, book, shelf, _ = plan_turns(columns, book, book, shelf, bench, np.arange(items), True)
        return Result(ok, book, shelf)
    return _Levels(columns, book, shelf, bench).solve()


def single_pegs(columns: Columns, result: Result, chosen: Ints | None = None, bench: Any = None) -> tuple[Table, Ints]:
    """The pegs of these items (or all), runs parted into single needs; and where each item's begin."""
    items = np.arange(len(columns.items) - 1) if chosen is None else chosen
    pegs, starts = _part(columns, result.pages, result.shelf, bench or new_room(columns), items)
    return pegs, starts


def new_room(columns: Columns) -> Any:
    """Room for one thread to plan in."""
    return _start(columns)[1]


class _Levels:
    """One plan in the making, level by level."""

    def __init__(self, columns: Columns, book: Any, shelf: Any, bench: Any) -> None:
        self.columns = columns
        self.book, self.shelf = book, shelf
        items = len(columns.items) - 1
        self.pool = columns.items["pool"][:items]
        self.worker = np.zeros(items, np.int64)
        self.benches = [bench, new_room(columns)]
        self.written = [new_pages(items, 64 * BATCH, 128 * BATCH) for _ in range(2 * THREADS)]

    def solve(self) -> Result:
        bounds = self.columns.level_from.tolist()
        with ThreadPoolExecutor(THREADS) as threads:
            for first, last in pairwise(bounds):
                ok, self.shelf = _gather(self.columns, self.book, self.shelf, first, last)
                for at in range(first, last, BATCH):
                    ok = ok and self._batch(at, min(at + BATCH, last), threads)
                if not ok:
                    break
        return Result(ok, self.book, self.shelf)

    def _batch(self, first: int, last: int, threads: ThreadPoolExecutor) -> bool:
        """Plan these items: first those without substitutes, half by half, then the others, pool by pool."""
        worker, pool = self.worker[first:last], self.pool[first:last]
        worker[:] = np.arange(last - first) * THREADS // (last - first)
        worker[pool >= 0] = THREADS + pool[pool >= 0] % THREADS
        ok = True
        for base in (0, THREADS):
            tasks = [
                threads.submit(self._plan, base + thread, thread, first + np.flatnonzero(worker == base + thread))
                for thread in range(THREADS)
            ]
            ended = [task.result() for task in tasks]
            ok = all(ended) and ok
        if ok:
            self.book = _collect(self.book, tuple(self.written), self.worker, first, last)
        return ok

    def _plan(self, writer: int, thread: int, chosen: Ints) -> bool:
        ok, self.written[writer], _, self.benches[thread] = plan_turns(
            self.columns, self.book, self.written[writer], self.shelf, self.benches[thread], chosen, False
        )
        return bool(ok)


__all__ = ["arise_again", "new_room", "plan_again", "plan_turns", "single_pegs", "solve"]
