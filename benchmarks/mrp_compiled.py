"""The compiled planner on a large plant, every order pegged, beside plain Python.

The plants are those of `benchmarks.plants`: model A, where everything shares everything, at each size, and families,
whose products have about 300 BOM lines, at the largest. "52 weeks" plans by week, "365 days" by day, both with the
kernel that `millstream plan case` runs, from tables to tables, in a process that holds nothing else. Its pegs are
runs (all needs of one day and urgency of an item); both planners' single pegs are compared row by row at a size where
both run. Plain netting (`benchmarks.plain_netting`) is the peer that does less. `MILLSTREAM_BENCH_ITEMS` sets the
numbers of items.
"""

from __future__ import annotations

import gc
import os
import pickle
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import plain_netting
from benchmarks.measuring import Figure, best_seconds
from benchmarks.plants import WEEK, families, model_a
from benchmarks.plotting import growth_plot
from canonical.plan import Plan, PlanningSnapshot
from planning.encoding import encode
from planning.fast import plan_compiled
from planning.kernels.solving import solve
from planning.mrp import plan_plainly
from planning.preparation import collection_paused, prepare

SIZES = [int(size) for size in os.environ.get("MILLSTREAM_BENCH_ITEMS", "1000 10000 100000").split()]
BOTH = 5_000
PLOT = Path(__file__).parent / "results" / "mrp_growth.svg"


def measure() -> list[Figure]:
    """Each size for 52 weeks, the largest for 365 days too, and both planners row by row where the plain one can."""
    large = max(SIZES)
    figures, points = [], []
    for items in sorted(SIZES):
        alone, peer = _kernel(model_a(items, WEEK), WEEK)
        points.append((items, alone.seconds))
        figures += _weeks("model A", alone, peer, largest=items == large)
    figures += _days("model A", _kernel(model_a(large, 1), 1)[0])
    figures += _weeks("families", *_kernel(families(large, WEEK), WEEK), largest=True)
    figures += _days("families", _kernel(families(large, 1), 1)[0])
    title = "Compiled planner: seconds by number of items (dashed: ten times the items, ten times the time)"
    growth_plot(PLOT, title, points, x="items", y="seconds")
    return [*figures, *_both(min(BOTH, large))]


class Alone(NamedTuple):
    """What the kernel takes in a process that holds the tables and nothing else."""

    seconds: float
    megabytes: float
    size: str


def _weeks(plant: str, alone: Alone, peer: float, *, largest: bool) -> list[Figure]:
    figures = [Figure(f"{plant}, 52 weeks: {alone.size}; peer: plain netting", alone.seconds, peer, "s")]
    if largest:
        figures += [
            Figure(f"{plant}, 52 weeks: memory over its input; peer: the goal", alone.megabytes, 400, "MB"),
            Figure(f"{plant}, 52 weeks: seconds; peer: the goal", alone.seconds, 1.0, "s"),
        ]
    return figures


def _days(plant: str, alone: Alone) -> list[Figure]:
    return [
        Figure(f"{plant}, 365 days: {alone.size}; peer: the goal", alone.seconds, 2.5, "s"),
        Figure(f"{plant}, 365 days: memory over its input; peer: the goal", alone.megabytes, 1200, "MB"),
    ]


def _kernel(snapshot: PlanningSnapshot, bucket_days: int) -> tuple[Alone, float]:
    """The kernel on a plant, and plain netting beside it, whose seconds are 0 for days."""
    with collection_paused():
        columns, _ = encode(prepare(snapshot))
    size = f"{len(snapshot.items):,} items, {len(snapshot.bom):,} BOM lines, {len(snapshot.demands):,} demands"
    del snapshot
    with TemporaryDirectory() as folder, ProcessPoolExecutor(1, get_context("spawn")) as process:
        path = Path(folder) / "tables"
        with path.open("wb") as file:
            pickle.dump(columns, file, protocol=5)
        seconds, megabytes, orders, pegs = process.submit(_alone, path).result()
    peer = plain_netting.seconds(columns, bucket_days)[0] if bucket_days == WEEK else 0.0
    return Alone(seconds, megabytes, f"{size}, {orders:,} orders, {pegs:,} pegs"), peer


def _alone(path: Path) -> tuple[float, float, int, int]:
    """Seconds (the best of three), megabytes over what the process holds before, orders, pegs."""
    solve(encode(prepare(model_a(3000)))[0])  # what loading the kernels takes is none of the model's
    with path.open("rb") as file:
        columns = pickle.load(file)
    gc.collect()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    result = solve(columns)
    grown = _memory("VmHWM") - before
    orders, pegs, _ = result.pages.filled.tolist()
    del result
    return best_seconds(lambda: solve(columns)), grown, orders, pegs


def _memory(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _both(items: int) -> list[Figure]:
    """Both planners on one snapshot, their plans compared row by row first."""
    snapshot = model_a(items)
    with collection_paused():
        plain, whole_plain = _timed(lambda: plan_plainly(prepare(snapshot)))
        ours, whole = _timed(lambda: plan_compiled(prepare(snapshot)))
        if ours != plain:
            raise AssertionError("the two plans differ, so their speed does not matter")
        size = f"{items:,} items, {len(plain.planned_orders):,} orders, {len(plain.pegs):,} single pegs"
        del ours, plain
        columns, _ = encode(prepare(snapshot))
        prepared = prepare(snapshot)
        peer = _timed(lambda: plan_plainly(prepared))[1]
    kernel = best_seconds(lambda: solve(columns))
    return [
        Figure(f"kernel: {size}; peer: the plain planner, which does the same", kernel, peer, "s"),
        Figure("from rows to rows: the same two plans", whole, whole_plain, "s"),
    ]


def _timed(work: Callable[[], Plan]) -> tuple[Plan, float]:
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start
