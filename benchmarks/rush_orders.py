"""Rush orders, scenarios and pegging questions on plans that stand in memory, beside the goals.

A rush order is planned beside the plan that stands: only what it reaches is planned again, and who is covered on
another day for it is what planning everything says (`tests/properties/test_net_change.py`; here at the smallest size).
How much it reaches, the plant decides, so two are measured (`benchmarks.plants`), at each size, beside planning
everything, which says nothing yet about who moves. In "families" a product has about 300 BOM lines. In "model A"
everything shares everything: one rush order makes up to a third of 100,000 items plan again, up to a quarter come out
otherwise (two thirds of those only with more or less over), and nobody or two orders move.

Ten scenarios are what a sales meeting asks: ten rush orders more; a customer who cancels twenty orders; a family of
twenty products that sells a fifth more, or two weeks later. Each is asked for its figures and whom it moves; what it
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
from functools import partial
from itertools import chain

import numpy as np

from benchmarks.measuring import Figure, best_seconds
from benchmarks.mrp_compiled import SIZES
from benchmarks.plants import TODAY, UNIT, families, model_a
from canonical.plan import PlanDemand, PlanningSnapshot
from planning.coverage.days import Coverage
from planning.coverage.rush import rush_beside
from planning.coverage.scenarios import scenario_beside
from planning.fast import plan_compiled
from planning.kernels.solving import solve
from planning.net_change import StandingPlan
from planning.preparation import collection_paused, prepare
from planning.promise.asking import Asked
from planning.rush import rush
from planning.scenario import AddDemand, Change, ChangeDemand

ROUNDS = {1: 20, 10: 20, 100: 20}
LARGE = 50_000
"""Items from which a third of the rounds has to do."""
CHECKED = 2_000
"""Items up to which the answer is held against planning everything."""
AHEAD = -1
"""The priority of a rush order: before all others, whose priority is 0."""
GOALS = {1: 50.0, 10: 50.0, 100: 150.0}


def measure() -> list[Figure]:
    """Percentiles over seeded questions, by plant and size."""
    plants = (("families", families), ("model A", model_a))
    asked = [(name, plant, size) for name, plant in plants for size in sorted(SIZES)]
    return list(chain.from_iterable(_figures(f"{name}, {size:,} items", plant(size)) for name, plant, size in asked))


def _figures(size: str, snapshot: PlanningSnapshot) -> list[Figure]:
    chance, items = random.Random(3), len(snapshot.items)
    with collection_paused():
        coverage = Coverage(StandingPlan(snapshot))
    standing = coverage.standing
    if items <= CHECKED:
        _check(coverage, snapshot, _asked(chance, standing, 10))
    rush_beside(coverage, _asked(chance, standing, 1))
    whole = best_seconds(lambda: solve(standing.columns)) * 1000
    figures = []
    for count, rounds in ROUNDS.items():
        taken, moved, reached = [], [], []
        for _ in range(rounds // 3 if items >= LARGE else rounds):
            asked = _asked(chance, standing, count)
            start = time.perf_counter()
            moved.append(len(rush_beside(coverage, asked).moved))
            taken.append((time.perf_counter() - start) * 1000)
            reached.append(int(coverage.standing.beside.flags[1].sum()))
        name = f"{size}: impact of {count} rush orders"
        middle, most = np.percentile(taken, (50, 95))
        told = f"{np.mean(reached):,.0f} items planned again, {np.mean(moved):,.0f} orders move on average"
        figures.append(Figure(f"{name}, p95 ({told}); peer: the goal", float(most), GOALS[count], "ms"))
        figures.append(Figure(f"{name}, p50; peer: planning everything, without who moves", float(middle), whole, "ms"))
    return [*figures, *_scenarios(coverage, chance, size), _pegging(standing, chance, size)]


def _check(coverage: Coverage, snapshot: PlanningSnapshot, asked: list[Asked]) -> None:
    """The same question, answered by planning everything as rows."""
    expected = rush((plan_compiled(prepare(snapshot)), snapshot), asked, lambda after: plan_compiled(prepare(after)))
    if rush_beside(coverage, asked) != expected:
        raise AssertionError("whom the orders move differs from planning everything, so the speed does not matter")


def _ends(standing: StandingPlan, count: int) -> list[str]:
    return [code for code in standing.names.codes[: count * 50 + 1000] if code.startswith("L0")]


def _due(chance: random.Random) -> timedelta:
    return timedelta(7 * chance.randrange(2, 12))


def _asked(chance: random.Random, standing: StandingPlan, count: int) -> list[Asked]:
    ends = _ends(standing, count)
    return [
        Asked(chance.choice(ends), chance.randrange(1, 20) * UNIT, TODAY + _due(chance), "C1", priority=AHEAD)
        for _ in range(count)
    ]


def _stories(chance: random.Random, standing: StandingPlan) -> list[tuple[Change, ...]]:
    """Ten scenarios, each a few hundred changed orders at most."""
    return [
        *(_rush_orders(chance, standing) for _ in range(3)),
        *(_cancelled(chance, standing) for _ in range(3)),
        *(tuple(ChangeDemand(row.key, quantity=row.quantity * 6 // 5) for row in _family(n, standing)) for n in (0, 1)),
        *(tuple(ChangeDemand(row.key, due=row.due + timedelta(14)) for row in _family(n, standing)) for n in (2, 3)),
    ]


def _rush_orders(chance: random.Random, standing: StandingPlan) -> tuple[Change, ...]:
    ends = _ends(standing, 100)
    return tuple(
        AddDemand(f"NEW-{n}", chance.choice(ends), chance.randrange(1, 20) * UNIT, TODAY + _due(chance))
        for n in range(10)
    )


def _cancelled(chance: random.Random, standing: StandingPlan) -> tuple[Change, ...]:
    customer = f"C{chance.randrange(50)}"
    own = [row for rows in standing.demands.values() for row in rows.values() if row.customer == customer]
    return tuple(ChangeDemand(row.key, quantity=0) for row in chance.sample(own, min(20, len(own))))


def _family(number: int, standing: StandingPlan) -> list[PlanDemand]:
    """The orders of twenty products, as far as they are due in time to be postponed."""
    ends = _ends(standing, 100)
    first = 20 * number % len(ends)
    last = TODAY + timedelta(300)
    return [row for code in ends[first : first + 20] for row in standing.demands[code].values() if row.due < last]


def _scenarios(coverage: Coverage, chance: random.Random, size: str) -> list[Figure]:
    standing = coverage.standing
    asked = _stories(chance, standing)
    scenario_beside(coverage, "first", asked[0])
    each = [_milliseconds(partial(scenario_beside, coverage, str(n), changes)) for n, changes in enumerate(asked)]
    shares = [_held(partial(scenario_beside, coverage, "", changes)) for changes in (asked[0], asked[-1])]
    kept, most = np.max(shares, axis=0)
    base, orders = _base(coverage), sum(len(changes) for changes in asked)
    return [
        Figure(f"{size}: ten scenarios, {orders:,} changed orders in all", sum(each) / 1000, 0.0, "s"),
        Figure(f"{size}: the slowest of ten scenarios; peer: the goal", max(each) / 1000, 1.0, "s"),
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
    board = coverage.board._replace(late=coverage.board.late[: coverage.filled])
    return int(held + sum(table.nbytes for table in (*result.shelf, *pages.spans, *board)))


def _pegging(standing: StandingPlan, chance: random.Random, size: str) -> Figure:
    codes = chance.sample(standing.names.codes, 500)
    taken = [_milliseconds(lambda code=code: standing.pegs_of(code)) for code in codes]  # type: ignore[misc]
    return Figure(f"{size}: pegging question, p95; peer: the goal", float(np.percentile(taken, 95)), 5.0, "ms")


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000
