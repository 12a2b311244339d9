"""The compiled planner's door: what it covers, what it leaves to the plain planner, and when it is asked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta

import pytest

from canonical.plan import (
    FirmComponent,
    FirmOrder,
    LotPolicy,
    PlanBomLine,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanSupplier,
)
from planning import mrp
from planning.columns import NotCovered
from planning.fast import plan_compiled
from planning.preparation import prepare

TODAY = date(2026, 3, 2)
SNAPSHOT = PlanningSnapshot(
    TODAY,
    (
        PlanItem("A", "make", 2),
        PlanItem("B", "buy", suppliers=(PlanSupplier("slow", 9, 1), PlanSupplier("fast", 3, 2))),
    ),
    (PlanBomLine("A", "B", 2),),
    (
        PlanDemand("d1", "A", 5, TODAY + timedelta(6), "R1"),
        PlanDemand("d2", "A", 5, TODAY + timedelta(30), "R2"),
    ),
)


def test_plan_compiled__suppliers() -> None:
    outcome = plan_compiled(prepare(SNAPSHOT))
    assert outcome == mrp.plan_plainly(prepare(SNAPSHOT))
    assert [order.supplier for order in outcome.planned_orders if order.item == "B"] == ["fast", "slow"]


def test_plan_compiled__a_firm_order_that_draws_a_phantom_is_not_covered() -> None:
    firm = FirmOrder("wo", "A", 1, TODAY, "make", components=(FirmComponent("P", 1),))
    items = (*SNAPSHOT.items, PlanItem("P", "phantom"))
    with pytest.raises(NotCovered, match="phantom"):
        plan_compiled(prepare(replace(SNAPSHOT, items=items, firm_orders=(firm,))))


def test_plan_compiled__absurd_quantities_are_not_covered() -> None:
    demand = replace(SNAPSHOT.demands[0], quantity=2**61 - 1)
    with pytest.raises(NotCovered, match="limit"):
        plan_compiled(prepare(replace(SNAPSHOT, demands=(demand,))))


def test_plan_compiled__a_phantom_keeps_no_safety_stock() -> None:
    phantom = PlanItem("D", "phantom", safety_stock=4, lot=LotPolicy(order_up_to=11))
    snapshot = PlanningSnapshot(TODAY, (phantom,), (), (PlanDemand("d1", "D", 1, TODAY, "R1"),))
    assert plan_compiled(prepare(snapshot)) == mrp.plan_plainly(prepare(snapshot))


def test_plan__large_snapshots_give_the_same_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = mrp.plan(SNAPSHOT)
    monkeypatch.setattr(mrp, "COMPILED_FROM", 0)
    assert mrp.plan(SNAPSHOT) == plain
    dated = replace(SNAPSHOT, bom=(replace(SNAPSHOT.bom[0], effective_until=TODAY + timedelta(10)),))
    outcome = mrp.plan(dated)
    assert {order.root for order in outcome.planned_orders if order.item == "B"} == {"R1"}


def test_plan__dated_lines_below_a_phantom() -> None:
    items = (PlanItem("A", "make", 1), PlanItem("P", "phantom"), PlanItem("old", "buy"), PlanItem("new", "buy"))
    change = TODAY + timedelta(10)
    bom = (
        PlanBomLine("A", "P", 3),
        PlanBomLine("P", "old", 2, effective_until=change),
        PlanBomLine("P", "new", 1, effective_from=change),
    )
    demands = (
        PlanDemand("before", "A", 5, change, "R1"),
        PlanDemand("after", "A", 5, change + timedelta(1), "R2"),
    )
    outcome = mrp.plan(PlanningSnapshot(TODAY, items, bom, demands))
    drawn = {(order.item, order.root): order.quantity for order in outcome.planned_orders if order.item != "A"}
    assert drawn == {("old", "R1"): 30, ("new", "R2"): 15}


def test_warm__leaves_nothing_to_compile_for_plans_of_any_size() -> None:
    """In a process of its own: another test may have compiled what `warm` has to."""
    subprocess.run([sys.executable, "-c", WARMED], check=True)


WARMED = """
from datetime import date
from canonical.plan import PlanBomLine, PlanByProduct, PlanDemand, PlanItem, PlanningSnapshot
from planning.coverage.kernel import settle_items
from planning.fast import plan_compiled, warm
from planning.kernels import solving
from planning.preparation import prepare

day, many = date(2026, 3, 2), solving.PARALLEL_FROM
warm()
kernels = [
    solving.plan_turns, solving._gather, solving._collect, solving._part, solving.plan_again, solving.arise_again,
    settle_items,
]
assert [len(kernel.signatures) for kernel in kernels] == len(kernels) * [1]
plan_compiled(prepare(PlanningSnapshot(
    day,
    (PlanItem("TOP", "make", 1), *(PlanItem(f"PART-{n}", "buy", 1) for n in range(many))),
    tuple(PlanBomLine("TOP", f"PART-{n}", 1) for n in range(many)),
    (PlanDemand("D", "TOP", 1, day, "D"),),
    by_products=(PlanByProduct("TOP", "PART-7", 1, 1),),
)))
assert [len(kernel.signatures) for kernel in kernels] == len(kernels) * [1]
"""
