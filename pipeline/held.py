"""Sales orders that cannot be planned in full, and why: their lines wait in quarantine."""

from __future__ import annotations

from collections.abc import Mapping

from canonical.strict_json import loads
from pipeline.hub import Hub
from store import quarantine

UNPLANNABLE = "item_plannable"
"""The rule of the order lines' rulebook that an item nobody masters breaks."""


def held_orders(hub: Hub) -> dict[str, str]:
    """Sales order → the first reason one of its lines is held."""
    with hub.store.read() as tx:
        found = quarantine.listed(tx, entity="sales_order_line")
    held: dict[str, str] = {}
    for row in found:
        order = _order_of(row.rejection.payload)
        if order is not None:
            held.setdefault(order, f"{row.rejection.rule}: {row.rejection.message}")
    return held


def unoffered(hub: Hub) -> dict[str, list[str]]:
    """What sales order lines ask for and nobody can plan → the orders that ask for it."""
    with hub.store.read() as tx:
        found = quarantine.listed(tx, entity="sales_order_line")
    asked: dict[str, list[str]] = {}
    for row in found:
        order = _order_of(row.rejection.payload)
        item = _content(row.rejection.payload).get("item")
        if row.rejection.rule == UNPLANNABLE and order is not None and item is not None:
            asked.setdefault(str(item), []).append(order)
    return asked


def _order_of(payload: object) -> str | None:
    """The order a quarantined line belongs to; raw payloads of lines that could not be mapped do not say."""
    order = _content(payload).get("order")
    return str(order) if order is not None else None


def _content(payload: object) -> Mapping[str, object]:
    content = loads(payload) if isinstance(payload, str) else payload
    return content if isinstance(content, dict) else {}
