"""Every rule a planner expects, from golden records to the planned order: one small plant each."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from canonical.plan import Plan
from pipeline.golden_rows import unscaled
from pipeline.planning_settings import Planning
from pipeline.snapshot import snapshot
from planning.mrp import plan
from tests.unit.pipeline.golden_plants import (
    AS_OF,
    Frames,
    agreement,
    bom,
    boms,
    day,
    golden,
    item,
    line,
    order_of,
    ordered,
    orders,
    planned,
    started,
    stock,
)

D = Decimal


def test_calendar__lead_times_count_the_companys_working_days() -> None:
    frames = {"item": golden("item", item("A", days=3)), **orders(ordered("A", "5", day(14)))}  # due on a Monday
    assert order_of(planned(frames), "A").release == day(11)
    assert order_of(planned(frames, calendar="workdays"), "A").release == day(9)  # Wednesday before the weekend
    closed = golden("calendar_day", {"golden_id": "c", "calendar": "workdays", "day": day(10), "hours": D(0)})
    made = planned({**frames, "calendar_day": closed}, calendar="workdays")
    assert order_of(made, "A").release == day(8)


def test_calendar__of_the_work_centre_where_the_item_is_begun() -> None:
    frames = {
        "item": golden("item", item("A", "make", days=2)),
        "work_centre": golden("work_centre", {"golden_id": "WELD", "code": "WELD", "calendar": "always"}),
        "routing": golden("routing", {"golden_id": "r", "code": "r", "item": "A"}),
        "operation": golden("operation", {"golden_id": "r|10", "routing": "r", "sequence": 10, "item": "A",
                                          "work_centre": "WELD"}),
        **boms(bom("A", line("B"))), **orders(ordered("A", "5", day(14))),
    }  # fmt: skip
    assert order_of(planned(frames, calendar="workdays"), "A").release == day(12)  # a Saturday


def test_calendar__nobody_knows_is_named_and_every_day_counts() -> None:
    frames = {
        "item": golden("item", item("A", "make", days=2)),
        "work_centre": golden("work_centre", {"golden_id": "W", "code": "W", "calendar": "moon"}),
        "routing": golden("routing", {"golden_id": "r", "code": "r", "item": "A"}),
        "operation": golden("operation", {"golden_id": "r|10", "routing": "r", "sequence": 10, "item": "A",
                                          "work_centre": "W"}),
        **orders(ordered("A", "5", day(14))),
    }  # fmt: skip
    made = planned(frames)
    assert order_of(made, "A").release == day(12)
    assert ("bad_calendar", "moon") in {(row.kind, row.key) for row in made.problems}


SUPPLIERS = (
    agreement("near", "A", 3, 2, price=D("9"), currency="CNY", quota=D(20)),
    agreement("far", "A", 10, 1, price=D("7"), currency="CNY", quota=D(80)),
    agreement("gone", "A", 1, 0, valid_to=AS_OF),
)


@pytest.mark.parametrize(
    ("due", "choice", "supplier", "release"),
    [
        (12, "priority", "far", 2),
        (5, "priority", "near", 2),  # the far one cannot be in time
        (1, "priority", "near", -2),  # nobody can: the fastest
        (12, "price", "far", 2),
        (12, "quota", "far", 2),
    ],
)
def test_suppliers__lead_time_priority_price_and_quota(due: int, choice: str, supplier: str, release: int) -> None:
    frames = {
        "item": golden("item", item("A", days=None)),
        "supplier_agreement": golden("supplier_agreement", *SUPPLIERS),
        **orders(ordered("A", "5", day(due))),
    }
    order = order_of(planned(frames, policies={"supplier_choice": choice}), "A")
    assert (order.supplier, order.release) == (supplier, day(release))


def test_suppliers__who_has_had_his_quota_is_passed_over() -> None:
    bought = {"golden_id": "PO", "number": "PO", "line": "1", "item": "A", "supplier": "far", "quantity": D(1000),
              "received": D(1000), "status": "closed"}  # fmt: skip
    frames = {
        "item": golden("item", item("A")), "purchase_order": golden("purchase_order", bought),
        "supplier_agreement": golden("supplier_agreement", *SUPPLIERS), **orders(ordered("A", "5", day(12))),
    }  # fmt: skip
    assert order_of(planned(frames, policies={"supplier_choice": "quota"}), "A").supplier == "near"


def test_suppliers__prices_in_two_currencies_are_named_and_priority_decides() -> None:
    dollars = agreement("near", "A", 3, 2, price=D("1"), currency="USD")
    frames = {
        "item": golden("item", item("A")),
        "supplier_agreement": golden("supplier_agreement", dollars, SUPPLIERS[1]),
        **orders(ordered("A", "5", day(12))),
    }
    made = planned(frames, policies={"supplier_choice": "price"})
    assert order_of(made, "A").supplier == "far"
    assert [row.kind for row in made.problems] == ["bad_price"]


@pytest.mark.parametrize(("lots", "quantity"), [("preferred", "24"), ("ignored", "5")])
def test_suppliers__lots_of_the_one_tried_first_hold_where_the_item_names_none(lots: str, quantity: str) -> None:
    frames = {
        "item": golden("item", item("A")),
        "supplier_agreement": golden(
            "supplier_agreement", agreement("far", "A", 2, 1, minimum=D(20), multiple=D(12)), SUPPLIERS[0]
        ),
        **orders(ordered("A", "5", day(12))),
    }
    assert started(planned(frames, policies={"supplier_lots": lots}), "A") == D(quantity)


@pytest.mark.parametrize(
    ("rule", "quantities"),
    [
        ({"lot_rule": "lot_for_lot"}, [5, 7]),
        ({"lot_rule": "lot_for_lot", "lot_minimum": D(6), "lot_multiple": D(4)}, [8, 8]),
        ({"lot_rule": "fixed", "lot_fixed": D(10)}, [10, 10]),
        ({"lot_rule": "lot_for_lot", "lot_maximum": D(4)}, [4, 1, 4, 3]),
    ],
)
def test_lots__of_each_rule(rule: dict[str, object], quantities: list[int]) -> None:
    frames = {
        "item": golden("item", item("A", **rule)),
        **orders(ordered("A", "5", day(3), "SO-1"), ordered("A", "7", day(6), "SO-2")),
    }
    made = planned(frames)
    found = sorted(int(unscaled(order.quantity)) for order in made.planned_orders)
    assert found == sorted(quantities)


def test_lots__by_period_cover_its_days() -> None:
    frames = {
        "item": golden("item", item("A", lot_rule="period", lot_period_days=7)),
        **orders(
            ordered("A", "5", day(3), "SO-1"), ordered("A", "7", day(6), "SO-2"), ordered("A", "2", day(30), "SO-3")
        ),
    }
    made = planned(frames, policies={"order_grouping": "need_date"})
    assert sorted(unscaled(order.quantity) for order in made.planned_orders) == [2, 12]


@pytest.mark.parametrize("said", [None, D(0)])
def test_lots__nought_is_no_minimum_so_the_suppliers_holds(said: Decimal | None) -> None:
    frames = {
        "item": golden("item", item("A", lot_minimum=said, lot_multiple=said)),
        "supplier_agreement": golden("supplier_agreement", agreement("S", "A", 3, 1, minimum=D(90), multiple=D(20))),
        **orders(ordered("A", "5", day(9))),
    }
    assert started(planned(frames), "A") == 100


def test_order_up_to__fills_stock_once_it_falls_below_the_safety_stock() -> None:
    frames = {
        "item": golden("item", item("A", safety_stock=D(10), order_up_to=D(40))),
        "stock": golden("stock", stock("A", "6")),
    }
    assert started(planned(frames), "A") == 34


def test_safety_time_and_frozen_days() -> None:
    early = {"item": golden("item", item("A", days=4, safety_time_days=3)), **orders(ordered("A", "5", day(14)))}
    assert (order_of(planned(early), "A").due, order_of(planned(early), "A").release) == (day(11), day(7))
    longer = planned(early, policies={"safety_time": "longer_lead"})
    assert (order_of(longer, "A").due, order_of(longer, "A").release) == (day(14), day(7))
    frozen = {"item": golden("item", item("A", days=1, frozen_days=10)), **orders(ordered("A", "5", day(3)))}
    order = order_of(planned(frozen), "A")
    assert (order.release, order.expected, order.late) == (day(9), day(10), True)


def test_scrap__of_the_item_is_put_in_on_top_in_whole_pieces() -> None:
    frames = {
        "item": golden("item", item("A", "make", scrap_rate=D("0.03")), item("B")),
        **boms(bom("A", line("B", "2"))), **orders(ordered("A", "100", day(9))),
    }  # fmt: skip
    made = planned(frames)
    order = order_of(made, "A")
    assert (unscaled(order.started), unscaled(order.quantity) >= 100) == (104, True)  # 100 / 0.97 = 103.09…
    assert started(made, "B") == 208


def test_scrap__as_the_yield_of_the_bom_version_in_force() -> None:
    frames = {
        "item": golden("item", item("A", "make"), item("B"), item("C")),
        **boms(
            bom("A", line("B"), code="V1", yield_rate=D("0.5"), valid_to=day(20)),
            bom("A", line("C"), code="V2", valid_from=day(20)),
        ),
        **orders(ordered("A", "10", day(9), "SO-1"), ordered("A", "10", day(30), "SO-2")),
    }
    made = planned(frames)
    assert {unscaled(order.started) for order in made.planned_orders if order.item == "A"} == {20, 10}
    assert (started(made, "B"), started(made, "C")) == (20, 10)


def _versions(*found: list[dict[str, Any]]) -> Frames:
    """A plant that makes A, of B, C or D."""
    return {"item": golden("item", item("A", "make"), *(item(code) for code in "BCD")), **boms(*found)}


@pytest.mark.parametrize("begins", [-30, -1, 0, 3])
def test_bom_versions__the_one_that_began_last_holds_before_that_day_and_after(begins: int) -> None:
    change = _versions(bom("A", line("B"), code="V1"), bom("A", line("C"), code="V2", valid_from=day(begins)))
    assert started(planned({**change, **orders(ordered("A", "5", day(9)))}), "C") == 5


def test_bom_versions__the_lasting_one_comes_back_after_one_for_a_while() -> None:
    for_a_while = bom("A", line("C"), code="V0", valid_from=day(5), valid_to=day(10))
    lasting = bom("A", line("B", valid_to=day(8)), line("D", valid_from=day(8)), code="V1")
    due = (ordered("A", str(quantity), day(on), f"SO-{on}") for quantity, on in ((1, 2), (2, 7), (4, 12)))
    made = planned({**_versions(for_a_while, lasting), **orders(*due)})
    assert {order.item: unscaled(order.started) for order in made.planned_orders if order.item != "A"} == {
        "B": 1, "C": 2, "D": 4,
    }  # fmt: skip
    assert made.problems == ()


def test_scrap__of_a_line_and_of_the_step_that_draws_it() -> None:
    steps = [
        {"golden_id": f"r|{at}", "routing": "r", "sequence": at, "item": "A", "scrap_rate": lost}
        for at, lost in ((10, D("0.2")), (20, D("0.5")))
    ]
    frames = {
        "item": golden("item", item("A", "make"), *(item(code) for code in "BCD")),
        "routing": golden("routing", {"golden_id": "r", "code": "r", "item": "A"}),
        "operation": golden("operation", *steps),
        **boms(bom("A", line("B", operation=10), line("C", operation=20), line("D", scrap_rate=D("0.25")))),
        **orders(ordered("A", "10", day(9))),
    }
    made = planned(frames)
    assert [started(made, code) for code in "BCD"] == [25, 20, D("12.5")]
    divided = planned(frames, policies={"component_scrap": "divide"})
    assert round(started(divided, "D"), 4) == D("13.3333")


def test_dated_lines__an_order_draws_what_holds_on_the_day_it_starts() -> None:
    change = boms(
        bom("A", line("OLD", valid_to=day(10)), line("NEW", valid_from=day(10)), line("PAST", valid_to=AS_OF))
    )
    frames = {
        "item": golden("item", item("A", "make", days=2), item("OLD"), item("NEW"), item("PAST")), **change,
        **orders(ordered("A", "3", day(9), "SO-1"), ordered("A", "5", day(14), "SO-2")),
    }  # fmt: skip
    made = planned(frames)
    assert (started(made, "OLD"), started(made, "NEW")) == (3, 5)
    assert all(order.item != "PAST" for order in made.planned_orders)


def test_substitutes__by_priority_and_old_parts_first() -> None:
    lines = (
        line("B", "1", group="1"),
        line("S1", "2", group="1", kind="substitute", priority=1),
        line("S2", "1", group="1", kind="substitute", priority=2),
    )
    held = golden("stock", stock("B", "1"), stock("S1", "4"), stock("S2", "9"))
    frames = {
        "item": golden("item", item("A", "make"), *(item(code) for code in ("B", "S1", "S2"))), "stock": held,
        **boms(bom("A", *lines)), **orders(ordered("A", "6", day(9))),
    }  # fmt: skip
    taken = {peg.item: unscaled(peg.quantity) for peg in planned(frames).pegs if peg.consumer.startswith("A|")}
    assert taken == {"B": 1, "S1": 4, "S2": 3}
    first = (lines[0], {**lines[2], "use_first": True})
    frames |= boms(bom("A", *first))
    taken = {peg.item: unscaled(peg.quantity) for peg in planned(frames).pegs if peg.consumer.startswith("A|")}
    assert taken == {"S2": 6}


def test_substitutes__for_one_customer_and_through_a_phantom() -> None:
    frames = {
        "item": golden("item", item("A", "make"), item("P", "phantom"), item("B"), item("S")),
        "stock": golden("stock", stock("S", "20")),
        **boms(
            bom("A", line("P")),
            bom("P", line("B", group="1"), line("S", group="1", kind="substitute", customer="C1")),
        ),
        **orders(ordered("A", "3", day(9), "SO-1", customer="C1"), ordered("A", "5", day(9), "SO-2", customer="C2")),
    }
    made = planned(frames)
    assert sum(peg.quantity for peg in made.pegs if peg.item == "S") == 3_000_000
    assert started(made, "B") == 5


def test_substitutes__without_their_component_are_named_and_left_out() -> None:
    frames = {
        "item": golden("item", item("A", "make"), item("B"), item("S")),
        **boms(bom("A", line("B"), line("S", group="7", kind="substitute"))), **orders(ordered("A", "3", day(9))),
    }  # fmt: skip
    made = planned(frames)
    assert [(row.kind, row.item) for row in made.problems] == [("bad_substitute", "S")]
    assert started(made, "B") == 3


def test_by_products__are_there_for_others() -> None:
    frames = {
        "item": golden("item", item("A", "make"), item("B"), item("CHIPS")),
        **boms(bom("A", line("B"), line("CHIPS", "0.5", kind="by_product"))),
        **orders(ordered("A", "10", day(5), "SO-1"), ordered("CHIPS", "8", day(9), "SO-2")),
    }
    assert started(planned(frames), "CHIPS") == 3


def open_work(**values: Any) -> pl.DataFrame:
    """A work order for ten of A."""
    known = {"golden_id": "W", "code": "W", "item": "A", "quantity": D(10), "good": D(0), "scrapped": D(0),
             "status": "released", "start": day(2), "due": day(5)}  # fmt: skip
    return golden("work_order", {**known, **values})


@pytest.mark.parametrize(
    ("said", "coming"),
    [
        ({}, 5), ({"status": "running", "good": D(4)}, 3), ({"status": "completed", "good": D(10)}, 0),
        ({"status": "running", "our_reference": "M|A|SO-1|1|1"}, 5),
        ({"status": "running", "our_reference": "M|A|SO-1|1|1", "scrapped": D(2)}, 4),
    ],
)  # fmt: skip
def test_by_products__of_work_orders_are_on_their_way(said: dict[str, Any], coming: int) -> None:
    frames = {
        "item": golden("item", item("A", "make"), item("B"), item("CHIPS")),
        **boms(bom("A", line("B"), line("CHIPS", "0.5", kind="by_product"))),
        "work_order": open_work(**said), "stock": golden("stock", stock("B", "10")),
        **orders(ordered("CHIPS", "8", day(9), "SO-2")),
    }  # fmt: skip
    assert started(planned(frames), "CHIPS") == 8 - coming


def test_by_products__stay_pegged_when_the_order_they_come_of_begins() -> None:
    frames = {
        "item": golden("item", item("A", "make"), item("B"), item("CHIPS")),
        **boms(bom("A", line("B"), line("CHIPS", "0.5", kind="by_product"))),
        **orders(ordered("A", "10", day(5), "SO-1"), ordered("CHIPS", "5", day(9), "SO-2")),
    }
    before = planned(frames)
    begun = {**frames, "work_order": open_work(status="running", our_reference="M|A|SO-1|1|1")}
    begun |= orders(
        ordered("A", "10", day(5), "SO-1"), ordered("CHIPS", "5", day(9), "SO-2"), ordered("CHIPS", "5", day(6), "SO-3")
    )  # fmt: skip
    after = plan(snapshot(begun, Planning(), AS_OF, before.pegs))
    (peg,) = (peg for peg in after.pegs if peg.kind == "receipt")
    assert (peg.consumer, peg.item, peg.quantity) == ("SO-2|1", "CHIPS", 5_000_000)


@pytest.mark.parametrize(("said", "drawn"), [({}, 10), ({"good": D(4)}, 0), ({"good": D(8), "scrapped": D(2)}, 0)])
def test_work_of_others__that_was_reported_on_has_drawn_its_kit(said: dict[str, Any], drawn: int) -> None:
    frames = {
        "item": golden("item", item("A", "make"), item("B")), **boms(bom("A", line("B"))),
        "work_order": open_work(**said),
    }  # fmt: skip
    assert sum(unscaled(order.started) for order in planned(frames).planned_orders) == drawn


def test_by_products__count_once_their_line_holds() -> None:
    frames = {
        "item": golden("item", item("A", "make"), item("B"), item("CHIPS")),
        **boms(bom("A", line("B"), line("CHIPS", "1", kind="by_product", valid_from=day(30)))),
        **orders(ordered("A", "10", day(5), "SO-1"), ordered("CHIPS", "8", day(9), "SO-2")),
    }
    assert started(planned(frames), "CHIPS") == 8


def test_kept_apart__each_line_of_an_order_has_its_own_work_order() -> None:
    work = [
        {"golden_id": name, "code": name, "item": "A", "quantity": D(10), "good": D(0), "scrapped": D(0),
         "status": "running", "due": day(3), "sales_order": "SO-1"} for name in ("W1", "W2")
    ]  # fmt: skip
    frames = {
        "item": golden("item", item("A", "make", kept_apart=True)), "work_order": golden("work_order", *work),
        **orders(ordered("A", "10", day(5)), ordered("A", "10", day(6), line="2")),
    }  # fmt: skip
    made = planned(frames)
    assert made.planned_orders == ()
    assert {peg.supply: peg.root for peg in made.pegs} == {"work_order|W1": "SO-1|1", "work_order|W2": "SO-1|2"}


def purchase(quantity: str, due: date) -> pl.DataFrame:
    row = {"golden_id": "P", "number": "P", "line": "1", "item": "A", "quantity": D(quantity), "received": D(0)}
    return golden("purchase_order", {**row, "due": due, "status": "open"})


@pytest.mark.parametrize("needed", [0, 3, 9])
def test_overdue_purchases__are_chased_and_never_deferred(needed: int) -> None:
    frames = {
        "item": golden("item", item("A")), "purchase_order": purchase("5", day(-4)),
        **orders(ordered("A", "5", day(needed))),
    }  # fmt: skip
    made = planned(frames)
    assert [(one.kind, one.current, one.wanted) for one in made.messages] == [("expedite", day(-4), day(needed))]
    assert made.planned_orders == ()


def test_kept_apart__an_order_takes_nothing_of_the_stock_for_all() -> None:
    apart = {"stock": golden("stock", stock("A", "9")), **orders(ordered("A", "5", day(5)))}
    assert started(planned({"item": golden("item", item("A", kept_apart=True)), **apart}), "A") == 5
    assert planned({"item": golden("item", item("A")), **apart}).planned_orders == ()


def test_forecasts__are_used_up_by_orders_and_the_rest_is_planned_for_stock() -> None:
    expected = {"golden_id": "F|1", "number": "F", "line": "1", "item": "A", "quantity": D(20), "due": day(10)}
    draft = {**expected, "golden_id": "F|2", "status": "draft"}
    frames = {
        "item": golden("item", item("A")),
        "forecast": golden("forecast", {**expected, "status": "open"}, draft),
        **orders(ordered("A", "5", day(8))),
    }  # fmt: skip
    near = planned(frames, policies={"forecast_backward_days": 7, "forecast_forward_days": 7})
    assert sum(unscaled(order.quantity) for order in near.planned_orders) == 20
    assert sum(unscaled(order.quantity) for order in planned(frames).planned_orders) == 25


def expects(quantity: int, due: date) -> Frames:
    row = {"golden_id": "F|1", "number": "F", "line": "1", "item": "A", "quantity": D(quantity), "due": due}
    return {"item": golden("item", item("A")), "forecast": golden("forecast", {**row, "status": "open"})}


NEAR = {"policies": {"forecast_backward_days": 10, "forecast_forward_days": 10}}


def bought(made: Plan) -> Decimal:
    return sum((unscaled(order.quantity) for order in made.planned_orders), D(0))


@pytest.mark.parametrize(("gone", "status"), [("0", "open"), ("5", "open"), ("15", "open"), ("0", "closed")])
def test_forecasts__what_was_delivered_has_used_them_up_as_well(gone: str, status: str) -> None:
    left = {"golden_id": "S", "number": "S", "line": "1", "item": "A", "quantity": D(15), "shipped": D(gone),
            "status": "shipped", "our_reference": "SO-1|1"}  # fmt: skip
    sold = orders(ordered("A", "15", day(8)))
    sold["sales_order"] = sold["sales_order"].with_columns(status=pl.lit(status))
    frames = {**expects(20, day(10)), **sold, "shipment": golden("shipment", left)}
    to_deliver = 0 if status == "closed" else 15 - int(gone)
    assert bought(planned(frames, **NEAR)) == 5 + to_deliver


@pytest.mark.parametrize(("due", "expected"), [(date(2026, 10, 31), 0), (date(2026, 11, 1), 20)])
def test_forecasts__of_a_month_that_is_over_are_planned_no_more(due: date, expected: int) -> None:
    assert bought(planned(expects(20, due))) == expected


def test_forecasts__are_used_up_by_orders_from_other_sites_too() -> None:
    frames = {**expects(20, day(10)), **orders(ordered("A", "15", day(8), warehouse="WH3"))}
    made = planned(frames, **NEAR, **SITES)
    assert sum(unscaled(order.quantity) for order in made.planned_orders if order.item == "A") == 20


SITES = {"sites": {"south": {"warehouses": ["WH3"], "transfer_days": 4}, "far": {
    "warehouses": ["WH9"], "supplied_by": "south", "transfer_days": 2}}}  # fmt: skip


def test_sites__what_a_site_lacks_is_sent_from_the_site_before_it() -> None:
    frames = {
        "item": golden("item", item("A", days=3)),
        "stock": golden("stock", stock("A", "9"), stock("A", "2", "WH3"), stock("A", "1", "WH9")),
        **orders(ordered("A", "15", day(14), warehouse="WH9")),
    }
    made = planned(frames, **SITES)
    found = {order.item: (order.sourcing, unscaled(order.quantity), order.release) for order in made.planned_orders}
    assert found == {
        "A@far": ("transfer", 14, day(12)),
        "A@south": ("transfer", 12, day(8)),
        "A": ("buy", 3, day(5)),
    }
    whole = planned(frames)  # one site: all stock is one
    assert {order.item: unscaled(order.quantity) for order in whole.planned_orders} == {"A": 3}


@pytest.mark.parametrize(("there", "bought"), [("140", 0), ("100", 0), ("40", 0), ("0", 40)])
def test_sites__a_requested_transfer_takes_what_is_to_come_where_too_little_lies(there: str, bought: int) -> None:
    row = {"golden_id": "T", "number": "T", "item": "A", "from_warehouse": "WH1", "to_warehouse": "WH3",
           "quantity": D(100), "due": day(7), "status": "requested"}  # fmt: skip
    sold = orders(ordered("A", "100", day(9), "SO-1", warehouse="WH3"), ordered("A", "60", day(9), "SO-2"))
    frames = {
        "item": golden("item", item("A")), "transfer_order": golden("transfer_order", row), **sold,
        "stock": golden("stock", stock("A", there)), "purchase_order": purchase("120", day(1)),
    }  # fmt: skip
    made = planned(frames, **SITES)
    assert {order.item: unscaled(order.quantity) for order in made.planned_orders} == ({"A": bought} if bought else {})
    assert [row.kind for row in made.problems] == []


def test_missing_lead_time__is_named_and_the_default_or_the_routing_counts() -> None:
    step = {"golden_id": "r|10", "routing": "r", "sequence": 10, "item": "A", "work_centre": "W", "days": D(1),
            "setup_minutes": D(30), "run_minutes": D(45)}  # fmt: skip
    frames = {
        "item": golden("item", item("A", "make", days=None, lot_minimum=D(20))),
        "work_centre": golden("work_centre", {"golden_id": "W", "code": "W", "hours_per_day": D(8)}),
        "routing": golden("routing", {"golden_id": "r", "code": "r", "item": "A"}),
        "operation": golden("operation", step), **orders(ordered("A", "20", day(20))),
    }  # fmt: skip
    made = planned(frames, default_lead_time_days=6)
    assert order_of(made, "A").release == day(14)
    assert ("bad_lead_time", "A") in {(row.kind, row.item) for row in made.problems}
    routed = planned(frames, policies={"missing_lead_time": "routing"})
    assert order_of(routed, "A").release == day(20 - 3)  # 1 + 930 / 480 days, rounded up
    assert "bad_lead_time" not in {row.kind for row in routed.problems}


@pytest.mark.parametrize(("counts", "quantity"), [("started", 10), ("good", 0)])
def test_open_orders__bring_what_comes_out_good(counts: str, quantity: int) -> None:
    work = {"golden_id": "MO1", "code": "MO1", "number": "MO1", "item": "A", "quantity": D(20), "good": D(0),
            "scrapped": D(0), "unit": "pcs", "status": "running", "due": day(5)}  # fmt: skip
    frames = {
        "item": golden("item", item("A", "make", scrap_rate=D("0.25"))), "work_order": golden("work_order", work),
        **orders(ordered("A", "20", day(9))),
    }  # fmt: skip
    made = planned(frames, policies={"open_orders": counts})
    assert sum(int(unscaled(order.started)) for order in made.planned_orders) == (7 if quantity else 0)
