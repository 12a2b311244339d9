"""Which facts and records a neighbourhood concerns, by key, and the part of its plan they are derived from."""

from __future__ import annotations

import polars as pl

from canonical.facts import FACTS
from canonical.plan import Plan
from pipeline.decide import Scope, watched_facts
from pipeline.facts import references_of
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
    found = set[str]()
    for name in _DOCUMENTS:
        frame = near.area.frames.get(name)
        if frame is not None and names:
            ours = frame.filter(pl.col("our_reference").str.contains_any(names))
            found |= set(ours["our_reference"])
    return found


def _shipments(near: Near) -> set[str]:
    frame = near.area.frames.get("shipment")
    if frame is None:
        return set()
    ours = frame.filter(pl.col("our_reference").is_not_null() & pl.col("sales_order").is_in(list(near.area.orders)))
    return set(ours["our_reference"])
