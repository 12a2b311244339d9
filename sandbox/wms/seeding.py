"""Fills a new WMS with its view of the plant: items, warehouses, stock by lot and status."""

from __future__ import annotations

import sqlite3
from typing import Final

from sandbox.common.state import SystemState
from sandbox.factory.model import Plant
from sandbox.factory.views import BOX, MaterialView, by_serial, material_views
from sandbox.wms.movements import add_stock
from sandbox.wms.tables import SCHEMA, next_change, stamp

WAREHOUSES: Final = (("WH1", "Finished goods / 成品库"), ("WH2", "Components / 零件库"), ("WH3", "Outside / 外库"))


def create_tables(db: sqlite3.Connection) -> None:
    """Create what is missing."""
    for statement in SCHEMA:
        db.execute(statement)


def seed(state: SystemState) -> None:
    """Fill the database, inside the caller's transaction."""
    create_tables(state.db)
    at = stamp(state.now())
    views = material_views(state.plant, "wms")
    _items(state.db, state.plant, views, at)
    for code, name in WAREHOUSES:
        state.db.execute("INSERT INTO warehouses VALUES (?, ?, ?, ?)", (code, name, next_change(state.db), at))
    _stock(state.db, state.plant, by_serial(views), at)


def _items(db: sqlite3.Connection, plant: Plant, views: tuple[MaterialView, ...], at: str) -> None:
    boxes = {material.serial: material.pieces_per_box for material in plant.materials}
    drawings = {material.serial: material.drawing_number for material in plant.materials}
    for view in views:
        per_box = boxes[view.serial] if view.unit == BOX else None
        row = (view.code, view.name or None, view.drawing, view.unit, per_box, None, next_change(db), at)
        db.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        db.execute("INSERT OR IGNORE INTO labels VALUES (?, ?)", (view.code, drawings[view.serial]))


def _stock(db: sqlite3.Connection, plant: Plant, views: dict[int, MaterialView], at: str) -> None:
    """The plant's true units are the smallest ones, in which stock is kept."""
    for lot in plant.stock:
        key = (lot.warehouse, views[lot.material].code, lot.lot, lot.status.upper())
        add_stock(db, key, lot.quantity, at)
