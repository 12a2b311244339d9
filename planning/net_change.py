"""Net change: plans only what a change reaches, and gives the very plan that planning everything again would give.

An item is planned again where its own demands, forecasts, supplies or reservations changed, or where the orders of
something that draws on it did; every other item keeps its orders and pegs. Items with substitutes, and what stands in
for them, are always planned again, for what substitutes give is decided anew each time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from canonical.plan import FirmOrder
from planning.mrp import plan
from planning.preparation import collection_paused, order_prefix, prepare, safety_stock_key
from planning.run import PlanningRun

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from canonical.plan import (
        Peg,
        Plan,
        PlanDemand,
        PlanForecast,
        PlanMessage,
        PlannedOrder,
        PlanningSnapshot,
        PlanProblem,
        PlanStock,
        ScheduledReceipt,
        Shortage,
    )
    from planning.netting import Urgency
    from planning.preparation import Prepared

    Row = PlanDemand | PlanForecast | PlanStock | ScheduledReceipt | FirmOrder

FOUND_WHILE_PLANNING = frozenset({"overflow", "no_bom"})
CHANGING = ("demands", "forecasts", "stock", "receipts", "firm_orders", "reservations", "prior_pegs", "closed_orders")


def replan(previous: Plan, before: PlanningSnapshot, after: PlanningSnapshot) -> Plan:
    """The plan of `after` that keeps the pegs of `previous`, which is the plan of `before`.

    Equal to `plan(replace(after, prior_pegs=previous.pegs))`, which it falls back to where more changed than demands,
    forecasts, stock, receipts, firm orders, reservations and closed orders.
    """
    snapshot = replace(after, prior_pegs=previous.pegs)
    same: dict[str, Any] = {name: getattr(before, name) for name in CHANGING}
    if replace(after, **same) != before:
        return plan(snapshot)
    with collection_paused():
        run = _NetChange(prepare(snapshot), previous, before)
        for code in run.prepared.sequence():
            run.plan_or_keep(code)
        return run.outcome()


def changed_items(before: PlanningSnapshot, after: PlanningSnapshot, prepared: Prepared) -> set[str]:
    """The items whose own rows differ; for a phantom what it is made of."""
    old, new = set(_rows(before)), set(_rows(after))
    keys = {row.key for row in old ^ new}
    found = {peg.item for peg in set(before.reservations) ^ set(after.reservations)}
    for row in (*_rows(before), *_rows(after)):
        if row.key in keys:  # of rows with one key only one is used, and another one may be now
            found.add(row.item)
            if isinstance(row, FirmOrder):
                found.update(component.item for component in row.components)
    found |= _renamed(_documents(before) ^ _documents(after), prepared)
    below = {code for item in found for code, _, _ in prepared.explosion.components.get(item, ())}
    phantoms = {item for item in found if (known := prepared.admitted.items.get(item)) and known.sourcing == "phantom"}
    return found | below if phantoms else found


def _rows(snapshot: PlanningSnapshot) -> list[Row]:
    return [*snapshot.demands, *snapshot.forecasts, *snapshot.stock, *snapshot.receipts, *snapshot.firm_orders]


def _documents(snapshot: PlanningSnapshot) -> set[str]:
    origins = {row.origin for row in snapshot.receipts if row.origin is not None}
    keys = {row.key for row in snapshot.receipts} | {row.key for row in snapshot.firm_orders}
    return origins | keys | snapshot.closed_orders


def _renamed(keys: set[str], prepared: Prepared) -> set[str]:
    """The items among whose planned order keys these are."""
    prefixes = {key.partition("|")[0] + "|" for key in keys}
    return {code for code in prepared.admitted.items if order_prefix(code) in prefixes} if keys else set()


class _NetChange(PlanningRun):
    """A planning run that keeps what no change reaches."""

    def __init__(self, prepared: Prepared, previous: Plan, before: PlanningSnapshot) -> None:
        super().__init__(prepared)
        self.previous = previous
        self.dirty = changed_items(before, prepared.snapshot, prepared)
        for rows in self.rules.substitutes.values():
            self.dirty.update(code for row in rows for code in (row.item, row.substitute))
        self.old_orders: dict[str, list[PlannedOrder]] = _by_item(previous.planned_orders)
        self.old_pegs: dict[str, list[Peg]] = _by_item(previous.pegs)
        self.old_shortages: dict[str, list[Shortage]] = _by_item(previous.shortages)
        self.old_problems: dict[str, list[PlanProblem]] = _by_item(
            row for row in previous.problems if row.kind in FOUND_WHILE_PLANNING
        )
        self.priorities = {row.key: row.priority for row in before.demands}
        self.priorities |= {row.key: row.priority for row in before.forecasts}
        self.safety = {safety_stock_key(code) for code in self.items}
        self.known: dict[str, Urgency] = {}
        self.old_messages: dict[str, list[PlanMessage]] = _by_item(
            row for row in previous.messages if row.kind != "release"
        )
        self.parents: dict[str, list[str]] = defaultdict(list)
        for parent in prepared.sequence():
            for code, _, _ in self.explosion.components.get(parent, ()):
                self.parents[code].append(parent)

    def plan_or_keep(self, code: str) -> None:
        """Plan the item where a change reaches it, else keep what it had."""
        if code not in self.dirty:
            self._keep(code)
            return
        for parent in self.parents.get(code, ()):
            if parent in self.kept:
                for order in self.old_orders.get(parent, ()):
                    self._pull(order, code)
        self.plan_item(code)
        made, old = self.made.get(code, []), self.old_orders.get(code, [])
        if made != old or any(self.urgencies[order.key] != self.urgency(order.key) for order in made):
            self.dirty.update(below for below, _, _ in self.explosion.components.get(code, ()))
            self.dirty.update(row.item for row in self.rules.by_products.get(code, ()))

    def _keep(self, code: str) -> None:
        self.kept.add(code)
        self.needs.pop(code, None)
        self.orders += self.old_orders.get(code, ())
        self.pegs += self.old_pegs.get(code, ())
        self.shortages += self.old_shortages.get(code, ())
        self.messages += self.old_messages.get(code, ())
        for supply in self.supplies.get(code, ()):
            if supply.key in self.previous.availability:
                self.arrivals[supply.key] = self.previous.availability[supply.key]
        self.admitted.problems += self.old_problems.get(code, ())
        for order in self.old_orders.get(code, ()) if code in self.rules.by_products else ():
            self._yield(order)

    def _pull(self, order: PlannedOrder, component: str) -> None:
        """What an order that stays draws of a component that is planned again."""
        if order.sourcing != "buy":
            self._draw_of(order, self.urgency(order.key), only=component)

    def urgency(self, key: str) -> Urgency:
        """The urgency a planned order had: that of the most urgent need it served, through all levels."""
        waiting = [key]
        while waiting:
            current = waiting[-1]
            consumers = [peg.consumer for peg in self.previous.consumers_of(current) if peg.kind == "planned"]
            open_ones = [one for one in consumers if one not in self.known and not self._is_fixed(one)]
            if open_ones:
                waiting += open_ones
                continue
            self.known[current] = min(self._urgency_of(one) for one in consumers) if consumers else (9, 0)
            waiting.pop()
        return self.known[key]

    def _is_fixed(self, consumer: str) -> bool:
        return self.previous.order(consumer) is None

    def _urgency_of(self, consumer: str) -> Urgency:
        if not self._is_fixed(consumer):
            return self.known[consumer]
        if consumer in self.safety and consumer not in self.priorities:
            return (1 if self.policies.safety_stock == "served_last" else -1, 0)
        return 0, self.priorities.get(consumer, 0)


def _by_item(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.item].append(row)
    return found
