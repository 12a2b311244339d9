"""Action messages as data: what a planner should move, stop or chase, and nothing that moves itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from canonical.plan import PlanMessage
from planning.netting import free_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from canonical.plan import PlannedOrder, ScheduledReceipt, SupplyKind
    from planning.netting import Supply


class SupplyUse(NamedTuple):
    """What became of one receipt or firm order.

    `available` and `wanted` are day ordinals, `promised` is what its document says (None: a firm order).
    `wanted` counts only where some of it is used.
    """

    key: str
    kind: SupplyKind
    available: int
    promised: date | None
    used: int
    free: int
    wanted: int


def supply_messages(
    item: str,
    supplies: list[Supply],
    receipts: dict[str, ScheduledReceipt],
    orders: list[PlannedOrder],
    tolerance: int,
) -> Iterator[PlanMessage]:
    """Expedite, defer, cancel and use_stock messages for the existing supplies of one item.

    A supply in use is wanted on the day of its earliest need. One not in use is wanted where a planned order of the
    item is due before it arrives, and nowhere else. Firm orders are only ever expedited: they cannot change. What
    planned orders yield beside their own item moves with them.
    """
    first = min((order.due.toordinal() for order in orders), default=None)
    for supply in supplies:
        if supply.kind in {"on_hand", "by_product"}:
            continue
        receipt = receipts.get(supply.key)
        promised = receipt.available if receipt else None
        used, free = supply.quantity - supply.free, supply.free
        use = SupplyUse(supply.key, supply.kind, supply.available, promised, used, free, supply.wanted)
        yield from use_messages(item, use, first, tolerance)
    yield from unused_stock(item, free_quantity(supplies, "on_hand"), orders)


def use_messages(item: str, use: SupplyUse, first_order: int | None, tolerance: int) -> Iterator[PlanMessage]:
    """What to do about one supply; `first_order` is the day the item's first planned order is due, if it has one."""
    if use.used:
        yield from _moved(item, use, tolerance)
    if use.free:
        yield from _unused(item, use, first_order)


def unused_stock(item: str, idle: int, orders: list[PlannedOrder]) -> Iterator[PlanMessage]:
    """The use_stock message where stock lies idle and orders are planned all the same."""
    needed = sum([order.quantity - order.surplus for order in orders]) if idle else 0
    if idle and needed:
        yield PlanMessage("use_stock", item, orders[0].key, min(idle, needed), orders[0].due, None)


def _moved(item: str, use: SupplyUse, tolerance: int) -> Iterator[PlanMessage]:
    """An expedite or defer message, where the supply's day differs from the wanted one."""
    promised = use.promised or date.fromordinal(use.available)
    overdue = promised.toordinal() < use.available
    if overdue or use.available > use.wanted + tolerance:
        yield PlanMessage("expedite", item, use.key, use.used, promised, date.fromordinal(use.wanted))
    elif use.kind == "receipt" and use.available < use.wanted - tolerance:
        yield PlanMessage("defer", item, use.key, use.used, promised, date.fromordinal(use.wanted))


def _unused(item: str, use: SupplyUse, first_order: int | None) -> Iterator[PlanMessage]:
    current = date.fromordinal(use.available)
    if first_order is not None and first_order < use.available:
        yield PlanMessage("expedite", item, use.key, use.free, current, date.fromordinal(first_order))
    elif use.kind == "receipt":
        yield PlanMessage("cancel", item, use.key, use.free, current, None)


def late_order(order: PlannedOrder) -> PlanMessage:
    """The shortage a planned order leaves that cannot arrive when it is needed."""
    return PlanMessage("shortage", order.item, order.key, order.quantity - order.surplus, order.expected, order.due)


def releases(orders: Iterable[PlannedOrder], until: date) -> Iterator[PlanMessage]:
    """One message for each planned order to be released by this day, with the day it should be."""
    for order in orders:
        if order.release <= until:
            yield PlanMessage("release", order.item, order.key, order.started, order.start, order.release)
