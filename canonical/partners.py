"""Customers, suppliers and leads (UBL Party)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from canonical.base import Entity, ItemRef, Money, PartnerRef, Quantity


class Partner(Entity):
    """A customer or a supplier."""

    entity: ClassVar[str] = "partner"
    key: ClassVar[tuple[str, ...]] = ("code",)
    identity: ClassVar[tuple[str, ...]] = ("tax_number",)

    code: str
    role: Literal["customer", "supplier"]
    name: str | None = None
    tax_number: str | None = None
    city: str | None = None
    phone: str | None = None


class PartnerRelation(Entity):
    """How a partner hangs together with another, as a system tells it.

    The mapping of a system that tells several of a kind, or one after the other in time, says so by its `source_key`.
    """

    entity: ClassVar[str] = "partner_relation"
    key: ClassVar[tuple[str, ...]] = ("of", "kind")
    empty_without: ClassVar[str | None] = "to"

    of: PartnerRef
    kind: Literal["parent", "branch_of", "bill_to", "ship_to", "contact"]
    to: PartnerRef | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    """The first day it no longer holds."""


class SupplierAgreement(Entity):
    """On what terms a supplier delivers an item; priority 1 is tried first."""

    entity: ClassVar[str] = "supplier_agreement"
    key: ClassVar[tuple[str, ...]] = ("supplier", "item")

    supplier: PartnerRef
    item: ItemRef
    price: Money | None = None
    currency: str | None = None
    lead_time_days: int | None = None
    minimum: Quantity | None = None
    multiple: Quantity | None = None
    unit: str | None = None
    priority: int | None = None
    quota: Decimal | None = None
    """His share of what is bought of the item, in any unit the shares of an item have in common."""
    valid_from: date | None = None
    valid_to: date | None = None
    """The first day it no longer holds."""


class Lead(Entity):
    """Somebody who may become a customer."""

    entity: ClassVar[str] = "lead"
    key: ClassVar[tuple[str, ...]] = ("code",)

    code: str
    company: str | None = None
    contact: str | None = None
    email: str | None = None
    status: str | None = None
    channel: str | None = None
