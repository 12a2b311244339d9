from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from canonical.plan import (
    LotPolicy,
    PlanBomLine,
    PlanCalendar,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanStock,
    PlanSupplier,
    ScheduledReceipt,
)
from planning.answers import account, diff, figures, purchases, shortages
from planning.feasible import Feasible, earliest_free
from planning.mrp import plan
from planning.scenario import AddDemand, ChangeDemand, ChangeLeadTime, ChangeStock, DelayReceipts, changed, compare

TODAY = date(2026, 3, 2)


def day(offset: int) -> date:
    return TODAY + timedelta(offset)


SNAPSHOT = PlanningSnapshot(
    TODAY,
    (
        PlanItem("truck", "make", 2),
        PlanItem("axle", "make", 3),
        PlanItem("bar", "buy", suppliers=(PlanSupplier("near", 4), PlanSupplier("far", 9, 1))),
    ),
    (PlanBomLine("truck", "axle", 2), PlanBomLine("axle", "bar", 1)),
    (PlanDemand("so1", "truck", 3, day(20), "so1"), PlanDemand("so2", "truck", 1, day(3), "so2")),
    stock=(PlanStock("s", "axle", 2),),
    receipts=(ScheduledReceipt("po", "bar", 4, day(6), "purchase_order"),),
)
PLAN = plan(SNAPSHOT)


def test_feasible__waits_for_the_material() -> None:
    rush = replace(SNAPSHOT, stock=())
    feasible = Feasible(plan(rush), rush)
    # so2 needs 2 axles today: the bars can be there on day 4 (ordered) at best, 3 days of axle, 2 of truck.
    assert feasible.covered("so2") == day(9)
    assert feasible.covered("so1") == day(20)
    assert [key.split("|")[0] for key in feasible.chain("so2")] == ["truck", "axle", "bar"]


def test_diff__names_what_came_went_and_changed() -> None:
    later = plan(replace(SNAPSHOT, demands=(replace(SNAPSHOT.demands[0], due=day(21)),)))
    changes = {row.key: (row.change, row.fields) for row in diff(PLAN, later)}
    assert changes["truck|so1|1"] == ("changed", ("due", "release", "expected"))
    assert changes["truck|so2|1"] == ("gone", ())
    assert diff(PLAN, PLAN) == ()


def test_account__ends_with_what_is_left() -> None:
    lines = account(PLAN, SNAPSHOT, "axle")
    assert [(line.kind, line.quantity, line.balance) for line in lines] == [
        ("on_hand", 2, 2),
        ("order", -2, 0),
        ("planned", 6, 6),
        ("order", -6, 0),
    ]
    assert lines[1].roots == ("so2",)


def test_shortages__say_which_orders_they_hit() -> None:
    short = shortages(plan(replace(SNAPSHOT, stock=())))
    assert {row.item for row in short} == {"truck", "axle", "bar"} - {"truck"}
    assert all(row.roots == ("so2",) for row in short)


def test_purchases__by_supplier_and_day() -> None:
    bought = purchases(plan(replace(SNAPSHOT, receipts=())))
    assert [(row.supplier, row.quantity, row.order_by) for row in bought] == [("near", 6, day(11))]
    assert purchases(PLAN, until=day(1)) == ()


def test_earliest_free__is_what_nobody_has() -> None:
    assert earliest_free(PLAN, replace(SNAPSHOT, stock=(PlanStock("s", "axle", 7),)), "axle") == {TODAY: 5}


def test_compare__scenarios_stand_beside_the_base() -> None:
    base, rush, late = compare(
        (PLAN, SNAPSHOT),
        [
            ("rush", (AddDemand("new", "truck", 1, day(2)), ChangeDemand("so2", quantity=0))),
            ("late", (DelayReceipts("bar", 30),)),
        ],
    )
    assert (base.figures.demands, base.figures.in_time) == (2, 2)
    assert rush.figures.demands == 2
    assert [row.key for row in late.moved] == ["so1"]


def test_changed__what_is_overdue_is_late_from_today_on() -> None:
    overdue = replace(SNAPSHOT, receipts=(ScheduledReceipt("po", "bar", 4, day(-40), "purchase_order"),))
    (late,) = changed(overdue, [DelayReceipts("bar", 30)]).receipts
    assert late.available == day(30)


def test_changed__stock_and_lead_times() -> None:
    less = changed(SNAPSHOT, [ChangeStock("axle", -1), ChangeStock("bar", 5), ChangeLeadTime("bar", 1)])
    assert {row.item: row.quantity for row in less.stock} == {"axle": 1, "bar": 5}
    assert {one.lead_time_days for item in less.items for one in item.suppliers} == {1}


def test_figures__count_days_late_on_working_calendars() -> None:
    snapshot = PlanningSnapshot(
        TODAY,
        (PlanItem("a", "buy", 5, lot=LotPolicy(minimum=3), calendar="plant"),),
        demands=(PlanDemand("so", "a", 1, TODAY, "so"),),
        calendars=(PlanCalendar("plant"),),
    )
    assert figures(plan(snapshot), snapshot).late_days == 7
