"""What is true in the simulated plant, before any system distorts it.

Every value is frozen and comes from a seed, so two processes given the same seed and scale see the
same plant. The systems' views (`sandbox.factory.views`) are derived from these records; an oracle in
the tests reads them directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Sourcing = Literal["make", "buy", "subcontract", "phantom"]
SystemName = Literal["crm", "erp", "mes", "wms"]


@dataclass(frozen=True, slots=True)
class Material:
    """One material. Quantities elsewhere in the plant are in `unit`, the true stocking unit."""

    serial: int
    name_en: str
    name_zh: str
    specification: str
    kind: Literal["finished", "assembly", "part", "raw"]
    sourcing: Sourcing
    unit: Literal["pcs", "kg", "m"]
    pieces_per_box: int | None  # some systems count such a material in boxes
    drawing_number: str  # the identity every system may carry, e.g. "DW-000417"
    lead_time_days: int
    safety_stock: Decimal
    lot_minimum: Decimal
    lot_multiple: Decimal
    obsolete: bool
    standard_cost: Decimal
    yield_percent: Decimal = Decimal(100)  # of what is started so much comes out good


@dataclass(frozen=True, slots=True)
class BomLine:
    """One component of one parent."""

    parent: int  # Material.serial
    component: int
    line: int
    quantity: Decimal  # of the component's unit, for one parent unit
    scrap_percent: Decimal = Decimal(0)  # on top of the quantity
    valid_from: date | None = None  # counts for work that starts on this day or later …
    valid_to: date | None = None  # … and before this one

    def counts_on(self, start: date) -> bool:
        """Whether work that starts on this day takes it."""
        return (self.valid_from or start) <= start and (self.valid_to is None or start < self.valid_to)

    @property
    def taken(self) -> Decimal:
        """What one parent unit takes, with what is expected to be lost of it."""
        return self.quantity * (100 + self.scrap_percent) / 100


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a made material's routing."""

    material: int
    sequence: int
    work_centre: str
    name_en: str
    name_zh: str
    setup_minutes: int
    run_minutes: Decimal  # per unit
    outside: bool  # done by a subcontractor


@dataclass(frozen=True, slots=True)
class WorkCentre:
    """A place where operations are done."""

    code: str
    name_en: str
    name_zh: str
    hours_per_day: int


@dataclass(frozen=True, slots=True)
class Partner:
    """A customer or a supplier."""

    serial: int
    role: Literal["customer", "supplier"]
    name_en: str
    name_zh: str
    tax_number: str  # unified social credit code: the identity key
    city: str
    phone: str


@dataclass(frozen=True, slots=True)
class SupplierAgreement:
    """On what terms a supplier delivers a material."""

    supplier: int
    material: int
    price: Decimal
    currency: str
    lead_time_days: int
    minimum: Decimal
    multiple: Decimal
    priority: int  # 1 is tried first
    quota: Decimal = Decimal(0)  # percent of what is bought


@dataclass(frozen=True, slots=True)
class StockLot:
    """What stands in a warehouse."""

    material: int
    warehouse: Literal["WH1", "WH2", "WH3"]
    lot: str
    quantity: Decimal  # may be negative where the plant is dirty
    status: Literal["available", "blocked", "inspection"]


@dataclass(frozen=True, slots=True)
class OpenPurchase:
    """A purchase order that stood in the ERP before the hub came."""

    number: str
    supplier: int
    material: int
    quantity: Decimal
    due: date


@dataclass(frozen=True, slots=True)
class OpenWork:
    """A production order that stood in the ERP (and as a work order in the MES) before the hub came."""

    number: str
    material: int
    quantity: Decimal
    start: date
    due: date
    sales_order: str | None  # set: made for that order; the hub must adopt it, not make it again


@dataclass(frozen=True, slots=True)
class SalesOrderLine:
    """What is ordered, in true units."""

    line: int
    material: int
    quantity: Decimal
    due: date
    price: Decimal


@dataclass(frozen=True, slots=True)
class SalesOrder:
    """A customer's order in the CRM."""

    number: str
    customer: int
    ordered: date
    urgent: bool
    custom: bool
    lines: tuple[SalesOrderLine, ...]


@dataclass(frozen=True, slots=True)
class Plant:
    """Everything that is true."""

    seed: int
    scale: int
    today: date
    materials: tuple[Material, ...]
    bom: tuple[BomLine, ...]
    operations: tuple[Operation, ...]
    work_centres: tuple[WorkCentre, ...]
    customers: tuple[Partner, ...]
    suppliers: tuple[Partner, ...]
    agreements: tuple[SupplierAgreement, ...]
    stock: tuple[StockLot, ...]
    purchases: tuple[OpenPurchase, ...]
    work: tuple[OpenWork, ...]
    orders: tuple[SalesOrder, ...]
