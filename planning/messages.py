"""Action messages as data: what a planner should move, stop or chase, and nothing that moves itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from canonical.plan import PlanMessage
from planning.netting import free_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from canonical.plan import PlannedOrder, PlanPolicies, ScheduledReceipt
    from planning.netting import Allocation, Supply


def supply_messages(
    item: str,
    supplies: list[Supply],
    allocations: list[Allocation],
    receipts: dict[str, ScheduledReceipt],
    orders: list[PlannedOrder],
    policies: PlanPolicies,
) -> Iterator[PlanMessage]:
    """Expedite, defer, cancel and use_stock messages for the existing supplies of one item.

    A supply in use is wanted on the day of its earliest need. One not in use is wanted where a planned order of the
    item is due before it arrives, and nowhere else. Firm orders are only ever expedited: they cannot change.
    """
    wanted: dict[str, int] = {}
    for supply, need, _ in allocations:
        wanted[supply.key] = min(wanted.get(supply.key, need.day), need.day)
    first = min((order.due.toordinal() for order in orders), default=None)
    for supply in supplies:
        if supply.kind == "on_hand":
            continue
        used = supply.quantity - supply.free
        if used:
            yield from _moved(item, supply, used, wanted[supply.key], receipts, policies.message_tolerance_days)
        if supply.free:
            yield from _unused(item, supply, first)
    idle = free_quantity(supplies, "on_hand")
    needed = sum(order.quantity - order.surplus for order in orders)
    if idle and needed:
        yield PlanMessage("use_stock", item, orders[0].key, min(idle, needed), orders[0].due, None)


def _moved(
    item: str, supply: Supply, used: int, wanted: int, receipts: dict[str, ScheduledReceipt], tolerance: int
) -> Iterator[PlanMessage]:
    receipt = receipts.get(supply.key)
    promised = receipt.available if receipt else date.fromordinal(supply.available)
    overdue = promised.toordinal() < supply.available
    if overdue or supply.available > wanted + tolerance:
        yield PlanMessage("expedite", item, supply.key, used, promised, date.fromordinal(wanted))
    elif supply.kind == "receipt" and supply.available < wanted - tolerance:
        yield PlanMessage("defer", item, supply.key, used, promised, date.fromordinal(wanted))


def _unused(item: str, supply: Supply, first_order: int | None) -> Iterator[PlanMessage]:
    current = date.fromordinal(supply.available)
    if first_order is not None and first_order < supply.available:
        yield PlanMessage("expedite", item, supply.key, supply.free, current, date.fromordinal(first_order))
    elif supply.kind == "receipt":
        yield PlanMessage("cancel", item, supply.key, supply.free, current, None)


def late_order(order: PlannedOrder) -> PlanMessage:
    """The shortage a planned order leaves that cannot arrive when it is needed."""
    return PlanMessage("shortage", order.item, order.key, order.quantity - order.surplus, order.expected, order.due)
