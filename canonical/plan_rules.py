"""What governs a plan: lot rules, suppliers, scrap, calendars, and each convention that differs between vendors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

INT64_MAX = 2**63 - 1
DEFAULT_SCALE = 1_000_000

Sourcing = Literal["make", "buy", "subcontract", "transfer", "phantom"]
LotRule = Literal["lot_for_lot", "fixed", "period"]
ScrapRule = Literal["multiply", "divide", "add_percent_round_up", "sqrt"]
SupplyKind = Literal["on_hand", "receipt", "firm", "planned", "by_product"]
MessageKind = Literal["expedite", "defer", "cancel", "shortage", "use_stock", "release"]
ProblemKind = Literal[
    "bom_cycle",
    "unknown_item",
    "duplicate_key",
    "absurd_quantity",
    "negative_stock",
    "bad_lead_time",
    "bad_lot_policy",
    "bad_bom_line",
    "no_bom",
    "phantom_stock",
    "overflow",
    "reserved_root",
    "bad_calendar",
    "bad_scrap",
    "bad_substitute",
    "bad_by_product",
    "bad_price",
]


@dataclass(frozen=True, slots=True)
class LotPolicy:
    """How a net requirement becomes an order quantity; quantities in the item's scale, 0 means "none".

    `lot_for_lot` orders the net requirement, `fixed` whole multiples of `fixed` (a multiple of the EOQ is
    `lot_for_lot` with `multiple`), `period` the requirements of `period_days` days in one order. `minimum` and
    `multiple` raise the quantity, `maximum` splits it into several orders. Where stock and receipts less all needs
    fall below the safety stock, stock is filled up to `order_up_to` instead of to the safety stock.
    """

    rule: LotRule = "lot_for_lot"
    minimum: int = 0
    multiple: int = 0
    maximum: int = 0
    fixed: int = 0
    period_days: int = 0
    order_up_to: int = 0


LOT_FOR_LOT = LotPolicy()


@dataclass(frozen=True, slots=True)
class PlanSupplier:
    """Who can deliver an item, and how fast; `PlanPolicies.supplier_choice` says which of the others decides.

    `quota` is the share of what is ordered, in any unit; `allocated` what he has had of it already. `price` is per
    scaled unit in any currency that all suppliers of the item share.
    """

    name: str
    lead_time_days: int
    priority: int = 0
    quota: int = 0
    allocated: int = 0
    price: int = 0


@dataclass(frozen=True, slots=True)
class ScrapRate:
    """Parts per million of an order's output that are expected to be lost, for orders due on this day or later."""

    ppm: int
    effective_from: date | None = None


@dataclass(frozen=True, slots=True)
class PlanCalendar:
    """Working days: a weekly pattern (Monday first) and the days that differ from it."""

    name: str
    weekdays: tuple[bool, ...] = (True, True, True, True, True, False, False)
    exceptions: tuple[tuple[date, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class PlanPolicies:
    """The conventions that differ between vendors, each by name.

    safety_stock   served_last: orders may draw on it and it is replenished at once; served_first: the classical table
    supply_order   latest_first: a need takes the latest supply that is in time; earliest_first: stock before receipts
    late_receipts  never: plan a new order, say expedite; when_not_later_than_new: take it if ordering is no faster
    order_grouping root: one planned order per root and item; need_date: one per date and item, whoever needs it
                   (items kept apart have one per root in any case)
    message_tolerance_days  dates that differ by no more than this raise no expedite or defer message
    release_horizon_days    orders to be released within so many days raise a release message (None: none does)
    safety_time    due_earlier: supply has to be there so much earlier; longer_lead: orders are released so much earlier
    assembly_scrap how an order's scrap rate raises what is started, see `ScrapRule` in planning.lot_sizing
    component_scrap        multiply: a line's scrap comes on top; divide: what is drawn less its scrap is what is needed
    reserved_surplus       free: what a reservation leaves over serves anyone; kept: it waits for its root
    supplier_choice        of the suppliers who deliver in time the one with the lowest priority, or price, or the
                           one who has had least of his quota; where none does, the fastest
    forecast_backward_days, forecast_forward_days  how far from its day a demand consumes forecasts, earlier ones first
    bucket_days    needs within so many days, counted from the planning day, are due on the first of them; 1: each day
    """

    safety_stock: Literal["served_last", "served_first"] = "served_last"
    supply_order: Literal["latest_first", "earliest_first"] = "latest_first"
    late_receipts: Literal["never", "when_not_later_than_new"] = "never"
    order_grouping: Literal["root", "need_date"] = "root"
    message_tolerance_days: int = 0
    release_horizon_days: int | None = None
    safety_time: Literal["due_earlier", "longer_lead"] = "due_earlier"
    assembly_scrap: ScrapRule = "divide"
    component_scrap: Literal["multiply", "divide"] = "multiply"
    reserved_surplus: Literal["free", "kept"] = "free"
    supplier_choice: Literal["priority", "price", "quota"] = "priority"
    forecast_backward_days: int = 0
    forecast_forward_days: int = 0
    bucket_days: int = 1


DEFAULT_POLICIES = PlanPolicies()
