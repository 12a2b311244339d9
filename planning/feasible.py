"""When each planned order can really be there: its material first, then its lead time. Promises are read off this.

A plan dates orders backwards from what is needed, so a late component shows as a late component; this looks forward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from canonical.plan import PlanDemand
from planning.mrp import plan as plan_again
from planning.preparation import prepare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from canonical.plan import Peg, Plan, PlanningSnapshot
    from planning.preparation import Prepared

PROMISE = "promise|"


class Feasible:
    """The day each supply, order and consumer of a plan is complete; None where something is missing for good."""

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
            below = {peg.supply for peg in self.plan.supplies_of(current) if self._is_open(peg)}
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

    def _is_open(self, peg: Peg) -> bool:
        return self.plan.order(peg.supply) is not None

    def _arrival(self, peg: Peg) -> date | None:
        if peg.kind == "on_hand":
            return self.today
        if self._is_open(peg):
            return self.ready(peg.supply)
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
class Asked:
    """What a customer asks for; a lower `priority` goes before others in what is planned anew."""

    item: str
    quantity: int
    wanted: date
    customer: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Promise:
    """When it can be there: `promised` None says never, for what `missing` names. Quantities in the item's scale.

    `from_stock` and `from_receipts` are free today and on order; `to_make` is planned anew. `chain` names the supplies
    that decide the day.
    """

    key: str
    item: str
    quantity: int
    wanted: date
    promised: date | None
    from_stock: int
    from_receipts: int
    to_make: int
    chain: tuple[str, ...]
    missing: tuple[str, ...]


def promise(
    plan: Plan, snapshot: PlanningSnapshot, asked: Sequence[Asked]
) -> tuple[tuple[Promise, ...], Plan, PlanningSnapshot]:
    """When each of these can be there, one after the other, beside everything that is pegged already.

    `plan` must be the plan of `snapshot`. Also returns plan and snapshot with the promises in them: who accepts them
    keeps these, and planning them again moves nothing.
    """
    taken = {row.key for row in snapshot.demands}
    rows = []
    for number, one in enumerate(asked, start=1):
        key = f"{PROMISE}{number}"
        while key in taken:
            number += 1  # noqa: PLW2901 - the next free number
            key = f"{PROMISE}{number}"
        taken.add(key)
        rows.append(PlanDemand(key, one.item, one.quantity, one.wanted, key, one.priority, one.customer))
    after = replace(snapshot, demands=(*snapshot.demands, *rows))
    outcome = plan_again(replace(after, prior_pegs=plan.pegs))
    accepted = replace(after, prior_pegs=outcome.pegs)
    feasible = Feasible(outcome, accepted)
    return tuple(_promise(row, outcome, feasible) for row in rows), outcome, accepted


def _promise(row: PlanDemand, plan: Plan, feasible: Feasible) -> Promise:
    ready = feasible.covered(row.key)
    shares = {"on_hand": 0, "receipt": 0, "firm": 0, "planned": 0, "by_product": 0}
    for peg in plan.supplies_of(row.key):
        shares[peg.kind] += peg.quantity
    known = bool(plan.supplies_of(row.key))
    return Promise(
        row.key,
        row.item,
        row.quantity,
        row.due,
        max(ready, row.due) if ready is not None and known else None,
        shares["on_hand"],
        shares["receipt"] + shares["firm"],
        shares["planned"] + shares["by_product"],
        feasible.chain(row.key),
        _missing(row.key, plan),
    )


def _missing(consumer: str, plan: Plan) -> tuple[str, ...]:
    """The items nothing covers below a consumer."""
    short = {row.consumer: row.item for row in plan.shortages}
    found, waiting, seen = set(), [consumer], {consumer}
    while waiting:
        current = waiting.pop()
        if current in short:
            found.add(short[current])
        below = [peg.supply for peg in plan.supplies_of(current) if peg.supply not in seen]
        seen.update(below)
        waiting += below
    return tuple(sorted(found))


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
