"""Material requirements planning over one frozen snapshot: the one entry is `plan`.

The rules, exactly:

1. Items are planned level by level (low-level code, then code). The needs of an item are its independent demands,
   what planned and firm orders of its parents draw (on the day the parent starts; a firm order on its due day less
   its item's lead time), and its safety stock (due on the planning day, consumer `safety_stock|ITEM`, no root). Days
   before the planning day count as the planning day. Needs are served by (priority, day, root, consumer); a
   dependent need has the priority of the most urgent need its parent order serves. Safety stock, and what is made
   for it, comes last (`served_last`) or first (`served_first`).
2. Supply is given in this order: prior pegs on supplies that still exist, whatever their date; prior pegs on orders
   that have arrived in whole or part meanwhile, from stock; receipts reserved for a root, to its needs; prior pegs on
   planned orders; what documents of our own planned orders have over, to their root's needs; free stock and receipts
   that are there by the need's day (`supply_order`, `late_receipts`); lots planned already, where they are due in
   time; a new planned order.
3. There is one planned order per root and item over all its paths (root None: `stock`), due on the earliest day any
   of its needs has, keyed `ITEM|ROOT|n`. `n` counts the parts of a lot split at its maximum and skips keys that have
   become documents. The quantity is the lot size of all that is pegged to it. An order whose own root needs nothing
   any more stays under its key while others are pegged to it.
4. An order is released on its due day less the lead time: the item's, or where a bought item names suppliers, that of
   the one with the lowest priority who delivers in time, else of the fastest. If that is past, it is late and starts on
   the planning day. Phantoms are blown through; a demand for a phantom is a demand for its components. Bought items
   need no components. A dated BOM line counts where the order's start (a phantom demand's due day) lies within its
   dates.
5. Component quantities are rounded up to a whole scaled unit, once per order and component.
6. Pegs sum to what is used of each supply; an order's quantity is its pegs plus its surplus.

From this follow three laws. The order of input rows changes nothing. Planning again with unchanged input and the pegs
of the last plan gives the same plan. Changing one root's demand changes only orders made for that root or pegged to it,
through any levels, in the old or the new plan (and, where it gives back a receipt reserved for another root, that
root's); the parts of a lot split at its maximum count as one order here. So planned orders keep their pegs even where
stock becomes free, which a `use_stock` message reports. Who passes no prior pegs gets a fresh plan.
"""

from __future__ import annotations

from datetime import date
from operator import itemgetter
from typing import TYPE_CHECKING

from canonical.plan import (
    INT64_MAX,
    Peg,
    PlanMessage,
    PlannedOrder,
    Shortage,
)
from planning.intake import STOCK_ROOT
from planning.lot_sizing import MAX_LOTS, lot_bounds
from planning.messages import late_order, supply_messages
from planning.netting import Matching, Need, Supply
from planning.pegging import Group, Ordering, distribute, order_base
from planning.preparation import collection_paused, prepare, safety_stock_key, sorted_pegs, sorted_plan
from planning.sourcing import shortest_lead, source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from canonical.plan import Plan, PlanItem, PlanningSnapshot, ProblemKind, SupplyKind
    from planning.netting import Claim, Urgency
    from planning.preparation import Prepared
COMPILED_FROM = 50_000
"""Rows from which the compiled planner is worth the second or two that loading it takes in a new process."""


def plan(snapshot: PlanningSnapshot) -> Plan:
    """Plan every item of the snapshot; never raises for bad rows, which come back as `Plan.problems`.

    Large snapshots go to the compiled planner where it covers them; the plan is the same.
    """
    with collection_paused():
        prepared = prepare(snapshot)
        if rows_of(snapshot) >= COMPILED_FROM:
            return _compiled_or_plain(prepared)
        return plan_plainly(prepared)


def rows_of(snapshot: PlanningSnapshot) -> int:
    """How much there is to plan, before it is known what comes of it."""
    return len(snapshot.bom) + len(snapshot.demands) + len(snapshot.receipts) + len(snapshot.prior_pegs)


def _compiled_or_plain(prepared: Prepared) -> Plan:
    from planning.encoding import NotCovered  # noqa: PLC0415 - numpy and numba take their time to import
    from planning.fast import plan_compiled  # noqa: PLC0415

    try:
        return plan_compiled(prepared)
    except NotCovered:
        return plan_plainly(prepared)


def plan_plainly(prepared: Prepared) -> Plan:
    """The plain planner: what the compiled one is held against, and what plans where that one does not cover a case."""
    run = _Run(prepared)
    for code in prepared.sequence():
        run.plan_item(code)
    return run.outcome()


class _Run:
    """What one planning run has gathered so far, by item."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.policies = prepared.snapshot.policies
        self.today = prepared.snapshot.as_of.toordinal()
        self.admitted = prepared.admitted
        self.items = self.admitted.items
        self.explosion = prepared.explosion
        self.blocked = prepared.blocked
        self.documents = prepared.documents
        self.needs: dict[str, list[Need]] = {}
        self.supplies: dict[str, list[Supply]] = {}
        self.receipts = {row.key: row for row in self.admitted.receipts}
        self.prior = self._prior_claims()
        self.dates: dict[int, date] = {}
        self.orders: list[PlannedOrder] = []
        self.pegs: list[Peg] = []
        self.shortages: list[Shortage] = []
        self.messages: list[PlanMessage] = []
        self._gather_supplies()
        self._gather_needs()

    # -- gathering ---------------------------------------------------------------------------------------------

    def _prior_claims(self) -> dict[str, dict[str, list[Claim]]]:
        claims: dict[str, dict[str, list[Claim]]] = {}
        for peg in sorted_pegs(self.prepared.snapshot.prior_pegs):
            by_consumer = claims.setdefault(peg.item, {})
            by_consumer.setdefault(peg.consumer, []).append((peg.supply, peg.kind, peg.quantity))
        return claims

    def _gather_supplies(self) -> None:
        for stock in self.admitted.stock:
            self._supply(stock.item, Supply(stock.key, "on_hand", self.today, stock.quantity))
        for row in self.admitted.receipts:
            day = max(row.available.toordinal(), self.today)
            supply = Supply(row.key, "receipt", day, row.quantity, reserved_for=row.reserved_for, origin=row.origin)
            self._supply(row.item, supply)
        for firm in self.admitted.firm_orders:
            day = max(firm.due.toordinal(), self.today)
            self._supply(firm.item, Supply(firm.key, "firm", day, firm.quantity, reserved_for=firm.root))

    def _supply(self, item: str, supply: Supply) -> None:
        self.supplies.setdefault(item, []).append(supply)

    def _gather_needs(self) -> None:
        for row in self.admitted.demands:
            day = max(row.due.toordinal(), self.today)
            if self.items[row.item].sourcing == "phantom" and row.item not in self.blocked:
                self._draw(row.item, row.quantity, (0, row.priority), day=day, root=row.root, consumer=row.key)
            else:
                self._need(row.item, Need((0, row.priority), day, row.root, row.key, row.quantity))
        for firm in self.admitted.firm_orders:
            day = max(firm.due.toordinal() - (self.items[firm.item].lead_time_days or 0), self.today)
            drawn: dict[str, int] = {}
            for component in firm.components:
                drawn[component.item] = drawn.get(component.item, 0) + component.quantity
            for code, quantity in drawn.items():
                if quantity:
                    self._need(code, Need((0, 0), day, firm.root, firm.key, quantity))
        tier = 1 if self.policies.safety_stock == "served_last" else -1
        for code, item in self.items.items():
            if item.safety_stock and item.sourcing != "phantom":
                self._need(code, Need((tier, 0), self.today, None, safety_stock_key(code), item.safety_stock))

    def _need(self, item: str, need: Need) -> None:
        self.needs.setdefault(item, []).append(need)

    def _draw(self, parent: str, quantity: int, urgency: Urgency, *, day: int, root: str | None, consumer: str) -> None:
        """Add what `quantity` of the parent draws of each component."""
        for code, numerator, denominator in self.explosion.components_on(parent, day):
            required = -(-quantity * numerator // denominator)
            if required > INT64_MAX:
                self.admitted.name("overflow", code, consumer, f"required {required} exceeds 2**63-1; need left out")
                self.shortages.append(Shortage(consumer, root, code, INT64_MAX, "overflow"))
            else:
                self._need(code, Need(urgency, day, root, consumer, required))

    # -- planning ----------------------------------------------------------------------------------------------

    def plan_item(self, code: str) -> None:
        """Net, size, offset and peg one item, then pass its orders' draws down."""
        needs, supplies = self.needs.pop(code, []), self.supplies.get(code, [])
        if not needs and not supplies:
            return
        item = self.items[code]
        matching = Matching(needs, supplies)
        ordering = Ordering(code, item.lot, self._owner_of)
        planned = matching.honour(self.prior.get(code, {}), self.documents)
        matching.reserve(traced=False)
        if code not in self.blocked:
            ordering.keep(matching.needs, planned)
        matching.reserve(traced=True)
        self._allocate_free(matching, item)
        if code in self.blocked:
            self._short(code, ((need, need.open) for need in matching.open_needs()), self.blocked[code])
        else:
            ordering.order(matching.open_needs())
        self._peg_existing(code, matching)
        made = self._make_orders(item, ordering)
        self.messages.extend(supply_messages(code, matching, self.receipts, made, self.policies.message_tolerance_days))

    def _owner_of(self, need: Need) -> str:
        if self.policies.order_grouping == "need_date":
            return date.fromordinal(need.day).isoformat()
        return STOCK_ROOT if need.root is None else need.root

    def _allocate_free(self, matching: Matching, item: PlanItem) -> None:
        when_new = self.today + shortest_lead(item)
        matching.allocate(
            latest_first=self.policies.supply_order == "latest_first",
            late_until=None if self.policies.late_receipts == "never" else when_new,
        )

    def _peg_existing(self, code: str, matching: Matching) -> None:
        merged: dict[tuple[str, SupplyKind, str, str | None], int] = {}
        for supply, need, quantity in matching.allocations:
            key = (supply.key, supply.kind, need.consumer, need.root)
            merged[key] = merged.get(key, 0) + quantity
        self.pegs.extend(Peg(*key, code, merged[key]) for key in sorted(merged, key=itemgetter(0, 2)))

    def _short(self, code: str, shares: Iterable[tuple[Need, int]], reason: ProblemKind) -> None:
        for need, quantity in shares:
            self.shortages.append(Shortage(need.consumer, need.root, code, quantity, reason))
            wanted = date.fromordinal(need.day)
            self.messages.append(PlanMessage("shortage", code, need.consumer, quantity, None, wanted))

    def _make_orders(self, item: PlanItem, ordering: Ordering) -> list[PlannedOrder]:
        made: list[PlannedOrder] = []
        largest = lot_bounds(item.lot)[1]
        for group in ordering.absurd(INT64_MAX, MAX_LOTS * largest):
            self.admitted.name("overflow", item.code, group.base, f"order of {group.sized} left out")
            self._short(item.code, group.shares.items(), "overflow")
        for group, quantities in ordering.lots():
            made += self._orders_of(item, group, quantities)
        if made and item.sourcing == "make" and item.code not in self.explosion.components:
            self.admitted.name("no_bom", item.code, item.code, "planned without components")
        self.orders += made
        return made

    def _orders_of(self, item: PlanItem, group: Group, quantities: list[int]) -> list[PlannedOrder]:
        urgency = min(need.rank for need in group.shares)[:2]
        orders = []
        number = 0
        for quantity, shares in zip(quantities, distribute(group, quantities, self._owner_of), strict=True):
            number = self._next_number(group.base, number)
            pegged = sum([share for _, share in shares])
            order = self._planned_order(item, group, f"{group.base}|{number}", quantity, quantity - pegged)
            orders.append(order)
            for need, share in shares:
                self.pegs.append(Peg(order.key, "planned", need.consumer, need.root, item.code, share))
            if item.sourcing != "buy":
                start = order.start.toordinal()
                self._draw(item.code, quantity, urgency, day=start, root=order.root, consumer=order.key)
            if order.late and urgency[0] == 0 and pegged:
                self.messages.append(late_order(order))
        return orders

    def _next_number(self, base: str, number: int) -> int:
        number += 1
        while f"{base}|{number}" in self.documents:
            number += 1
        return number

    def _planned_order(self, item: PlanItem, group: Group, key: str, quantity: int, surplus: int) -> PlannedOrder:
        supplier, lead = source(item, group.day - self.today)
        release = group.day - lead
        start = max(release, self.today)
        return PlannedOrder(
            key,
            item.code,
            item.sourcing,
            quantity,
            surplus,
            due=self._date(group.day),
            release=self._date(release),
            start=self._date(start),
            expected=self._date(start + lead),
            late=release < start,
            root=None if group.owner == STOCK_ROOT else group.owner,
            level=self.explosion.levels.get(item.code, 0),
            supplier=supplier,
        )

    def _date(self, day: int) -> date:
        """The date of a day ordinal; a run meets few days and many orders, so they are shared."""
        found = self.dates.get(day)
        if found is None:
            found = self.dates[day] = date.fromordinal(day)
        return found

    # -- outcome -----------------------------------------------------------------------------------------------

    def outcome(self) -> Plan:
        """The plan, with the day each supply in use arrives."""
        arrivals = {
            supply.key: self._date(supply.available)
            for supplies in self.supplies.values()
            for supply in supplies
            if supply.kind != "on_hand" and supply.free < supply.quantity
        }
        return sorted_plan(
            self.prepared,
            orders=self.orders,
            pegs=self.pegs,
            shortages=self.shortages,
            messages=self.messages,
            availability=arrivals,
        )


__all__ = ["order_base", "plan", "plan_plainly", "safety_stock_key"]
