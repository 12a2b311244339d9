"""The compiled planner on a large plant, every order pegged, beside the plain planner on the very same snapshot.

Model A: items on eight levels with ten components each, two demands an item, half as many receipts as items, 52 weekly
buckets, one planned order per item and week; each rule of the planner in use on at least a tenth of the items that can
have it. "kernel" is the compiled planner
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
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figure, best_seconds
from benchmarks.plotting import growth_plot
from canonical.plan import (
    LotPolicy,
    Plan,
    PlanBomLine,
    PlanByProduct,
    PlanCalendar,
    PlanDemand,
    PlanForecast,
    PlanItem,
    PlanningSnapshot,
    PlanOperation,
    PlanPolicies,
    PlanStock,
    PlanSubstitute,
    PlanSupplier,
    ScheduledReceipt,
    ScrapRate,
)
from planning.encoding import encode
from planning.fast import plan_compiled
from planning.kernels.solving import solve
from planning.mrp import plan_plainly
from planning.preparation import collection_paused, prepare

TODAY = date(2026, 11, 2)
SIZES = [int(size) for size in os.environ.get("MILLSTREAM_BENCH_ITEMS", "1000 10000 100000").split()]
PLAIN_UP_TO = 20_000
PLOT = Path(__file__).parent / "results" / "mrp_growth.svg"
COMPONENTS = 10
POLICIES = PlanPolicies(order_grouping="need_date", forecast_backward_days=14, forecast_forward_days=14)
CALENDARS = (PlanCalendar("plant", exceptions=((TODAY + timedelta(30), False),)),)
SCRAP = (ScrapRate(30_000), ScrapRate(20_000, TODAY + timedelta(90)))
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
    LotPolicy(order_up_to=90 * UNIT, maximum=400 * UNIT),
)


def measure() -> list[Figure]:
    """Each size in turn, the largest first: what a process once held hides what a smaller model takes."""
    found = {items: _measured(items) for items in sorted(SIZES, reverse=True)}
    points = [(items, figures[0].ours) for items, figures in sorted(found.items())]
    title = "Compiled planner: seconds by number of items (dashed: ten times the items, ten times the time)"
    growth_plot(PLOT, title, points, x="items", y="seconds")
    return [figure for figures in found.values() for figure in figures]


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
    """Model A at this number of items; each rule holds for at least a tenth of the items that can have it."""
    chance = random.Random(7)
    levels = [[f"L{n}-{i:06d}" for i in range(items * share // 100)] for n, share in enumerate(LEVELS)]
    codes = [code for level in levels for code in level]
    bought, phantoms = set(levels[-1]), set(codes[len(levels[0]) + 5 : -len(levels[-1]) : 10])
    planned = tuple(
        _item(chance, n, code, phantom=code in phantoms, bought=code in bought) for n, code in enumerate(codes)
    )
    real = [code for code in codes if code not in phantoms]
    bom = tuple(
        PlanBomLine(
            parent, component, chance.randrange(1, 4), 8, chance.choice((0, 0, 0, 20_000)),
            *_window(chance, dated=n % 10 == 6 and parent not in phantoms), chance.choice((10, 20)),  # noqa: PLR2004
        )
        for upper, lower in pairwise(levels)
        for n, parent in enumerate(upper)
        for component in chance.sample(lower, COMPONENTS)
    )  # fmt: skip
    demands = tuple(
        PlanDemand(
            f"SO-{n:07d}",
            levels[0][n % len(levels[0])] if n % 2 else chance.choice(codes),
            chance.randrange(1, 20) * UNIT,
            TODAY + timedelta(days=7 * chance.randrange(52)),
            f"SO-{n:07d}",
            customer=f"C{n % 50}",
        )
        for n in range(2 * items)
    )
    wanted = {demand.item: demand.root for demand in demands}
    stock = tuple(
        PlanStock(f"on_hand|{code}", code, chance.randrange(1, 200) * UNIT, wanted.get(code) if n % 5 == 0 else None)
        for n, code in enumerate(real[::2])
    )
    receipts = tuple(
        ScheduledReceipt(
            f"PO-{n:06d}",
            chance.choice(real),
            chance.randrange(1, 100) * UNIT,
            TODAY + timedelta(days=chance.randrange(100)),
            "purchase_order",
        )
        for n in range(items // 2)
    )
    return PlanningSnapshot(
        TODAY, planned, bom, demands, stock, receipts, policies=POLICIES,
        calendars=CALENDARS, **_others(chance, codes, real),
    )  # fmt: skip


def _item(chance: random.Random, n: int, code: str, *, phantom: bool, bought: bool) -> PlanItem:
    suppliers = (PlanSupplier("near", 7, 2, 1), PlanSupplier("far", 14, 1, 3)) if bought else ()
    return PlanItem(
        code,
        "phantom" if phantom else "buy" if bought else "make",
        chance.choice((5, 10)),
        0 if phantom else chance.choice((0, 0, 0, 0, 20 * UNIT)),
        chance.choice(LOTS),
        suppliers=suppliers,
        calendar="plant" if n % 3 == 0 else None,
        safety_time_days=7 if n % 10 == 1 else 0,
        frozen_days=14 if n % 10 == 2 else 0,  # noqa: PLR2004 - a tenth of the items
        scrap=SCRAP if n % 10 == 3 else (),  # noqa: PLR2004
        kept_apart=n % 10 == 4,  # noqa: PLR2004
    )


def _window(chance: random.Random, *, dated: bool) -> tuple[date | None, date | None]:
    """Of an item with dated lines, one in five counts until a day of the first half year, or from one."""
    drawn = chance.randrange(10) if dated else -1
    change = TODAY + timedelta(chance.randrange(180))
    return (change, None) if drawn == 0 else (None, change) if drawn == 1 else (None, None)


def _others(chance: random.Random, codes: list[str], real: list[str]) -> dict[str, Any]:
    """Forecasts, steps with losses, substitutes and by-products, each on a tenth of the items."""
    forecasts = [
        PlanForecast(f"F{n}", code, 30 * UNIT, TODAY + timedelta(7 * chance.randrange(52)))
        for n, code in enumerate(real[::10])
    ]
    operations = [PlanOperation(code, 20, scrap_ppm=10_000) for code in codes[::10]]
    substitutes = [
        PlanSubstitute(code, other, priority=n % 2, customer=f"C{n % 50}" if n % 3 == 0 else None)
        for n, (code, other) in enumerate(zip(real[10::10], real[6::10], strict=False))
    ]
    made = [code for code in real if not code.startswith("L7")]
    by_products = [PlanByProduct(code, chance.choice(real[-len(real) // 10 :]), 1, 20) for code in made[::10]]
    return {
        "forecasts": tuple(forecasts), "operations": tuple(operations), "substitutes": tuple(substitutes),
        "by_products": tuple(by_products),
    }  # fmt: skip
