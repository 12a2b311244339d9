"""Sales orders that cannot be planned in full, and why: their lines wait in quarantine."""

from __future__ import annotations

from canonical.strict_json import loads
from pipeline.hub import Hub
from store import quarantine


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


def _order_of(payload: object) -> str | None:
    """The order a quarantined line belongs to; raw payloads of lines that could not be mapped do not say."""
    content = loads(payload) if isinstance(payload, str) else payload
    order = content.get("order") if isinstance(content, dict) else None
    return str(order) if order is not None else None
