"""Facts about sales orders that people react to: changed, to be reviewed, asking for what is not offered."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from canonical.base import Entity, JsonText

Review = Literal["open", "done", "refused"]


class OpenOrder(Entity):
    """A sales order beyond its draft, with what has been begun for it and can no longer be changed."""

    entity: ClassVar[str] = "open_order"
    key: ClassVar[tuple[str, ...]] = ("sales_order",)

    sales_order: str
    customer: str | None = None
    status: Literal["open", "cancelled", "closed"]
    lines: Annotated[str, JsonText()]
    started: int
    """Work orders of ours for it that are running or finished."""
    ordered: int
    """Purchases and subcontracts of ours for it that a supplier has been given."""


class CustomOrder(Entity):
    """An open order of something made to the customer's wish: production and supply have to review it."""

    entity: ClassVar[str] = "custom_order"
    key: ClassVar[tuple[str, ...]] = ("sales_order",)

    sales_order: str
    customer: str | None = None
    due: date
    production: Review
    supply: Review
    verdict: Review
    """`done` once both said yes, `refused` once one said no."""
    note: str | None = None
    """What those who refused wrote."""


class UnofferedItem(Entity):
    """An item or configuration that orders ask for and the plant does not offer: nobody can plan their lines."""

    entity: ClassVar[str] = "unoffered_item"
    key: ClassVar[tuple[str, ...]] = ("asked",)

    asked: str
    orders: int
    last_order: str


ORDER_FACTS: tuple[type[Entity], ...] = (OpenOrder, CustomOrder, UnofferedItem)
