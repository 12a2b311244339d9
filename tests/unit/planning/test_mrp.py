from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from canonical.plan import (
    INT64_MAX,
    FirmComponent,
    FirmOrder,
    LotPolicy,
    Plan,
    PlanBomLine,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanPolicies,
    PlanStock,
    ScheduledReceipt,
    Sourcing,
)
from planning.mrp import plan
from planning.pegging import trace_down, trace_up

TODAY = date(2026, 3, 2)


def day(offset: int) -> date:
    return TODAY + timedelta(offset)


def demand(quantity: int, due: int = 10, root: str = "SO1", item: str = "TRUCK", priority: int = 0) -> PlanDemand:
    return PlanDemand(f"line|{root}|{item}", item, quantity, day(due), root, priority)


def snapshot(*demands: PlanDemand, trucks: int = 0, **changes: object) -> PlanningSnapshot:
    base = PlanningSnapshot(
        as_of=TODAY,
        items=(PlanItem("TRUCK", "make", 5), PlanItem("MAST", "make", 2), PlanItem("STEEL", "buy", 1)),
        bom=(PlanBomLine("TRUCK", "MAST", 1), PlanBomLine("TRUCK", "STEEL", 1, 3), PlanBomLine("MAST", "STEEL", 2)),
        demands=demands,
        stock=(PlanStock("on_hand|TRUCK", "TRUCK", trucks),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def buy(lot: LotPolicy = LotPolicy(), lead: int = 0, safety: int = 0) -> tuple[PlanItem, ...]:  # noqa: B008 - frozen
    return (PlanItem("TRUCK", "buy", lead, safety, lot),)


def quantities(outcome: Plan) -> dict[str, int]:
    return {order.key: order.quantity for order in outcome.planned_orders}


def kinds(outcome: Plan) -> list[tuple[str, str]]:
    return [(message.kind, message.key) for message in outcome.messages]


def test_plan__nets_stock_and_offsets_level_by_level() -> None:
    outcome = plan(snapshot(demand(10), trucks=4))
    assert quantities(outcome) == {"TRUCK|SO1|1": 6, "MAST|SO1|1": 6, "STEEL|SO1|1": 14}
    steel = outcome.order("STEEL|SO1|1")
    assert steel is not None
    assert (steel.due, steel.release, steel.level) == (day(3), day(2), 2)


def test_plan__one_order_per_root_and_item_over_all_paths() -> None:
    outcome = plan(snapshot(demand(3)))
    assert [(peg.consumer, peg.quantity) for peg in outcome.consumers_of("STEEL|SO1|1")] == [
        ("MAST|SO1|1", 6),
        ("TRUCK|SO1|1", 1),
    ]


def test_plan__late_order_starts_today_and_keeps_its_release() -> None:
    outcome = plan(snapshot(demand(1, due=2), items=buy(lead=7)))
    (order,) = outcome.planned_orders
    assert (order.late, order.release, order.start, order.expected) == (True, day(-5), TODAY, day(7))
    assert kinds(outcome) == [("shortage", order.key)]


def test_plan__minimum_applies_once_and_surplus_serves_later_roots() -> None:
    rows = [demand(20, due=n, root=f"SO{n}") for n in (1, 2, 3)]
    outcome = plan(snapshot(*rows, items=buy(LotPolicy(minimum=100))))
    assert quantities(outcome) == {"TRUCK|SO1|1": 100}
    assert outcome.planned_orders[0].surplus == 40
    assert outcome.roots_of("TRUCK|SO1|1") == {"SO1", "SO2", "SO3"}


def test_plan__an_order_whose_own_root_vanished_stays_for_the_others() -> None:
    items = buy(LotPolicy(minimum=100))
    first = plan(snapshot(demand(20, 1, "SO1"), demand(30, 2, "SO2"), items=items))
    second = plan(snapshot(demand(30, 2, "SO2"), items=items, prior_pegs=first.pegs))
    assert quantities(second) == {"TRUCK|SO1|1": 100}
    assert second.planned_orders[0].due == day(2)
    assert not plan(snapshot(items=items, prior_pegs=second.pegs)).planned_orders


def test_plan__up_and_down_again_ends_where_it_began() -> None:
    first = plan(snapshot(demand(100)))
    second = plan(snapshot(demand(120), prior_pegs=first.pegs))
    assert quantities(second)["TRUCK|SO1|1"] == 120
    assert plan(snapshot(demand(100), prior_pegs=second.pegs)) == first


def test_plan__lot_split_at_maximum_skips_keys_that_became_documents() -> None:
    items = buy(LotPolicy(minimum=50, maximum=100))
    closed = frozenset({"TRUCK|SO1|1"})
    outcome = plan(snapshot(demand(140), items=items, closed_orders=closed))
    assert quantities(outcome) == {"TRUCK|SO1|2": 100, "TRUCK|SO1|3": 50}


def test_plan__period_orders_cover_their_window_only() -> None:
    rows = [demand(5, due=n, root=f"SO{n}") for n in (1, 3, 4)]
    outcome = plan(snapshot(*rows, items=buy(LotPolicy(rule="period", period_days=3))))
    assert quantities(outcome) == {"TRUCK|SO1|1": 10, "TRUCK|SO4|1": 5}


def test_plan__priority_decides_who_gets_stock() -> None:
    rows = (demand(5, due=1, root="SO1", priority=1), demand(5, due=9, root="SO2"))
    outcome = plan(snapshot(*rows, items=buy(), trucks=5))
    assert quantities(outcome) == {"TRUCK|SO1|1": 5}


def test_plan__safety_stock_served_last_or_first() -> None:
    last = snapshot(demand(10, due=3), items=buy(safety=10), trucks=10)
    assert quantities(plan(last)) == {"TRUCK|stock|1": 10}
    first = replace(last, policies=PlanPolicies(safety_stock="served_first"))
    assert quantities(plan(first)) == {"TRUCK|SO1|1": 10}


def receipt(quantity: int, available: int, **changes: str) -> ScheduledReceipt:
    return replace(ScheduledReceipt("PO1", "TRUCK", quantity, day(available), "purchase_order"), **changes)  # type: ignore[arg-type]


def test_plan__latest_supply_in_time_is_taken_first() -> None:
    outcome = plan(snapshot(demand(5, due=9), items=buy(), trucks=5, receipts=(receipt(5, 8),)))
    assert [peg.supply for peg in outcome.pegs] == ["PO1"]
    early = PlanPolicies(supply_order="earliest_first")
    outcome = plan(snapshot(demand(5, due=9), items=buy(), trucks=5, receipts=(receipt(5, 8),), policies=early))
    assert [peg.supply for peg in outcome.pegs] == ["on_hand|TRUCK"]
    assert kinds(outcome) == [("cancel", "PO1")]


def test_plan__a_late_receipt_is_expedited_or_used_by_policy() -> None:
    late = snapshot(demand(5, due=2), items=buy(lead=6), receipts=(receipt(5, 4),))
    assert ("expedite", "PO1") in kinds(plan(late))
    assert quantities(plan(late)) == {"TRUCK|SO1|1": 5}
    used = plan(replace(late, policies=PlanPolicies(late_receipts="when_not_later_than_new")))
    assert not used.planned_orders
    assert kinds(used) == [("expedite", "PO1")]


def test_plan__a_reserved_receipt_goes_to_its_root_whatever_its_date() -> None:
    rows = (demand(5, due=2, root="SO1"), demand(5, due=9, root="SO2"))
    outcome = plan(snapshot(*rows, items=buy(), receipts=(receipt(5, 12, reserved_for="SO2"),)))
    assert outcome.supplies_of("line|SO2|TRUCK")[0].supply == "PO1"
    assert quantities(outcome) == {"TRUCK|SO1|1": 5}


def test_plan__an_early_receipt_is_deferred_within_tolerance_it_is_left() -> None:
    early = snapshot(demand(5, due=9), items=buy(), receipts=(receipt(5, 4),))
    assert kinds(plan(early)) == [("defer", "PO1")]
    assert not plan(replace(early, policies=PlanPolicies(message_tolerance_days=5))).messages


def test_plan__released_orders_keep_their_pegs_and_arrivals_come_from_stock() -> None:
    first = plan(snapshot(demand(10), items=buy()))
    document = receipt(10, 20, origin="TRUCK|SO1|1", reserved_for="SO1")
    second = plan(snapshot(demand(10), items=buy(), receipts=(document,), prior_pegs=first.pegs))
    assert not second.planned_orders
    rival = demand(6, due=1, root="SO0")
    arrived = snapshot(demand(10), rival, items=buy(), trucks=10, prior_pegs=second.pegs)
    assert quantities(plan(arrived)) == {"TRUCK|SO0|1": 6}
    closed = replace(arrived, prior_pegs=first.pegs, closed_orders=frozenset({"TRUCK|SO1|1"}))
    assert quantities(plan(closed)) == {"TRUCK|SO0|1": 6}


def test_plan__firm_order_supplies_and_draws_only_what_is_still_to_issue() -> None:
    firm = FirmOrder("TRUCK|SO1|1", "TRUCK", 10, day(6), "make", "SO1", (FirmComponent("MAST", 4),))
    outcome = plan(snapshot(demand(12), firm_orders=(firm,)))
    assert quantities(outcome) == {"TRUCK|SO1|2": 2, "MAST|SO1|1": 6, "STEEL|SO1|1": 13}
    assert [(line.component, line.required) for line in outcome.kit("TRUCK|SO1|1")] == [("MAST", 4)]


def test_plan__bought_items_draw_nothing_and_subcontract_does() -> None:
    def ordered(sourcing: Sourcing) -> set[str]:
        items = (PlanItem("TRUCK", "make"), PlanItem("MAST", sourcing), PlanItem("STEEL", "buy"))
        bom = (PlanBomLine("TRUCK", "MAST", 1), PlanBomLine("MAST", "STEEL", 2))
        return set(quantities(plan(snapshot(demand(1), items=items, bom=bom))))

    assert ordered("buy") == {"TRUCK|SO1|1", "MAST|SO1|1"}
    assert ordered("subcontract") == {"TRUCK|SO1|1", "MAST|SO1|1", "STEEL|SO1|1"}


def test_plan__a_demand_for_a_phantom_is_a_demand_for_its_components() -> None:
    items = (PlanItem("TRUCK", "phantom"), PlanItem("MAST", "buy"))
    outcome = plan(snapshot(demand(3), items=items, bom=(PlanBomLine("TRUCK", "MAST", 2),)))
    assert quantities(outcome) == {"MAST|SO1|1": 6}


def test_kit__tells_stock_receipts_orders_and_what_is_short() -> None:
    stock = (PlanStock("on_hand|STEEL", "STEEL", 2), PlanStock("on_hand|MAST", "MAST", 1))
    po = ScheduledReceipt("PO1", "STEEL", 3, day(4), "purchase_order")
    outcome = plan(snapshot(demand(30), stock=stock, receipts=(po,)))
    mast, steel = outcome.kit("TRUCK|SO1|1")
    assert outcome.required("TRUCK|SO1|1") == [(line.component, line.required) for line in (mast, steel)]
    assert (mast.component, mast.required, mast.on_hand, mast.short, mast.complete) == ("MAST", 30, 1, 0, False)
    assert [share.quantity for share in mast.planned] == [29]
    assert steel.required == 10
    assert mast.complete_by == day(5)


def test_trace__runs_both_ways_through_all_levels() -> None:
    outcome = plan(snapshot(demand(1)))
    down = [(line.depth, line.peg.supply) for line in trace_down(outcome, "line|SO1|TRUCK")]
    assert down[0] == (0, "TRUCK|SO1|1")
    assert (2, "STEEL|SO1|1") in down
    assert (2, "line|SO1|TRUCK") in [(line.depth, line.peg.consumer) for line in trace_up(outcome, "STEEL|SO1|1")]


def test_plan__item_codes_with_the_separator_keep_keys_apart() -> None:
    items = (PlanItem("A|B", "buy"), PlanItem("A", "buy"))
    rows = (PlanDemand("d1", "A|B", 1, TODAY, "C"), PlanDemand("d2", "A", 1, TODAY, "B|C"))
    assert set(quantities(plan(PlanningSnapshot(TODAY, items, demands=rows)))) == {"A%7CB|C|1", "A|B|C|1"}


def problems(outcome: Plan) -> set[tuple[str, str]]:
    return {(problem.kind, problem.item) for problem in outcome.problems}


def test_plan__a_cycle_stops_only_its_own_items() -> None:
    bom = (PlanBomLine("TRUCK", "MAST", 1), PlanBomLine("MAST", "LOOP", 1), PlanBomLine("LOOP", "MAST", 1))
    items = (*snapshot().items, PlanItem("LOOP", "make", 1))
    outcome = plan(snapshot(demand(5), demand(3, item="STEEL"), items=items, bom=bom))
    assert problems(outcome) == {("bom_cycle", "LOOP")}
    assert quantities(outcome) == {"TRUCK|SO1|1": 5, "STEEL|SO1|1": 3}
    assert [(row.consumer, row.quantity, row.reason) for row in outcome.shortages] == [("TRUCK|SO1|1", 5, "bom_cycle")]
    assert outcome.kit("TRUCK|SO1|1")[0].short == 5
    assert outcome.required("TRUCK|SO1|1")[0][1] == outcome.kit("TRUCK|SO1|1")[0].required


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"demands": (demand(0),)}, ("absurd_quantity", "TRUCK")),
        ({"demands": (demand(INT64_MAX + 1),)}, ("absurd_quantity", "TRUCK")),
        ({"demands": (demand(1, item="GHOST"),)}, ("unknown_item", "GHOST")),
        ({"demands": (demand(1, root="stock"),)}, ("reserved_root", "TRUCK")),
        ({"demands": (demand(1), demand(2))}, ("duplicate_key", "TRUCK")),
        ({"stock": (PlanStock("s", "STEEL", -3),)}, ("negative_stock", "STEEL")),
        ({"bom": (PlanBomLine("TRUCK", "STEEL", 0),)}, ("bad_bom_line", "TRUCK")),
        ({"bom": (PlanBomLine("TRUCK", "GHOST", 1),)}, ("unknown_item", "GHOST")),
        ({"items": (PlanItem("TRUCK", "buy", None),)}, ("bad_lead_time", "TRUCK")),
        ({"items": (PlanItem("TRUCK", "buy", 10**9),)}, ("bad_lead_time", "TRUCK")),
        ({"items": (PlanItem("TRUCK", "buy", 0, -1),)}, ("absurd_quantity", "TRUCK")),
        ({"items": (PlanItem("TRUCK", "buy", 0, 0, LotPolicy(minimum=9, maximum=5)),)}, ("bad_lot_policy", "TRUCK")),
        ({"items": (PlanItem("TRUCK", "make"),), "bom": ()}, ("no_bom", "TRUCK")),
        ({"bom": (PlanBomLine("TRUCK", "STEEL", INT64_MAX),)}, ("overflow", "STEEL")),
        ({"items": (PlanItem("TRUCK", "buy", 0, 0, LotPolicy(minimum=INT64_MAX - 1, multiple=9)),)}, None),
        ({"items": (PlanItem("TRUCK", "buy", 0, 0, LotPolicy(multiple=2**62 + 1, minimum=2**62 + 2)),)},
         ("overflow", "TRUCK")),
    ],
)  # fmt: skip
def test_plan__names_what_it_cannot_use_and_goes_on(changes: dict[str, Any], problem: tuple[str, str] | None) -> None:
    other = demand(7, root="SO9", item="STEEL")
    base = snapshot(demand(5), **changes)
    items = base.items if any(item.code == "STEEL" for item in base.items) else (*base.items, PlanItem("STEEL", "buy"))
    outcome = plan(replace(base, items=items, demands=(*base.demands, other)))
    if problem is not None:
        assert problem in problems(outcome)
    assert sum(peg.quantity for peg in outcome.supplies_of(other.key)) == 7
