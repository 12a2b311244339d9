"""The simulated shop floor."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sandbox.common.state import SystemState
from sandbox.mes.documents import Documents
from sandbox.mes.seeding import create_tables
from sandbox.mes.work import work
from sandbox.mes.work_orders import order_body

KEYS = [f"SO-{n}" for n in range(1, 10)]


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
    assert work(plant(tmp_path / "a.db", []), 1) == {"completed": [], "reports": [], "failed_inspections": []}


def test_work__single_piece_that_fails_is_all_scrap(tmp_path: Path) -> None:
    state = plant(tmp_path / "a.db", ["SO-1"], quantity=1)
    work(state, 1)
    (order,) = bodies(state, "work_orders")
    assert (order["quantity_good"], order["quantity_scrap"]) == (0, 1)
