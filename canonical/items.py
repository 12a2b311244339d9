"""Items, their units and pack sizes (ISA-95 material definition, UBL Item)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from canonical.base import Entity, ItemRef, Quantity

Sourcing = Literal["make", "buy", "subcontract", "phantom", "transfer"]
LotRule = Literal["lot_for_lot", "fixed", "period"]


class Item(Entity):
    """A material as one system knows it; quantities are in `unit`."""

    entity: ClassVar[str] = "item"
    key: ClassVar[tuple[str, ...]] = ("code",)
    identity: ClassVar[tuple[str, ...]] = ("drawing_number",)

    code: str
    name: str | None = None
    specification: str | None = None
    unit: str | None = None
    drawing_number: str | None = None
    sourcing: Sourcing | None = None
    lead_time_days: int | None = None
    safety_stock: Quantity | None = None
    lot_minimum: Quantity | None = None
    lot_multiple: Quantity | None = None
    lot_rule: LotRule | None = None
    lot_fixed: Quantity | None = None
    """The quantity of a `fixed` lot."""
    lot_period_days: int | None = None
    """How many days' requirements a `period` lot covers."""
    lot_maximum: Quantity | None = None
    order_up_to: Quantity | None = None
    """What stock is filled up to once it falls below the safety stock."""
    safety_time_days: int | None = None
    """How many days before it is needed it has to be there."""
    frozen_days: int | None = None
    """Planning fence: no new order is due within so many days."""
    scrap_rate: Decimal | None = None
    """The share of what is started, or delivered, that is expected to be lost."""
    kept_apart: bool | None = None
    """Whether what is made to order and what is made to stock share nothing."""
    obsolete: bool | None = None


class ItemRelation(Entity):
    """How an item hangs together with another, as a system tells it; `superseded_by` is told of the one that ends.

    The mapping of a system that tells several of a kind, or one after the other in time, says so by its `source_key`.
    """

    entity: ClassVar[str] = "item_relation"
    key: ClassVar[tuple[str, ...]] = ("of", "kind")
    empty_without: ClassVar[str | None] = "to"

    of: ItemRef
    kind: Literal["supersedes", "superseded_by", "replaces", "replaced_by", "variant_of", "package_of"]
    to: ItemRef | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    """The first day it no longer holds."""


class PackConversion(Entity):
    """How many of an item's stocking unit one pack holds: 1 box = 12 pieces."""

    entity: ClassVar[str] = "pack_conversion"
    key: ClassVar[tuple[str, ...]] = ("item", "pack_unit")

    item: ItemRef
    pack_unit: str
    factor: Decimal
    unit: str
