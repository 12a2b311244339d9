"""Golden frames of very small plants, for tests of what planning makes of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from canonical.entities import ENTITIES, golden_schema
from canonical.plan import Plan, PlannedOrder
from pipeline.golden_rows import unscaled
from pipeline.planning_settings import Planning
from pipeline.snapshot import snapshot
from planning.mrp import plan

AS_OF = date(2026, 11, 2)  # a Monday
Frames = dict[str, pl.DataFrame]


def day(offset: int) -> date:
    return AS_OF + timedelta(days=offset)


def golden(entity: str, *rows: dict[str, Any]) -> pl.DataFrame:
    schema = golden_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def item(code: str, sourcing: str = "buy", days: int | None = 0, **values: Any) -> dict[str, Any]:
    known = {"golden_id": code, "code": code, "drawing_number": code, "unit": "pcs", "sourcing": sourcing}
    return {**known, "lead_time_days": days, "obsolete": False, **values}


def ordered(code: str, quantity: str, due: date, number: str = "SO-1", **values: Any) -> dict[str, Any]:
    """An order of one line: the order's row and the line's in one, for `orders`."""
    return {"order": number, "line": "1", "item": code, "quantity": Decimal(quantity), "due": due, **values}


def orders(*lines: dict[str, Any]) -> Frames:
    heads = {row["order"]: {"golden_id": row["order"], "number": row["order"], "status": "open", "urgent": False,
                            "custom": False, "customer": row.get("customer")} for row in lines}  # fmt: skip
    named = ({"golden_id": f"{row['order']}|{row['line']}", "unit": "pcs", **row} for row in lines)
    return {
        "sales_order": golden("sales_order", *heads.values()),
        "sales_order_line": golden("sales_order_line", *named),
    }


def bom(parent: str, *lines: dict[str, Any], code: str | None = None, **values: Any) -> list[dict[str, Any]]:
    """A head and its lines; the head first."""
    named = code or f"bom-{parent}"
    head = {"golden_id": named, "code": named, "item": parent, "in_force": True, **values}
    return [head, *({"bom": named, "parent": parent, **line} for line in lines)]


def line(component: str, quantity: str = "1", **values: Any) -> dict[str, Any]:
    known = {"golden_id": f"l-{component}-{sorted(values)}", "line": component, "component": component}
    zero = {"per": Decimal(1), "scrap_rate": Decimal(0), "kind": "component"}
    return {**known, "quantity": Decimal(quantity), **zero, **values}


def boms(*found: list[dict[str, Any]]) -> Frames:
    lines = (row for one in found for row in one[1:])
    return {"bom": golden("bom", *(one[0] for one in found)), "bom_line": golden("bom_line", *lines)}


def stock(code: str, quantity: str, warehouse: str = "WH1") -> dict[str, Any]:
    return {"golden_id": f"s-{code}-{warehouse}", "item": code, "warehouse": warehouse, "lot": "1",
            "status": "available", "quantity": Decimal(quantity)}  # fmt: skip


def agreement(supplier: str, code: str, days: int | None, priority: int, **values: Any) -> dict[str, Any]:
    known = {"golden_id": f"{supplier}|{code}", "supplier": supplier, "item": code, "lead_time_days": days}
    return {**known, "priority": priority, **values}


def planned(frames: Frames, **settings: Any) -> Plan:
    """The plan of these frames; `settings` are those of `planning:`."""
    return plan(snapshot(frames, Planning.model_validate(settings), AS_OF, ()))


def order_of(made: Plan, code: str) -> PlannedOrder:
    (found,) = (order for order in made.planned_orders if order.item == code)
    return found


def started(made: Plan, code: str) -> Decimal:
    return unscaled(order_of(made, code).started)
