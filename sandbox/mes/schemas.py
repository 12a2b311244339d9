"""What a client may send: unknown members, wrong types and impossible values are refused by name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Reference = Annotated[str, Field(min_length=1, max_length=120)]
Code = Annotated[str, Field(min_length=1, max_length=80)]
Quantity = Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=6)]
Priority = Annotated[int, Field(ge=1, le=9)]
Note = Annotated[str, Field(max_length=2000)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KitLine(_Request):
    """One component of a work order, for the whole order."""

    material_code: Code
    quantity: Quantity
    unit: str


class NewWorkOrder(_Request):
    """`POST /v1/work_orders`. Quantities are in `unit`, which must be the material's own.

    An order of `kind` rework puts rejected pieces to rights: it takes nothing from the shelves. `rework_of` names the
    work order they come from.
    """

    external_ref: Reference
    erp_order_no: Reference | None = None
    material_code: Code
    quantity: Quantity
    unit: str
    priority: Priority = 5
    start_on: date | None = None
    due_on: date | None = None
    kind: Literal["production", "rework"] = "production"
    rework_of: Reference | None = None
    kit: tuple[KitLine, ...] = ()
    note: Note | None = None


class WorkOrderChange(_Request):
    """`PATCH /v1/work_orders/{id}`: only the members sent change. Status moves on the shop floor, or by cancelling."""

    erp_order_no: Reference | None = None
    quantity: Quantity = Decimal(1)
    priority: Priority = 5
    start_on: date | None = None
    due_on: date | None = None
    kit: tuple[KitLine, ...] = ()
    note: Note | None = None


class MaterialChange(_Request):
    """`PATCH /v1/materials/{id}`: the code under which the company's master data knows the material."""

    golden_code: Code | None = None


class NewTask(_Request):
    """`POST /v1/tasks`: for a work order, for one of its reports, for the people of a work centre."""

    external_ref: Reference
    kind: Literal["priority", "rework", "inspection", "handover"]
    work_order_number: Reference | None = None
    report_id: Reference | None = None
    work_centre: Reference | None = None
    quantity: Quantity | None = None
    title: Annotated[str, Field(min_length=1, max_length=300)]
    priority: Priority = 5
