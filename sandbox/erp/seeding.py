"""Fills a new ERP with its view of the plant: masters, structures, agreements, and the open documents.

Everything was last changed in the month before the plant's today, three records to a minute, so that a
reader who pages by the time of change meets equal times.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from sandbox.common.state import SystemState
from sandbox.erp.forms import FORMS, common_fields
from sandbox.erp.model import with_defaults
from sandbox.erp.production import RELEASED
from sandbox.erp.tables import Document, Row, Values, create_tables, store_document
from sandbox.factory.model import BomLine, Material, Operation, Plant, Sourcing
from sandbox.factory.views import MaterialView, by_serial, material_views, partner_views, partners_by_serial

SOURCES: Final[dict[Sourcing, str]] = {"buy": "1", "make": "2", "subcontract": "3", "phantom": "5"}
UNIT_NAMES: Final = {"Pcs": "件", "kg": "千克", "m": "米"}
CURRENCY_NAMES: Final = {"CNY": "人民币", "USD": "美元", "EUR": "欧元"}
_SEEDED_DAYS: Final = 30
_MINUTES: Final = 27 * 24 * 60
_ABREAST: Final = 3
_THOUSAND: Final = Decimal(1000)


def seed(state: SystemState) -> None:
    """Fill the database, inside the caller's transaction."""
    create_tables(state.db)
    office = _Office(state.db, state.plant.today)
    _masters(office, state.plant)
    codes = {serial: view.code for serial, view in by_serial(material_views(state.plant, "erp")).items()}
    _structures(office, state.plant, codes)
    _trade(office, state.plant, codes)


class _Office:
    """Files records as the ERP's clerks did before the hub came: checks passed long ago, audited all."""

    def __init__(self, db: sqlite3.Connection, today: date) -> None:
        self._db = db
        self._first = datetime.combine(today, time()) - timedelta(days=_SEEDED_DAYS)
        self._filed = 0

    def file(self, form_id: str, number: str, head: Mapping[str, object], rows: tuple[Values, ...] = ()) -> None:
        """Store one record under its number; absent fields take the form's defaults."""
        form, at = FORMS[form_id], self._next_time()
        own = {"FDocumentStatus": "C", "FCreateDate": at, "FModifyDate": at}
        values = with_defaults(form.head + common_fields(form), {**_stored(head), **own})
        entries = [Row(0, with_defaults(form.rows, _stored(row))) for row in rows]
        store_document(self._db, form, Document(0, number, values, entries))

    def _next_time(self) -> str:
        minutes = self._filed // _ABREAST % _MINUTES
        self._filed += 1
        return (self._first + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")


def _stored(values: Mapping[str, object]) -> Values:
    """The values as the tables keep them: decimals and dates as text, no date without its midnight."""
    shapes: tuple[tuple[type, Callable[..., object]], ...] = (
        (Decimal, lambda value: format(value, "f")),
        (date, lambda value: f"{value.isoformat()}T00:00:00"),
        (bool, lambda value: str(int(value))),
    )
    stored = dict(values)
    for key, value in values.items():
        for kind, shape in shapes:
            if isinstance(value, kind):
                stored[key] = shape(value)
    return stored


def _masters(office: _Office, plant: Plant) -> None:
    views = material_views(plant, "erp")
    for unit in sorted({view.unit for view in views}):
        office.file("BD_UNIT", unit, {"FName": UNIT_NAMES.get(unit, unit)})
    for currency in sorted({agreed.currency for agreed in plant.agreements}):
        office.file("BD_Currency", currency, {"FName": CURRENCY_NAMES.get(currency, currency)})
    for centre in plant.work_centres:
        office.file("ENG_WorkCenter", centre.code, {"FName": centre.name_zh})
    materials = {material.serial: material for material in plant.materials}
    for view in views:
        office.file("BD_MATERIAL", view.code, _material(view, materials[view.serial]))
    for partner in partner_views(plant, "erp"):
        form_id = "BD_Customer" if partner.role == "customer" else "BD_Supplier"
        facts = {
            "FName": partner.name or None,
            "FTaxRegisterCode": partner.tax_number,
            "FCity": partner.city,
            "FTel": partner.phone,
        }
        office.file(form_id, partner.code, facts)


def _material(view: MaterialView, material: Material) -> Values:
    return {
        "FName": view.name or None,
        "FSpecification": material.specification,
        "FBaseUnitId": view.unit,
        "FErpClsID": SOURCES[material.sourcing],
        "F_MS_DrawingNo": view.drawing,
        "FFixLeadTime": material.lead_time_days,
        "FSafeStock": view.from_true(material.safety_stock),
        "FMinPOQty": view.from_true(material.lot_minimum),
        "FIncreaseQty": view.from_true(material.lot_multiple),
        "FForbidStatus": "B" if material.obsolete else "A",
    }


def _structures(office: _Office, plant: Plant, codes: Mapping[int, str]) -> None:
    units = {serial: view.unit for serial, view in by_serial(material_views(plant, "erp")).items()}
    yields = {material.serial: material.yield_percent for material in plant.materials}
    lines: dict[int, list[BomLine]] = {}
    for line in plant.bom:
        lines.setdefault(line.parent, []).append(line)
    for parent, under in lines.items():
        rows = tuple(_bom_row(line, codes, units) for line in sorted(under, key=lambda line: line.line))
        head = {"FMATERIALID": codes[parent], "FYIELDRATE": yields[parent]}
        office.file("ENG_BOM", f"{codes[parent]}_V1.0", head, rows)
    steps: dict[int, list[Operation]] = {}
    for operation in plant.operations:
        steps.setdefault(operation.material, []).append(operation)
    for serial, route in steps.items():
        rows = tuple(_route_row(operation) for operation in sorted(route, key=lambda step: step.sequence))
        office.file("ENG_Route", f"RT_{codes[serial]}", {"FMATERIALID": codes[serial]}, rows)


def _bom_row(line: BomLine, codes: Mapping[int, str], units: Mapping[int, str]) -> Values:
    """One component; by weight it is written for a thousand parents, as this site's engineers do."""
    parents = _THOUSAND if units[line.component] == "kg" else Decimal(1)
    return {
        "FMATERIALIDCHILD": codes[line.component],
        "FNUMERATOR": line.quantity * parents,
        "FDENOMINATOR": parents,
        "FCHILDUNITID": units[line.component],
        "FSCRAPRATE": line.scrap_percent,
        "FEFFECTDATE": line.valid_from,
        "FEXPIREDATE": line.valid_to,
    }


def _route_row(operation: Operation) -> Values:
    return {
        "FOperNumber": operation.sequence,
        "FWorkCenterId": operation.work_centre,
        "FOperDescription": operation.name_zh,
        "FSetupMinutes": Decimal(operation.setup_minutes),
        "FRunMinutes": operation.run_minutes,
        "FOutside": operation.outside,
    }


def _trade(office: _Office, plant: Plant, codes: Mapping[int, str]) -> None:
    units = {serial: view.unit for serial, view in by_serial(material_views(plant, "erp")).items()}
    suppliers = partners_by_serial(partner_views(plant, "erp"), "supplier")
    for number, agreed in enumerate(plant.agreements, start=1):
        facts = {
            "FSupplierID": suppliers[agreed.supplier].code,
            "FMaterialId": codes[agreed.material],
            "FPrice": agreed.price,
            "FCurrencyId": agreed.currency,
            "F_MS_LeadTime": agreed.lead_time_days,
            "F_MS_MinQty": agreed.minimum,
            "F_MS_Multiple": agreed.multiple,
            "F_MS_Priority": agreed.priority,
            "F_MS_Quota": agreed.quota,
        }
        office.file("PUR_PriceCategory", f"CGJM{number:06d}", facts)
    for bought in plant.purchases:
        facts = {"FSupplierId": suppliers[bought.supplier].code, "FDate": plant.today - timedelta(days=_SEEDED_DAYS)}
        row = {"FQty": bought.quantity, "FDeliveryDate": bought.due}
        office.file("PUR_PurchaseOrder", bought.number, facts, (_of(bought.material, codes, units) | row,))
    for work in plant.work:
        row = {
            "FQty": work.quantity,
            "FPlanStartDate": work.start,
            "FPlanFinishDate": work.due,
            "FStatus": RELEASED,
            "FSaleOrderNo": work.sales_order,
        }
        head = {"FDate": plant.today - timedelta(days=_SEEDED_DAYS)}
        office.file("PRD_MO", work.number, head, (_of(work.material, codes, units) | row,))


def _of(material: int, codes: Mapping[int, str], units: Mapping[int, str]) -> Values:
    return {"FMaterialId": codes[material], "FUnitId": units[material]}
