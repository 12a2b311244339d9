"""The simulated shop floor."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.common.state import SystemState
from sandbox.factory.model import Plant
from sandbox.factory.views import by_serial, material_views
from sandbox.mes.documents import Documents, number
from sandbox.mes.kits import Kits
from sandbox.mes.seeding import create_tables
from sandbox.mes.work import told, work
from sandbox.mes.work_orders import order_body

KEYS = [f"SO-{n}" for n in range(1, 10)]
NOTHING = {"completed": [], "reports": [], "failed_inspections": [], "miscounted_inspections": [], "inspected": []}


def plant(path: Path, keys: Iterable[str], quantity: int = 25) -> SystemState:
    state = SystemState("mes", path, 7, 1, {})
    create_tables(state.db)
    documents = Documents(state.db, state.now())
    for key in keys:
        body = {"external_ref": key, "erp_order_no": f"MO-{key}", "material_code": "1", "quantity": quantity}
        documents.insert("work_orders", order_body(key, {**body, "unit": "pcs"}))
    return state


def bodies(state: SystemState, collection: str) -> list[dict[str, Any]]:
    found = Documents(state.db, state.now()).page(collection, 0, 1000, None, {})
    timeless = ("updated_at", "reported_at", "inspected_at")
    return sorted(
        ({name: value for name, value in x.body.items() if name not in timeless} for x in found), key=lambda x: x["id"]
    )


def test_work__first_round_completes_a_third_with_split_scrap_and_zero_reports(tmp_path: Path) -> None:
    state = plant(tmp_path / "a.db", KEYS)
    summary = work(state, 1)
    orders = {order["external_ref"]: order for order in bodies(state, "work_orders")}
    reports = bodies(state, "reports")
    assert [order["external_ref"] for order in summary["completed"]] == ["SO-1", "SO-4", "SO-7"]
    assert (orders["SO-1"]["quantity_good"], orders["SO-1"]["quantity_scrap"]) == (23, 2)
    assert (orders["SO-4"]["quantity_good"], orders["SO-4"]["status"]) == (25, "completed")
    assert orders["SO-2"]["status"] == "created"
    by_order = [[r["quantity_good"] for r in reports if r["erp_order_no"] == f"MO-SO-{n}"] for n in (1, 4, 7)]
    assert by_order == [[23], [12, 13], [0, 25]]
    failed = [x for x in bodies(state, "inspections") if x["result"] == "failed"]
    assert [(x["quantity_inspected"], x["quantity_failed"]) for x in failed] == [(25, 2)]
    assert summary["failed_inspections"] == [failed[0]["id"]]


def test_work__same_documents_in_any_order_have_the_same_outcome(tmp_path: Path) -> None:
    one, other = plant(tmp_path / "a.db", KEYS), plant(tmp_path / "b.db", reversed(KEYS))
    for round_ in (1, 2):
        assert work(one, round_) == work(other, round_)
    for collection in ("work_orders", "reports", "inspections"):
        assert bodies(one, collection) == bodies(other, collection)


def test_work__later_rounds_go_on_and_a_round_happens_once(tmp_path: Path) -> None:
    state = plant(tmp_path / "a.db", KEYS)
    first = work(state, 1)
    assert work(state, 1) == first
    second = work(state, 2)
    assert [order["external_ref"] for order in second["completed"]] == ["SO-2", "SO-6"]
    assert second["failed_inspections"] == []


def test_work__nothing_open_is_nothing_done(tmp_path: Path) -> None:
    assert work(plant(tmp_path / "a.db", []), 1) == NOTHING


def test_work__single_piece_that_fails_is_all_scrap(tmp_path: Path) -> None:
    state = plant(tmp_path / "a.db", ["SO-1"], quantity=1)
    work(state, 1)
    (order,) = bodies(state, "work_orders")
    assert (order["quantity_good"], order["quantity_scrap"]) == (0, 1)


def made_with_raw(plant: Plant) -> tuple[int, int, Decimal]:
    """A made part of one raw material counted in kg: part, material, kg for one."""
    raw = {material.serial for material in plant.materials if material.unit == "kg"}
    lines: dict[int, list[Any]] = {}
    for line in plant.bom:
        lines.setdefault(line.parent, []).append(line)
    part, (line,) = next((p, found) for p, found in lines.items() if len(found) == 1 and found[0].component in raw)
    return part, line.component, line.taken


def floor(path: Path, keys: Iterable[str], *, kit: bool, quantity: int = 10) -> tuple[SystemState, str, Decimal]:
    """Work orders of one made part; the drawing of what it takes, and how much one order takes."""
    state = plant(path, [])
    part, raw, each = made_with_raw(state.plant)
    views, documents = by_serial(material_views(state.plant, "mes")), Documents(state.db, state.now())
    needed = number(views[raw].from_true(each * quantity))
    lines = [{"material_code": views[raw].code, "quantity": needed, "unit": views[raw].unit}] if kit else []
    for key in keys:
        body = {"external_ref": key, "erp_order_no": f"MO-{key}", "material_code": views[part].code, "kit": lines}
        documents.insert("work_orders", order_body(key, {**body, "quantity": quantity, "unit": views[part].unit}))
    return state, state.plant.materials[raw - 1].drawing_number, each * quantity


def taken(summary: Mapping[str, Any]) -> dict[str, list[tuple[str, Decimal]]]:
    return {
        order["external_ref"]: [(part["drawing"], Decimal(part["quantity"])) for part in order["consumed"]]
        for order in summary["completed"]
    }


@pytest.mark.parametrize("kit", [True, False])
def test_work__with_stock_only_what_the_shelves_cover_is_built(tmp_path: Path, kit: bool) -> None:
    state, drawing, each = floor(tmp_path / "a.db", KEYS, kit=kit)
    summary = work(state, 1, {drawing: each * 2 + each / 2})
    assert taken(summary) == {"SO-1": [(drawing, each)], "SO-2": [(drawing, each)]}
    assert json.loads(json.dumps(summary)) == work(state, 1, {drawing: each * 99})  # a round happens once


def test_work__with_stock_at_most_a_third_and_the_uncovered_are_passed_over(tmp_path: Path) -> None:
    state, drawing, each = floor(tmp_path / "a.db", KEYS, kit=True)
    big = floor(tmp_path / "b.db", [], kit=True)[0]
    assert work(big, 1, {drawing: each}) == NOTHING
    order = Documents(state.db, state.now()).by_reference("work_orders", "SO-1")
    assert order is not None
    line = order.body["kit"][0]
    kit = [{**line, "quantity": line["quantity"] * 100}]
    Documents(state.db, state.now()).replace("work_orders", order, {"kit": kit})
    summary = work(state, 1, {drawing: each * 50})
    assert list(taken(summary)) == ["SO-2", "SO-3", "SO-4"]
    assert len([r for r in summary["reports"] if r["erp_order_no"] == "MO-SO-3"]) == 2
    assert len(summary["failed_inspections"]) == 1


def test_work__empty_shelves_build_nothing(tmp_path: Path) -> None:
    state, drawing, each = floor(tmp_path / "a.db", KEYS, kit=True)
    assert work(state, 1, {drawing: each - Decimal("0.000001")})["completed"] == []


def test_told__nonsense_is_refused_by_name(tmp_path: Path) -> None:
    for stock in ({"DW-000001": "many"}, ["DW-000001"], {"DW-000001": None}):
        with pytest.raises(ValueError, match="drawing number"):
            told(plant(tmp_path / "a.db", []), {"stock": stock})


def test_kits__phantoms_are_replaced_by_their_own_components(tmp_path: Path) -> None:
    state = plant(tmp_path / "a.db", [])
    phantoms = {material.serial for material in state.plant.materials if material.sourcing == "phantom"}
    parent = next(line.parent for line in state.plant.bom if line.component in phantoms and line.parent not in phantoms)
    direct = {line.component for line in state.plant.bom if line.parent == parent}
    needs = Kits(state.plant).components(parent, Decimal(2))
    assert not phantoms & set(needs)
    assert direct - phantoms < set(needs)


def routed(path: Path, count: int) -> tuple[SystemState, list[int]]:
    """Work orders of one made part with several operations, and their sequences."""
    state = plant(path, [])
    steps: dict[int, list[int]] = {}
    for operation in state.plant.operations:
        steps.setdefault(operation.material, []).append(operation.sequence)
    pieces = {material.serial for material in state.plant.materials if material.unit == "pcs"}
    views = by_serial(material_views(state.plant, "mes"))
    serial = next(serial for serial, found in steps.items() if len(found) > 2 and serial in pieces & views.keys())
    documents = Documents(state.db, state.now())
    for number_ in range(1, count + 1):
        key = f"SO-{number_:02d}"
        body = {"external_ref": key, "erp_order_no": f"MO-{key}", "material_code": views[serial].code, "kit": []}
        documents.insert("work_orders", order_body(key, {**body, "quantity": 8, "unit": views[serial].unit}))
    return state, sorted(steps[serial])


def test_work__every_fourth_order_is_reported_after_its_first_operation(tmp_path: Path) -> None:
    state, steps = routed(tmp_path / "a.db", 24)
    reports = work(state, 1)["reports"]
    early = [report for report in reports if not report["finishes"]]
    assert {report["operation_seq"] for report in early} == {steps[0]}
    assert len({report["erp_order_no"] for report in early}) == 2  # the third and the seventh of eight
    finished = [report for report in reports if report["finishes"]]
    assert {report["operation_seq"] for report in finished} == {steps[-1]}
    made = sum(report["quantity_good"] + report["quantity_scrap"] for report in finished)
    assert made == 8 * 8


def test_work__every_fifth_order_takes_longer_than_it_should(tmp_path: Path) -> None:
    state, _ = routed(tmp_path / "a.db", 24)
    hours: dict[str, float] = {}
    for report in work(state, 1)["reports"]:
        if report["finishes"] and report["quantity_good"]:
            hours[report["erp_order_no"]] = hours.get(report["erp_order_no"], 0) + report["hours"]
    usual = min(hours.values())
    assert sum(taken_ > usual * 1.2 for taken_ in hours.values()) == 1


def test_work__one_inspection_is_miscounted_and_what_was_asked_is_inspected_next(tmp_path: Path) -> None:
    state, _ = routed(tmp_path / "a.db", 24)
    first = work(state, 1)
    [miscounted] = first["miscounted_inspections"]
    documents = Documents(state.db, state.now())
    found = documents.get("inspections", miscounted)
    report = documents.get("reports", found.body["report_id"]) if found else None
    assert found is not None
    assert report is not None
    assert found.body["quantity_inspected"] == report.body["quantity_good"] + 1
    task = {"id": "tsk_1", "external_ref": "ask", "kind": "inspection", "status": "open", "report_id": report.id}
    documents.insert("tasks", task)
    second = work(state, 2)
    assert second["inspected"][0] == report.id
    assert second["miscounted_inspections"] == []
    again = [one for one in bodies(state, "inspections") if one["report_id"] == report.id]
    assert sorted(one["quantity_inspected"] - report.body["quantity_good"] for one in again) == [0, 1]
    assert report.id not in work(state, 3)["inspected"]
