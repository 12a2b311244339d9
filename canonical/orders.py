"""What was ordered, made, bought, inspected and shipped (UBL Order, ISA-95 operations performance).

`our_reference` is the business key the hub wrote into a document it created; null for all others.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from canonical.base import (
    Entity,
    ItemRef,
    Money,
    PartnerRef,
    Quantity,
    Reference,
    SalesOrderRef,
    WorkOrderRef,
)


class SalesOrder(Entity):
    """A customer's order."""

    entity: ClassVar[str] = "sales_order"
    key: ClassVar[tuple[str, ...]] = ("number",)

    number: str
    customer: PartnerRef | None = None
    ordered_on: date | None = None
    status: Literal["draft", "open", "cancelled", "closed"]
    urgent: bool = False
    custom: bool = False


class SalesOrderLine(Entity):
    """One line of a sales order."""

    entity: ClassVar[str] = "sales_order_line"
    key: ClassVar[tuple[str, ...]] = ("order", "line")

    order: SalesOrderRef
    line: str
    item: ItemRef
    quantity: Quantity
    unit: str | None = None
    configuration: str | None = None
    """What was chosen of a configured product: JSON, option → value."""
    price: Money | None = None
    due: date
    warehouse: Annotated[str | None, Reference("warehouse")] = None
    """Where it is to be delivered from; None: wherever the plant makes it."""


class Forecast(Entity):
    """What sales expect to be ordered of an item around a day; orders use it up."""

    entity: ClassVar[str] = "forecast"
    key: ClassVar[tuple[str, ...]] = ("number", "line")

    number: str
    line: str
    item: ItemRef
    quantity: Quantity
    unit: str | None = None
    due: date
    customer: PartnerRef | None = None
    status: Literal["draft", "open", "cancelled", "closed"]


class PurchaseRequest(Entity):
    """Somebody asks purchasing to buy."""

    entity: ClassVar[str] = "purchase_request"
    key: ClassVar[tuple[str, ...]] = ("number", "line")

    number: str
    line: str
    item: ItemRef
    quantity: Quantity
    unit: str | None = None
    due: date | None = None
    supplier: PartnerRef | None = None
    status: Literal["draft", "open", "ordered", "cancelled", "closed"]
    our_reference: str | None = None


class PurchaseOrder(Entity):
    """One line of an order to a supplier."""

    entity: ClassVar[str] = "purchase_order"
    key: ClassVar[tuple[str, ...]] = ("number", "line")

    number: str
    line: str
    supplier: PartnerRef | None = None
    item: ItemRef
    quantity: Quantity
    received: Quantity = Decimal(0)
    unit: str | None = None
    due: date | None = None
    status: Literal["draft", "open", "cancelled", "closed"]
    our_reference: str | None = None


class SubcontractOrder(Entity):
    """An order to a subcontractor to make an item from parts we send."""

    entity: ClassVar[str] = "subcontract_order"
    key: ClassVar[tuple[str, ...]] = ("number",)

    number: str
    item: ItemRef
    quantity: Quantity
    unit: str | None = None
    due: date | None = None
    supplier: PartnerRef | None = None
    status: Literal["draft", "open", "cancelled", "closed"]
    our_reference: str | None = None


class WorkOrder(Entity):
    """An order to make an item. `number` is the ERP's production order number in every system."""

    entity: ClassVar[str] = "work_order"
    key: ClassVar[tuple[str, ...]] = ("code",)
    identity: ClassVar[tuple[str, ...]] = ("number",)

    code: str
    number: str | None = None
    item: ItemRef
    quantity: Quantity
    good: Quantity = Decimal(0)
    scrapped: Quantity = Decimal(0)
    unit: str | None = None
    start: date | None = None
    due: date | None = None
    priority: int | None = None
    status: Literal["planned", "released", "running", "completed", "cancelled", "closed"]
    sales_order: str | None = None
    our_reference: str | None = None


class OperationReport(Entity):
    """The shop floor says how much it made."""

    entity: ClassVar[str] = "operation_report"
    key: ClassVar[tuple[str, ...]] = ("code",)

    code: str
    work_order: WorkOrderRef
    sequence: int | None = None
    good: Quantity
    scrapped: Quantity = Decimal(0)
    unit: str | None = None
    hours: Decimal | None = None
    reported_at: datetime
    reporter: str | None = None


class Inspection(Entity):
    """A quality inspection of what was made."""

    entity: ClassVar[str] = "inspection"
    key: ClassVar[tuple[str, ...]] = ("code",)

    code: str
    work_order: WorkOrderRef
    report: Annotated[str | None, Reference("operation_report")] = None
    inspected: Decimal
    failed: Decimal = Decimal(0)
    result: Literal["passed", "failed"]
    reason: str | None = None
    inspected_at: datetime


class Shipment(Entity):
    """One line of goods requested to leave, or gone."""

    entity: ClassVar[str] = "shipment"
    key: ClassVar[tuple[str, ...]] = ("number", "line")

    number: str
    line: str
    sales_order: str | None = None
    item: ItemRef
    quantity: Quantity
    shipped: Quantity = Decimal(0)
    unit: str | None = None
    status: Literal["requested", "picking", "shipped", "cancelled"]
    shipped_at: datetime | None = None
    our_reference: str | None = None


class GoodsReceipt(Entity):
    """Goods that arrived in a warehouse from production or a supplier."""

    entity: ClassVar[str] = "goods_receipt"
    key: ClassVar[tuple[str, ...]] = ("number",)

    number: str
    item: ItemRef
    warehouse: Annotated[str | None, Reference("warehouse")] = None
    quantity: Quantity
    unit: str | None = None
    our_reference: str | None = None


class TransferOrder(Entity):
    """Goods to be brought from one warehouse to another. Between the two, what is on its way lies in neither."""

    entity: ClassVar[str] = "transfer_order"
    key: ClassVar[tuple[str, ...]] = ("number",)

    number: str
    item: ItemRef
    from_warehouse: Annotated[str | None, Reference("warehouse")] = None
    to_warehouse: Annotated[str | None, Reference("warehouse")] = None
    quantity: Quantity
    unit: str | None = None
    due: date | None = None
    status: Literal["requested", "in_transit", "received", "cancelled"]
    our_reference: str | None = None
