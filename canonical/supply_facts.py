"""Facts about supply that people react to: too little, too late, unanswered, or no longer wanted.

Quantities are in stocking units.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from canonical.base import Entity, JsonText
from canonical.items import Sourcing


class LowStock(Entity):
    """An item whose available stock and what is on its way stay below its safety stock."""

    entity: ClassVar[str] = "low_stock"
    key: ClassVar[tuple[str, ...]] = ("item",)

    item: str
    sourcing: Sourcing
    on_hand: Decimal
    """Everything that lies there, blocked and under inspection included."""
    available: Decimal
    in_transit: Decimal
    """Ordered, requested, being made, or received and not yet on the shelf."""
    safety_stock: Decimal
    proposed: Decimal
    """How much to order so that the safety stock is there, in the item's lots."""
    supplier: str | None = None


class ShortageFact(Entity):
    """A bought or subcontracted item that comes too late, or not at all, for sales orders that need it."""

    entity: ClassVar[str] = "shortage"
    key: ClassVar[tuple[str, ...]] = ("item",)

    item: str
    sourcing: Sourcing
    quantity: Decimal
    needed_on: date
    expected_on: date | None = None
    orders: Annotated[str, JsonText()]
    affected: int
    """How many sales orders wait for it."""
    supplier: str | None = None


class SupplierRisk(Entity):
    """A line of a purchase order that is late, or that the supplier refused, and who else could deliver."""

    entity: ClassVar[str] = "supplier_risk"
    key: ClassVar[tuple[str, ...]] = ("purchase",)

    purchase: str
    number: str
    item: str
    supplier: str | None = None
    quantity: Decimal
    due: date
    state: Literal["late", "rejected"]
    alternate: str | None = None
    alternate_days: int | None = None
    """The lead time of the alternate supplier."""


class AwaitedPurchase(Entity):
    """A purchase or subcontract the hub asked for that nobody has passed on to a supplier yet."""

    entity: ClassVar[str] = "awaited_purchase"
    key: ClassVar[tuple[str, ...]] = ("reference",)

    reference: str
    document: str
    item: str
    quantity: Decimal
    due: date | None = None
    supplier: str | None = None
    sales_order: str | None = None


class StrandedDocument(Entity):
    """A document of ours that has been begun for a sales order that was cancelled since."""

    entity: ClassVar[str] = "stranded_document"
    key: ClassVar[tuple[str, ...]] = ("reference",)

    reference: str
    document: Literal["work_order", "purchase_request", "subcontract_order"]
    number: str
    item: str
    quantity: Decimal
    sales_order: str


SUPPLY_FACTS: tuple[type[Entity], ...] = (LowStock, ShortageFact, SupplierRisk, AwaitedPurchase, StrandedDocument)
