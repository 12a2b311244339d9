"""When each planned order can really be there: its material first, then its lead time. Who moves is read off this.

A plan dates orders backwards from what is needed, so a late component shows as a late component; this looks forward.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from planning.preparation import prepare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from canonical.plan import Peg, Plan, PlanningSnapshot
    from planning.preparation import Prepared


class Feasible:
    """The day each supply, order and consumer of a plan is complete; None where something is missing for good.

    A by-product counts on the day the plan has its order done: where dates are impossible already, an order may be
    planned to use what comes of an order that waits for it, and neither would ever be ready.
    """

    def __init__(self, plan: Plan, snapshot: PlanningSnapshot, prepared: Prepared | None = None) -> None:
        self.plan = plan
        self.today = snapshot.as_of
        self.prepared = prepared or prepare(snapshot)
        self.short = {row.consumer for row in plan.shortages}
        self._ready: dict[str, date | None] = {}

    def ready(self, order: str) -> date | None:
        """The day a planned order is there, once everything pegged to it is."""
        waiting = [order]
        while waiting:
            current = waiting[-1]
            below = {peg.supply for peg in self.plan.supplies_of(current) if self._waits(peg)}
            missing = [key for key in below if key not in self._ready]
            if missing and current not in self._ready:
                waiting += missing
                continue
            waiting.pop()
            if current not in self._ready:
                self._ready[current] = self._from_material(current)
        return self._ready[order]

    def covered(self, consumer: str) -> date | None:
        """The day all that is pegged to a consumer is there."""
        if consumer in self.short:
            return None
        days = [self._arrival(peg) for peg in self.plan.supplies_of(consumer)]
        known = [day for day in days if day is not None]
        return max([self.today, *known]) if len(known) == len(days) else None

    def chain(self, consumer: str) -> tuple[str, ...]:
        """The supplies that decide when a consumer is covered, each waiting for the next."""
        found: list[str] = []
        while True:
            pegs = [peg for peg in self.plan.supplies_of(consumer) if peg.kind != "on_hand"]
            if not pegs:
                return tuple(found)
            last = max(pegs, key=lambda peg: (self._arrival(peg) or date.max, peg.supply))
            found.append(last.supply)
            consumer = last.supply

    def _waits(self, peg: Peg) -> bool:
        return peg.kind == "planned"

    def _arrival(self, peg: Peg) -> date | None:
        if peg.kind == "on_hand":
            return self.today
        if self._waits(peg):
            return self.ready(peg.supply)
        if peg.kind == "by_product" and (order := self.plan.order(peg.supply)):
            return order.expected
        return self.plan.availability[peg.supply]

    def _from_material(self, key: str) -> date | None:
        order = self.plan.order(key)
        if order is None:
            return None
        material = self.covered(key)
        if material is None or material <= order.start:
            return order.expected if material is not None else None
        lead = self.prepared.admitted.items[order.item].lead_time_days or 0
        end = self.prepared.admitted.rules.days_of(order.item).end(material.toordinal(), lead)
        return max(order.expected, date.fromordinal(end))


@dataclass(frozen=True, slots=True)
class Moved:
    """A demand whose day changes: covered on `before` in one plan, on `after` in the other (None: never)."""

    key: str
    root: str
    item: str
    due: date
    before: date | None
    after: date | None

    @property
    def days(self) -> int | None:
        """How many days later it is."""
        return None if self.before is None or self.after is None else (self.after - self.before).days


def moved(
    before: tuple[Plan, PlanningSnapshot], after: tuple[Plan, PlanningSnapshot], *, slack: bool = False
) -> tuple[Moved, ...]:
    """The demands in both plans that are covered on another day, the worst first.

    Without `slack`, days before a demand is due count as the day it is due: it hurts nobody.
    """
    old, new = Feasible(*before), Feasible(*after)
    known = {row.key for row in before[1].demands}
    found = []
    for row in after[1].demands:
        if row.key not in known:
            continue
        was, will = old.covered(row.key), new.covered(row.key)
        if not slack:
            was, will = was and max(was, row.due), will and max(will, row.due)
        if was != will:
            found.append(Moved(row.key, row.root, row.item, row.due, was, will))
    return tuple(sorted(found, key=lambda row: (row.days is not None, -(row.days or 0), row.key)))


def earliest_free(plan: Plan, snapshot: PlanningSnapshot, item: str) -> Mapping[date, int]:
    """Available to promise: what of stock, receipts and firm orders of an item nobody has, by the day it is there."""
    used: dict[str, int] = {}
    for peg in plan.pegs:
        if peg.item == item:
            used[peg.supply] = used.get(peg.supply, 0) + peg.quantity
    today, found = snapshot.as_of, dict[date, int]()
    rows = [(today, row.key, row.quantity) for row in snapshot.stock if row.item == item]
    rows += [(max(row.available, today), row.key, row.quantity) for row in snapshot.receipts if row.item == item]
    rows += [(max(row.due, today), row.key, row.quantity) for row in snapshot.firm_orders if row.item == item]
    for day, key, quantity in sorted(rows):
        free = quantity - used.get(key, 0)
        if free > 0:
            found[day] = found.get(day, 0) + free
    return found
