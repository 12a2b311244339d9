"""One planning run of the plain planner: what it has gathered so far, and how one item is planned.

`planning.mrp` states the rules; the compiled planner in `planning.kernels` is held equal to this one.
"""

from __future__ import annotations

from datetime import date
from operator import itemgetter
from typing import TYPE_CHECKING

from canonical.plan import INT64_MAX, Peg, PlanMessage, PlannedOrder, Shortage
from planning.intake import STOCK_ROOT
from planning.lot_sizing import MAX_LOTS
from planning.messages import late_order, supply_messages
from planning.netting import Keeping, Matching, Need, Supply, in_order
from planning.pegging import Ordering, distribute
from planning.preparation import earlier_pegs, safety_stock_key, sorted_plan
from planning.sourcing import Sourcing, shortest_lead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from canonical.plan import Plan, PlanItem, PlanSubstitute, ProblemKind, SupplyKind
    from planning.netting import Claim, Urgency
    from planning.pegging import Group
    from planning.preparation import Prepared

    Owner = Callable[[Need], str]


class PlanningRun:
    """What one planning run has gathered so far, by item."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.policies = prepared.snapshot.policies
        self.today = prepared.snapshot.as_of.toordinal()
        self.admitted = prepared.admitted
        self.rules = prepared.admitted.rules
        self.items = self.admitted.items
        self.explosion = prepared.explosion
        self.blocked = prepared.blocked
        self.documents = prepared.documents
        self.needs: dict[str, list[Need]] = {}
        self.supplies: dict[str, list[Supply]] = {}
        self.receipts = {row.key: row for row in self.admitted.receipts}
        self.prior = self._prior_claims()
        self.sourcing = Sourcing(self.today, self.policies, self.rules.work_days)
        self.of_root = roots_of_demands(prepared)
        self.dates: dict[int, date] = {}
        self.orders: list[PlannedOrder] = []
        self.made: dict[str, list[PlannedOrder]] = {}
        self.urgencies: dict[str, Urgency] = {}
        self.kept: set[str] = set()
        self.arrivals: dict[str, date] = {}
        self.pegs: list[Peg] = []
        self.shortages: list[Shortage] = []
        self.messages: list[PlanMessage] = []
        self._gather_supplies()
        self._gather_needs()

    # -- gathering ---------------------------------------------------------------------------------------------

    def _prior_claims(self) -> dict[str, dict[str, list[Claim]]]:
        claims: dict[str, dict[str, list[Claim]]] = {}
        for peg in earlier_pegs(self.prepared.snapshot):
            by_consumer = claims.setdefault(peg.item, {})
            by_consumer.setdefault(peg.consumer, []).append((peg.supply, peg.kind, peg.quantity))
        return claims

    def _gather_supplies(self) -> None:
        for stock in self.admitted.stock:
            on_hand = Supply(stock.key, "on_hand", self.today, stock.quantity, reserved_for=stock.reserved_for)
            self._supply(stock.item, on_hand)
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
            self._independent(row.item, row.quantity, row.due, (0, row.priority), root=row.root, consumer=row.key)
        for forecast in self.admitted.forecasts:
            urgency = 0, forecast.priority
            self._independent(forecast.item, forecast.quantity, forecast.due, urgency, root=None, consumer=forecast.key)
        for firm in self.admitted.firm_orders:
            lead = self.items[firm.item].lead_time_days or 0
            day = max(self.rules.days_of(firm.item).start(firm.due.toordinal(), lead), self.today)
            drawn: dict[str, int] = {}
            for component in firm.components:
                drawn[component.item] = drawn.get(component.item, 0) + component.quantity
            for code, quantity in drawn.items():
                if quantity:
                    self._need(
                        code, (0, 0), day=day, root=firm.root, consumer=firm.key, quantity=quantity, parent=firm.item
                    )
        tier = 1 if self.policies.safety_stock == "served_last" else -1
        for code, item in self.items.items():
            if item.safety_stock and item.sourcing != "phantom":
                self._need(
                    code,
                    (tier, 0),
                    day=self.today,
                    root=None,
                    consumer=safety_stock_key(code),
                    quantity=item.safety_stock,
                )

    def _independent(
        self, item: str, quantity: int, due: date, urgency: Urgency, *, root: str | None, consumer: str
    ) -> None:
        day = max(due.toordinal(), self.today)
        if self.items[item].sourcing == "phantom" and item not in self.blocked:
            self._draw(item, quantity, urgency, day=day, root=root, consumer=consumer, parent=None)
        else:
            self._need(item, urgency, day=day, root=root, consumer=consumer, quantity=quantity)

    def _need(
        self,
        item: str,
        urgency: Urgency,
        *,
        day: int,
        root: str | None,
        consumer: str,
        quantity: int,
        parent: str | None = None,
    ) -> None:
        day = max(day - self.items[item].safety_time_days, self.today)
        day -= (day - self.today) % self.policies.bucket_days
        self.needs.setdefault(item, []).append(Need(urgency, day, root, consumer, quantity, parent=parent))

    def _draw(
        self,
        made: str,
        quantity: int,
        urgency: Urgency,
        *,
        day: int,
        root: str | None,
        consumer: str,
        parent: str | None,
        only: str | None = None,
    ) -> None:
        """Add what `quantity` of the item made draws of each component, or of `only` one."""
        for code, numerator, denominator in self.explosion.components_on(made, day):
            if only is not None and code != only:
                continue
            required = -(-quantity * numerator // denominator)
            if required > INT64_MAX:
                self.admitted.name("overflow", code, consumer, f"required {required} exceeds 2**63-1; need left out")
                self.shortages.append(Shortage(consumer, root, code, INT64_MAX, "overflow"))
            else:
                self._need(code, urgency, day=day, root=root, consumer=consumer, quantity=required, parent=parent)

    # -- planning ----------------------------------------------------------------------------------------------

    def plan_item(self, code: str) -> None:
        """Net, size, offset and peg one item, then pass its orders' draws down."""
        needs, supplies = self.needs.pop(code, []), self.supplies.get(code, [])
        if not needs:
            return
        item = self.items[code]
        self._fill_up(item, needs, supplies)
        matching = Matching(needs, supplies)
        ordering = Ordering(code, self.rules.sizing_of(item), self._owner_of(item), apart=item.kept_apart)
        planned = matching.honour(self.prior.get(code, {}), self.documents)
        matching.reserve(traced=False)
        if code not in self.blocked:
            ordering.keep(matching.needs, planned)
        matching.reserve(traced=True)
        self._substitute(matching, item, before_own=True)
        self._allocate_free(matching, item)
        self._substitute(matching, item, before_own=False)
        if code in self.blocked:
            self._short(code, ((need, need.open) for need in matching.open_needs()), self.blocked[code])
        else:
            ordering.order(matching.open_needs())
        self._peg_existing(code, matching)
        self.made[code] = self._make_orders(item, ordering)

    def _fill_up(self, item: PlanItem, needs: list[Need], supplies: list[Supply]) -> None:
        """Raise the safety stock's need to the level the lot policy orders up to, where all supply is too little."""
        more = item.lot.order_up_to - item.safety_stock
        if more <= 0 or not item.safety_stock:
            return
        own = safety_stock_key(item.code)
        if sum(s.quantity for s in supplies) < sum(need.quantity for need in needs):
            for need in needs:
                if need.consumer == own and need.root is None:
                    need.quantity += more
                    need.open += more

    def _owner_of(self, item: PlanItem) -> Owner:
        if self.policies.order_grouping == "need_date" and not item.kept_apart:
            return _day_owner
        return _root_owner

    def _allocate_free(self, matching: Matching, item: PlanItem) -> None:
        earliest = self.rules.days_of(item.code).end(self.today, shortest_lead(item))
        when_new = max(earliest, self.today + item.frozen_days)
        matching.allocate(
            latest_first=self.policies.supply_order == "latest_first",
            late_until=None if self.policies.late_receipts == "never" else when_new,
            keeping=self._keeping(item),
        )

    def _keeping(self, item: PlanItem) -> Keeping:
        return Keeping(item.kept_apart, self.policies.reserved_surplus == "kept")

    def _substitute(self, matching: Matching, item: PlanItem, *, before_own: bool) -> None:
        rows = [row for row in self.rules.substitutes.get(item.code, ()) if row.before_own == before_own]
        if not rows:
            return
        latest = self.policies.supply_order == "latest_first"
        pools = {row.substitute: in_order(self.supplies.get(row.substitute, ()), latest_first=latest) for row in rows}
        for need in matching.open_needs():
            for row in rows:
                if need.open and self._allows(row, need):
                    keeping = self._keeping(self.items[row.substitute])
                    pool = (s for s in pools[row.substitute] if keeping.gives_to(s, need, apart=item.kept_apart))
                    matching.substitute(need, row, pool)

    def _allows(self, row: PlanSubstitute, need: Need) -> bool:
        if row.parent is not None and row.parent != need.parent:
            return False
        product, customer = self.of_root.get(need.root, (None, None))
        if row.product is not None and row.product != product:
            return False
        if row.customer is not None and row.customer != customer:
            return False
        first, until = row.effective_from, row.effective_until
        return (first is None or first.toordinal() <= need.day) and (until is None or need.day < until.toordinal())

    def _peg_existing(self, code: str, matching: Matching) -> None:
        merged: dict[tuple[str, SupplyKind, str, str | None, str], int] = {}
        own = [(code, *allocation) for allocation in matching.allocations]
        for item, supply, need, quantity in [*own, *matching.substituted]:
            key = (supply.key, supply.kind, need.consumer, need.root, item)
            merged[key] = merged.get(key, 0) + quantity
        self.pegs.extend(Peg(*key, merged[key]) for key in sorted(merged, key=itemgetter(0, 2, 4)))

    def _short(self, code: str, shares: Iterable[tuple[Need, int]], reason: ProblemKind) -> None:
        for need, quantity in shares:
            self.shortages.append(Shortage(need.consumer, need.root, code, quantity, reason))
            wanted = date.fromordinal(need.day)
            self.messages.append(PlanMessage("shortage", code, need.consumer, quantity, None, wanted))

    def _make_orders(self, item: PlanItem, ordering: Ordering) -> list[PlannedOrder]:
        made: list[PlannedOrder] = []
        for group in ordering.absurd(INT64_MAX, MAX_LOTS):
            self.admitted.name("overflow", item.code, group.base, f"order of {group.sized} left out")
            self._short(item.code, group.shares.items(), "overflow")
        for group, quantities in ordering.lots():
            made += self._orders_of(item, group, quantities, ordering)
        if made and item.sourcing == "make" and item.code not in self.explosion.components:
            self.admitted.name("no_bom", item.code, item.code, "planned without components")
        self.orders += made
        return made

    def _orders_of(self, item: PlanItem, group: Group, quantities: list[int], ordering: Ordering) -> list[PlannedOrder]:
        urgency = min(need.rank for need in group.shares)[:2]
        orders = []
        number = 0
        shared = distribute(group, quantities, ordering.owner_of)
        for quantity, shares in zip(quantities, shared, strict=True):
            number = self._next_number(group.base, number)
            pegged = sum([share for _, share in shares])
            scrap = ordering.sizing.started(quantity, group.day) - quantity if ordering.sizing.rates else 0
            key = f"{group.base}|{number}"
            order = self._planned_order(item, group, key, quantity=quantity, surplus=quantity - pegged, scrap=scrap)
            orders.append(order)
            for need, share in shares:
                self.pegs.append(Peg(order.key, "planned", need.consumer, need.root, item.code, share))
            self._pass_down(order, urgency)
            if order.late and urgency[0] == 0 and pegged:
                self.messages.append(late_order(order))
        return orders

    def _pass_down(self, order: PlannedOrder, urgency: Urgency) -> None:
        """What an order draws of its components, and what it yields beside its item."""
        self.urgencies[order.key] = urgency
        if order.sourcing != "buy":
            self._draw_of(order, urgency)
        self._yield(order)

    def _draw_of(self, order: PlannedOrder, urgency: Urgency, only: str | None = None) -> None:
        self._draw(
            order.item,
            order.started,
            urgency,
            day=order.start.toordinal(),
            root=order.root,
            consumer=order.key,
            parent=order.item,
            only=only,
        )

    def _yield(self, order: PlannedOrder) -> None:
        for row in self.rules.by_products.get(order.item, ()):
            quantity = order.started * row.numerator // row.denominator
            if 0 < quantity <= INT64_MAX:
                arising = len(self.supplies.get(row.item, ())) + 1
                day = order.expected.toordinal()
                self._supply(row.item, Supply(order.key, "by_product", day, quantity, arising=arising))

    def _next_number(self, base: str, number: int) -> int:
        number += 1
        while f"{base}|{number}" in self.documents:
            number += 1
        return number

    def _planned_order(
        self, item: PlanItem, group: Group, key: str, *, quantity: int, surplus: int, scrap: int
    ) -> PlannedOrder:
        days = self.rules.days_of(item.code)
        aim = max(group.day, self.today + item.frozen_days)
        supplier, lead = self.sourcing.source(item, aim, quantity + scrap)
        release = days.start(aim, lead)
        start = max(release, self.today)
        expected = aim if release == start else days.end(start, lead)
        return PlannedOrder(
            key,
            item.code,
            item.sourcing,
            quantity,
            surplus,
            due=self._date(group.day),
            release=self._date(release),
            start=self._date(start),
            expected=self._date(expected),
            late=expected > group.day,
            root=None if group.owner == STOCK_ROOT or self._owner_of(item) is _day_owner else group.owner,
            level=self.explosion.levels.get(item.code, 0),
            supplier=supplier,
            scrap=scrap,
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
        tolerance = self.policies.message_tolerance_days
        for code, supplies in self.supplies.items():
            if code in self.kept:
                continue
            made = self.made.get(code, [])
            self.messages.extend(supply_messages(code, supplies, self.receipts, made, tolerance))
            for supply in supplies:
                if supply.kind not in {"on_hand", "by_product"} and supply.free < supply.quantity:
                    self.arrivals[supply.key] = self._date(supply.available)
        return sorted_plan(
            self.prepared,
            orders=self.orders,
            pegs=self.pegs,
            shortages=self.shortages,
            messages=self.messages,
            availability=self.arrivals,
        )


def _root_owner(need: Need) -> str:
    return STOCK_ROOT if need.root is None else need.root


def _day_owner(need: Need) -> str:
    return date.fromordinal(need.day).isoformat()


def roots_of_demands(prepared: Prepared) -> dict[str | None, tuple[str, str | None]]:
    """Product and customer of each root, by its first demand; empty where no substitute asks for them."""
    asked = any(row.product or row.customer for rows in prepared.admitted.rules.substitutes.values() for row in rows)
    found: dict[str | None, tuple[str, str | None]] = {}
    for row in sorted(prepared.admitted.demands, key=lambda row: row.key) if asked else ():
        found.setdefault(row.root, (row.item, row.customer))
    return found
