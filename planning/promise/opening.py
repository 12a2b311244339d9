"""What is free when promising begins: supply no peg holds, what lots have over, and time no order takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from planning.feasible import Feasible
from planning.load import Capacity, Step, free_time, loads, steps_of
from planning.netting import Keeping
from planning.preparation import prepare
from planning.promise.tables import BEYOND, HORIZON
from planning.sourcing import Sourcing, shortest_lead

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from canonical.plan import Plan, PlanItem, PlanningSnapshot, PlanOperation
    from planning.preparation import Prepared
    from planning.promise.accepting import Held
    from planning.workdays import WorkDays

FreeKind = Literal["on_hand", "receipt", "firm"]


@dataclass(slots=True)
class Free:
    """What is left of one supply, there on a day counted from the planning day."""

    key: str
    kind: FreeKind
    day: int
    quantity: int


@dataclass(slots=True)
class Over:
    """What planned orders of one need have over, due on a day and there on another."""

    key: str
    due: int
    there: int
    quantity: int


@dataclass(slots=True)
class Opening:
    """Where promising begins; a book of promises takes from a copy of it."""

    prepared: Prepared
    supplies: dict[str, list[Free]]
    """By item, in the order a need takes them."""
    over: dict[str, list[Over]]
    """By item, the latest first."""
    steps: dict[str, tuple[Step, ...]]
    capacity: Capacity
    free: dict[str, list[int]]
    place: dict[str, int] = field(init=False)
    """Item → its place in planning order: after all that draws on it."""

    def __post_init__(self) -> None:
        self.place = {code: place for place, code in enumerate(self.prepared.sequence())}

    @property
    def today(self) -> int:
        """The planning day as an ordinal."""
        return self.prepared.snapshot.as_of.toordinal()

    def days_of(self, item: str) -> WorkDays:
        """The working days an item's lead time counts."""
        return self.prepared.admitted.rules.days_of(item)

    def start(self, item: PlanItem, due: int) -> int:
        """The day an order starts that is due on a day; negative where it should have started before today."""
        return self.days_of(item.code).start(self.today + due, shortest_lead(item)) - self.today

    def end(self, item: PlanItem, start: int) -> int:
        """The day an order is there that starts on a day."""
        return min(self.days_of(item.code).end(self.today + start, shortest_lead(item)) - self.today, BEYOND)

    def frozen(self, item: PlanItem) -> int:
        """The day before which no order of an item is due."""
        return min(item.frozen_days, BEYOND)

    def fastest_supplier(self, code: str) -> str:
        """Whom a new order goes to that is late already; nothing where nobody is named."""
        item = self.prepared.admitted.items[code]
        if not item.suppliers or item.sourcing != "buy":
            return ""
        choice = Sourcing(self.today, self.prepared.snapshot.policies, self.prepared.admitted.rules.work_days)
        return choice.source(item, self.today, 0)[0] or ""

    def below(self, product: str) -> list[str]:
        """The product, and then all it is made of on any day, in planning order (in which a phantom has no place)."""
        structure, sourcing = self.prepared.explosion, self.prepared.admitted.items
        found, waiting = {product}, [product]
        while waiting:
            parent = waiting.pop()
            if sourcing[parent].sourcing == "buy":
                continue
            for code, _, _ in structure.components.get(parent, ()):
                if code not in found:
                    found.add(code)
                    waiting.append(code)
        return [product, *sorted(found - {product}, key=self.place.__getitem__)]


def opening(
    plan: Plan,
    snapshot: PlanningSnapshot,
    operations: Iterable[PlanOperation] = (),
    capacity: Capacity | None = None,
    held: Sequence[Held] = (),
) -> Opening:
    """What `plan`, which must be the plan of `snapshot`, leaves free; without `capacity` work centres have no limit.

    `held` are the promises in the snapshot, whose time is taken where they hold it.
    """
    prepared = prepare(snapshot)
    steps = steps_of(operations, prepared.admitted.items)
    capacity = {centre: _padded(days) for centre, days in (capacity or {}).items()}
    load = loads(plan, snapshot, steps, capacity, held) if capacity else {}
    supplies, over = _free_supplies(plan, prepared), _left_over(plan, prepared)
    return Opening(prepared, supplies, over, steps, capacity, free_time(load, capacity))


def _padded(days: tuple[int, ...]) -> tuple[int, ...]:
    """What is known of the days within the horizon; nothing is worked on days nobody knows of."""
    return (*days[: HORIZON + 1], *(0,) * (HORIZON + 1 - len(days)))


def _free_supplies(plan: Plan, prepared: Prepared) -> dict[str, list[Free]]:
    used: dict[str, int] = {}
    for peg in plan.pegs:
        used[peg.supply] = used.get(peg.supply, 0) + peg.quantity
    admitted, today = prepared.admitted, prepared.snapshot.as_of.toordinal()
    waits = prepared.snapshot.policies.reserved_surplus == "kept"
    found: dict[str, list[Free]] = {}

    def offer(item: str, free: Free, reserved_for: str | None) -> None:
        apart = admitted.items[item].kept_apart
        free.quantity -= min(used.get(free.key, 0), free.quantity)
        keeping = Keeping(apart, waits)
        if free.quantity > 0 and not apart and (reserved_for is None or not keeping.reserved_waits):
            found.setdefault(item, []).append(free)

    for stock in admitted.stock:
        offer(stock.item, Free(stock.key, "on_hand", 0, stock.quantity), stock.reserved_for)
    for row in admitted.receipts:
        day = min(max(row.available.toordinal() - today, 0), BEYOND)
        offer(row.item, Free(row.key, "receipt", day, row.quantity), row.reserved_for)
    for firm in admitted.firm_orders:
        day = min(max(firm.due.toordinal() - today, 0), BEYOND)
        offer(firm.item, Free(firm.key, "firm", day, firm.quantity), firm.root)
    sign = -1 if prepared.snapshot.policies.supply_order == "latest_first" else 1
    for supplies in found.values():
        supplies.sort(key=lambda one: (sign * one.day, one.kind != "on_hand", one.key))
    return found


def _left_over(plan: Plan, prepared: Prepared) -> dict[str, list[Over]]:
    """What planned lots have over, on the day their material lets them be there."""
    items, today = prepared.admitted.items, prepared.snapshot.as_of.toordinal()
    feasible = Feasible(plan, prepared.snapshot, prepared)
    found: dict[str, list[Over]] = {}
    for order in plan.planned_orders:
        ready = feasible.ready(order.key) if order.surplus > 0 and not items[order.item].kept_apart else None
        if ready is not None:
            due, there = order.due.toordinal() - today, ready.toordinal() - today
            found.setdefault(order.item, []).append(Over(order.key, due, min(there, BEYOND), order.surplus))
    for lots in found.values():
        lots.sort(key=lambda one: (one.due, one.key), reverse=True)
    return found
