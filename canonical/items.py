"""Items, their units and pack sizes (ISA-95 material definition, UBL Item)."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from canonical.base import Entity, ItemRef, Quantity

Sourcing = Literal["make", "buy", "subcontract", "phantom"]


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
    obsolete: bool | None = None


class PackConversion(Entity):
    """How many of an item's stocking unit one pack holds: 1 box = 12 pieces."""

    entity: ClassVar[str] = "pack_conversion"
    key: ClassVar[tuple[str, ...]] = ("item", "pack_unit")

    item: ItemRef
    pack_unit: str
    factor: Decimal
    unit: str
