"""Rush orders, scenarios and pegging questions on the plan of model A that stands in memory, beside the goals.

A rush order is planned beside the plan that stands: only what it reaches is planned again, and who is covered on
another day for it is what planning everything says (`tests/properties/test_net_change.py`). How much it reaches, the
plant decides: in model A, whose orders are late already, one rush order makes a quarter of the items plan again, so it
is measured at each size.

A scenario adds a hundred orders and takes out a hundred, and is asked for its figures and whom it moves; what it
keeps, and what working it out takes at most, stand beside the tables of the base. A pegging question asks for all pegs
of one item, need by need. `MILLSTREAM_BENCH_ITEMS` sets the numbers of items.
"""

from __future__ import annotations

import gc
import random
import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from itertools import chain

import numpy as np

from benchmarks.measuring import Figure, best_seconds
from benchmarks.mrp_compiled import SIZES, TODAY, UNIT, model
from planning.coverage.days import Coverage
from planning.coverage.rush import rush_beside
from planning.coverage.scenarios import scenario_beside
from planning.kernels.solving import solve
from planning.net_change import StandingPlan
from planning.preparation import collection_paused
from planning.promise.asking import Asked
from planning.scenario import AddDemand, Change, ChangeDemand

ROUNDS = {1: 20, 10: 20, 100: 20}
LARGE = 50_000
"""Items from which a tenth of the rounds has to do."""
GOALS = {1: 50.0, 10: 50.0, 100: 150.0}


def measure() -> list[Figure]:
    """Percentiles over seeded questions, by size."""
    return list(chain.from_iterable(_figures(size) for size in sorted(SIZES)))


def _figures(items: int) -> list[Figure]:
    chance = random.Random(3)
    with collection_paused():
        coverage = Coverage(StandingPlan(model(items)))
    standing, size = coverage.standing, f"{items:,} items"
    rush_beside(coverage, _asked(chance, standing, 1))
    figures = []
    for count, rounds in ROUNDS.items():
        taken, hurt = [], []
        for _ in range(rounds // 10 + 1 if items >= LARGE else rounds):
            asked = _asked(chance, standing, count)
            start = time.perf_counter()
            hurt.append(len(rush_beside(coverage, asked).moved))
            taken.append((time.perf_counter() - start) * 1000)
        name = f"{size}: impact of {count} rush orders, p95 ({np.mean(hurt):,.0f} orders move on average)"
        figures.append(Figure(f"{name}; peer: the goal", float(np.percentile(taken, 95)), GOALS[count], "ms"))
    whole = best_seconds(lambda: solve(standing.columns)) * 1000
    figures.append(Figure(f"{size}: planning everything, without who moves", whole, 0.0, "ms"))
    return [*figures, *_scenarios(coverage, chance, size), _pegging(standing, chance, size)]


def _ends(standing: StandingPlan, count: int) -> list[str]:
    return [code for code in standing.names.codes[: count * 50 + 1000] if code.startswith("L0")]


def _due(chance: random.Random) -> timedelta:
    return timedelta(7 * chance.randrange(2, 12))


def _asked(chance: random.Random, standing: StandingPlan, count: int) -> list[Asked]:
    ends = _ends(standing, count)
    return [
        Asked(chance.choice(ends), chance.randrange(1, 20) * UNIT, TODAY + _due(chance), "C1") for _ in range(count)
    ]


def _changes(chance: random.Random, standing: StandingPlan) -> tuple[Change, ...]:
    ends = _ends(standing, 100)
    added = [
        AddDemand(f"NEW-{n}", chance.choice(ends), chance.randrange(1, 20) * UNIT, TODAY + _due(chance))
        for n in range(100)
    ]
    return (*added, *(ChangeDemand(key, quantity=0) for key in chance.sample([*standing.item_of], 100)))


def _scenarios(coverage: Coverage, chance: random.Random, size: str) -> list[Figure]:
    standing = coverage.standing
    asked = [_changes(chance, standing) for _ in range(10)]
    scenario_beside(coverage, "first", asked[0])
    start = time.perf_counter()
    for number, changes in enumerate(asked):
        scenario_beside(coverage, str(number), changes)
    taken = time.perf_counter() - start
    shares = [_held(lambda changes=changes: scenario_beside(coverage, "", changes)) for changes in asked[:2]]  # type: ignore[misc]
    kept, most = np.max(shares, axis=0)
    base = _base(coverage)
    return [
        Figure(f"{size}: ten scenarios of 200 changed orders each; peer: the goal", taken, 1.0, "s"),
        Figure(f"{size}: what a scenario keeps, of what the base holds; peer: the goal", 100 * kept / base, 20.0, "%"),
        Figure(f"{size}: what working one out takes at most, of what the base holds", 100 * most / base, 0.0, "%"),
    ]


def _held(work: Callable[[], object]) -> tuple[int, int]:
    """Bytes allocated and still held by what comes of it, and the most there were meanwhile."""
    gc.collect()
    tracemalloc.start()
    try:
        found = work()
        held, most = tracemalloc.get_traced_memory()
        del found
        return held, most
    finally:
        tracemalloc.stop()


def _base(coverage: Coverage) -> int:
    """Bytes of the plan that stands: tables of the plant, and rows of the plan in use."""
    standing, result = coverage.standing, coverage.standing.result
    orders, pegs, shorts = result.pages.filled.tolist()
    pages = result.pages
    held = orders * (pages.orders.itemsize + pages.draws.itemsize) + pegs * pages.pegs.itemsize
    held += shorts * pages.shorts.itemsize + sum(table.nbytes for table in standing.columns[1:])
    return int(held + sum(table.nbytes for table in (*result.shelf, *pages.spans, *coverage.board)))


def _pegging(standing: StandingPlan, chance: random.Random, size: str) -> Figure:
    codes = chance.sample(standing.names.codes, 500)
    taken = [_milliseconds(lambda code=code: standing.pegs_of(code)) for code in codes]  # type: ignore[misc]
    return Figure(f"{size}: pegging question, p95; peer: the goal", float(np.percentile(taken, 95)), 5.0, "ms")


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000
