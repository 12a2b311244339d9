"""What the rules decide over: facts derived from golden records and the plan, one row per key.

A fact is compared with the one last decided under its key; rules react to the difference. Facts are
entities too, so the same models give frame schemas and the typed symbols of rule conditions.
Quantities are in stocking units; `kit` and `lines` are JSON text.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from canonical.base import Entity, JsonText, json_fields
from canonical.floor_facts import FLOOR_FACTS
from canonical.items import Sourcing
from canonical.master_facts import MASTER_FACTS
from canonical.order_facts import ORDER_FACTS
from canonical.supply_facts import SUPPLY_FACTS

__all__ = ["FACTS", "JsonText", "json_fields"]


class PlannedOrderFact(Entity):
    """A planned order inside its item's release fence: make, buy, subcontract or transfer `quantity` of `item`."""

    entity: ClassVar[str] = "planned_order"
    key: ClassVar[tuple[str, ...]] = ("reference",)

    reference: str
    item: str
    sourcing: Sourcing
    quantity: Decimal
    """What is started, or ordered."""
    good: Decimal | None = None
    """What of it is expected to come out good; empty where that is all."""
    start: date
    due: date
    supplier: str | None = None
    sales_order: str | None = None
    priority: int
    kit: Annotated[str, JsonText()]
    from_warehouse: str | None = None
    to_warehouse: str | None = None
    """Of a transfer, between which warehouses."""
    by_hand: bool | None = None
    """Whether it is a transfer that no connected system takes: somebody has to see to it."""


class ShipmentNeed(Entity):
    """A sales order line that available finished stock covers in full."""

    entity: ClassVar[str] = "shipment_need"
    key: ClassVar[tuple[str, ...]] = ("reference",)

    reference: str
    sales_order: str
    line: str
    item: str
    quantity: Decimal
    due: date
    customer: str | None = None
    priority: int
    lines: Annotated[str, JsonText()]


class OrderProgress(Entity):
    """How far a sales order is."""

    entity: ClassVar[str] = "order_progress"
    key: ClassVar[tuple[str, ...]] = ("sales_order",)

    sales_order: str
    stage: Literal["received", "held", "planned", "in_production", "ready", "shipping", "shipped", "cancelled"]
    percent: int
    promised: date | None = None
    note: str | None = None


class ProductionFeedback(Entity):
    """A report of the shop floor on a work order, with what inspection found."""

    entity: ClassVar[str] = "production_feedback"
    key: ClassVar[tuple[str, ...]] = ("report",)

    report: str
    work_order: str
    item: str
    good: Decimal
    scrapped: Decimal
    reported_at: datetime
    warehouse: str
    sales_order: str | None = None


class FailedInspection(Entity):
    """An inspection that found bad parts, with the operation they come from."""

    entity: ClassVar[str] = "failed_inspection"
    key: ClassVar[tuple[str, ...]] = ("inspection",)

    inspection: str
    reference: str | None = None
    """Our reference for the rework order."""
    work_order: str
    item: str | None = None
    failed: Decimal
    report: str | None = None
    rejected: Decimal | None = None
    """Of the failed pieces those that were booked as scrap, once each: what a rework order brings back."""
    start: date | None = None
    due: date | None = None
    """When the rework may begin and has to be done: the day its work order is due, if that is not over."""
    sequence: int | None = None
    work_centre: str | None = None
    """Who owns the operation: the place where it was done."""
    reason: str | None = None
    sales_order: str | None = None


class UrgentWork(Entity):
    """An open work order pegged to an order that sales marked urgent."""

    entity: ClassVar[str] = "urgent_work"
    key: ClassVar[tuple[str, ...]] = ("reference",)

    reference: str
    sales_order: str
    work_order: str


class UrgentOrder(Entity):
    """An open sales order that sales marked urgent."""

    entity: ClassVar[str] = "urgent_order"
    key: ClassVar[tuple[str, ...]] = ("sales_order",)

    sales_order: str
    customer: str | None = None
    due: date
    shipping: bool


_OWN: tuple[type[Entity], ...] = (
    PlannedOrderFact,
    ShipmentNeed,
    OrderProgress,
    ProductionFeedback,
    FailedInspection,
    UrgentWork,
    UrgentOrder,
)
FACTS: dict[str, type[Entity]] = {
    model.entity: model for model in (*_OWN, *ORDER_FACTS, *SUPPLY_FACTS, *FLOOR_FACTS, *MASTER_FACTS)
}
"""Every fact by name."""
