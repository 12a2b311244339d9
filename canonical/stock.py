"""Warehouses and what stands in them, by lot and status (ISA-95 material lot)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from canonical.base import Entity, ItemRef, Quantity, Reference


class Warehouse(Entity):
    """A place that holds stock."""

    entity: ClassVar[str] = "warehouse"
    key: ClassVar[tuple[str, ...]] = ("code",)
    identity: ClassVar[tuple[str, ...]] = ("code",)

    code: str
    name: str | None = None


class Stock(Entity):
    """On-hand quantity of one lot in one warehouse and status."""

    entity: ClassVar[str] = "stock"
    key: ClassVar[tuple[str, ...]] = ("warehouse", "item", "lot", "status")

    warehouse: Annotated[str, Reference("warehouse")]
    item: ItemRef
    lot: str
    status: Literal["available", "blocked", "inspection"]
    quantity: Quantity
    unit: str | None = None
