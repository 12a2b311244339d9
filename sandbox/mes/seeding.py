"""Fills a new MES with its view of the plant: materials, work centres, the work orders that stood before."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Final

from sandbox.common.state import SystemState
from sandbox.factory.model import OpenWork
from sandbox.factory.views import MaterialView, by_serial, material_views
from sandbox.mes import documents, idempotency, outbox, tokens
from sandbox.mes.documents import Body, Documents, number, stable_id
from sandbox.mes.kits import Kits
from sandbox.mes.work_orders import ORDERS, order_body

PRIORITY: Final = 5


def create_tables(db: sqlite3.Connection) -> None:
    """Create what is missing."""
    for statement in (*documents.SCHEMA, *tokens.SCHEMA, *idempotency.SCHEMA, *outbox.SCHEMA):
        db.execute(statement)


def seed(state: SystemState) -> None:
    """Fill the database, inside the caller's transaction."""
    create_tables(state.db)
    store = Documents(state.db, state.now())
    plant = state.plant
    views = material_views(plant, "mes")
    phantoms = {material.serial for material in plant.materials if material.sourcing == "phantom"}
    for view in views:
        store.insert("materials", _material(view, phantom=view.serial in phantoms))
    for centre in plant.work_centres:
        store.insert("work_centres", {
            "id": stable_id("wc_", centre.code), "code": centre.code, "name": centre.name_zh,
            "hours_per_day": centre.hours_per_day, "calendar": None,
        })  # fmt: skip
    referred, kits = by_serial(views), Kits(plant)
    for order in plant.work:
        store.insert(ORDERS, _work_order(order, referred, kits))


def _material(view: MaterialView, *, phantom: bool) -> Body:
    return {
        "id": stable_id("mat_", view.code), "code": view.code, "name": view.name or None, "drawing": view.drawing,
        "unit": view.unit, "phantom": phantom, "golden_code": None,
    }  # fmt: skip


def _work_order(order: OpenWork, views: dict[int, MaterialView], kits: Kits) -> Body:
    """A work order that stood before, with what it consumes."""
    view = views[order.material]
    needs = kits.components(order.material, order.quantity, order.start)
    return order_body(order.number, {
        "external_ref": None, "erp_order_no": order.number, "material_code": view.code,
        "quantity": number(view.from_true(order.quantity)), "unit": view.unit, "priority": PRIORITY,
        "start_on": order.start.isoformat(), "due_on": order.due.isoformat(),
        "kit": [_kit_line(views[serial], needed) for serial, needed in needs.items()], "note": None,
    })  # fmt: skip


def _kit_line(view: MaterialView, needed: Decimal) -> Body:
    return {"material_code": view.code, "quantity": number(view.from_true(needed)), "unit": view.unit}
