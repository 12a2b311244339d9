"""The sales desk works on: an order turns urgent, a customer changes a quantity; and edits for tests."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.common.state import SystemState
from sandbox.crm.errors import CrmError
from sandbox.crm.records import change, touch
from sandbox.crm.schema import OBJECTS, SObject
from sandbox.factory.model import Plant, SalesOrder
from sandbox.factory.views import dirt

SOON_DAYS = 20


def work(state: SystemState, round_number: int) -> dict[str, Any]:
    """One urgent order and one changed quantity a round; the same orders for the same seed and round.

    Answers `{"urgent": number, "changed": {"order", "line", "from", "to"}}`. A round happens once;
    asked for again, it answers its first summary.
    """
    done = f"work_round_{round_number}"
    with state.transaction():
        known = state.meta(done)
        if known is not None:
            return dict(json.loads(known))
        summary = _round(state, round_number)
        state.set_meta(done, json.dumps(summary))
    return summary


def _round(state: SystemState, round_number: int) -> dict[str, Any]:
    held = {number for number, _ in dirt(state.plant).held_lines}
    plain = [order for order in state.plant.orders if not order.urgent and not order.custom]
    calm = [order for order in plain if order.number not in held]
    # Customers press for what is not on the shelf; what has to be made is where pressing changes anything.
    pressed = _to_be_made(state.plant, calm)
    urgent = _nth(pressed or calm, state.seed * 31 + round_number * 17)
    changed = _nth(calm, state.seed * 31 + round_number * 17 + 101)
    edit(state, {"order": urgent, "urgent": True})
    before = Decimal(_line(state, changed, 1)["Quantity"])
    after = before + _step(state, changed)
    edit(state, {"order": changed, "line": 1, "quantity": str(after)})
    return {"urgent": urgent, "changed": {"order": changed, "line": 1, "from": str(before), "to": str(after)}}


def _nth(orders: list[SalesOrder], number: int) -> str:
    return orders[number % len(orders)].number


def _to_be_made(plant: Plant, orders: list[SalesOrder]) -> list[SalesOrder]:
    """Orders wanted soon, none of whose products lies in stock."""
    shelved = {lot.material for lot in plant.stock if lot.status == "available" and lot.quantity > 0}
    soon = plant.today + timedelta(days=SOON_DAYS)
    return [order for order in orders if all(row.material not in shelved and row.due <= soon for row in order.lines)]


def edit(state: SystemState, wanted: dict[str, Any]) -> dict[str, Any]:
    """Change an order as its sales desk would.

    `{order, urgent?, status?, line?, quantity?, due?, product?, configuration?}`

    `product` is the code of another one in the catalogue, `configuration` JSON text.

    The order and the line both get a new SystemModstamp. No client wrote it, so the ledger is silent.
    ValueError names what cannot be done.
    """
    with state.transaction():
        order = _row(state, OBJECTS["Order"], "OrderNumber", str(wanted["order"]))
        head = {name: wanted[key] for key, name in (("urgent", "Urgent__c"), ("status", "Status")) if key in wanted}
        names = (("quantity", "Quantity"), ("due", "EndDate"), ("configuration", "Configuration__c"))
        item = {name: wanted[key] for key, name in names if key in wanted}
        if "product" in wanted:
            item["Product2Id"] = _row(state, OBJECTS["Product2"], "ProductCode", str(wanted["product"]))["Id"]
        _change(state, OBJECTS["Order"], order, head)
        if item:
            line = _line(state, str(wanted["order"]), int(wanted.get("line", 1)))
            _change(state, OBJECTS["OrderItem"], line, item)
            touch(state, OBJECTS["Order"], order)
    return {"order": order["OrderNumber"], **head, **item}


def _change(state: SystemState, kind: SObject, row: dict[str, Any], values: dict[str, Any]) -> None:
    if not values:
        return
    try:
        change(state, kind, row, values)
    except CrmError as error:
        raise ValueError(error.message) from error


def _row(state: SystemState, kind: SObject, column: str, value: str) -> dict[str, Any]:
    found = state.db.execute(f'SELECT * FROM "{kind.name}" WHERE {column} = ?', (value,)).fetchone()
    if found is None:
        raise ValueError(f"no {kind.name} with {column} {value}")
    return dict(zip(kind.fields, found, strict=True))


def _line(state: SystemState, order: str, number: int) -> dict[str, Any]:
    kind = OBJECTS["OrderItem"]
    head = _row(state, OBJECTS["Order"], "OrderNumber", order)
    found = state.db.execute('SELECT * FROM "OrderItem" WHERE OrderId = ?', (head["Id"],)).fetchall()
    lines = [dict(zip(kind.fields, row, strict=True)) for row in found]
    for line in lines:
        if Decimal(line["LineNumber__c"]) == number:
            return line
    raise ValueError(f"order {order} has no line {number}")


def _step(state: SystemState, order: str) -> Decimal:
    """What the customer adds: whole boxes where the material comes in boxes."""
    wanted = next(each for each in state.plant.orders if each.number == order)
    return Decimal(2 * (state.plant.materials[wanted.lines[0].material - 1].pieces_per_box or 1))
