"""Action messages as data: what a planner should move, stop or chase, and nothing that moves itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from canonical.plan import PlanMessage
from planning.netting import free_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from canonical.plan import PlannedOrder, ScheduledReceipt
    from planning.netting import Matching, Supply


def supply_messages(
    item: str,
    matching: Matching,
    receipts: dict[str, ScheduledReceipt],
    orders: list[PlannedOrder],
    tolerance: int,
) -> Iterator[PlanMessage]:
    """Expedite, defer, cancel and use_stock messages for the existing supplies of one item.

    A supply in use is wanted on the day of its earliest need. One not in use is wanted where a planned order of the
    item is due before it arrives, and nowhere else. Firm orders are only ever expedited: they cannot change.
    """
    wanted: dict[str, int] = {}
    for supply, need, _ in matching.allocations:
        wanted[supply.key] = min(wanted.get(supply.key, need.day), need.day)
    first = min((order.due.toordinal() for order in orders), default=None)
    for supply in matching.supplies:
        if supply.kind == "on_hand":
            continue
        used = supply.quantity - supply.free
        if used:
            receipt = receipts.get(supply.key)
            promised = receipt.available if receipt else date.fromordinal(supply.available)
            yield from _moved(
                PlanMessage("defer", item, supply.key, used, promised, None), supply, wanted[supply.key], tolerance
            )
        if supply.free:
            yield from _unused(item, supply, first)
    idle = free_quantity(matching.supplies, "on_hand")
    needed = sum(order.quantity - order.surplus for order in orders)
    if idle and needed:
        yield PlanMessage("use_stock", item, orders[0].key, min(idle, needed), orders[0].due, None)


def _moved(draft: PlanMessage, supply: Supply, wanted: int, tolerance: int) -> Iterator[PlanMessage]:
    """The draft as an expedite or defer message, where the supply's day differs from the wanted one."""
    overdue = draft.current is not None and draft.current.toordinal() < supply.available
    target = date.fromordinal(wanted)
    if overdue or supply.available > wanted + tolerance:
        yield replace(draft, kind="expedite", wanted=target)
    elif supply.kind == "receipt" and supply.available < wanted - tolerance:
        yield replace(draft, kind="defer", wanted=target)


def _unused(item: str, supply: Supply, first_order: int | None) -> Iterator[PlanMessage]:
    current = date.fromordinal(supply.available)
    if first_order is not None and first_order < supply.available:
        yield PlanMessage("expedite", item, supply.key, supply.free, current, date.fromordinal(first_order))
    elif supply.kind == "receipt":
        yield PlanMessage("cancel", item, supply.key, supply.free, current, None)


def late_order(order: PlannedOrder) -> PlanMessage:
    """The shortage a planned order leaves that cannot arrive when it is needed."""
    return PlanMessage("shortage", order.item, order.key, order.quantity - order.surplus, order.expected, order.due)
