"""Which facts and records a neighbourhood concerns, by key, and the part of its plan they are derived from."""

from __future__ import annotations

from canonical.facts import FACTS
from canonical.plan import Plan
from pipeline.decide import Scope, watched_facts
from pipeline.facts import references_of
from pipeline.golden_rows import rows
from pipeline.hub import Hub
from pipeline.plan import Near

BY_ORDER = ("sales_order",)
"""The key of facts about whole sales orders."""
_DOCUMENTS = ("work_order", "purchase_request", "subcontract_order", "transfer_order")


def stays_near(near: Near) -> bool:
    """Whether nobody else's order comes, goes or arrives on another day; what else changes of it is in scope."""
    lines = near.area.lines
    for before, after in near.changed.values():
        known = before or after
        ours = known is not None and known.root in lines
        same_day = before is not None and after is not None and before.expected == after.expected
        if not (ours or same_day):
            return False
    return True


def scope_of(hub: Hub, near: Near) -> tuple[Plan, Scope]:
    """The plan the facts are derived from, and which of them may have changed."""
    lines, orders = near.area.lines, near.area.orders
    made = {order.key for order in near.plan.planned_orders if order.root in lines}
    ours = {reference for key in made | near.changed.keys() for reference in references_of(key)}
    references = ours | _references(near)
    keys: dict[str, frozenset[str]] = {
        "planned_order": frozenset(references),
        "urgent_work": frozenset(references),
        "shipment_need": frozenset(lines | _shipments(near)),
    }
    keys |= {name: orders for name in watched_facts(hub) if FACTS[name].key == BY_ORDER}
    keys |= {"sales_order": orders, "sales_order_line": lines}
    return near.plan, Scope(keys, near.area.frames)


def _references(near: Near) -> set[str]:
    """Our references for what was planned or begun for the lines before."""
    names = [f"|{line}|" for line in near.area.lines]
    told = (reference for document in _DOCUMENTS for reference in _told(near, document, "our_reference"))
    return {reference for reference in told if reference is not None and any(name in reference for name in names)}


def _shipments(near: Near) -> set[str]:
    told = zip(_told(near, "shipment", "our_reference"), _told(near, "shipment", "sales_order"), strict=True)
    return {reference for reference, order in told if reference is not None and order in near.area.orders}


def _told(near: Near, entity: str, field: str) -> list[str | None]:
    """What the neighbourhood's records, which are few, say."""
    return [row[field] for row in rows(near.area.frames, entity)]
