"""Fills the CRM with its view of the plant: customers, what is sold, sales orders, leads."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any, Final

from sandbox.common.state import SystemState
from sandbox.crm.records import create_tables, insert
from sandbox.crm.schema import OBJECTS, stamp, stored
from sandbox.factory.model import Plant, SalesOrder
from sandbox.factory.views import by_serial, material_views, partner_views, partners_by_serial

LEADS: Final = 40
SUBSIDIARIES: Final = 10
"""Every tenth account belongs to the first one."""
_SOURCES: Final = ("Web", "Exhibition", "Phone Inquiry", "Partner Referral")


def seed(state: SystemState) -> None:
    """Create the tables and all records; runs inside the caller's transaction."""
    create_tables(state.db)
    plant = state.plant
    accounts, products = _accounts(state, plant), _products(state, plant)
    for order in plant.orders:
        _order(state, order, accounts[order.customer], products)
    _leads(state, plant)
    state.set_meta("earliest", stamp(_days_before(plant, 60)))


def _add(state: SystemState, name: str, fields: dict[str, Any], modified: datetime) -> str:
    kind = OBJECTS[name]
    values = {field: stored(kind.fields[field], value) for field, value in fields.items()}
    return insert(state.db, kind, values, modified)


def _days_before(plant: Plant, days: float) -> datetime:
    return datetime.combine(plant.today, time(0), UTC) - timedelta(days=days)


def _accounts(state: SystemState, plant: Plant) -> dict[int, str]:
    views = partner_views(plant, "crm")
    documents = partners_by_serial(views, "customer")
    ids: dict[int, str] = {}
    group = ""
    for at, view in enumerate(views):
        fields = {
            "Name": view.name,
            "AccountNumber": view.code,
            "Tax_Number__c": view.tax_number,
            "BillingCity": view.city,
            "Phone": view.phone,
            "ParentId": group if at % SUBSIDIARIES == 1 else None,
        }
        new = _add(state, "Account", fields, _days_before(plant, 30 - at % 20))
        group = group or new
        if documents[view.serial] is view:
            ids[view.serial] = new
    return ids


def _products(state: SystemState, plant: Plant) -> dict[int, str]:
    views = material_views(plant, "crm")
    documents = by_serial(views)
    ids: dict[int, str] = {}
    for at, view in enumerate(views):
        fields = {
            "Name": view.name,
            "ProductCode": view.code,
            "StockKeepingUnit": view.drawing,
            "IsActive": not plant.materials[view.serial - 1].obsolete,
            "QuantityUnitOfMeasure": view.unit,
        }
        new = _add(state, "Product2", fields, _days_before(plant, 30 - at % 20))
        if documents[view.serial] is view:
            ids[view.serial] = new
    return ids


def _order(state: SystemState, order: SalesOrder, account: str, products: dict[int, str]) -> None:
    # Minutes apart, so that a page boundary falls between two records, not always between two days.
    taken = datetime.combine(order.ordered, time(1), UTC) + timedelta(minutes=int(order.number[-3:]) % 600)
    fields = {
        "OrderNumber": order.number,
        "AccountId": account,
        "EffectiveDate": order.ordered.isoformat(),
        "Status": "Activated",
        "Urgent__c": order.urgent,
        "Custom__c": order.custom,
    }
    new = _add(state, "Order", fields, taken)
    for line in order.lines:
        item = {
            "OrderId": new,
            "LineNumber__c": line.line,
            "Product2Id": products[line.material],
            "Quantity": line.quantity,
            "UnitPrice": line.price,
            "EndDate": line.due.isoformat(),
        }
        _add(state, "OrderItem", item, taken)


def _leads(state: SystemState, plant: Plant) -> None:
    rng = Random(f"{plant.seed}:leads")
    for number in range(1, LEADS * plant.scale + 1):
        family = rng.choice("王李张刘陈杨赵黄周吴")
        fields = {
            "Company": f"{rng.choice(plant.customers).city}{family}氏机械厂",
            "LastName": family,
            "Email": f"lead{number}@example.com",
            "Status": rng.choice(("Open - Not Contacted", "Working - Contacted")),
            "LeadSource": rng.choice(_SOURCES),
        }
        _add(state, "Lead", fields, _days_before(plant, rng.randint(1, 20)))
