"""Promises on random plants with every rule of the planner in use: kept by the plan, moving nobody, fast as slow."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from canonical.plan import (
    FirmOrder,
    LotPolicy,
    PlanBomLine,
    PlanByProduct,
    PlanCalendar,
    PlanDemand,
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
from planning.feasible import Feasible
from planning.mrp import plan
from planning.promise.accepting import Held, accept, with_promises
from planning.promise.asking import Asked
from planning.promise.fast import CompiledBook
from planning.promise.opening import opening
from planning.promise.plain import PlainBook

TODAY = date(2026, 3, 2)
CODES = tuple("BACDEFGH")
CENTRES = ("saw", "press")
HOUR = 3_600_000
LOTS = (
    LotPolicy(),
    LotPolicy(),
    LotPolicy(minimum=7, multiple=3),
    LotPolicy(multiple=4),
    LotPolicy(rule="fixed", fixed=5),
    LotPolicy(rule="period", period_days=5, multiple=3, maximum=9),
    LotPolicy(minimum=2, maximum=6, multiple=2),
    LotPolicy(maximum=4, order_up_to=11),
)
CALENDARS = (
    PlanCalendar("plant"),
    PlanCalendar("six", (True,) * 6 + (False,), ((TODAY + timedelta(3), False), (TODAY + timedelta(6), True))),
)
LAW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
seeds = st.integers(0, 2**40).map(random.Random)


def day(chance: random.Random, first: int = -3, last: int = 14) -> date:
    return TODAY + timedelta(chance.randint(first, last))


def item(chance: random.Random, code: str, *, bought: bool) -> PlanItem:
    sourcing = "buy" if bought else chance.choice(("make", "make", "make", "subcontract", "transfer", "phantom", "buy"))
    found = PlanItem(
        code, sourcing, chance.choice((0, 1, 2, 4, 7, None)), chance.choice((0, 0, 4)), chance.choice(LOTS)
    )
    if chance.random() < 0.5:
        return found
    names = chance.sample(("s1", "s2", "s3"), chance.randint(0, 3))
    return replace(
        found,
        suppliers=tuple(
            PlanSupplier(name, chance.randint(0, 9), chance.randint(0, 1), chance.randint(0, 3), 1, n)
            for n, name in enumerate(names)
        ),
        calendar=chance.choice((None, "plant", "six", "unknown")),
        safety_time_days=chance.choice((0, 0, 2)),
        frozen_days=chance.choice((0, 0, 4)),
        scrap=tuple(
            ScrapRate(chance.choice((0, 100_000, 333_333)), chance.choice((None, day(chance))))
            for _ in range(chance.randint(0, 2))
        ),
        scale=chance.choice((1, 4)),
        kept_apart=chance.random() < 0.2,
    )


def line(chance: random.Random, parent: str, component: str) -> PlanBomLine:
    ratio = chance.choice(((1, 1, 0), (2, 1, 0), (1, 3, 0), (5, 2, 50_000)))
    bounds = chance.choice(((None, None), (None, None), (None, day(chance)), (day(chance), None)))
    return PlanBomLine(parent, component, *ratio, *bounds)


def plant(chance: random.Random) -> tuple[PlanningSnapshot, dict[str, Any]]:
    """A snapshot, and the operations and work centres beside it."""
    items = tuple(item(chance, code, bought=n > 4) for n, code in enumerate(CODES))
    bom = [
        line(chance, parent, component)
        for n, parent in enumerate(CODES[:-1])
        for component in chance.sample(CODES[n + 1 :], min(chance.randint(0, 3), len(CODES) - n - 1))
    ]
    if chance.random() < 0.1:
        bom.append(line(chance, chance.choice(CODES), chance.choice(CODES)))
    who = (None, None, "R1", "R2")
    snapshot = PlanningSnapshot(
        TODAY, items, tuple(bom),
        tuple(
            PlanDemand(f"d{n}", chance.choice(CODES), chance.randint(1, 19), day(chance), f"R{n}", chance.randint(0, 1))
            for n in range(chance.randint(0, 5))
        ),
        tuple(PlanStock(f"on_hand|{c}", c, chance.randint(0, 20), chance.choice(who)) for c in chance.sample(CODES, 4)),
        tuple(
            ScheduledReceipt(f"po{n}", chance.choice(CODES), chance.randint(0, 20), day(chance),
                             chance.choice(("purchase_order", "work_order")), chance.choice(who))
            for n in range(chance.randint(0, 6))
        ),
        tuple(
            FirmOrder(f"wo{n}", chance.choice(CODES), chance.randint(0, 9), day(chance), "make")
            for n in range(chance.randint(0, 2))
        ),
        policies=PlanPolicies(
            safety_stock=chance.choice(("served_last", "served_first")),
            supply_order=chance.choice(("latest_first", "earliest_first")),
            late_receipts=chance.choice(("never", "when_not_later_than_new")),
            assembly_scrap=chance.choice(("multiply", "divide", "add_percent_round_up", "sqrt")),
            reserved_surplus=chance.choice(("free", "kept")),
            supplier_choice=chance.choice(("priority", "price", "quota")),
        ),
        calendars=CALENDARS,
        substitutes=tuple(
            PlanSubstitute(*chance.sample(CODES, 2), chance.choice((1, 1, 3)), chance.choice((1, 1, 2)),
                           chance.randint(0, 1), chance.random() < 0.5, chance.choice((None, None, *CODES)),
                           chance.choice((None, None, *CODES)), chance.choice((None, None, "c1")),
                           chance.choice((None, day(chance))))
            for _ in range(chance.randint(0, 3))
        ),
        by_products=tuple(PlanByProduct(*chance.sample(CODES, 2), 1, 2) for _ in range(chance.random() < 0.3)),
    )  # fmt: skip
    return snapshot, work(chance, items)


def work(chance: random.Random, items: tuple[PlanItem, ...]) -> dict[str, Any]:
    """Steps of up to an hour a unit, days of up to eight hours, a maintenance in between."""
    operations = [
        PlanOperation(
            one.code, sequence, chance.choice((*CENTRES, *CENTRES, "outside", None)),
            Fraction(chance.randint(0, 90)), Fraction(chance.randint(0, 60) * one.scale, chance.choice((1, 7))),
        )
        for one in items
        for sequence in range(chance.randint(0, 3))
    ]  # fmt: skip
    capacity = {
        centre: tuple([chance.randint(0, 8) * HOUR for _ in range(10)] + [8 * HOUR] * chance.randint(40, 1200))
        for centre in CENTRES
    }
    return {"operations": operations, "capacity": capacity}


def ask(chance: random.Random) -> Asked:
    return Asked(chance.choice(CODES[:5]), chance.randint(1, 25), day(chance, -2, 20), chance.choice((None, "c1")))


@LAW
@given(seeds)
def test_accept__planned_anew_it_is_met_and_no_earlier_promise_moved(chance: random.Random) -> None:
    snapshot, work = plant(chance)
    base = plan(snapshot), snapshot
    free = opening(*base, **work).free
    accepted: list[Held] = []
    for number in range(3):
        one = ask(chance)
        promise = PlainBook(opening(*base, **work, held=accepted)).promise(one)
        if promise.promised is None:
            continue
        found = accept(base, one, f"promise {number}", promise)
        if found.held is None:
            event("refused: somebody would be later, or the plan draws on an order that is short for good")
            assert found.hurt or base[0].shortages
            continue
        event("the day found" if found.held.promised == promise.promised else "a later day")
        base = found.plan, found.snapshot
        accepted.append(found.held)
    taken: Counter[tuple[str, int]] = Counter()
    for held in accepted:
        for slot in held.slots:
            taken[slot.work_centre, (slot.day - TODAY).days] += slot.time
    assert all(time <= free[centre][day] for (centre, day), time in taken.items())
    again = plan(replace(base[1], prior_pegs=base[0].pegs)), base[1]
    anew = replace(with_promises(snapshot, accepted), prior_pegs=())
    for feasible in (Feasible(*again), Feasible(plan(anew), anew)):
        for held in accepted:
            covered = feasible.covered(held.key)
            assert covered is not None
            assert covered <= held.promised, held


@LAW
@given(seeds)
def test_compiled_book__promises_what_the_plain_one_does(chance: random.Random) -> None:
    _assert_equal(chance)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(LAW, max_examples=10_000)
@given(seeds)
def test_compiled_book__promises_what_the_plain_one_does_ten_thousand_times(chance: random.Random) -> None:
    _assert_equal(chance)


def _assert_equal(chance: random.Random) -> None:
    snapshot, work = plant(chance)
    begin = opening(plan(snapshot), snapshot, **work)
    compiled, plain = CompiledBook(begin), PlainBook(begin)
    for _ in range(8):
        # The compiled book works on tables of its own, so the plain one may take from the opening itself.
        one = ask(chance)
        found = compiled.promise(one)
        assert found == plain.promise(one)
        event(f"in time {found.kept}, ever {found.promised is not None}")
        event("a work centre decides" if any(link.kind == "work_centre" for link in found.chain) else "no work centre")
