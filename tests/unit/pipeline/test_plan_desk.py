"""The desk answers alike from tables, as for large plans, and by planning everything, as for small ones."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from canonical.plan import (
    PlanBomLine,
    PlanCalendar,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanPolicies,
    PlanStock,
    ScheduledReceipt,
)
from pipeline import plan_desk
from pipeline.plan_desk import Desk
from planning.mrp import plan
from planning.promise.asking import Asked
from planning.scenario import AddDemand, ChangeDemand, DelayReceipts

TODAY = date(2026, 3, 2)
PICTURE = PlanningSnapshot(
    TODAY,
    (PlanItem("truck", "make", 2), PlanItem("axle", "make", 3, calendar="plant"), PlanItem("bar", "buy", 5)),
    (PlanBomLine("truck", "axle", 2), PlanBomLine("axle", "bar", 1)),
    tuple(PlanDemand(f"so{n}", "truck", 2, TODAY + timedelta(4 * n), f"so{n}", customer="C1") for n in range(1, 6)),
    (PlanStock("on_hand|axle", "axle", 6), PlanStock("on_hand|truck", "truck", 1)),
    (ScheduledReceipt("po", "bar", 4, TODAY + timedelta(2), "purchase_order"),),
    policies=PlanPolicies(order_grouping="need_date"),
    calendars=(PlanCalendar("plant"),),
)
SCENARIOS = [
    ("more", (AddDemand("new", "truck", 1, TODAY), ChangeDemand("new", quantity=4))),
    ("other", (ChangeDemand("so2", quantity=0), ChangeDemand("so4", due=TODAY + timedelta(1)))),
    ("late", (DelayReceipts("bar", 30),)),
]
ASKED = [Asked("truck", 3, TODAY + timedelta(1), priority=-1)]


def _desk() -> Desk:
    return Desk(plan(PICTURE), PICTURE, {})


@pytest.mark.parametrize("keep", [True, False])
def test_compare__tables_say_what_planning_everything_says(monkeypatch: pytest.MonkeyPatch, keep: bool) -> None:
    expected = _desk().compare(SCENARIOS, keep=keep)
    monkeypatch.setattr(plan_desk, "COMPILED_FROM", 0)
    assert _desk().compare(SCENARIOS, keep=keep) == expected
    assert any(one.moved for one in expected)


def test_rush__tables_say_what_planning_everything_says(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _desk().rush(ASKED)
    monkeypatch.setattr(plan_desk, "COMPILED_FROM", 0)
    desk = _desk()
    assert desk.rush(ASKED) == expected
    assert desk._fresh_tables is not None
    assert expected.moved


def test_compare__a_demand_nobody_has_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_desk, "COMPILED_FROM", 0)
    with pytest.raises(KeyError):
        _desk().compare([("x", (ChangeDemand("nobody's", quantity=1),))])
