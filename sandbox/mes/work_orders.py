"""Work orders as clients create, change and cancel them, and tasks; every accepted write stands in the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from sandbox.common.ledger import Effect, Ledger
from sandbox.mes.documents import Body, Document, Documents, number, stable_id
from sandbox.mes.idempotency import Outcome
from sandbox.mes.outbox import announce
from sandbox.mes.problems import Problem, invalid, invalid_field
from sandbox.mes.schemas import KitLine, MaterialChange, NewTask, NewWorkOrder, WorkOrderChange

ORDERS: Final = "work_orders"
TASKS: Final = "tasks"
MATERIALS: Final = "materials"
OPEN: Final = ("created", "released")
DONE: Final = ("completed", "cancelled")
HIGHEST_PRIORITY: Final = 1
_Asked = TypeVar("_Asked", bound=BaseModel)


class OrderBook:
    """The writes a client may make, within one open transaction."""

    def __init__(self, db: sqlite3.Connection, documents: Documents, ledger: Ledger) -> None:
        """`documents` and `ledger` write to `db`."""
        self._db, self._documents, self._ledger = db, documents, ledger

    def create(self, body: bytes) -> Outcome:
        """A new work order: 201. Problem 409 with `existing_id` when the reference is taken, 422 when not valid."""
        asked = _read(NewWorkOrder, body)
        self._refuse_known(ORDERS, asked.external_ref)
        self._check_material("material_code", asked.material_code, asked.unit)
        self._check_kit(asked.kit)
        fresh = order_body(asked.external_ref, asked.model_dump(mode="json"))
        self._check_origin(asked.rework_of)
        exact = {"quantity": number(asked.quantity), "kit": _kit(asked.kit)}
        order = self._documents.insert(ORDERS, {**fresh, **exact})
        return self._created(ORDERS, "work_order.created", order)

    def change(self, id_: str, if_match: str | None, body: bytes) -> Document:
        """A changed work order. Problem 404, 428 without `If-Match`, 412 when stale, 409 when done, 422."""
        order = self.order(id_)
        _check_match(order, if_match)
        wanted = self._changes(_read(WorkOrderChange, body), order)
        changes = {name: value for name, value in wanted.items() if order.body.get(name) != value}
        if changes and order.body["status"] in DONE:
            raise Problem(409, "not_changeable", f"The work order is {order.body['status']}")
        return self._apply(order, changes, "PATCH work_orders")

    def cancel(self, id_: str) -> Outcome:
        """Cancel what is not running; cancelling twice answers the same. Problem 404, 409."""
        order = self.order(id_)
        status = order.body["status"]
        if status not in (*OPEN, "cancelled"):
            raise Problem(409, "not_cancellable", f"The work order is {status}", existing_status=status)
        changes = {} if status == "cancelled" else {"status": "cancelled"}
        done = self._apply(order, changes, "POST work_orders/cancel")
        return Outcome(200, done.body, done.etag)

    def create_task(self, body: bytes) -> Outcome:
        """A new task: 201. A priority task raises its work order to the highest priority. Problem 409, 422."""
        asked = _read(NewTask, body)
        self._refuse_known(TASKS, asked.external_ref)
        self._check_known(asked)
        self._raise_priority(asked)
        pieces = None if asked.quantity is None else number(asked.quantity)
        known = {**asked.model_dump(mode="json"), "quantity": pieces}
        fields = {**known, "id": stable_id("tsk_", asked.external_ref), "status": "open"}
        return self._created(TASKS, "task.created", self._documents.insert(TASKS, fields))

    def change_material(self, id_: str, if_match: str | None, body: bytes) -> Document:
        """A material with the code of the company's master data. Problem 404, 428 without `If-Match`, 412, 422."""
        material = self._documents.get(MATERIALS, id_)
        if material is None:
            raise Problem(404, "not_found", f"There is no material {id_}")
        _check_match(material, if_match)
        asked = _read(MaterialChange, body).model_dump(mode="json", exclude_unset=True)
        changes = {name: value for name, value in asked.items() if material.body.get(name) != value}
        new = self._documents.replace(MATERIALS, material, changes) if changes else material
        effect: Effect = "updated" if changes else "unchanged"
        self._ledger.record("PATCH materials", new.body["code"], new.body["code"], changes, effect)
        return new

    def order(self, id_: str) -> Document:
        """The work order of that id; Problem 404."""
        found = self._documents.get(ORDERS, id_)
        if found is None:
            raise Problem(404, "not_found", f"There is no work order {id_}")
        return found

    def _changes(self, asked: WorkOrderChange, order: Document) -> dict[str, Any]:
        wanted = asked.model_dump(mode="json", include=asked.model_fields_set)
        if "quantity" in wanted:
            wanted["quantity"] = number(asked.quantity)
            self._check_not_below_reported(asked.quantity, order)
        if "kit" in wanted:
            self._check_kit(asked.kit)
            wanted["kit"] = _kit(asked.kit)
        return wanted

    def _check_not_below_reported(self, wanted: Decimal, order: Document) -> None:
        if wanted < order.body["quantity_good"]:
            raise invalid_field("quantity", "below_reported", "Less than has been reported good")

    def _apply(self, order: Document, changes: Mapping[str, Any], operation: str) -> Document:
        new = self._documents.replace(ORDERS, order, changes) if changes else order
        effect = "updated" if changes else "unchanged"
        self._ledger.record(operation, new.body["external_ref"], new.body["number"], changes, effect)  # type: ignore[arg-type]
        if changes:
            announce(self._db, "work_order.updated", ORDERS, new.version, new.body)
        return new

    def _created(self, collection: str, event: str, document: Document) -> Outcome:
        body = document.body
        name = str(body.get("number") or body["id"])
        self._ledger.record(f"POST {collection}", body["external_ref"], name, _timeless(body), "created")
        announce(self._db, event, collection, document.version, body)
        return Outcome(201, body, document.etag)

    def _refuse_known(self, collection: str, reference: str) -> None:
        known = self._documents.by_reference(collection, reference)
        if known is not None:
            more = {"existing_id": known.id, "existing_number": known.body.get("number"), "external_ref": reference}
            raise Problem(409, "duplicate_reference", "This external_ref is taken", **more)

    def _check_material(self, field: str, code: str, unit: str) -> None:
        material = self._documents.find("materials", "code", code)
        if material is None:
            raise invalid_field(field, "unknown_material", f"There is no material {code}")
        own = material.body["unit"]
        if own and own != unit:
            raise invalid_field(field.replace("material_code", "unit"), "wrong_unit", f"{code} is counted in {own}")

    def _check_kit(self, kit: tuple[KitLine, ...]) -> None:
        for place, line in enumerate(kit):
            self._check_material(f"kit.{place}.material_code", line.material_code, line.unit)

    def _check_origin(self, number_: str | None) -> None:
        if number_ is not None and self._documents.find(ORDERS, "number", number_) is None:
            raise invalid_field("rework_of", "unknown_work_order", f"There is no {number_}")

    def _check_known(self, asked: NewTask) -> None:
        named = {
            "report_id": ("reports", "id", asked.report_id),
            "work_centre": ("work_centres", "code", asked.work_centre),
        }
        for field, (collection, by, value) in named.items():
            if value is not None and self._documents.find(collection, by, value) is None:
                raise invalid_field(field, f"unknown_{field.removesuffix('_id')}", f"There is no {value}")

    def _raise_priority(self, asked: NewTask) -> None:
        if asked.work_order_number is None:
            return
        order = self._documents.find(ORDERS, "number", asked.work_order_number)
        if order is None:
            raise invalid_field("work_order_number", "unknown_work_order", f"There is no {asked.work_order_number}")
        if asked.kind == "priority" and order.body["status"] not in DONE and order.body["priority"] != HIGHEST_PRIORITY:
            new = self._documents.replace(ORDERS, order, {"priority": HIGHEST_PRIORITY})
            announce(self._db, "work_order.updated", ORDERS, new.version, new.body)


def order_body(key: str, fields: Mapping[str, Any]) -> Body:
    """A work order as it starts; id and number come from its business `key`."""
    number_ = "WO-" + stable_id("", key)[:10].upper()
    return {
        "id": stable_id("wo_", key), "number": number_, **fields, "status": "created",
        "quantity_good": 0, "quantity_scrap": 0,
    }  # fmt: skip


def _timeless(body: Body) -> Body:
    """A record without its time stamp, so that the ledgers of two runs can be compared."""
    return {name: value for name, value in body.items() if name != "updated_at"}


def _kit(kit: tuple[KitLine, ...]) -> list[Body]:
    return [{**line.model_dump(), "quantity": number(line.quantity)} for line in kit]


def _read(schema: type[_Asked], body: bytes) -> _Asked:
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error


def _check_match(standing: Document, if_match: str | None) -> None:
    if not if_match:
        raise Problem(428, "precondition_required", "A PATCH needs If-Match with the record's ETag")
    if if_match.strip() != "*" and standing.etag not in [tag.strip() for tag in if_match.split(",")]:
        raise Problem(412, "precondition_failed", "The record has changed since that ETag", current_etag=standing.etag)
