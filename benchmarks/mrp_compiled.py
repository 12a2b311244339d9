"""The compiled planner on a large plant, every order pegged, beside plain Python.

Model A: items on eight levels, a dozen components each, two demands an item, half as many receipts as items; each rule
of the planner in use on at least a tenth of the items that can have it. Items come in whole packs, larger ones further
down, as bolts do; one in ten is a material measured exactly. "52 weeks" plans by week, "365 days" by day, both with the
kernel that `millstream plan case` runs, from tables to tables, in a process that holds nothing else. Its pegs are runs
(all needs of one day and urgency of an item); both planners' single pegs are compared row by row at a size where both
run. Plain netting (`benchmarks.plain_netting`) is the peer that does less. `MILLSTREAM_BENCH_ITEMS` sets the numbers
of items.
"""

from __future__ import annotations

import gc
import os
import pickle
import random
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks import plain_netting
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
BOTH = 5_000
PLOT = Path(__file__).parent / "results" / "mrp_growth.svg"
COMPONENTS = (12, 13, 12, 13)
OF_PHANTOM = 2
PACKS = (1, 1, 1, 2, 5, 10, 20, 50)
"""By level: what an item is counted and bought by. Bolts come by the hundred, machines one by one."""
WEEK = 7
CALENDARS = (PlanCalendar("plant", exceptions=((TODAY + timedelta(30), False),)),)
SCRAP = (ScrapRate(30_000), ScrapRate(20_000, TODAY + timedelta(90)))
LEVELS = (4, 8, 12, 16, 16, 16, 16, 12)  # percent of the items
UNIT = 1_000_000


def _lots(pack: int) -> tuple[LotPolicy, ...]:
    """One item in ten is a material measured exactly; the others come in whole packs."""
    return (
        LotPolicy(),
        LotPolicy(multiple=pack),
        LotPolicy(multiple=10 * pack),
        LotPolicy(multiple=50 * pack),
        LotPolicy(minimum=40 * pack, multiple=pack),
        LotPolicy(rule="period", period_days=28, multiple=pack),
        LotPolicy(rule="period", period_days=56, multiple=pack),
        LotPolicy(rule="fixed", fixed=100 * pack),
        LotPolicy(minimum=20 * pack, multiple=5 * pack),
        LotPolicy(order_up_to=90 * pack, maximum=80 * pack, multiple=pack),
    )


LOTS = tuple(_lots(pack * UNIT) for pack in PACKS)


def measure() -> list[Figure]:
    """Each size for 52 weeks, the largest for 365 days too, and both planners row by row where the plain one can."""
    large = max(SIZES)
    figures, points = [], []
    for items in sorted(SIZES):
        alone, peer = _kernel(items, WEEK)
        points.append((items, alone.seconds))
        figures.append(Figure(f"52 weeks: {alone.size}; peer: plain netting", alone.seconds, peer, "s"))
        if items == large:
            figures.append(Figure("52 weeks: memory over its input; peer: the goal", alone.megabytes, 400, "MB"))
            figures.append(Figure("52 weeks: seconds; peer: the goal", alone.seconds, 1.0, "s"))
    daily, _ = _kernel(large, 1)
    figures.append(Figure(f"365 days: {daily.size}; peer: the goal", daily.seconds, 2.5, "s"))
    figures.append(Figure("365 days: memory over its input; peer: the goal", daily.megabytes, 1200, "MB"))
    title = "Compiled planner: seconds by number of items (dashed: ten times the items, ten times the time)"
    growth_plot(PLOT, title, points, x="items", y="seconds")
    return [*figures, *_both(min(BOTH, large))]


class Alone(NamedTuple):
    """What the kernel takes in a process that holds the tables and nothing else."""

    seconds: float
    megabytes: float
    size: str


def _kernel(items: int, bucket_days: int) -> tuple[Alone, float]:
    """The kernel on the model, and plain netting beside it, whose seconds are 0 for days."""
    snapshot = model(items, bucket_days)
    with collection_paused():
        columns, _ = encode(prepare(snapshot))
    size = f"{items:,} items, {len(snapshot.bom):,} BOM lines, {len(snapshot.demands):,} demands"
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
    solve(encode(prepare(model(3000)))[0])  # what loading the kernels takes is none of the model's
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
    snapshot = model(items)
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


def policies(bucket_days: int) -> PlanPolicies:
    """The conventions of the model; `bucket_days` is 7 for 52 weeks, 1 for 365 days."""
    return PlanPolicies(
        order_grouping="need_date", forecast_backward_days=14, forecast_forward_days=14, bucket_days=bucket_days
    )


def model(items: int, bucket_days: int = WEEK) -> PlanningSnapshot:
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
            parent, component, chance.randrange(1, 4), 12, chance.choice((0, 0, 0, 20_000)),
            *_window(chance, dated=n % 10 == 6 and parent not in phantoms), chance.choice((10, 20)),  # noqa: PLR2004
        )
        for upper, lower in pairwise(levels)
        for n, parent in enumerate(upper)
        for component in chance.sample(lower, OF_PHANTOM if parent in phantoms else COMPONENTS[n % len(COMPONENTS)])
    )  # fmt: skip
    demands = tuple(
        PlanDemand(
            f"SO-{n:07d}",
            levels[0][n % len(levels[0])] if n % 2 else chance.choice(codes),
            chance.randrange(1, 20) * UNIT,
            TODAY + timedelta(days=bucket_days * chance.randrange(364 // bucket_days)),
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
        TODAY, planned, bom, demands, stock, receipts, policies=policies(bucket_days),
        calendars=CALENDARS, **_others(chance, codes, real),
    )  # fmt: skip


def _item(chance: random.Random, n: int, code: str, *, phantom: bool, bought: bool) -> PlanItem:
    suppliers = (PlanSupplier("near", 7, 2, 1), PlanSupplier("far", 14, 1, 3)) if bought else ()
    return PlanItem(
        code,
        "phantom" if phantom else "buy" if bought else "make",
        chance.choice((5, 10)),
        0 if phantom else chance.choice((0, 0, 0, 0, 20 * PACKS[int(code[1])] * UNIT)),
        chance.choice(LOTS[int(code[1])]),
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
