"""The planner's picture of the seeded factory, made without any system between, gives the oracle's plan exactly."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from canonical.entities import ENTITIES, golden_schema
from canonical.plan import Plan as Requirements
from pipeline.golden_rows import unscaled
from pipeline.planning_settings import Planning
from pipeline.snapshot import snapshot
from planning.mrp import plan as plan_requirements
from sandbox.factory.generate import generate
from sandbox.factory.model import Plant
from sandbox.factory.views import dirt, material_views
from tests.e2e.oracle import Forecast, Made

UNITS = {"pcs": "pcs", "kg": "kg", "m": "m"}


def golden(entity: str, rows: Iterator[dict[str, Any]]) -> pl.DataFrame:
    schema = golden_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def frames(plant: Plant) -> dict[str, pl.DataFrame]:
    """What mastering makes of the plant's systems, as far as planning reads it."""
    names = {material.serial: material.drawing_number for material in plant.materials}
    held = set(dirt(plant).held_lines)
    unusable = {view.serial for view in material_views(plant, "wms") if view.spoilt not in (None, "duplicate")}
    nameless = {view.serial for view in material_views(plant, "erp") if view.spoilt not in (None, "duplicate")}
    parents = dict.fromkeys(line.parent for line in plant.bom)
    yields = {material.serial: material.yield_percent / 100 for material in plant.materials}
    return {
        "item": golden("item", (
            {"golden_id": names[one.serial], "code": names[one.serial], "drawing_number": names[one.serial],
             "unit": UNITS[one.unit], "sourcing": one.sourcing, "lead_time_days": one.lead_time_days,
             "safety_stock": Decimal(0) if one.serial in nameless else one.safety_stock,
             "lot_minimum": one.lot_minimum, "lot_multiple": one.lot_multiple, "obsolete": one.obsolete}
            for one in plant.materials)),
        "bom": golden("bom", ({"golden_id": names[one], "code": names[one], "item": names[one], "in_force": True,
                               "yield_rate": yields[one]} for one in parents)),
        "bom_line": golden("bom_line", (
            {"golden_id": f"{names[one.parent]}|{one.line}", "bom": names[one.parent], "line": str(one.line),
             "parent": names[one.parent], "component": names[one.component], "quantity": one.quantity,
             "per": Decimal(1), "scrap_rate": one.scrap_percent / 100, "valid_from": one.valid_from,
             "valid_to": one.valid_to, "kind": "component"} for one in plant.bom)),
        "sales_order": golden("sales_order", ({"golden_id": one.number, "number": one.number, "status": "open",
                                               "urgent": one.urgent, "custom": one.custom} for one in plant.orders)),
        "sales_order_line": golden("sales_order_line", (
            {"golden_id": f"{order.number}|{one.line}", "order": order.number, "line": str(one.line),
             "item": names[one.material], "quantity": one.quantity, "due": one.due}
            for order in plant.orders for one in order.lines if (order.number, one.line) not in held)),
        "stock": golden("stock", (
            {"golden_id": f"{one.warehouse}|{one.lot}|{one.material}", "item": names[one.material],
             "warehouse": one.warehouse, "lot": one.lot, "status": one.status, "quantity": one.quantity}
            for one in plant.stock if one.quantity > 0 and one.material not in unusable)),
        "work_order": golden("work_order", (
            {"golden_id": one.number, "code": one.number, "number": one.number, "item": names[one.material],
             "quantity": one.quantity, "good": Decimal(0), "scrapped": Decimal(0), "start": one.start, "due": one.due,
             "status": "released", "sales_order": one.sales_order} for one in plant.work)),
        "purchase_order": golden("purchase_order", (
            {"golden_id": one.number, "number": one.number, "line": "1", "item": names[one.material],
             "quantity": one.quantity, "received": Decimal(0), "due": one.due, "status": "open"}
            for one in plant.purchases)),
        "supplier_agreement": golden("supplier_agreement", (
            {"golden_id": f"{one.supplier}|{one.material}", "supplier": str(one.supplier), "item": names[one.material],
             "price": one.price, "currency": one.currency, "lead_time_days": one.lead_time_days,
             "minimum": one.minimum, "multiple": one.multiple, "priority": one.priority, "quota": one.quota}
            for one in plant.agreements)),
    }  # fmt: skip


@pytest.fixture(scope="module")
def plant() -> Plant:
    return generate(7)


@pytest.fixture(scope="module")
def forecast(plant: Plant) -> Forecast:
    return Forecast(plant)


@pytest.fixture(scope="module")
def requirements(plant: Plant) -> Requirements:
    return plan_requirements(snapshot(frames(plant), Planning(), plant.today, ()))


def test_planned_orders__are_the_oracles(plant: Plant, forecast: Forecast, requirements: Requirements) -> None:
    suppliers = {one.material: str(one.supplier) for one in plant.agreements if one.priority == 1}

    def said(made: Made) -> tuple[Any, ...]:
        sourcing = forecast.materials[made.item].sourcing
        who = None if sourcing == "make" else suppliers.get(made.item)
        return made.due, forecast.release(made), made.put_in, made.size, who

    wanted = {forecast.name(made): said(made) for made in forecast.made}
    found = {
        order.key: (order.due, order.release, unscaled(order.started), unscaled(order.quantity), order.supplier)
        for order in requirements.planned_orders
    }
    assert found == wanted
    assert len(found) > 1000


def test_kits__are_the_oracles(forecast: Forecast, requirements: Requirements) -> None:
    for made in forecast.made:
        wanted = {forecast.names[part]: needed for part, needed in made.kit.items()}
        kit = requirements.kit(forecast.name(made))
        assert {line.component: unscaled(line.required) for line in kit} == wanted


def test_the_factory__uses_scrap_yield_and_dated_lines(plant: Plant, forecast: Forecast) -> None:
    lost = [made for made in forecast.made if made.put_in > made.size]
    changed = {line.parent for line in plant.bom if line.valid_from or line.valid_to}
    assert len(lost) > 20
    assert sum(line.scrap_percent > 0 for line in plant.bom) > 50
    assert sum(made.item in changed for made in forecast.made) > 5
