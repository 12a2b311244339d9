"""Questions a planner asks of a plan, answered as rows: what changed, why, what is short, what to buy."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from planning.feasible import Feasible
from planning.preparation import safety_stock_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from canonical.plan import Plan, PlannedOrder, PlanningSnapshot


@dataclass(frozen=True, slots=True)
class OrderChange:
    """A planned order that came, went, or is another one under its key; `fields` says in what."""

    change: Literal["new", "gone", "changed"]
    key: str
    item: str
    before: PlannedOrder | None
    after: PlannedOrder | None
    fields: tuple[str, ...]


COMPARED = ("quantity", "surplus", "scrap", "due", "release", "expected", "supplier", "sourcing")


def diff(before: Plan, after: Plan) -> tuple[OrderChange, ...]:
    """What differs between the planned orders of two plans, by item and key."""
    old = {order.key: order for order in before.planned_orders}
    new = {order.key: order for order in after.planned_orders}
    found = []
    for key in old.keys() | new.keys():
        was, now = old.get(key), new.get(key)
        if was is None or now is None:
            one = was or now
            assert one is not None
            found.append(OrderChange("gone" if was else "new", key, one.item, was, now, ()))
            continue
        fields = tuple(name for name in COMPARED if getattr(was, name) != getattr(now, name))
        if fields:
            found.append(OrderChange("changed", key, now.item, was, now, fields))
    return tuple(sorted(found, key=lambda row: (row.item, row.key)))


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One line of an item's account: what comes (positive) or goes on a day, for whom, and what is there after it."""

    day: date
    kind: str
    key: str
    quantity: int
    balance: int
    roots: tuple[str, ...]


def account(plan: Plan, snapshot: PlanningSnapshot, item: str) -> tuple[ItemLine, ...]:
    """All needs and supplies of an item by day, with the projected balance; safety stock is none of them."""
    moves: list[tuple[date, int, str, str, int]] = []
    today = snapshot.as_of
    moves += [(today, 0, "on_hand", row.key, row.quantity) for row in snapshot.stock if row.item == item]
    moves += [
        (max(row.available, today), 1, "receipt", row.key, row.quantity)
        for row in snapshot.receipts
        if row.item == item
    ]
    moves += [
        (max(row.due, today), 1, "firm", row.key, row.quantity) for row in snapshot.firm_orders if row.item == item
    ]
    moves += [
        (order.expected, 2, "planned", order.key, order.quantity) for order in plan.planned_orders if order.item == item
    ]
    moves += _draws(plan, snapshot, item)
    balance, lines = 0, []
    for day, _, kind, key, quantity in sorted(moves):
        balance += quantity
        lines.append(ItemLine(day, kind, key, quantity, balance, tuple(sorted(plan.roots_of(key)))))
    return tuple(lines)


def _draws(plan: Plan, snapshot: PlanningSnapshot, item: str) -> Iterable[tuple[date, int, str, str, int]]:
    days = {row.key: max(row.due, snapshot.as_of) for row in snapshot.demands}
    days |= {row.key: max(row.due, snapshot.as_of) for row in snapshot.firm_orders}
    days |= {row.key: max(row.due, snapshot.as_of) for row in snapshot.forecasts}
    drawn: dict[str, int] = defaultdict(int)
    for peg in plan.pegs:
        if peg.item == item and peg.consumer != safety_stock_key(item):
            drawn[peg.consumer] += peg.quantity
    for row in plan.shortages:
        if row.item == item:
            drawn[row.consumer] += row.quantity
    for consumer, quantity in drawn.items():
        order = plan.order(consumer)
        day = order.start if order else days.get(consumer, snapshot.as_of)
        yield day, 3, "order" if order else "demand", consumer, -quantity


@dataclass(frozen=True, slots=True)
class ShortLine:
    """What will be missing when it is needed: `expected` None says for good. `roots` are the sales order lines hit."""

    item: str
    key: str
    quantity: int
    wanted: date
    expected: date | None
    roots: tuple[str, ...]


def shortages(plan: Plan) -> tuple[ShortLine, ...]:
    """Late orders and needs nothing covers, the ones that hit most first."""
    found = []
    for message in plan.messages:
        if message.kind == "shortage" and message.wanted is not None:
            roots = plan.roots_of(message.key) | {
                row.root for row in plan.shortages if row.consumer == message.key and row.root is not None
            }
            found.append(
                ShortLine(
                    message.item, message.key, message.quantity, message.wanted, message.current, tuple(sorted(roots))
                )
            )
    return tuple(sorted(found, key=lambda row: (-len(row.roots), row.wanted, row.item, row.key)))


@dataclass(frozen=True, slots=True)
class Purchase:
    """One suggested purchase; `supplier` None says that nobody is named."""

    supplier: str | None
    item: str
    key: str
    quantity: int
    order_by: date
    due: date
    late: bool


def purchases(plan: Plan, until: date | None = None) -> tuple[Purchase, ...]:
    """What to order, by supplier, day and item; only what has to be ordered by `until`, where given."""
    rows = [
        Purchase(order.supplier, order.item, order.key, order.started, order.start, order.due, order.late)
        for order in plan.planned_orders
        if order.sourcing == "buy" and (until is None or order.start <= until)
    ]
    return tuple(sorted(rows, key=lambda row: (row.supplier or "", row.order_by, row.item, row.key)))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a plan comes to, so that plans can stand side by side."""

    orders: int
    late_orders: int
    shortages: int
    demands: int
    in_time: int
    never: int
    late_days: int
    messages: int


def figures(plan: Plan, snapshot: PlanningSnapshot) -> Figures:
    """Count a plan: how many demands are covered when due, how late the others are in all, what it asks of people."""
    feasible = Feasible(plan, snapshot)
    days = [(row.due, feasible.covered(row.key)) for row in snapshot.demands]
    return Figures(
        orders=len(plan.planned_orders),
        late_orders=sum(order.late for order in plan.planned_orders),
        shortages=len(plan.shortages),
        demands=len(days),
        in_time=sum(day is not None and day <= max(due, snapshot.as_of) for due, day in days),
        never=sum(day is None for _, day in days),
        late_days=sum(max(0, (day - max(due, snapshot.as_of)).days) for due, day in days if day is not None),
        messages=len(plan.messages),
    )
