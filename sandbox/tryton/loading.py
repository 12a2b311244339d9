"""Carries a plant into an empty Tryton, in few large JSON-RPC calls.

The order matters: a company and its user first, then units, products, bills, routings,
partners and stock, and the confirmed sales orders last, because confirming one plans its
shipment.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.tryton.factory import Factory, Item, SalesOrder
from sandbox.tryton.rpc import Session

CATEGORY = "Shop floor"


@dataclass(slots=True)
class Loaded:
    """Ids that Tryton gave, by our code."""

    session: Session
    factory: Factory
    today: dt.date
    company: int = 0
    currency: int = 0
    warehouse: int = 0
    storage: int = 0
    units: dict[str, int] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)
    templates: dict[str, int] = field(default_factory=dict)
    parties: dict[str, int] = field(default_factory=dict)
    boms: dict[str, int] = field(default_factory=dict)
    routings: dict[str, int] = field(default_factory=dict)


def load(session: Session, factory: Factory, today: dt.date) -> Loaded:
    """Load `factory`; due dates count from `today`. Returns the ids given."""
    loaded = Loaded(session, factory, today)
    for step in (
        add_company,
        add_products,
        add_bills,
        add_routings,
        link_bills,
        add_partners,
        add_agreements,
        add_order_points,
        count_stock,
        confirm_orders,
    ):
        step(loaded)
    return loaded


def add_company(to: Loaded) -> None:
    """Make the company, its currency and one employee, and put the user into all of them."""
    session = to.session
    (to.currency,) = session.create(
        "currency.currency",
        [
            {
                "name": "US Dollar",
                "code": "USD",
                "symbol": "$",
                "digits": 2,
                "rounding": Decimal("0.01"),
                "rates": [["create", [{"date": dt.date(2000, 1, 1), "rate": Decimal(1)}]]],
            }
        ],
    )
    owner, person = session.create("party.party", [{"name": "Millstream Cycles"}, {"name": "Integration"}])
    values = {"party": owner, "currency": to.currency, "timezone": "UTC"}
    (to.company,) = session.create("company.company", [values])
    groups = session.call("model.res.group.search", [], 0, None, None)
    (user,) = session.search_read("res.user", [["login", "=", session.user]], ["id"])
    changes: dict[str, Any] = {"companies": [["add", [to.company]]], "company": to.company}
    session.call("model.res.user.write", [user["id"]], {**changes, "groups": [["add", list(groups)]]})
    session.refresh_context()
    (employee,) = session.create("company.employee", [{"party": person, "company": to.company}])
    values = {"employees": [["add", [employee]]], "employee": employee}
    session.call("model.res.user.write", [user["id"]], values)
    session.refresh_context()
    (place,) = session.search_read("stock.location", [["type", "=", "warehouse"]], ["storage_location"])
    to.warehouse, to.storage = place["id"], place["storage_location"]
    _set_supply_period(to)


def _set_supply_period(to: Loaded) -> None:
    """Make the supply period the horizon, so that the wizard plans the orders in one go."""
    period = {"supply_period": dt.timedelta(days=to.factory.horizon_days)}
    for model in ("production.configuration", "purchase.configuration"):
        to.session.call(f"model.{model}.write", [1], period)  # a single record, made by writing


def add_products(to: Loaded) -> None:
    """Create every item with its unit, prices and flags."""
    session = to.session
    found = session.search_read("product.uom", [], ["symbol"])
    to.units = {unit["symbol"]: unit["id"] for unit in found}
    values = [_product(to, item) for item in to.factory.items]
    session.create("product.template", values)
    made = session.search_read("product.product", [], ["code", "template"])
    to.products = {product["code"]: product["id"] for product in made}
    to.templates = {product["code"]: product["template"] for product in made}


def _product(to: Loaded, item: Item) -> dict[str, Any]:
    unit = to.units[item.unit]
    values: dict[str, Any] = {
        "name": item.name,
        "code": item.code,
        "type": "goods",
        "default_uom": unit,
        "purchasable": not item.made,
        "producible": item.made,
        "salable": item.sold,
        "list_price": item.list_price,
        "lead_time": dt.timedelta(0),
    }
    if not item.made:
        values["purchase_uom"] = unit
    if item.sold:
        values["sale_uom"] = unit
    variant: dict[str, Any] = {"cost_price": item.cost}
    if item.made:
        lead = {"lead_time": dt.timedelta(days=item.lead_days)}
        variant["production_lead_times"] = [["create", [lead]]]
    return {**values, "products": [["create", [variant]]]}


def add_bills(to: Loaded) -> None:
    """Create one bill of material for each assembly, for one piece of it."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in to.factory.bom_lines:
        values = {
            "product": to.products[line.component],
            "quantity": float(line.quantity),
            "unit": to.units[line.unit],
        }
        lines.setdefault(line.assembly, []).append(values)
    piece = to.units["u"]
    bills = [
        {
            "name": f"BOM {code}",
            "code": f"BOM-{code}",
            "inputs": [["create", inputs]],
            "outputs": [["create", [{"product": to.products[code], "quantity": 1.0, "unit": piece}]]],
        }
        for code, inputs in lines.items()
    ]
    to.boms = dict(zip(lines, to.session.create("production.bom", bills), strict=True))


def add_routings(to: Loaded) -> None:
    """Create a work centre, the named operations, and one routing for each assembly."""
    session, steps = to.session, to.factory.steps
    (category,) = session.create("production.work.center.category", [{"name": CATEGORY}])
    centre = {"name": CATEGORY, "category": category, "warehouse": to.warehouse}
    session.create("production.work.center", [centre])
    names = list(dict.fromkeys(name for operations in steps.values() for name in operations))
    operations = [{"name": name, "work_center_category": category} for name in names]
    created = session.create("production.routing.operation", operations)
    operation = dict(zip(names, created, strict=True))
    routings = [
        {
            "name": f"Routing {code}",
            "boms": [["add", [to.boms[code]]]],
            "steps": [
                [
                    "create",
                    [
                        {"operation": operation[name], "sequence": place * 10}
                        for place, name in enumerate(named, start=1)
                    ],
                ]
            ],
        }
        for code, named in steps.items()
    ]
    to.routings = dict(zip(steps, session.create("production.routing", routings), strict=True))


def link_bills(to: Loaded) -> None:
    """Tell each made product its bill and routing."""
    values = [{"product": to.products[code], "bom": bom, "routing": to.routings[code]} for code, bom in to.boms.items()]
    to.session.create("product.product-production.bom", values)


def add_partners(to: Loaded) -> None:
    """Create customers and suppliers, each with an address to ship to."""
    named = {**to.factory.customers, **to.factory.suppliers}
    parties = [
        {
            "code": code,
            "name": name,
            "addresses": [["create", [{"city": "Springfield"}]]],
            "identifiers": [["create", [{"code": f"TAX-{code}"}]]],
        }
        for code, name in named.items()
    ]
    to.parties = dict(zip(named, to.session.create("party.party", parties), strict=True))


def add_agreements(to: Loaded) -> None:
    """Create the supplier agreements: lead time and price per stocking unit."""
    values = [
        {
            "template": to.templates[agreement.item],
            "product": to.products[agreement.item],
            "party": to.parties[agreement.supplier],
            "company": to.company,
            "currency": to.currency,
            "lead_time": dt.timedelta(days=agreement.lead_days),
            "sequence": place,
            "prices": [["create", [{"quantity": 0.0, "unit_price": agreement.price}]]],
        }
        for place, agreement in enumerate(to.factory.agreements, start=1)
    ]
    to.session.create("purchase.product_supplier", values)


def add_order_points(to: Loaded) -> None:
    """Create an order point for each item: minimum = target = its safety stock."""
    values = [
        {
            "product": to.products[item.code],
            "location": to.warehouse,
            "company": to.company,
            "type": "production" if item.made else "purchase",
            "min_quantity": float(item.safety_stock),
            "target_quantity": float(item.safety_stock),
        }
        for item in to.factory.items
    ]
    to.session.create("stock.order_point", values)


def count_stock(to: Loaded) -> None:
    """Bring the opening stock in through one confirmed inventory."""
    lines = [
        {"product": to.products[code], "quantity": float(quantity)}
        for code, quantity in to.factory.stock.items()
        if quantity
    ]
    values = {
        "location": to.storage,
        "date": to.today,
        "company": to.company,
        "lines": [["create", lines]],
    }
    created = to.session.create("stock.inventory", [values])
    to.session.call("model.stock.inventory.confirm", created)


def confirm_orders(to: Loaded) -> None:
    """Create the sales orders, quote and confirm them; Tryton then plans their shipments."""
    session, orders = to.session, to.factory.orders
    domain = [["id", "in", list(to.parties.values())]]
    parties = session.search_read("party.party", domain, ["addresses"])
    address = {party["id"]: party["addresses"][0] for party in parties}
    created = session.create("sale.sale", [_sale(to, order, address) for order in orders])
    for button in ("quote", "confirm", "process"):
        session.call(f"model.sale.sale.{button}", created)


def _sale(to: Loaded, order: SalesOrder, address: dict[int, int]) -> dict[str, Any]:
    party = to.parties[order.customer]
    lines = [
        {
            "type": "line",
            "product": to.products[line.item],
            "quantity": float(line.quantity),
            "unit": to.units["u"],
            "unit_price": line.price,
        }
        for line in order.lines
    ]
    return {
        "reference": order.reference,
        "party": party,
        "invoice_party": party,
        "invoice_address": address[party],
        "shipment_address": address[party],
        "company": to.company,
        "currency": to.currency,
        "warehouse": to.warehouse,
        "sale_date": to.today,
        "shipping_date": to.today + dt.timedelta(days=order.ship_in_days),
        "invoice_method": "manual",  # no chart of accounts is needed
        "shipment_method": "order",
        "lines": [["create", lines]],
    }
