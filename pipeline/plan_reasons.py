"""Why an item is planned as it is: the rules that hold for it, and what each of its planned orders came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from canonical.plan import Plan, PlanItem, PlannedOrder, PlanningSnapshot, PlanSubstitute, PlanSupplier
from pipeline.planning_settings import Planning

Why = Literal[
    "lot", "scrap", "supplier_preferred", "supplier_fastest", "frozen", "starts_late", "inside_fence", "outside_fence"
]


@dataclass(frozen=True, slots=True)
class ItemRule:
    """What governs the planning of one item; quantities in its scale."""

    item: PlanItem
    release_fence_days: int
    suppliers: tuple[PlanSupplier, ...]
    substitutes: tuple[PlanSubstitute, ...]
    substitute_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderReason:
    """One planned order of the item, and why it is so large, with that supplier, and when it becomes a document."""

    key: str
    started: int
    good: int
    pegged: int
    due: date
    release: date
    expected: date
    late: bool
    supplier: str | None
    becomes_document: date
    why: tuple[Why, ...]


def rule_of(picture: PlanningSnapshot, planning: Planning, code: str) -> ItemRule | None:
    """The rules for one item; None where the picture has none of that code."""
    item = next((one for one in picture.items if one.code == code), None)
    if item is None:
        return None
    fence = planning.release_fence_by_item.get(planning.item_of(code), planning.release_fence_days)
    standing_in = tuple(row for row in picture.substitutes if row.item == code)
    of = tuple(sorted({row.item for row in picture.substitutes if row.substitute == code}))
    suppliers = tuple(sorted(item.suppliers, key=lambda one: (one.priority, one.lead_time_days, one.name)))
    return ItemRule(item, fence, suppliers, standing_in, of)


def reasons(plan: Plan, picture: PlanningSnapshot, rule: ItemRule) -> tuple[OrderReason, ...]:
    """The item's planned orders by due day."""
    orders = sorted((one for one in plan.planned_orders if one.item == rule.item.code), key=lambda one: one.due)
    return tuple(_reason(order, picture.as_of, rule) for order in orders)


def _reason(order: PlannedOrder, today: date, rule: ItemRule) -> OrderReason:
    return OrderReason(
        order.key, order.started, order.quantity, order.quantity - order.surplus, order.due, order.release,
        order.expected, order.late, order.supplier, max(today, order.release - timedelta(rule.release_fence_days)),
        tuple(_why(order, today, rule)),
    )  # fmt: skip


def _why(order: PlannedOrder, today: date, rule: ItemRule) -> Iterator[Why]:
    if order.surplus:
        yield "lot"
    if order.scrap:
        yield "scrap"
    if order.supplier is not None:
        yield "supplier_preferred" if order.release >= today else "supplier_fastest"
    if order.due < today + timedelta(rule.item.frozen_days):
        yield "frozen"
    if order.release < today:
        yield "starts_late"
    inside = order.release <= today + timedelta(rule.release_fence_days)
    yield "inside_fence" if inside else "outside_fence"
