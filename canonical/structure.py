"""What an item is made of and how: BOMs, routings, work centres, calendars (ISA-95 product definition)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from canonical.base import Entity, ItemRef, Quantity, Reference


class Bom(Entity):
    """The head of a bill of materials: which item it makes."""

    entity: ClassVar[str] = "bom"
    key: ClassVar[tuple[str, ...]] = ("code",)

    code: str
    item: ItemRef
    valid_from: date | None = None
    valid_to: date | None = None
    in_force: bool = True
    yield_rate: Decimal | None = None
    """The share of what is started that comes out good."""


class BomLine(Entity):
    """One component: `quantity` of it (in `unit`) for `per` units of the parent item.

    A `substitute` stands in for the component of its `group`, lower `priority` first, `use_first` even before stock of
    that component; it may be for one customer or one product alone. A `by_product` is what the parent yields beside
    itself. Dates are those of the order's start; `valid_to` is the first day the line no longer holds.
    """

    entity: ClassVar[str] = "bom_line"
    key: ClassVar[tuple[str, ...]] = ("bom", "line")

    bom: Annotated[str, Reference("bom")]
    line: str
    parent: ItemRef
    component: Annotated[str, Reference("item")]
    quantity: Quantity
    unit: str | None = None
    per: Decimal = Decimal(1)
    scrap_rate: Decimal = Decimal(0)
    valid_from: date | None = None
    valid_to: date | None = None
    kind: Literal["component", "substitute", "by_product"] = "component"
    group: str | None = None
    priority: int | None = None
    use_first: bool | None = None
    customer: Annotated[str | None, Reference("partner")] = None
    product: Annotated[str | None, Reference("item")] = None
    operation: int | None = None
    """The step of the parent's routing that draws it."""


class WorkCentre(Entity):
    """Where operations are done."""

    entity: ClassVar[str] = "work_centre"
    key: ClassVar[tuple[str, ...]] = ("code",)
    identity: ClassVar[tuple[str, ...]] = ("code",)

    code: str
    name: str | None = None
    hours_per_day: Decimal | None = None
    calendar: str | None = None


class CalendarDay(Entity):
    """A day that differs from a calendar's weekly pattern: a holiday, or a working Sunday."""

    entity: ClassVar[str] = "calendar_day"
    key: ClassVar[tuple[str, ...]] = ("calendar", "day")

    calendar: str
    day: date
    hours: Decimal


class Routing(Entity):
    """The head of a routing: the way an item is made."""

    entity: ClassVar[str] = "routing"
    key: ClassVar[tuple[str, ...]] = ("code",)

    code: str
    item: ItemRef


class Operation(Entity):
    """One step of a routing; `outside` means a subcontractor does it."""

    entity: ClassVar[str] = "operation"
    key: ClassVar[tuple[str, ...]] = ("routing", "sequence")

    routing: Annotated[str, Reference("routing")]
    sequence: int
    item: ItemRef
    work_centre: Annotated[str | None, Reference("work_centre")] = None
    name: str | None = None
    setup_minutes: Decimal | None = None
    run_minutes: Decimal | None = None
    outside: bool = False
    scrap_rate: Decimal | None = None
    """The share of what comes into the step that is expected to be lost in it."""
    days: Decimal | None = None
    """Working days the step takes beside its minutes: waiting, transport, a subcontractor's time."""
