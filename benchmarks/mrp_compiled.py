"""The compiled planner on a large plant, every order pegged, beside the plain planner on the very same snapshot.

Model A: items on eight levels with ten components each, two demands an item, half as many receipts as items, 52 weekly
buckets, one planned order per item and week; lots of every rule, scrap, safety stock. "kernel" is the compiled planner
alone, from tables to tables; "plan" is what `plan()` does, from a snapshot of Python rows to a plan of Python rows,
checks and structure included. The peer is
the plain planner: of its own run without checks and structure for the kernel, whole for "plan". Both plans are compared
first, row by row, at the size where both run. `MILLSTREAM_BENCH_ITEMS` sets the numbers of items;
above 20,000 the kernel runs alone, beside its goal.
"""

from __future__ import annotations

import os
import random
import resource
import time
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

from benchmarks.measuring import Figure, best_seconds
from canonical.plan import (
    LotPolicy,
    Plan,
    PlanBomLine,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanPolicies,
    PlanStock,
    ScheduledReceipt,
)
from planning.encoding import encode
from planning.fast import plan_compiled
from planning.kernels.solving import solve
from planning.mrp import plan_plainly
from planning.preparation import collection_paused, prepare

TODAY = date(2026, 11, 2)
SIZES = [int(size) for size in os.environ.get("MILLSTREAM_BENCH_ITEMS", "10000 100000").split()]
PLAIN_UP_TO = 20_000
COMPONENTS = 10
POLICIES = PlanPolicies(order_grouping="need_date")
LEVELS = (4, 8, 12, 16, 16, 16, 16, 12)  # percent of the items
UNIT = 1_000_000
LOTS = (
    LotPolicy(),
    LotPolicy(),
    LotPolicy(multiple=10 * UNIT),
    LotPolicy(minimum=200 * UNIT),
    LotPolicy(rule="period", period_days=28),
    LotPolicy(rule="period", period_days=56),
    LotPolicy(rule="fixed", fixed=500 * UNIT),
    LotPolicy(minimum=20 * UNIT, multiple=5 * UNIT),
)


def measure() -> list[Figure]:
    """Each size in turn, the largest first: what a process once held hides what a smaller model takes."""
    return [figure for items in sorted(SIZES, reverse=True) for figure in _measured(items)]


def _measured(items: int) -> list[Figure]:
    """Seconds for one plan, and megabytes by which the kernel raised the process's peak over its tables."""
    snapshot = model(items)
    prepared = prepare(snapshot)
    columns, _ = encode(prepared)
    solve(encode(prepare(model(1000)))[0])  # what compiling and loading take is none of the model's
    before = _peak()
    result = solve(columns)
    grown = _peak() - before
    size = f"{items:,} items, {len(snapshot.bom):,} BOM lines, {len(result.orders):,} orders, {len(result.pegs):,} pegs"
    figures = [
        Figure("kernel: memory over its input (peer: the goal for 100,000 items)", ours=grown, peer=400, unit="MB")
    ]
    kernel = best_seconds(lambda: solve(columns))
    if items > PLAIN_UP_TO:
        return [Figure(f"kernel (peer: the goal): {size}", ours=kernel, peer=1.0, unit="s"), *figures]
    with collection_paused():
        plain, whole_plain = _timed(lambda: plan_plainly(prepare(snapshot)))
        ours, whole = _timed(lambda: plan_compiled(prepare(snapshot)))
        if ours != plain:
            raise AssertionError("the two plans differ, so their speed does not matter")
        del ours, plain
        prepared = prepare(snapshot)
        peer = _timed(lambda: plan_plainly(prepared))[1]
    return [
        Figure(f"kernel: {size}", ours=kernel, peer=peer, unit="s"),
        Figure("plan: the same, from rows to rows", ours=whole, peer=whole_plain, unit="s"),
    ]


def _timed(work: Callable[[], Plan]) -> tuple[Plan, float]:
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def model(items: int) -> PlanningSnapshot:
    """Model A at this number of items."""
    chance = random.Random(7)
    levels = [[f"L{n}-{i:06d}" for i in range(items * share // 100)] for n, share in enumerate(LEVELS)]
    codes = [code for level in levels for code in level]
    bought = set(levels[-1])
    planned = tuple(
        PlanItem(
            code,
            "buy" if code in bought else "make",
            7 * chance.randrange(1, 3),
            chance.choice((0, 0, 0, 0, 20 * UNIT)),
            chance.choice(LOTS),
        )
        for code in codes
    )
    bom = tuple(
        PlanBomLine(parent, component, chance.randrange(1, 4), 8, chance.choice((0, 0, 0, 20_000)))
        for upper, lower in pairwise(levels)
        for parent in upper
        for component in chance.sample(lower, COMPONENTS)
    )
    demands = tuple(
        PlanDemand(
            f"SO-{n:07d}",
            levels[0][n % len(levels[0])] if n % 2 else chance.choice(codes),
            chance.randrange(1, 20) * UNIT,
            TODAY + timedelta(days=7 * chance.randrange(52)),
            f"SO-{n:07d}",
        )
        for n in range(2 * items)
    )
    stock = tuple(PlanStock(f"on_hand|{code}", code, chance.randrange(1, 200) * UNIT) for code in codes[::2])
    receipts = tuple(
        ScheduledReceipt(
            f"PO-{n:06d}",
            chance.choice(codes),
            chance.randrange(1, 100) * UNIT,
            TODAY + timedelta(days=chance.randrange(100)),
            "purchase_order",
        )
        for n in range(items // 2)
    )
    return PlanningSnapshot(TODAY, planned, bom, demands, stock, receipts, policies=POLICIES)
