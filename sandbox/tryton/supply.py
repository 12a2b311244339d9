"""What Tryton itself would plan, and what stands in a Tryton, as plain totals.

Tryton's supply wizard is an MRP that shares no code with the hub: run on a copy of the same
database it is the independent answer that the hub's plan is compared with.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sandbox.tryton.rpc import Session
from sandbox.tryton.server import Plant, served

Totals = dict[str, Decimal]
IDENTITY = ("id", "number", "last_modified_at")


def supply_totals(plant: Plant) -> dict[str, Any]:
    """Run the supply wizard on a copy, with a server of its own, and return what it proposes.

    `productions` and `purchases` map item code → total quantity in the stocking unit;
    `documents` counts the proposals behind them. The copy is dropped afterwards.
    """
    copy = replace(plant, database=f"{plant.database}_supply")
    plant.databases.copy(plant.database, copy.database)
    try:
        with served(copy) as url:
            session = copy.session(url)
            run_wizard(session)
            return proposals(session)
    finally:
        plant.databases.drop(copy.database)


def run_wizard(session: Session) -> None:
    """Run `stock.supply` for every warehouse."""
    wizard, first, _ = session.call("wizard.stock.supply.create")
    places = session.call("model.stock.location.search", [["type", "=", "warehouse"]], 0, None, None)
    session.call("wizard.stock.supply.execute", wizard, {first: {"warehouses": places}}, "create_")
    session.call("wizard.stock.supply.delete", wizard)


def proposals(session: Session) -> dict[str, Any]:
    """Return the totals of the requests that stand open in this database."""
    made = session.search_read("production", [["state", "=", "request"]], ["product.code", "quantity"])
    bought = session.search_read("purchase.request", [["state", "=", "draft"]], ["product.code", "quantity"])
    return {
        "productions": totals(made),
        "purchases": totals(bought),
        "documents": {"productions": len(made), "purchases": len(bought)},
    }


def totals(records: list[dict[str, Any]]) -> Totals:
    """Add up `quantity` by product code, exactly as it is written."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for record in records:
        found[record["product."]["code"]] += Decimal(str(record["quantity"]))
    return {code: found[code].normalize() + 0 for code in sorted(found)}


def standing(session: Session) -> dict[str, Any]:
    """Return the productions, requisitions and purchases in this database, one dict each."""
    return {
        "productions": productions(session),
        "requisitions": requisitions(session),
        "purchases": purchases(session),
    }


def productions(session: Session) -> list[dict[str, Any]]:
    fields = [*IDENTITY, "reference", "state", "quantity", "planned_date", "planned_start_date"]
    moves = ["inputs.product.code", "inputs.quantity", "outputs.product.code", "outputs.quantity"]
    found = session.search_read("production", [], [*fields, "origin", "product.code", *moves])
    return [
        {
            **{name: record[name] for name in (*fields, "origin")},
            "item": (record["product."] or {}).get("code"),
            "inputs": totals(record["inputs."]),
            "outputs": totals(record["outputs."]),
        }
        for record in found
    ]


def requisitions(session: Session) -> list[dict[str, Any]]:
    fields = [*IDENTITY, "description", "state", "supply_date"]
    lines = ["lines.product.code", "lines.quantity"]
    found = session.search_read("purchase.requisition", [], [*fields, *lines])
    return [{**{name: record[name] for name in fields}, "lines": totals(record["lines."])} for record in found]


def purchases(session: Session) -> list[dict[str, Any]]:
    fields = [*IDENTITY, "reference", "description", "state"]
    lines = ["lines.product.code", "lines.quantity"]
    found = session.search_read("purchase.purchase", [], [*fields, "party.code", *lines])
    return [
        {
            **{name: record[name] for name in fields},
            "supplier": record["party."]["code"],
            "lines": totals(record["lines."]),
        }
        for record in found
    ]
