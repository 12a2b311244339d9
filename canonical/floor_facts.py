"""Facts about the shop floor that people react to: what runs late, is done, was inspected, or cost too much.

Quantities are in stocking units, times in hours.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from canonical.base import Entity


class OpenWork(Entity):
    """A work order of ours that is not finished."""

    entity: ClassVar[str] = "open_work"
    key: ClassVar[tuple[str, ...]] = ("reference",)

    reference: str
    item: str
    due: date | None = None
    status: Literal["planned", "released", "running"]
    sales_order: str | None = None


class OperationDone(Entity):
    """A report of good pieces of one operation: who goes on with them, and whether somebody has inspected them."""

    entity: ClassVar[str] = "operation_done"
    key: ClassVar[tuple[str, ...]] = ("report",)

    report: str
    work_order: str
    item: str
    sequence: int
    good: Decimal
    last: bool
    """Whether the item is finished with it."""
    inspected: bool
    next_sequence: int | None = None
    next_name: str | None = None
    next_work_centre: str | None = None
    """Where the next operation is done; empty after the last, or where a subcontractor does it."""
    sales_order: str | None = None


class RefusedInspection(Entity):
    """An inspection of another quantity than was reported: it counts for nothing until somebody inspects again."""

    entity: ClassVar[str] = "refused_inspection"
    key: ClassVar[tuple[str, ...]] = ("inspection",)

    inspection: str
    work_order: str
    report: str
    reported: Decimal
    inspected: Decimal
    sales_order: str | None = None


class WorkHours(Entity):
    """What the reports on a work order took, beside what their operations should take."""

    entity: ClassVar[str] = "work_hours"
    key: ClassVar[tuple[str, ...]] = ("work_order",)

    work_order: str
    item: str
    actual: Decimal
    standard: Decimal


class DefectRate(Entity):
    """How many pieces of an item were inspected so far, and how many of them failed."""

    entity: ClassVar[str] = "defect_rate"
    key: ClassVar[tuple[str, ...]] = ("item",)

    item: str
    inspected: Decimal
    failed: Decimal


FLOOR_FACTS: tuple[type[Entity], ...] = (OpenWork, OperationDone, RefusedInspection, WorkHours, DefectRate)
