"""A change beside a standing plan: who it reaches, what it does not cover, and that it leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from canonical.plan import (
    LotPolicy,
    PlanBomLine,
    PlanByProduct,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanPolicies,
    PlanStock,
    PlanSubstitute,
    ScheduledReceipt,
)
from planning.columns import NotCovered
from planning.coverage.days import Coverage
from planning.coverage.kernel import settle_items
from planning.coverage.rush import rush_beside
from planning.coverage.scenarios import scenario_beside
from planning.fast import warm
from planning.kernels.solving import arise_again, plan_again
from planning.mrp import plan
from planning.net_change import StandingPlan
from planning.promise.asking import Asked
from planning.rush import rush, rush_rows
from planning.scenario import ChangeDemand, compare

TODAY = date(2026, 3, 2)
SNAPSHOT = PlanningSnapshot(
    TODAY,
    (
        PlanItem("truck", "make", 2),
        PlanItem("axle", "make", 3, lot=LotPolicy(multiple=100)),
        PlanItem("steel", "buy", 5),
        PlanItem("tin", "buy", 5),
        PlanItem("paint", "buy", 1),
    ),
    (PlanBomLine("truck", "axle", 2), PlanBomLine("axle", "steel", 1), PlanBomLine("truck", "paint", 1)),
    (
        PlanDemand("d1", "truck", 5, TODAY + timedelta(20), "R1", customer="C1"),
        PlanDemand("d2", "truck", 5, TODAY + timedelta(30), "R3", customer="C2"),
    ),
    (PlanStock("on_hand|paint", "paint", 8),),
    policies=PlanPolicies(order_grouping="need_date", bucket_days=7),
)
RUSH = PlanDemand("d0", "truck", 1, TODAY + timedelta(20), "R2", -1, "C1")


def test_changed__what_comes_out_as_it_was_reaches_nobody() -> None:
    standing, asked = StandingPlan(SNAPSHOT), replace(RUSH, priority=0)
    with standing.changed([asked]) as change:
        touched = {standing.names.codes[item] for item in change.items}
        outcome = change.plan()
    # One axle more is in the hundred that are made anyway, so no more steel is bought.
    assert "truck" in touched
    assert "steel" not in touched
    assert outcome == plan(replace(SNAPSHOT, demands=(*SNAPSHOT.demands, asked)), compiled=False)


def test_changed__leaves_the_plan_as_it_was() -> None:
    standing = StandingPlan(SNAPSHOT)
    with standing.changed([RUSH], ["d1"]) as change:
        assert change.plan() != plan(SNAPSHOT, compiled=False)
    with standing.changed() as same:
        assert same.plan() == plan(SNAPSHOT, compiled=False)
    assert sum(standing.pegs_of("truck")["quantity"]) == 10


def test_changed__a_new_customer_is_not_covered_where_substitutes_ask_for_customers() -> None:
    asking = replace(SNAPSHOT, substitutes=(PlanSubstitute("steel", "tin", customer="C9"),))
    with (
        pytest.raises(NotCovered, match="customer"),
        StandingPlan(asking).changed([replace(RUSH, customer="C9")]),
    ):
        pass


def test_changed__an_unknown_demand_cannot_be_dropped() -> None:
    with pytest.raises(KeyError), StandingPlan(SNAPSHOT).changed(dropped=["nobody's"]):
        pass


def test_changed__what_an_order_only_has_over_is_put_back() -> None:
    standing = StandingPlan(SNAPSHOT)
    surplus = standing.result.pages.orders["surplus"][: standing.result.pages.filled[0]].copy()
    with standing.changed([replace(RUSH, priority=0)]):
        assert not np.array_equal(surplus, standing.result.pages.orders["surplus"][: len(surplus)])
    assert np.array_equal(surplus, standing.result.pages.orders["surplus"][: len(surplus)])


def test_scenario__a_demand_wanted_earlier_than_its_supply_arrives_moves_by_nothing() -> None:
    arrives = ScheduledReceipt("po", "tin", 4, TODAY + timedelta(5), "purchase_order")
    asked = PlanDemand("t", "tin", 4, TODAY + timedelta(30), "T")
    snapshot = replace(SNAPSHOT, receipts=(arrives,), demands=(*SNAPSHOT.demands, asked))
    story = "earlier", (ChangeDemand("t", due=TODAY + timedelta(2)),)
    found = scenario_beside(Coverage(StandingPlan(snapshot)), *story)
    assert found == compare((plan(snapshot), snapshot), [story], keep=False)[1]
    assert found.moved == ()


def test_warm__leaves_nothing_to_compile_for_a_rush_order() -> None:
    warm()
    kernels: tuple[Any, ...] = (plan_again, arise_again, settle_items)
    known = [len(kernel.signatures) for kernel in kernels]
    standing = StandingPlan(replace(SNAPSHOT, by_products=(PlanByProduct("truck", "tin", 1, 1),)))
    assert rush_beside(Coverage(standing), [Asked("truck", 3, TODAY)]).days != (None,)
    assert [len(kernel.signatures) for kernel in kernels] == known
    assert all(known)


def test_rush__of_a_far_day_leaves_late_orders_as_late_as_they_were() -> None:
    """The orders of the truck get other rows; what its parts keep waiting is known by the rows it had."""
    early = PlanDemand("d0", "truck", 5, TODAY + timedelta(3), "R0", customer="C1")
    snapshot = replace(SNAPSHOT, demands=(early, *SNAPSHOT.demands))
    asked = [Asked("truck", 400, TODAY + timedelta(37), customer="C2")]
    expected = rush((plan(snapshot), snapshot), asked)
    coverage = Coverage(StandingPlan(snapshot))
    number = coverage.standing.known["d0"]
    assert coverage.base.on(number) is not None
    assert coverage.base.on(number) > early.due
    with coverage.standing.changed(rush_rows(asked, coverage.standing.item_of)) as change:
        truck = coverage.standing.number["truck"]
        assert change.result.pages.spans.order_from[truck] != coverage.standing.result.pages.spans.order_from[truck]
        assert coverage.beside(change).on(number) == coverage.base.on(number)
    assert rush_beside(coverage, asked) == expected


def test_changed__a_part_is_needed_no_more_by_one_parent_and_by_another_still() -> None:
    """Needs are told from pegs and the parent that changed; a day on which nothing is needed any more is gone."""
    items = (PlanItem("truck", "make", 2), PlanItem("van", "make", 2), PlanItem("wheel", "buy", 3))
    lines = (PlanBomLine("truck", "wheel", 4), PlanBomLine("van", "wheel", 4))
    demands = (
        PlanDemand("d1", "truck", 5, TODAY + timedelta(14), "R1"),
        PlanDemand("d2", "truck", 5, TODAY + timedelta(28), "R2"),
        PlanDemand("d3", "van", 5, TODAY + timedelta(28), "R3"),
    )
    snapshot = PlanningSnapshot(TODAY, items, lines, demands, policies=SNAPSHOT.policies)
    standing = StandingPlan(snapshot)
    for dropped in ("d1", "d2", "d3"):
        left = tuple(row for row in demands if row.key != dropped)
        with standing.changed(dropped=[dropped]) as change:
            assert change.plan() == plan(replace(snapshot, demands=left))
