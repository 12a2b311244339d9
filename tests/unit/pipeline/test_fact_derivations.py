"""Facts people react to, each from a handful of golden records."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from canonical.entities import ENTITIES, golden_schema
from canonical.plan import Peg, Plan, PlannedOrder
from canonical.strict_json import loads
from pipeline.fact_sources import FactSources
from pipeline.facts import facts
from pipeline.settings import Planning
from store.tasks import Task, TaskState

TODAY = date(2026, 11, 2)
AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
OURS = "M|A|SO-1|1|1"


def frame(entity: str, *rows: dict[str, Any]) -> pl.DataFrame:
    model = ENTITIES[entity]
    schema = golden_schema(model)
    defaults = {name: field.default for name, field in model.model_fields.items() if not field.is_required()}
    return pl.DataFrame([{**dict.fromkeys(schema), **defaults, "sources": [], **row} for row in rows], schema=schema)


def planned(
    key: str, item: str, *, sourcing: Any = "buy", late: bool = True, root: str | None = "SO-1|1"
) -> PlannedOrder:
    due, expected = date(2026, 11, 5), date(2026, 11, 9)
    return PlannedOrder(
        key, item, sourcing, 40_000_000, 0, due, due, due, expected=expected, late=late, root=root, level=1
    )


def derived(
    fact: str,
    *frames: tuple[str, list[dict[str, Any]]],
    plan: Plan | None = None,
    decided: dict[str, dict[str, Any]] | None = None,
    tasks: list[Task] | None = None,
    unoffered: dict[str, list[str]] | None = None,
) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Task]] = {}
    for task in tasks or ():
        found.setdefault((task.kind, task.key), {})[task.owner] = task
    sources = FactSources(
        frames={entity: frame(entity, *rows) for entity, rows in frames},
        plan=plan or Plan(),
        decided={"planned_order": decided or {}},
        planning=Planning(),
        as_of=TODAY,
        held_orders={},
        tasks=found,
        unoffered=unoffered or {},
    )
    return facts(sources, {fact})[fact].to_dicts()


def work(golden: str = "MO-1", **more: Any) -> dict[str, Any]:
    return {"golden_id": golden, "code": golden, "number": golden, "item": "A", "quantity": Decimal(10),
            "status": "running", "due": date(2026, 11, 9), **more}  # fmt: skip


def order(number: str = "SO-1", **more: Any) -> dict[str, Any]:
    return {"golden_id": number, "number": number, "status": "open", "urgent": False, "custom": False, **more}


def line(order_: str = "SO-1", **more: Any) -> dict[str, Any]:
    return {"golden_id": f"{order_}|1", "order": order_, "line": "1", "item": "A", "quantity": Decimal(4),
            "due": date(2026, 11, 20), **more}  # fmt: skip


def report(golden: str, sequence: int | None, good: int, **more: Any) -> dict[str, Any]:
    return {"golden_id": golden, "code": golden, "work_order": "MO-1", "sequence": sequence, "good": Decimal(good),
            "scrapped": Decimal(0), "reported_at": AT, **more}  # fmt: skip


def inspection(golden: str, report_: str | None, inspected: int, failed: int = 0) -> dict[str, Any]:
    return {"golden_id": golden, "code": golden, "work_order": "MO-1", "report": report_,
            "inspected": Decimal(inspected), "inspected_at": AT,
            "failed": Decimal(failed), "result": "failed" if failed else "passed"}  # fmt: skip


ROUTING = [{"golden_id": "R1", "code": "R1", "item": "A"}, {"golden_id": "R2", "code": "R2", "item": "A"}]


def step(sequence: int, routing: str = "R1", **more: Any) -> dict[str, Any]:
    return {"golden_id": f"{routing}|{sequence}", "routing": routing, "sequence": sequence, "item": "A",
            "work_centre": f"WC{sequence}", "name": f"step {sequence}", "setup_minutes": Decimal(30),
            "run_minutes": Decimal(6), "outside": False, **more}  # fmt: skip


STEPS = [step(20), step(10), step(30), step(90, "R2")]
FLOOR = (("work_order", [work()]), ("routing", ROUTING), ("operation", STEPS))


# -- supply --------------------------------------------------------------------------------------------------------


def test_low_stock__counts_what_is_there_and_what_is_coming() -> None:
    item = {"golden_id": "B", "code": "B", "sourcing": "buy", "safety_stock": Decimal(20), "drawing_number": "B"}
    stock = [
        {"golden_id": str(at), "warehouse": "W", "item": "B", "lot": str(at), "status": status, "quantity": Decimal(5)}
        for at, status in enumerate(("available", "blocked"))
    ]
    bought = {"golden_id": "PO", "number": "PO", "line": "1", "item": "B", "quantity": Decimal(10),
              "received": Decimal(4), "status": "open"}  # fmt: skip
    agreed = [{"golden_id": s, "supplier": s, "item": "B", "priority": rank} for s, rank in (("S2", 2), ("S1", 1))]
    frames = ("item", [item]), ("stock", stock), ("purchase_order", [bought]), ("supplier_agreement", agreed)
    [found] = derived("low_stock", *frames)
    assert [found[name] for name in ("on_hand", "available", "in_transit", "safety_stock", "proposed")] == [
        10,
        5,
        6,
        20,
        9,
    ]
    assert found["supplier"] == "S1"
    [lot] = derived("low_stock", *frames, plan=Plan(planned_orders=(planned("B||1", "B", root=None),)))
    assert lot["proposed"] == 40
    sent = {"golden_id": "T", "number": "T", "item": "B", "from_warehouse": "W", "to_warehouse": "V",
            "quantity": Decimal(7), "status": "in_transit"}  # fmt: skip
    [left] = derived("low_stock", *frames, ("transfer_order", [sent]))
    assert (left["in_transit"], left["proposed"]) == (13, 2)
    bought["quantity"] = Decimal(19)
    assert derived("low_stock", *frames) == []
    bought["quantity"], item["obsolete"] = Decimal(10), True
    assert derived("low_stock", *frames) == []
    item["obsolete"], item["drawing_number"] = False, None
    assert derived("low_stock", *frames) == []


def test_shortage__only_what_sales_orders_wait_for() -> None:
    orders = (
        planned("B|SO-1|1|1", "B"),
        planned("C|SO-1|1|1", "C", late=False),
        planned("A|SO-1|1|1", "A", sourcing="make"),
    )
    pegs = tuple(Peg(one.key, "planned", "SO-1|1", "SO-1|1", one.item, 40_000_000) for one in orders)
    [found] = derived("shortage", ("sales_order_line", [line()]), plan=Plan(planned_orders=orders, pegs=pegs))
    assert (found["item"], found["quantity"], loads(found["orders"]), found["affected"]) == ("B", 40, ["SO-1"], 1)
    assert (found["needed_on"], found["expected_on"]) == (date(2026, 11, 5), date(2026, 11, 9))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"due": date(2026, 11, 1)}, "late"),
        ({"due": TODAY}, None),
        ({"due": date(2026, 11, 1), "received": Decimal(10)}, None),
        ({"due": date(2026, 11, 9), "status": "cancelled"}, "rejected"),
        ({"due": date(2026, 11, 1), "status": "cancelled"}, None),
        ({"due": None}, None),
    ],
)
def test_supplier_risk__late_or_refused(changes: dict[str, Any], state: str | None) -> None:
    bought = {"golden_id": "PO|1", "number": "PO", "line": "1", "supplier": "S1", "item": "B", "quantity": Decimal(10),
              "received": Decimal(3), "status": "open", **changes}  # fmt: skip
    agreed = [
        {"golden_id": s, "supplier": s, "item": "B", "priority": rank, "lead_time_days": 4 + rank}
        for s, rank in (("S1", 1), ("S3", 3), ("S2", 2))
    ]
    found = derived("supplier_risk", ("purchase_order", [bought]), ("supplier_agreement", agreed))
    assert [one["state"] for one in found] == ([state] if state else [])
    assert all((one["alternate"], one["alternate_days"]) == ("S2", 6) for one in found)


def test_awaited_purchase__ours_that_nobody_ordered() -> None:
    asked = {"golden_id": "PR", "number": "PR", "line": "1", "item": "B", "quantity": Decimal(4), "status": "open"}
    rows = [
        {**asked, "our_reference": "P|B|1"},
        {**asked, "our_reference": None},
        {**asked, "our_reference": "P|C|1", "status": "ordered"},
    ]
    found = derived("awaited_purchase", ("purchase_request", rows), decided={"P|B|1": {"sales_order": "SO-1"}})
    assert [(one["reference"], one["sales_order"]) for one in found] == [("P|B|1", "SO-1")]


def test_stranded_document__begun_for_an_order_that_was_cancelled() -> None:
    decided = {OURS: {"sales_order": "SO-1"}, "P|B|1": {"sales_order": "SO-1"}}
    bought = {"golden_id": "PR", "number": "PR", "line": "1", "item": "B", "quantity": Decimal(4), "status": "ordered",
              "our_reference": "P|B|1"}  # fmt: skip

    def found(order_status: str, **more: Any) -> list[str]:
        frames = (
            ("sales_order", [order(status=order_status)]), ("work_order", [work(our_reference=OURS, **more)]),
            ("purchase_request", [bought]),
        )  # fmt: skip
        return [one["document"] for one in derived("stranded_document", *frames, decided=decided)]

    assert found("cancelled") == ["work_order", "purchase_request"]
    assert found("open") == []
    assert found("cancelled", status="released") == ["purchase_request"]  # it is withdrawn by itself
    assert found("cancelled", status="completed", good=Decimal(10)) == ["purchase_request"]


# -- orders --------------------------------------------------------------------------------------------------------


def test_open_order__says_what_was_begun_for_it() -> None:
    decided = {OURS: {"sales_order": "SO-1"}}
    frames = (
        ("sales_order", [order(), order("SO-2", status="draft")]), ("sales_order_line", [line()]),
        ("work_order", [work(our_reference=OURS)]),
    )  # fmt: skip
    [found] = derived("open_order", *frames, decided=decided)
    assert (found["sales_order"], found["started"], found["ordered"]) == ("SO-1", 1, 0)
    assert loads(found["lines"])[0]["quantity"] == "4"


def review(owner: str, state: TaskState, note: str | None = None) -> Task:
    return Task("custom_order_review", owner, "SO-1", {}, "rule:r", "e", state=state, note=note)


@pytest.mark.parametrize(
    ("tasks", "verdict", "note"),
    [
        ([], "open", None),
        ([review("production", "done")], "open", None),
        ([review("production", "done"), review("supply", "withdrawn")], "open", None),
        ([review("production", "done"), review("supply", "done")], "done", None),
        ([review("production", "refused", "no"), review("supply", "open")], "refused", "production: no"),
    ],
)
def test_custom_order__stands_as_its_reviewers_say(tasks: list[Task], verdict: str, note: str | None) -> None:
    frames = ("sales_order", [order(custom=True), order("SO-2")]), ("sales_order_line", [line(), line("SO-2")])
    [found] = derived("custom_order", *frames, tasks=tasks)
    assert (found["sales_order"], found["verdict"], found["note"]) == ("SO-1", verdict, note)
    [told] = [one for one in derived("order_progress", *frames, tasks=tasks) if one["sales_order"] == "SO-1"]
    assert bool(told["note"]) == (verdict != "done")


def test_unoffered_item__counts_orders_once() -> None:
    found = derived("unoffered_item", unoffered={"X": ["SO-2", "SO-1", "SO-2"]})
    assert found == [{"asked": "X", "orders": 2, "last_order": "SO-2"}]


# -- the shop floor ------------------------------------------------------------------------------------------------


def test_operation_done__names_the_next_station_of_the_first_routing() -> None:
    reports = [report("r1", 10, 4), report("r2", 30, 4), report("r3", 20, 0), report("r4", None, 4)]
    frames = (*FLOOR, ("operation_report", reports), ("inspection", [inspection("i", "r2", 4)]))
    first, last = derived("operation_done", *frames)
    assert (first["next_sequence"], first["next_work_centre"], first["last"], first["inspected"]) == (
        20,
        "WC20",
        False,
        False,
    )
    assert (last["next_sequence"], last["last"], last["inspected"]) == (None, True, True)


def test_operation_done__outside_has_no_station() -> None:
    steps = [step(10), step(20, outside=True)]
    frames = (
        ("work_order", [work()]),
        ("routing", ROUTING),
        ("operation", steps),
        ("operation_report", [report("r1", 10, 4)]),
    )
    [found] = derived("operation_done", *frames)
    assert (found["next_name"], found["next_work_centre"], found["last"]) == ("step 20", None, False)


def test_production_feedback__only_what_finishes_the_item() -> None:
    reports = [report("r1", 10, 4), report("r2", 30, 4), report("r3", None, 2), report("r4", 30, 0)]
    found = derived("production_feedback", *FLOOR, ("operation_report", reports))
    assert [one["report"] for one in found] == ["r2", "r3"]
    unrouted = derived("production_feedback", ("work_order", [work()]), ("operation_report", reports))
    assert [one["report"] for one in unrouted] == ["r1", "r2", "r3"]


def test_inspections__of_another_quantity_count_for_nothing() -> None:
    reports = ("operation_report", [report("r1", 20, 8, scrapped=Decimal(2))])
    checked = (
        "inspection",
        [inspection("i1", "r1", 11, 3), inspection("i2", "r1", 10, 2), inspection("i3", None, 5, 1)],
    )
    [refused] = derived("refused_inspection", *FLOOR, reports, checked)
    assert (refused["inspection"], refused["reported"], refused["inspected"]) == ("i1", 10, 11)
    failed = derived("failed_inspection", *FLOOR, reports, checked)
    assert [(one["inspection"], one["work_centre"]) for one in failed] == [("i2", "WC20"), ("i3", None)]
    [rate] = derived("defect_rate", *FLOOR, reports, checked)
    assert (rate["inspected"], rate["failed"]) == (15, 3)


def rejections(known: dict[str, dict[str, Any]], *checked: dict[str, Any], scrapped: int = 2) -> dict[str, Decimal]:
    """Failed inspection → the pieces rework brings back; `checked` are inspections of report r1 (8 good pieces)."""
    reports = [report("r1", 20, 8, scrapped=Decimal(scrapped))]
    frames = {
        "operation_report": frame("operation_report", *reports), "inspection": frame("inspection", *checked),
        "work_order": frame("work_order", work()),
    }  # fmt: skip
    sources = FactSources(frames, Plan(), {"failed_inspection": known}, Planning(), TODAY, {})
    rows = facts(sources, {"failed_inspection"})["failed_inspection"].iter_rows(named=True)
    return {row["inspection"]: row["rejected"] for row in rows}


def test_failed_inspection__rework_brings_back_what_was_booked_as_scrap_once() -> None:
    first, second = inspection("i1", "r1", 10, 2), inspection("i2", "r1", 10, 2)
    assert rejections({}, first) == {"i1": 2}
    assert rejections({}, first, second) == {"i1": 2, "i2": 0}
    assert rejections({"i2": {"rejected": Decimal(2)}}, first, second) == {"i1": 0, "i2": 2}, (
        "whoever was decided first"
    )
    assert rejections({}, inspection("i1", "r1", 11, 3), scrapped=3) == {"i1": 3}


def test_failed_inspection__of_goods_brings_nothing_back() -> None:
    assert rejections({}, inspection("i1", "r1", 8, 2), scrapped=0) == {"i1": 0}
    assert rejections({}, inspection("i1", None, 8, 2)) == {"i1": 0}
    assert rejections({}, inspection("i1", "r1", 10, 1)) == {"i1": 1}, "no more than failed"


def test_failed_inspection__keeps_the_days_it_was_first_decided_with() -> None:
    reports, checked = [report("r1", 20, 8, scrapped=Decimal(2))], [inspection("i1", "r1", 10, 2)]
    order = work(due=date(2026, 10, 30))
    frames = {
        "operation_report": frame("operation_report", *reports), "inspection": frame("inspection", *checked),
        "work_order": frame("work_order", order),
    }  # fmt: skip
    days = []
    known: dict[str, Any] = {}
    for today in (TODAY, date(2026, 11, 9)):
        sources = FactSources(frames, Plan(), {"failed_inspection": known}, Planning(), today, {})
        [row] = facts(sources, {"failed_inspection"})["failed_inspection"].iter_rows(named=True)
        known = {"i1": row}
        days.append((row["reference"], row["start"], row["due"]))
    assert days == [("rework|i1", TODAY, TODAY)] * 2


# -- transfers -----------------------------------------------------------------------------------------------------

SITES = Planning.model_validate(
    {"sites": {"south": {"warehouses": ["WH3"]}, "far": {"warehouses": ["WH9", "WH8"], "supplied_by": "south"}}}
)


def transferred(
    code: str, *stock: tuple[str, int], known: dict[str, Any] | None = None, by_hand: bool = False
) -> tuple[Any, ...]:
    """What is decided of a transfer of A to a site, with A lying in these warehouses."""
    lots = [{"golden_id": place, "warehouse": place, "item": "A", "lot": "", "status": "available",
             "quantity": Decimal(there)} for place, there in stock]  # fmt: skip
    order = planned(f"{code}|SO-1|1|1", code, sourcing="transfer")
    frames, plan, decided = (
        {"stock": frame("stock", *lots)},
        Plan(planned_orders=(order,)),
        {"planned_order": known or {}},
    )
    sources = FactSources(frames, plan, decided, SITES, TODAY, {}, transfers_by_hand=by_hand)
    [row] = facts(sources, {"planned_order"})["planned_order"].iter_rows(named=True)
    return row["reference"], row["item"], row["from_warehouse"], row["to_warehouse"], row["by_hand"]


def test_planned_order__a_transfer_leaves_where_most_lies_at_the_site_that_supplies_it() -> None:
    reference = "T|A@south|SO-1|1|1"
    there = ("WH1", 3), ("WH2", 5), ("WH3", 99)
    assert transferred("A@south", *there) == (reference, "A", "WH2", "WH3", False)
    assert transferred("A@south") == (reference, "A", "WH1", "WH3", False), "where the plant receives"
    far = "T|A@far|SO-1|1|1"
    assert transferred("A@far", *there) == (far, "A", "WH3", "WH9", False)
    by_hand = transferred("A@far", by_hand=True)
    assert by_hand == ("H|A@far|SO-1|1|1", "A", "WH3", "WH9", True), "no document: what was asked of a system goes"


def test_planned_order__a_transfer_keeps_the_warehouses_it_was_decided_with() -> None:
    reference = "T|A@south|SO-1|1|1"
    row = {"reference": reference, "quantity": Decimal(40), "due": date(2026, 11, 5), "start": TODAY, "supplier": None,
           "sales_order": None, "priority": 5, "from_warehouse": "WH2", "to_warehouse": "WH3"}  # fmt: skip
    assert transferred("A@south", ("WH1", 50), known={reference: row})[2:4] == ("WH2", "WH3")


def test_work_hours__setup_once_an_operation_and_run_time_a_piece() -> None:
    reports = [
        report("r1", 10, 5, hours=Decimal("1.5")), report("r2", 10, 5, hours=Decimal(1)),
        report("r3", 20, 10, hours=Decimal(2)), report("r4", 20, 1), report("r5", None, 1, hours=Decimal(9)),
    ]  # fmt: skip
    [found] = derived("work_hours", *FLOOR, ("operation_report", reports))
    assert (found["actual"], found["standard"]) == (Decimal("4.5"), Decimal(3))


def test_open_work__ours_that_is_not_finished() -> None:
    rows = [work(our_reference=OURS), work("MO-2"), work("MO-3", our_reference="M|A|2", status="completed")]
    found = derived("open_work", ("work_order", rows), decided={OURS: {"sales_order": "SO-1"}})
    assert [(one["reference"], one["sales_order"]) for one in found] == [(OURS, "SO-1")]


def test_facts__only_the_wanted_ones_are_made() -> None:
    sources = FactSources({}, Plan(), {}, Planning(), TODAY, {})
    assert set(facts(sources, {"low_stock", "shortage"})) == {"low_stock", "shortage"}
