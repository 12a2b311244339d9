"""The doors of the compiled planner: small plans in one thread, large ones level by level in two.

Compiled at first use and kept in `__pycache__` (or numba's own folder, where that cannot be written).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from planning.columns import Result
from planning.kernels.compiling import compiled_and_kept, fingerprint
from planning.kernels.levels import collect, gather_all
from planning.kernels.replanning import arise, replan
from planning.kernels.scratch import new_bench
from planning.kernels.turns import OFTEN, longer_pages, longer_shelf, new_pages, new_shelf, plan_in_turn
from planning.kernels.unfolding import part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from planning.columns import Columns, Ints, Pages, Shelf, Table
    from planning.kernels.scratch import Bench

THREADS = 2
PARALLEL_FROM = 2_000
"""Items from which it is worth to have threads take turns."""
SHARE = 1_024
"""Items of a level that a thread plans before it takes the next ones: few, as each waits for the last of the other."""
DRAFT = 2**17
"""Orders of a level that each thread has room for at first; of pegs twice as many."""
T = TypeVar("T")


def _kept(version: str) -> tuple[Callable[..., Any], ...]:
    """The kernels that plan.

    Kept on disk for these sources: numba looks at one file's date, but hashes what a function holds.
    """

    def turn(columns: Any, book: Any, pages: Any, shelf: Any, bench: Any, chosen: Any, direct: Any) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return plan_in_turn(columns, book, pages, shelf, bench, chosen, direct)

    def together(columns: Any, book: Any, shelf: Any, first: int, last: int) -> Any:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        return gather_all(columns, book, shelf, first, last)

    return tuple(compiled_and_kept(each) for each in (turn, together))


def _kept_too(version: str) -> tuple[Callable[..., Any], ...]:
    """The kernels that work on what is planned; kept as the others."""

    def put(book: Any, pages: Any, worker: Any, thread: int, first: int, last: int) -> None:
        if len(version) == 0:
            raise ValueError("the sources have no digest")
        collect(book, pages, worker, thread, first, last)

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


plan_turns, _gather = _kept(fingerprint())
_collect, _part = _kept_too(fingerprint())
plan_again, arise_again = _kept_beside(fingerprint())


def solve(columns: Columns, *, threads: int | None = None) -> Result:
    """The plan of all items, the same for any number of threads (at most two are used; unless said, as is worth it)."""
    items = len(columns.items) - 1
    # Room for an order each fortnight of a year: what is never written takes no memory, and what grows is copied.
    least = max(len(columns.needs) * 2, 1024)
    book = new_pages(items, least + OFTEN * items, least + 2 * OFTEN * items)
    shelf, bench = new_shelf(columns), new_bench(columns)
    if (threads or (THREADS if items >= PARALLEL_FROM else 1)) > 1:
        return _Levels(columns, book, shelf, bench).solve()
    ok, book, shelf, _ = plan_turns(columns, book, book, shelf, bench, np.arange(items), True)
    return Result(ok, book, shelf)


def single_pegs(columns: Columns, result: Result, chosen: Ints | None = None, bench: Any = None) -> tuple[Table, Ints]:
    """The pegs of these items (or all), runs parted into single needs; and where each item's begin."""
    items = np.arange(len(columns.items) - 1) if chosen is None else chosen
    pegs, starts = _part(columns, result.pages, result.shelf, bench or new_bench(columns), items)
    return pegs, starts


class _Levels:
    """One plan in the making, level by level."""

    def __init__(self, columns: Columns, book: Pages, shelf: Shelf, bench: Bench) -> None:
        self.columns = columns
        self.book, self.shelf = book, shelf
        items = len(columns.items) - 1
        self.pool = columns.items["pool"][:items]
        self.worker = np.zeros(items, np.int64)
        self.benches = [bench, new_bench(columns)]
        drafts = [new_pages(items, DRAFT, 2 * DRAFT) for _ in range(THREADS)]
        self.drafts = [draft._replace(spans=drafts[0].spans) for draft in drafts]

    def solve(self) -> Result:
        bounds = self.columns.level_from.tolist()
        with ThreadPoolExecutor(THREADS - 1) as others:
            for first, last in pairwise(bounds):
                if not self._arise(first, last) or not self._level(first, last, others):
                    return Result(False, self.book, self.shelf)
        return Result(True, self.book, self.shelf)

    def _arise(self, first: int, last: int) -> bool:
        """Put the by-products of these items on the shelf; False where a quantity passes the limit."""
        rows, spans = self.columns.items["yield_from"], self.book.spans
        parents = self.columns.yields["parent"][rows[first] : rows[last]]
        arising = int((spans.order_to[parents] - spans.order_from[parents]).sum())
        self.shelf = longer_shelf(self.shelf, int(self.shelf.used[0]) + arising)
        return bool(_gather(self.columns, self.book, self.shelf, first, last))

    def _level(self, first: int, last: int, others: ThreadPoolExecutor) -> bool:
        """Plan these items on drafts, then write them to the book; False where a quantity passes the limit."""
        shares = iter(self._shares(first, last))
        if not all(_together(others, lambda thread: self._plan(thread, shares))):
            return False
        written = np.sum([draft.filled for draft in self.drafts], axis=0)
        self.book = longer_pages(self.book, *written.tolist())
        _together(others, lambda thread: _collect(self.book, self.drafts[thread], self.worker, thread, first, last))
        self.book.filled[:] += written
        for draft in self.drafts:
            draft.filled[:] = 0
        return True

    def _shares(self, first: int, last: int) -> list[Ints]:
        """These items in shares, all of a pool in that of its first."""
        count = max(THREADS, (last - first) // SHARE)
        share = np.arange(last - first) * count // (last - first)
        coupled = np.flatnonzero(self.pool[first:last] >= 0)
        _, one, which = np.unique(self.pool[first + coupled], return_index=True, return_inverse=True)
        share[coupled] = share[coupled[one]][which]
        order = np.argsort(share, kind="stable")
        return np.split(first + order, np.searchsorted(share[order], np.arange(1, count)))

    def _plan(self, thread: int, shares: Iterator[Ints]) -> bool:
        """Plan one share after the other, of those that no thread has begun: so both end at about the same time."""
        ok = True
        for chosen in shares:
            self.worker[chosen] = thread
            done, self.drafts[thread], _, self.benches[thread] = plan_turns(
                self.columns, self.book, self.drafts[thread], self.shelf, self.benches[thread], chosen, False
            )
            ok = ok and done
        return ok


def _together(others: ThreadPoolExecutor, work: Callable[[int], T]) -> list[T]:
    """What comes of the work of each thread; this one is the first."""
    running = [others.submit(work, thread) for thread in range(1, THREADS)]
    return [work(0), *(task.result() for task in running)]


__all__ = ["arise_again", "plan_again", "plan_turns", "single_pegs", "solve"]
