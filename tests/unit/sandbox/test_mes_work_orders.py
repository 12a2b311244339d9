"""What clients of the simulated MES may do to work orders and tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.common.state import SystemState
from sandbox.mes.documents import Document, Documents
from sandbox.mes.problems import Problem
from sandbox.mes.seeding import create_tables
from sandbox.mes.work_orders import OrderBook

ORDER = {
    "external_ref": "SO-1/10", "erp_order_no": "MO1", "material_code": "0007", "quantity": 12.5, "unit": "g",
    "kit": [{"material_code": "0008", "quantity": 3, "unit": "pcs"}],
}  # fmt: skip


@pytest.fixture
def state(tmp_path: Path) -> SystemState:
    state = SystemState("mes", tmp_path / "mes.db", 7, 1, {})
    create_tables(state.db)
    documents = Documents(state.db, state.now())
    for code, unit in (("0007", "g"), ("0008", "pcs")):
        documents.insert("materials", {"id": f"mat_{code}", "code": code, "unit": unit})
    return state


@pytest.fixture
def book(state: SystemState) -> Iterator[OrderBook]:
    with state.transaction() as db:
        yield OrderBook(db, Documents(db, state.now()), state.ledger)


def send(**changes: Any) -> bytes:
    return json.dumps({**ORDER, **changes}).encode()


def refusal(status: int, field: str | None = None, code: str | None = None) -> Any:
    def fits(problem: Problem) -> bool:
        faults = [(fault["field"], fault["code"]) for fault in problem.body.get("errors", [])]
        return problem.status == status and (field is None or faults == [(field, code)])

    return pytest.raises(Problem, check=fits)


def moved(state: SystemState, id_: str, **changes: Any) -> Document:
    documents = Documents(state.db, state.now())
    order = documents.get("work_orders", id_)
    assert order is not None
    return documents.replace("work_orders", order, changes)


def test_create__keeps_exact_numbers_and_derives_id_from_the_reference(book: OrderBook, state: SystemState) -> None:
    made = book.create(send())
    assert made.status == 201
    assert (made.body["quantity"], made.body["kit"][0]["quantity"], made.body["status"]) == (12.5, 3, "created")
    (row,) = state.ledger.rows()
    assert (row["operation"], row["reference"], row["effect"]) == ("POST work_orders", "SO-1/10", "created")
    assert "updated_at" not in row["content"]


def test_create__taken_reference_names_the_existing_order(book: OrderBook) -> None:
    made = book.create(send())
    with pytest.raises(Problem) as refused:
        book.create(send(quantity=1))
    assert refused.value.status == 409
    assert refused.value.body["existing_id"] == made.body["id"]
    assert refused.value.body["external_ref"] == "SO-1/10"


def test_create__unknown_material_or_unit_is_named(book: OrderBook) -> None:
    with refusal(422, "material_code", "unknown_material"):
        book.create(send(material_code="7"))
    with refusal(422, "unit", "wrong_unit"):
        book.create(send(unit="kg"))
    with refusal(422, "kit.0.material_code", "unknown_material"):
        book.create(send(kit=[{"material_code": "x", "quantity": 1, "unit": "pcs"}]))
    with refusal(422, "quantity", "greater_than"):
        book.create(send(quantity=0))
    with refusal(422, "colour", "extra_forbidden"):
        book.create(send(colour="red"))
    with refusal(422):
        book.create(b"{")


def test_change__needs_the_present_etag(book: OrderBook) -> None:
    made = book.create(send())
    id_, etag = made.body["id"], made.etag
    with refusal(428):
        book.change(id_, None, b'{"quantity": 20}')
    changed = book.change(id_, etag, b'{"quantity": 20}')
    assert changed.body["quantity"] == 20
    with refusal(412):
        book.change(id_, etag, b'{"quantity": 30}')
    with refusal(404):
        book.change("wo_nothing", etag, b"{}")


def test_change__same_content_is_no_new_version(book: OrderBook, state: SystemState) -> None:
    made = book.create(send())
    same = book.change(made.body["id"], made.etag, b'{"quantity": 12.5, "note": null}')
    assert same.etag == made.etag
    assert [row["effect"] for row in state.ledger.attempts()] == ["created", "unchanged"]


def test_change__not_below_what_is_reported_and_not_when_done(book: OrderBook, state: SystemState) -> None:
    id_ = book.create(send()).body["id"]
    moved(state, id_, status="running", quantity_good=10)
    with refusal(422, "quantity", "below_reported"):
        book.change(id_, "*", b'{"quantity": 9}')
    moved(state, id_, status="completed")
    with refusal(409):
        book.change(id_, "*", b'{"note": "late"}')


def test_cancel__twice_answers_the_same_and_running_is_refused(book: OrderBook, state: SystemState) -> None:
    id_ = book.create(send()).body["id"]
    first, again = book.cancel(id_), book.cancel(id_)
    assert first == again
    assert first.body["status"] == "cancelled"
    assert [row["effect"] for row in state.ledger.rows()] == ["created", "updated"]
    moved(state, id_, status="running")
    with refusal(409):
        book.cancel(id_)


def test_create_task__priority_raises_the_work_order(book: OrderBook, state: SystemState) -> None:
    order = book.create(send()).body
    task = {"external_ref": "T1", "kind": "priority", "work_order_number": order["number"], "title": "urgent"}
    assert book.create_task(json.dumps(task).encode()).body["status"] == "open"
    raised = Documents(state.db, state.now()).get("work_orders", order["id"])
    assert raised is not None
    assert (raised.body["priority"], raised.version) == (1, 2)
    with refusal(409):
        book.create_task(json.dumps(task).encode())
    with refusal(422, "work_order_number", "unknown_work_order"):
        book.create_task(json.dumps({**task, "external_ref": "T2", "work_order_number": "WO-X"}).encode())
