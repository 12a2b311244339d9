"""Promises a second: products of about 300 BOM lines, by material and capacity, each promise taking what it is given.

The plant has 40 products of 31 assemblies and about 300 lines on five levels, 3,000 bought parts that they share
(every other one with stock, receipts or a second supplier), 20 work centres with one or two steps an assembly and
days of maintenance, and orders that stand. In "light" all promises together take about 60 % of the time there is; in
"crowded" work centres are full for months, and most promises have to look at many days. Ours is the compiled book
from question to answer in Python; the peer is the plain book, which says the same in plain Python, on the first of
the same questions. Both answers are compared.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from benchmarks.measuring import Figure
from canonical.plan import (
    LotPolicy,
    PlanBomLine,
    PlanCalendar,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanOperation,
    PlanStock,
    PlanSubstitute,
    PlanSupplier,
    ScheduledReceipt,
)
from planning.mrp import plan
from planning.promise.asking import Asked, Promise
from planning.promise.fast import CompiledBook
from planning.promise.opening import Opening, opening
from planning.promise.plain import PlainBook

TODAY = date(2026, 11, 2)
UNIT = 1_000_000
HOUR = 3_600_000
PRODUCTS, ASSEMBLIES, PARTS, CENTRES = 40, 30, 3000, 20
GOAL = 2000
COMPARED = 60


def measure() -> list[Figure]:
    """Promises a second of both books, and those a tenth slower than the others."""
    chance = random.Random(11)
    snapshot, operations = plant(chance)
    base = plan(snapshot)
    found = []
    for name, hours, count in (("light", 24, 2000), ("crowded", 8, 1500)):
        work = {"operations": operations, "capacity": capacity(chance, hours)}
        asked = [question(chance, number) for number in range(count)]
        found += _measured(name, lambda work=work: opening(base, snapshot, **work), asked)  # type: ignore[misc]
    return found


def _measured(name: str, begin: Callable[[], Opening], asked: list[Asked]) -> list[Figure]:
    CompiledBook(begin()).promise(asked[0])  # compiled
    plain, compiled, start = PlainBook(begin()), CompiledBook(begin()), time.process_time()
    for code in {one.item for one in asked}:
        compiled.know(code)
    known = time.process_time() - start
    slow, peer = _timed(plain.promise, asked[:COMPARED])
    fast, seconds = _timed(compiled.promise, asked)
    if slow != fast[:COMPARED]:
        raise AssertionError("the two books differ, so their speed does not matter")
    late = sum(not one.kept for one in fast)
    waited = sum(link.kind == "work_centre" for one in fast for link in one.chain)
    rates = f"{len(asked):,} promises, {late:,} late, {waited:,} for want of a work centre"
    worst = sorted(seconds)[len(seconds) * 95 // 100]
    return [
        Figure(f"{name}: {rates} (peer: plain Python)", len(asked) / sum(seconds), COMPARED / sum(peer), "/s"),
        Figure(f"{name}: beside the goal", len(asked) / sum(seconds), GOAL, "/s"),
        Figure(f"{name}: one promise, p95 (peer: p95 in plain Python)", worst * 1000,
               sorted(peer)[len(peer) * 95 // 100] * 1000, "ms"),
        Figure(f"{name}: all {PRODUCTS} products made known, once (peer: one promise in plain Python)", known * 1000,
               sum(peer) / len(peer) * 1000, "ms"),
    ]  # fmt: skip


def _timed(promise: Callable[[Asked], Promise], asked: list[Asked]) -> tuple[list[Promise], list[float]]:
    """The promises, and CPU seconds of each: the machine may have other work."""
    found, seconds = [], []
    for one in asked:
        start = time.process_time()
        found.append(promise(one))
        seconds.append(time.process_time() - start)
    return found, seconds


def question(chance: random.Random, number: int) -> Asked:
    """One to five of some product, wanted within some months."""
    wanted = TODAY + timedelta(chance.randrange(10, 200))
    return Asked(f"P{number % PRODUCTS:02d}", chance.randrange(1, 6) * UNIT, wanted)


def capacity(chance: random.Random, hours: int) -> dict[str, tuple[int, ...]]:
    """Two years of five-day weeks, with a week of maintenance somewhere."""
    found = {}
    for centre in range(CENTRES):
        idle = chance.randrange(100)
        found[f"W{centre:02d}"] = tuple(
            0 if (TODAY + timedelta(day)).weekday() > 4 or idle <= day < idle + 7 else hours * HOUR  # noqa: PLR2004
            for day in range(730)
        )
    return found


def plant(chance: random.Random) -> tuple[PlanningSnapshot, list[PlanOperation]]:
    """The plant and what is ordered of it."""
    parts = [f"R{number:04d}" for number in range(PARTS)]
    items = [_part(number, code) for number, code in enumerate(parts)]
    bom: list[PlanBomLine] = []
    operations: list[PlanOperation] = []
    for product in range(PRODUCTS):
        codes = [f"P{product:02d}", *(f"P{product:02d}-{number:02d}" for number in range(ASSEMBLIES))]
        for number, code in enumerate(codes):
            items.append(PlanItem(code, "make", chance.choice((2, 3, 5)), calendar="plant"))
            below = codes[2 * number + 1 : 2 * number + 3]
            bom += [PlanBomLine(code, each, 1) for each in below]
            bom += [PlanBomLine(code, each, chance.randrange(1, 5)) for each in chance.sample(parts, 9)]
            operations += _steps(chance, code)
    demands = [
        PlanDemand(f"SO{number}", f"P{number:02d}", UNIT, TODAY + timedelta(chance.randrange(20, 60)), f"R{number}")
        for number in range(PRODUCTS)
    ]  # fmt: skip
    return PlanningSnapshot(
        TODAY, tuple(items), tuple(bom), tuple(demands),
        tuple(PlanStock(f"on_hand|{code}", code, chance.randrange(50, 5000) * UNIT) for code in parts[::2]),
        tuple(
            ScheduledReceipt(f"PO{number}", code, chance.randrange(50, 500) * UNIT,
                             TODAY + timedelta(chance.randrange(60)), "purchase_order")
            for number, code in enumerate(parts[::3])
        ),
        calendars=(PlanCalendar("plant"),),
        substitutes=tuple(PlanSubstitute(one, other) for one, other in zip(parts[1::10], parts[2::10], strict=False)),
    ), operations  # fmt: skip


def _part(number: int, code: str) -> PlanItem:
    part = PlanItem(code, "buy", 10 + number % 21, lot=LotPolicy(minimum=(number % 3) * 20 * UNIT))
    if number % 5:
        return part
    return replace(part, suppliers=(PlanSupplier("near", 7 + number % 5, 1), PlanSupplier("far", 20, 0)))


def _steps(chance: random.Random, code: str) -> list[PlanOperation]:
    return [
        PlanOperation(code, step, f"W{chance.randrange(CENTRES):02d}", Fraction(5), Fraction(chance.randrange(2, 12)))
        for step in range(10, 10 * chance.randrange(2, 4), 10)
    ]  # fmt: skip
