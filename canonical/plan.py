"""The values exchanged with the planner: one frozen snapshot in, one plan out.

Quantities are ints in the item's own scale (`PlanItem.scale` scaled units make one stocking unit, by
default millionths), so 0.35 g of a material kept in kg stays exact. Dates are `datetime.date`, one bucket a day.
What the planner does with these values is specified in `planning.mrp`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from canonical.plan_rules import (
    DEFAULT_POLICIES,
    DEFAULT_SCALE,
    INT64_MAX,
    LOT_FOR_LOT,
    LotPolicy,
    LotRule,
    MessageKind,
    PlanCalendar,
    PlanPolicies,
    PlanSupplier,
    ProblemKind,
    ScrapRate,
    ScrapRule,
    Sourcing,
    SupplyKind,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One item as the planner sees it; `lead_time_days` None means the lead time is not known.

    Where a bought item has `suppliers`, their lead times count and its own does not. Lead times count the working
    days of `calendar` (None: every day). `safety_time_days` before it is needed, supply has to be there. No order is
    due in the first `frozen_days` days. Where make to order and make to stock are `kept_apart`, a sales order draws
    on what is reserved or planned for it, a stocking need on what is not, and no lot is shared.
    """

    code: str
    sourcing: Sourcing
    lead_time_days: int | None = 0
    safety_stock: int = 0
    lot: LotPolicy = LOT_FOR_LOT
    scale: int = DEFAULT_SCALE
    suppliers: tuple[PlanSupplier, ...] = ()
    calendar: str | None = None
    safety_time_days: int = 0
    frozen_days: int = 0
    scrap: tuple[ScrapRate, ...] = ()
    kept_apart: bool = False


@dataclass(frozen=True, slots=True)
class PlanOperation:
    """One step of making an item; what is lost in it, all lines of that step and of those before it must supply."""

    item: str
    sequence: int
    work_centre: str | None = None
    setup_minutes: Fraction = Fraction(0)
    run_minutes: Fraction = Fraction(0)
    scrap_ppm: int = 0


@dataclass(frozen=True, slots=True)
class PlanSubstitute:
    """What may stand in for an item that stock and receipts of its own do not cover: stock and receipts, no orders.

    One unit of `item` is replaced by `numerator / denominator` of `substitute`. Lower `priority` goes first;
    `before_own` takes it even before the item's own stock (use up the old part first). It holds for needs of `parent`,
    of sales orders for `product`, of `customer` (None: any), needed from `effective_from` until before
    `effective_until`.
    """

    item: str
    substitute: str
    numerator: int = 1
    denominator: int = 1
    priority: int = 0
    before_own: bool = False
    parent: str | None = None
    product: str | None = None
    customer: str | None = None
    effective_from: date | None = None
    effective_until: date | None = None


@dataclass(frozen=True, slots=True)
class PlanByProduct:
    """What an order of `parent` yields beside its own item: `numerator / denominator` per scaled unit started."""

    parent: str
    item: str
    numerator: int
    denominator: int = 1


@dataclass(frozen=True, slots=True)
class PlanBomLine:
    """`numerator / denominator` scaled component units per scaled parent unit; scrap in parts per million on top.

    The line counts for orders that start on `effective_from` or later, and before `effective_until` (None: no bound).
    `operation` is the step of the parent that draws it; what is lost in that step and later ones is drawn on top.
    """

    parent: str
    component: str
    numerator: int
    denominator: int = 1
    scrap_ppm: int = 0
    effective_from: date | None = None
    effective_until: date | None = None
    operation: int | None = None


@dataclass(frozen=True, slots=True)
class PlanDemand:
    """One independent demand; `root` is the sales order line it is pegged to, a lower `priority` is served first."""

    key: str
    item: str
    quantity: int
    due: date
    root: str
    priority: int = 0
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class PlanForecast:
    """What sales expect around a day; demands of the item consume it, the rest is planned for stock."""

    key: str
    item: str
    quantity: int
    due: date
    priority: int = 0


@dataclass(frozen=True, slots=True)
class PlanStock:
    """Stock on hand of one item, for the root in `reserved_for` first; negative stock counts as none and is named."""

    key: str
    item: str
    quantity: int
    reserved_for: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduledReceipt:
    """An open order of anyone (purchase order, work order) with its open quantity.

    `reserved_for` names the root it was ordered for. `origin` is our planned order key it came from, so that what
    was pegged to the planned order stays pegged to the document.
    """

    key: str
    item: str
    quantity: int
    available: date
    kind: str
    reserved_for: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class FirmComponent:
    """What a firm order still has to draw of one component."""

    item: str
    quantity: int


@dataclass(frozen=True, slots=True)
class FirmOrder:
    """A running order the plan may not change: supply of its open quantity, demand for what is still to issue."""

    key: str
    item: str
    quantity: int
    due: date
    sourcing: Sourcing
    root: str | None = None
    components: tuple[FirmComponent, ...] = ()


@dataclass(frozen=True, slots=True)
class Peg:
    """`quantity` of `item` from one supply to one consumer; `root` is the consumer's, None for stocking needs."""

    supply: str
    kind: SupplyKind
    consumer: str
    root: str | None
    item: str
    quantity: int


@dataclass(frozen=True, slots=True)
class PlanningSnapshot:
    """Everything one planning run knows; the order of the rows carries no meaning.

    `prior_pegs` are the previous plan's pegs, which this plan keeps where it can. `closed_orders` are planned order
    keys that became documents and are no longer open: their keys are never used again, and what was pegged to them
    is looked for on hand. `reservations` are pegs by hand or by another system, to a demand or order by its key: they
    come before the prior ones. `problems` were found while the picture was taken; the plan names them beside its own.
    """

    as_of: date
    items: tuple[PlanItem, ...] = ()
    bom: Sequence[PlanBomLine] = ()
    demands: tuple[PlanDemand, ...] = ()
    stock: tuple[PlanStock, ...] = ()
    receipts: tuple[ScheduledReceipt, ...] = ()
    firm_orders: tuple[FirmOrder, ...] = ()
    prior_pegs: tuple[Peg, ...] = ()
    closed_orders: frozenset[str] = frozenset()
    policies: PlanPolicies = DEFAULT_POLICIES
    forecasts: tuple[PlanForecast, ...] = ()
    calendars: tuple[PlanCalendar, ...] = ()
    operations: tuple[PlanOperation, ...] = ()
    substitutes: tuple[PlanSubstitute, ...] = ()
    by_products: tuple[PlanByProduct, ...] = ()
    reservations: tuple[Peg, ...] = ()
    problems: tuple[PlanProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order the plan proposes: `quantity` = pegged + `surplus`, all of it good.

    `due` is the day it is needed; `release` is that day (or the end of the item's frozen days, if later) minus the lead
    time and may lie in the past; then it starts on the planning day. `late` says that it is there, on `expected`, after
    it is due. `root` is the sales order line it was made for, None for stock. `supplier` is the one chosen, where the
    item names any. `scrap` is what has to be started or ordered on top, because it will be lost.
    """

    key: str
    item: str
    sourcing: Sourcing
    quantity: int
    surplus: int
    due: date
    release: date
    start: date
    expected: date
    late: bool
    root: str | None
    level: int
    supplier: str | None = None
    scrap: int = 0

    @property
    def started(self) -> int:
        """What is started, or ordered, so that `quantity` comes out good."""
        return self.quantity + self.scrap


@dataclass(frozen=True, slots=True)
class Shortage:
    """A need, or part of one, that nothing covers because its item could not be planned; `reason` is a problem kind."""

    consumer: str
    root: str | None
    item: str
    quantity: int
    reason: ProblemKind


@dataclass(frozen=True, slots=True)
class PlanMessage:
    """Advice to the planner about the supply, order or consumer `key`: from the date `current` to the date `wanted`."""

    kind: MessageKind
    item: str
    key: str
    quantity: int
    current: date | None
    wanted: date | None


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """Input the plan could not use as it stands; `detail` says what was done about it."""

    kind: ProblemKind
    item: str
    key: str
    detail: str


@dataclass(frozen=True, slots=True)
class SupplyShare:
    """What one supply gives to one kit line, and when it is there."""

    supply: str
    available: date
    quantity: int


@dataclass(frozen=True, slots=True)
class KitLine:
    """One component of an order: where its required quantity comes from; `short` comes from nowhere."""

    component: str
    required: int
    on_hand: int
    receipts: tuple[SupplyShare, ...]
    planned: tuple[SupplyShare, ...]
    short: int

    @property
    def complete(self) -> bool:
        """Whether all of it lies in stock now."""
        return self.on_hand == self.required

    @property
    def complete_by(self) -> date | None:
        """The day the last share arrives; None when all is in stock or some of it is short."""
        if self.short or self.complete:
            return None
        return max(share.available for share in (*self.receipts, *self.planned))


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcome of one planning run, in a fixed order whatever the order of the input.

    `availability` gives the day each scheduled receipt and firm order in use is there. Two plans are equal when their
    orders, pegs, shortages, messages and problems are.
    """

    planned_orders: tuple[PlannedOrder, ...] = ()
    pegs: tuple[Peg, ...] = ()
    shortages: tuple[Shortage, ...] = ()
    messages: tuple[PlanMessage, ...] = ()
    problems: tuple[PlanProblem, ...] = ()
    availability: dict[str, date] = field(default_factory=dict, hash=False)
    _orders: dict[str, PlannedOrder] = field(init=False, repr=False, compare=False, default_factory=dict)
    _by_supply: dict[str, list[Peg]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _by_consumer: dict[str, list[Peg]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _shortages: dict[str, list[Shortage]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def _indexed(self) -> tuple[dict[str, list[Peg]], dict[str, list[Peg]]]:
        """Pegs by supply and by consumer, built at the first question: plans that are only stored never pay for it."""
        if not self._by_supply:
            for peg in self.pegs:
                self._by_supply.setdefault(peg.supply, []).append(peg)
                self._by_consumer.setdefault(peg.consumer, []).append(peg)
        return self._by_supply, self._by_consumer

    def _orders_by_key(self) -> dict[str, PlannedOrder]:
        if not self._orders:
            self._orders.update((order.key, order) for order in self.planned_orders)
        return self._orders

    def order(self, key: str) -> PlannedOrder | None:
        """The planned order with this key, if the plan has one."""
        return self._orders_by_key().get(key)

    def consumers_of(self, supply: str) -> tuple[Peg, ...]:
        """The pegs that draw on a supply or planned order, one level up."""
        return tuple(self._indexed()[0].get(supply, ()))

    def supplies_of(self, consumer: str) -> tuple[Peg, ...]:
        """The pegs that feed a demand or an order, one level down."""
        return tuple(self._indexed()[1].get(consumer, ()))

    def roots_of(self, key: str) -> frozenset[str]:
        """Every root (sales order line) that a supply or order serves, through all levels."""
        by_supply = self._indexed()[0]
        seen, waiting, roots = {key}, [key], set()
        while waiting:
            for peg in by_supply.get(waiting.pop(), ()):
                if peg.consumer not in by_supply and peg.root is not None:
                    roots.add(peg.root)
                if peg.consumer not in seen:
                    seen.add(peg.consumer)
                    waiting.append(peg.consumer)
        return frozenset(roots)

    def kit(self, order_key: str) -> tuple[KitLine, ...]:
        """The kit check of a planned or firm order: one line per component, by component code."""
        pegs: dict[str, list[Peg]] = {}
        for peg in self._indexed()[1].get(order_key, ()):
            pegs.setdefault(peg.item, []).append(peg)
        short = self._short_of(order_key)
        return tuple(self._kit_line(code, pegs.get(code, []), short.get(code, 0)) for code in sorted({*pegs, *short}))

    def required(self, order_key: str) -> list[tuple[str, int]]:
        """What a planned or firm order takes of each component, by component code: `required` of its kit's lines."""
        found = self._short_of(order_key)
        for peg in self._indexed()[1].get(order_key, ()):
            found[peg.item] = found.get(peg.item, 0) + peg.quantity
        return sorted(found.items())

    def _short_of(self, consumer: str) -> dict[str, int]:
        """Item → what is short of it for a consumer."""
        if not self._shortages:
            for row in self.shortages:
                self._shortages.setdefault(row.consumer, []).append(row)
        found: dict[str, int] = {}
        for row in self._shortages.get(consumer, ()):
            found[row.item] = found.get(row.item, 0) + row.quantity
        return found

    def _kit_line(self, component: str, pegs: list[Peg], short: int) -> KitLine:
        orders = self._orders_by_key()
        shares = [SupplyShare(peg.supply, self._available(peg), peg.quantity) for peg in pegs if peg.kind != "on_hand"]
        planned = tuple(share for share in shares if share.supply in orders)
        receipts = tuple(share for share in shares if share.supply not in orders)
        on_hand = sum(peg.quantity for peg in pegs if peg.kind == "on_hand")
        return KitLine(component, sum(peg.quantity for peg in pegs) + short, on_hand, receipts, planned, short)

    def _available(self, peg: Peg) -> date:
        order = self._orders_by_key().get(peg.supply)
        return order.expected if order else self.availability[peg.supply]


__all__ = [
    "DEFAULT_POLICIES",
    "DEFAULT_SCALE",
    "INT64_MAX",
    "LOT_FOR_LOT",
    "FirmComponent",
    "FirmOrder",
    "KitLine",
    "LotPolicy",
    "LotRule",
    "MessageKind",
    "Peg",
    "Plan",
    "PlanBomLine",
    "PlanByProduct",
    "PlanCalendar",
    "PlanDemand",
    "PlanForecast",
    "PlanItem",
    "PlanMessage",
    "PlanOperation",
    "PlanPolicies",
    "PlanProblem",
    "PlanStock",
    "PlanSubstitute",
    "PlanSupplier",
    "PlannedOrder",
    "PlanningSnapshot",
    "ProblemKind",
    "ScheduledReceipt",
    "ScrapRate",
    "ScrapRule",
    "Shortage",
    "Sourcing",
    "SupplyKind",
    "SupplyShare",
]
