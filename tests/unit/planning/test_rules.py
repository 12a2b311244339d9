"""Each rule a planner expects, on a case small enough to work out by hand; both planners give the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from canonical.plan import (
    LotPolicy,
    Peg,
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
from planning.fast import plan_compiled
from planning.mrp import plan_plainly
from planning.preparation import prepare

MONDAY = date(2026, 3, 2)


def day(offset: int) -> date:
    return MONDAY + timedelta(offset)


def planned(*items: PlanItem, **rows: Any) -> Plan:
    snapshot = PlanningSnapshot(MONDAY, items, **rows)
    outcome = plan_plainly(prepare(snapshot))
    assert plan_compiled(prepare(snapshot)) == outcome
    return outcome


def demand(item: str, quantity: int, due: int, root: str = "so", **more: Any) -> PlanDemand:
    return PlanDemand(more.pop("key", root), item, quantity, day(due), root, **more)


def bought(outcome: Plan, item: str) -> list[tuple[int, int]]:
    return [((o.due - MONDAY).days, o.quantity) for o in outcome.planned_orders if o.item == item]


def shares(outcome: Plan, consumer: str) -> dict[str, int]:
    return {peg.supply: peg.quantity for peg in outcome.supplies_of(consumer)}


def test_calendar__a_lead_time_counts_working_days() -> None:
    item = PlanItem("a", "buy", 3, calendar="plant")
    (order,) = planned(item, demands=(demand("a", 1, 7),), calendars=(PlanCalendar("plant"),)).planned_orders
    assert order.release == day(2)  # Wednesday to Friday, due on Monday
    closed = PlanCalendar("plant", exceptions=((day(3), False),))
    (order,) = planned(item, demands=(demand("a", 1, 7),), calendars=(closed,)).planned_orders
    assert order.release == day(1)


def test_calendar__an_unknown_one_is_named() -> None:
    outcome = planned(PlanItem("a", "buy", 3, calendar="moon"), demands=(demand("a", 1, 7),))
    assert [row.kind for row in outcome.problems] == ["bad_calendar"]


def test_safety_time__by_policy() -> None:
    item, rows = PlanItem("a", "buy", 3, safety_time_days=2), {"demands": (demand("a", 1, 9),)}
    (early,) = planned(item, **rows).planned_orders
    (longer,) = planned(item, **rows, policies=PlanPolicies(safety_time="longer_lead")).planned_orders
    assert (early.due, early.release) == (day(7), day(4))
    assert (longer.due, longer.release) == (day(9), day(4))


def test_frozen_days__nothing_new_is_due_in_them() -> None:
    (order,) = planned(PlanItem("a", "buy", 1, frozen_days=5), demands=(demand("a", 1, 2),)).planned_orders
    assert (order.due, order.start, order.expected, order.late) == (day(2), day(4), day(5), True)


def test_scrap__by_the_due_day_over_the_lot_rule() -> None:
    rates = (ScrapRate(300_000), ScrapRate(200_000, day(10)), ScrapRate(0, day(20)))
    item = PlanItem("a", "buy", scrap=rates)
    rows = tuple(demand("a", 100_000_000, due, f"so{due}") for due in (5, 15, 25))
    assert [o.started for o in planned(item, demands=rows).planned_orders] == [142_857_143, 125_000_000, 100_000_000]
    boxed = replace(item, lot=LotPolicy(multiple=50_000_000))
    (order,) = planned(boxed, demands=rows[:1]).planned_orders
    assert (order.quantity, order.scrap, order.surplus) == (105_000_000, 45_000_000, 5_000_000)


def test_scrap__components_are_drawn_for_what_is_started() -> None:
    outcome = planned(
        PlanItem("a", "make", scrap=(ScrapRate(500_000),)),
        PlanItem("b", "buy"),
        bom=(PlanBomLine("a", "b", 3),),
        demands=(demand("a", 10, 5),),
    )
    assert bought(outcome, "b") == [(5, 60)]


def test_operation_scrap__raises_what_its_step_and_those_before_draw() -> None:
    outcome = planned(
        PlanItem("a", "make"), PlanItem("early", "buy"), PlanItem("late", "buy"),
        bom=(PlanBomLine("a", "early", 1, operation=10), PlanBomLine("a", "late", 1, operation=20)),
        operations=(PlanOperation("a", 10, scrap_ppm=500_000), PlanOperation("a", 20, scrap_ppm=200_000)),
        demands=(demand("a", 4, 5),),
    )  # fmt: skip
    assert (bought(outcome, "early"), bought(outcome, "late")) == ([(5, 10)], [(5, 5)])


def test_component_scrap__by_policy() -> None:
    for rule, drawn in (("multiply", 120), ("divide", 125)):
        outcome = planned(
            PlanItem("a", "make"), PlanItem("b", "buy"),
            bom=(PlanBomLine("a", "b", 1, scrap_ppm=200_000),), demands=(demand("a", 100, 5),),
            policies=PlanPolicies(component_scrap=rule),  # type: ignore[arg-type]
        )  # fmt: skip
        assert bought(outcome, "b") == [(5, drawn)]


def test_order_up_to__fills_stock_where_it_falls_below_the_safety_stock() -> None:
    item = PlanItem("a", "buy", safety_stock=200, lot=LotPolicy(order_up_to=1000))
    assert bought(planned(item, stock=(PlanStock("s", "a", 80),)), "a") == [(0, 920)]
    assert bought(planned(item, stock=(PlanStock("s", "a", 300),)), "a") == []


def test_kept_apart__a_sales_order_and_stocking_share_nothing() -> None:
    item = PlanItem("a", "buy", safety_stock=4, lot=LotPolicy(minimum=10), kept_apart=True)
    outcome = planned(
        item,
        demands=(demand("a", 3, 5, "so1"), demand("a", 3, 6, "so2")),
        stock=(PlanStock("s", "a", 3), PlanStock("own", "a", 1, reserved_for="so2")),
    )
    assert {o.key: (o.quantity, o.surplus) for o in outcome.planned_orders} == {
        "a|stock|1": (10, 9), "a|so1|1": (10, 7), "a|so2|1": (10, 8),
    }  # fmt: skip
    assert shares(outcome, "so2") == {"own": 1, "a|so2|1": 2}


def test_reserved_surplus__waits_for_its_root_or_serves_anyone() -> None:
    rows = {"demands": (demand("a", 3, 5, "so1"),), "stock": (PlanStock("s", "a", 9, reserved_for="so2"),)}
    assert bought(planned(PlanItem("a", "buy"), **rows), "a") == []
    kept = planned(PlanItem("a", "buy"), **rows, policies=PlanPolicies(reserved_surplus="kept"))
    assert bought(kept, "a") == [(5, 3)]


def test_reservations__come_before_more_urgent_needs() -> None:
    outcome = planned(
        PlanItem("a", "buy"),
        demands=(demand("a", 5, 3, "so1"), demand("a", 5, 9, "so2")),
        stock=(PlanStock("s", "a", 5),),
        reservations=(Peg("s", "on_hand", "so2", "so2", "a", 4),),
    )
    assert shares(outcome, "so2") == {"s": 4, "a|so2|1": 1}


def test_kit__leaves_what_another_order_has_reserved() -> None:
    outcome = planned(
        PlanItem("p", "make", 1),
        PlanItem("c", "buy", 4),
        bom=(PlanBomLine("p", "c", 1),),
        demands=(demand("p", 5, 3, "so1"), demand("c", 5, 9, "so2")),
        stock=(PlanStock("s", "c", 5),),
        reservations=(Peg("s", "on_hand", "so2", "so2", "c", 3),),
    )
    (line,) = outcome.kit("p|so1|1")
    assert (line.required, line.on_hand, line.short, line.complete) == (5, 2, 0, False)
    assert [share.quantity for share in line.planned] == [3]
    assert line.complete_by == day(4)


def test_substitutes__by_priority_and_for_whom_they_are_allowed() -> None:
    rows = {
        "demands": (demand("a", 5, 3, "so1", customer="acme"), demand("a", 5, 4, "so2", customer="other")),
        "stock": (PlanStock("x", "b", 4), PlanStock("y", "c", 20)),
    }
    items = PlanItem("a", "buy"), PlanItem("b", "buy"), PlanItem("c", "buy")
    free = planned(*items, **rows, substitutes=(PlanSubstitute("a", "c", 2, priority=1), PlanSubstitute("a", "b")))
    assert shares(free, "so1") == {"x": 4, "y": 2}
    assert shares(free, "so2") == {"y": 10}
    narrow = planned(*items, **rows, substitutes=(PlanSubstitute("a", "b", customer="other"),))
    assert shares(narrow, "so2") == {"x": 4, "a|so2|1": 1}
    assert shares(narrow, "so1") == {"a|so1|1": 5}


def test_substitutes__an_engineering_change_uses_up_the_old_part_first() -> None:
    outcome = planned(
        PlanItem("p", "make", 1), PlanItem("new", "buy"), PlanItem("old", "buy"),
        bom=(PlanBomLine("p", "new", 1),), demands=(demand("p", 5, 5),),
        stock=(PlanStock("o", "old", 3), PlanStock("n", "new", 9)),
        substitutes=(PlanSubstitute("new", "old", before_own=True, parent="p"),),
    )  # fmt: skip
    assert shares(outcome, "p|so|1") == {"o": 3, "n": 2}


def test_by_products__serve_needs_and_arrive_with_their_order() -> None:
    outcome = planned(
        PlanItem("p", "make", 1), PlanItem("chips", "buy", 2),
        demands=(demand("p", 10, 5, "so1"), demand("chips", 4, 5, "so2"), demand("chips", 1, 4, "so3")),
        by_products=(PlanByProduct("p", "chips", 1, 3),),
    )  # fmt: skip
    assert shares(outcome, "so2") == {"p|so1|1": 3, "chips|so2|1": 1}
    assert bought(outcome, "chips") == [(4, 1), (5, 1)]


def test_by_products__that_close_a_cycle_are_named() -> None:
    outcome = planned(
        PlanItem("p", "make"), PlanItem("b", "buy"), bom=(PlanBomLine("p", "b", 1),),
        demands=(demand("p", 1, 5),), by_products=(PlanByProduct("p", "b", 1),),
    )  # fmt: skip
    assert "bad_by_product" not in {row.kind for row in outcome.problems}  # the same arc twice is no cycle
    other = planned(
        PlanItem("p", "make"), PlanItem("q", "make"), bom=(PlanBomLine("p", "q", 1),),
        demands=(demand("p", 1, 5),), by_products=(PlanByProduct("q", "p", 1),),
    )  # fmt: skip
    assert "bad_by_product" in {row.kind for row in other.problems}


def test_forecasts__orders_stand_for_them() -> None:
    rows = {
        "demands": (demand("a", 30, 8, "so1"),),
        "forecasts": (PlanForecast("f1", "a", 20, day(5)), PlanForecast("f2", "a", 50, day(12))),
    }
    apart = planned(PlanItem("a", "buy"), **rows)
    assert sorted(bought(apart, "a")) == [(5, 70), (8, 30)]
    policies = PlanPolicies(forecast_backward_days=5, forecast_forward_days=5, order_grouping="need_date")
    assert bought(planned(PlanItem("a", "buy"), **rows, policies=policies), "a") == [(8, 30), (12, 40)]


def test_suppliers__by_price_and_by_quota() -> None:
    suppliers = (PlanSupplier("x", 1, quota=3, price=7), PlanSupplier("y", 2, quota=1, price=5))
    item = PlanItem("a", "buy", suppliers=suppliers)
    rows = tuple(demand("a", 10, 5 + n, f"so{n}") for n in range(4))

    def names(choice: Any) -> list[str | None]:
        outcome = planned(item, demands=rows, policies=PlanPolicies(supplier_choice=choice))
        return [order.supplier for order in outcome.planned_orders]

    assert names("price") == ["y"] * 4
    assert names("quota") == ["x", "y", "x", "x"]


def test_transfer__draws_on_the_other_site_a_lead_time_before() -> None:
    outcome = planned(
        PlanItem("a@south", "transfer", 3), PlanItem("a@north", "make", 2),
        bom=(PlanBomLine("a@south", "a@north", 1),), demands=(demand("a@south", 5, 9),),
        stock=(PlanStock("s", "a@north", 2),),
    )  # fmt: skip
    assert bought(outcome, "a@north") == [(6, 3)]


def test_release__messages_within_the_horizon() -> None:
    outcome = planned(
        PlanItem("a", "buy", 4), demands=(demand("a", 1, 5, "so1"), demand("a", 1, 9, "so2")),
        policies=PlanPolicies(release_horizon_days=2),
    )  # fmt: skip
    assert [(m.kind, m.key) for m in outcome.messages] == [("release", "a|so1|1")]


def test_dated_lines__follow_the_start_of_the_order() -> None:
    outcome = planned(
        PlanItem("p", "make", 2), PlanItem("old", "buy"), PlanItem("new", "buy"),
        bom=(PlanBomLine("p", "old", 1, effective_until=day(4)), PlanBomLine("p", "new", 1, effective_from=day(4))),
        demands=(demand("p", 1, 5, "so1"), demand("p", 1, 6, "so2")),
        receipts=(ScheduledReceipt("r", "old", 1, day(1), "purchase_order"),),
    )  # fmt: skip
    assert shares(outcome, "p|so1|1") == {"r": 1}
    assert bought(outcome, "new") == [(4, 1)]
