"""Rush orders, scenarios and pegging questions on the plan of model A that stands in memory, beside the goals.

A rush order is planned beside the plan that stands, before everything else that is wanted on its day: only what it
reaches is planned again, and the outcome is the one of planning everything (`tests/properties/test_net_change.py`). A
scenario adds a hundred orders and takes out a hundred; its memory is what it holds beside the base. A pegging question
asks for all pegs of one item, need by need. `MILLSTREAM_BENCH_ITEMS` sets the number of items (the largest counts).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta

import numpy as np

from benchmarks.measuring import Figure, best_seconds
from benchmarks.mrp_compiled import SIZES, TODAY, UNIT, model
from canonical.plan import PlanDemand
from planning.kernels.solving import solve
from planning.net_change import Changed, StandingPlan
from planning.preparation import collection_paused

ROUNDS = {1: 100, 10: 60, 100: 30}
GOALS = {1: 50.0, 10: 50.0, 100: 150.0}


def measure() -> list[Figure]:
    """Percentiles over seeded questions."""
    items, chance = max(SIZES), random.Random(3)
    with collection_paused():
        standing = StandingPlan(model(items))
    whole = best_seconds(lambda: solve(standing.columns)) * 1000
    size = f"{items:,} items"
    figures = []
    for count, rounds in ROUNDS.items():
        taken, reached = [], []
        for _ in range(rounds):
            rows = _rush(chance, standing, count)
            start = time.perf_counter()
            with standing.changed(rows) as change:
                taken.append((time.perf_counter() - start) * 1000)
                reached.append(len(change.items))
        name = f"impact of {count} rush orders, p95 ({size}, {np.mean(reached):,.0f} change on average); peer: the goal"
        figures.append(Figure(name, float(np.percentile(taken, 95)), GOALS[count], "ms"))
    figures.append(Figure("the same 100 by planning everything; peer: p95 above", whole, figures[-1].ours, "ms"))
    return [*figures, *_scenarios(standing, chance), _pegging(standing, chance)]


def _rush(chance: random.Random, standing: StandingPlan, count: int) -> list[PlanDemand]:
    ends = [code for code in standing.names.codes[: count * 50 + 1000] if code.startswith("L0")]
    return [
        PlanDemand(
            f"RUSH-{n:04d}",
            chance.choice(ends),
            chance.randrange(1, 20) * UNIT,
            TODAY + timedelta(7 * chance.randrange(2, 12)),
            f"RUSH-{n:04d}",
            customer="C1",
        )
        for n in range(count)
    ]


def _scenarios(standing: StandingPlan, chance: random.Random) -> list[Figure]:
    taken, shares = [], []
    for _ in range(10):
        rows, dropped = _rush(chance, standing, 100), chance.sample([*standing.item_of], 100)
        start = time.perf_counter()
        with standing.changed(rows, dropped) as change:
            taken.append(time.perf_counter() - start)
            shares.append(_share(standing, change))
    return [
        Figure("ten scenarios of 200 changed orders each: the slowest; peer: the goal", max(taken), 1.0, "s"),
        Figure("ten scenarios: the most memory one holds beside the base; peer: the goal", max(shares), 20.0, "%"),
    ]


def _share(standing: StandingPlan, change: Changed) -> float:
    """Percent of the base's bytes that a change holds: its new rows, and copies of what says where rows stand."""
    base, own = standing.result, change.result
    pages = base.pages
    rows = [(table.itemsize, int(count)) for table, count in zip(pages[1:4], pages.filled, strict=True)]
    rows.append((pages.orders.itemsize, int(pages.filled[0])))
    held = sum(size * count for size, count in rows) + sum(table.nbytes for table in standing.columns[1:])
    held += sum(table.nbytes for table in (*base.shelf, *pages.spans))
    new = own.pages.filled - pages.filled
    more = int(new[0]) * (pages.orders.itemsize + pages.draws.itemsize) + int(new[1]) * pages.pegs.itemsize
    more += sum(table.nbytes for table in (*own.shelf, *own.pages.spans)) + change.columns.root_rank.nbytes
    return 100 * more / held


def _pegging(standing: StandingPlan, chance: random.Random) -> Figure:
    codes = chance.sample(standing.names.codes, 500)
    taken = [_milliseconds(lambda code=code: standing.pegs_of(code)) for code in codes]  # type: ignore[misc]
    return Figure("pegging question, p95; peer: the goal", float(np.percentile(taken, 95)), 5.0, "ms")


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000
