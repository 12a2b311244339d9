"""Facts about supply, from stock, purchases and the plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from canonical.plan import Plan
from canonical.strict_json import dumps
from pipeline.fact_sources import FactSources
from pipeline.open_documents import to_make
from pipeline.plan_items import BOUGHT
from pipeline.snapshot import Frames, Row, finishing_reports, own_orders, rows, unscaled

WORK = frozenset({"planned", "released", "running"})
NOBODY = 99
"""The rank of a supplier without one."""


def supply_facts(sources: FactSources) -> Mapping[str, Callable[[], Iterable[Row]]]:
    """Fact → how it is made."""
    return {
        "low_stock": lambda: _low_stock(sources),
        "shortage": lambda: _shortages(sources),
        "supplier_risk": lambda: _supplier_risks(sources),
        "awaited_purchase": lambda: _awaited_purchases(sources),
        "stranded_document": lambda: _stranded(sources),
    }


# -- stock below safety ------------------------------------------------------------------------------------------


def _low_stock(sources: FactSources) -> Iterator[Row]:
    on_hand, available = _stock(sources.frames)
    coming, suppliers = _in_transit(sources.frames), _offers(sources.frames)
    proposed: defaultdict[str, Decimal] = defaultdict(Decimal)
    for order in sources.plan.planned_orders:
        proposed[order.item] += unscaled(order.quantity)
    for item in rows(sources.frames, "item"):
        key, safety = item["golden_id"], item["safety_stock"] or Decimal(0)
        there = available[key] + coming[key]
        # As the plan does: what is obsolete is used up, and what has no identity may lie there under another name.
        nameless = sources.planning.identity_needed and item["drawing_number"] is None
        if there >= safety or item["obsolete"] or nameless:
            continue
        sourcing = item["sourcing"] or "buy"
        yield {
            "item": key,
            "sourcing": sourcing,
            "on_hand": on_hand[key],
            "available": available[key],
            "in_transit": coming[key],
            "safety_stock": safety,
            "proposed": proposed[key] or safety - there,
            "supplier": _first(suppliers, key) if sourcing != "make" else None,
        }


def _stock(frames: Frames) -> tuple[Mapping[str, Decimal], Mapping[str, Decimal]]:
    """Item → all that lies there, and what of it is available."""
    on_hand: defaultdict[str, Decimal] = defaultdict(Decimal)
    available: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows(frames, "stock"):
        on_hand[row["item"]] += row["quantity"]
        if row["status"] == "available":
            available[row["item"]] += row["quantity"]
    return on_hand, available


def _in_transit(frames: Frames) -> Mapping[str, Decimal]:
    """Item → what has been ordered, requested, is being made, is between two shelves, or not on its first one yet."""
    coming: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entity in ("purchase_order", "purchase_request", "subcontract_order"):
        for row in rows(frames, entity):
            if row["status"] == "open":
                coming[row["item"]] += max(Decimal(0), row["quantity"] - (row.get("received") or Decimal(0)))
    made = {row["golden_id"]: row for row in rows(frames, "work_order")}
    for row in made.values():
        if row["status"] in WORK:
            coming[row["item"]] += max(Decimal(0), to_make(row))
    for row in rows(frames, "transfer_order"):
        if row["status"] == "in_transit":
            coming[row["item"]] += row["quantity"]
    received = {row["our_reference"] for row in rows(frames, "goods_receipt")}
    for report in finishing_reports(frames):
        if report["golden_id"] not in received:
            coming[made[report["work_order"]]["item"]] += report["good"]
    return coming


# -- suppliers ---------------------------------------------------------------------------------------------------

Offers = Mapping[str, list[tuple[int, str, int | None]]]
"""Item → (rank, supplier, lead time in days), the one tried first in front."""


def _offers(frames: Frames) -> Offers:
    found: defaultdict[str, list[tuple[int, str, int | None]]] = defaultdict(list)
    for row in rows(frames, "supplier_agreement"):
        rank = row["priority"] if row["priority"] is not None else NOBODY
        found[row["item"]].append((rank, row["supplier"], row["lead_time_days"]))
    return {item: sorted(offers, key=lambda offer: offer[:2]) for item, offers in found.items()}


def _first(offers: Offers, item: str) -> str | None:
    return offers[item][0][1] if item in offers else None


def _supplier_risks(sources: FactSources) -> Iterator[Row]:
    """Lines whose day has passed with something still to come, and lines refused before their day."""
    offers = _offers(sources.frames)
    for row in rows(sources.frames, "purchase_order"):
        left = row["quantity"] - (row["received"] or Decimal(0))
        state = _risk(row, left, sources.as_of)
        if state is None:
            continue
        others = [offer for offer in offers.get(row["item"], ()) if offer[1] != row["supplier"]]
        yield {
            "purchase": row["golden_id"],
            "number": row["number"],
            "item": row["item"],
            "supplier": row["supplier"],
            "quantity": left,
            "due": row["due"],
            "state": state,
            "alternate": others[0][1] if others else None,
            "alternate_days": others[0][2] if others else None,
        }


def _risk(row: Row, left: Decimal, as_of: date) -> str | None:
    if row["due"] is None or left <= 0:
        return None
    if row["status"] == "open" and row["due"] < as_of:
        return "late"
    return "rejected" if row["status"] == "cancelled" and row["due"] >= as_of else None


# -- shortages ---------------------------------------------------------------------------------------------------


@dataclass
class _Short:
    """What is short of one item, over all sales orders."""

    sourcing: str
    quantity: Decimal = Decimal(0)
    needed: list[date] = field(default_factory=list)
    expected: list[date] = field(default_factory=list)
    orders: set[str] = field(default_factory=set)


def _shortages(sources: FactSources) -> Iterator[Row]:
    """Bought and subcontracted items planned later than sales orders need them."""
    lines = {row["golden_id"]: row["order"] for row in rows(sources.frames, "sales_order_line")}
    found: dict[str, _Short] = {}
    for order in sources.plan.planned_orders:
        served = _sales_orders(sources.plan, order.key, lines) if order.late and order.sourcing in BOUGHT else set()
        if served:
            short = found.setdefault(order.item, _Short(order.sourcing))
            short.quantity += unscaled(order.quantity)
            short.needed.append(order.due)
            short.expected.append(order.expected)
            short.orders |= served
    suppliers = _offers(sources.frames)
    for item, short in found.items():
        yield {
            "item": item,
            "sourcing": short.sourcing,
            "quantity": short.quantity,
            "needed_on": min(short.needed),
            "expected_on": max(short.expected),
            "orders": dumps(sorted(short.orders)),
            "affected": len(short.orders),
            "supplier": _first(suppliers, item),
        }


def _sales_orders(plan: Plan, key: str, lines: Mapping[str, str]) -> set[str]:
    return {lines[root] for root in plan.roots_of(key) if root in lines}


# -- our own documents -------------------------------------------------------------------------------------------


def _awaited_purchases(sources: FactSources) -> Iterator[Row]:
    planned = sources.decided.get("planned_order", {})
    for entity in ("purchase_request", "subcontract_order"):
        for row in rows(sources.frames, entity):
            if row["our_reference"] and row["status"] == "open":
                yield {
                    "reference": row["our_reference"],
                    "document": row["number"],
                    "item": row["item"],
                    "quantity": row["quantity"],
                    "due": row["due"],
                    "supplier": row["supplier"],
                    "sales_order": planned.get(row["our_reference"], {}).get("sales_order"),
                }


def _stranded(sources: FactSources) -> Iterator[Row]:
    """Documents in progress whose sales order was cancelled."""
    cancelled = {row["golden_id"] for row in rows(sources.frames, "sales_order") if row["status"] == "cancelled"}
    planned = sources.decided.get("planned_order", {})
    own = own_orders(sources.frames)
    begun = {reference for reference, order in own.items() if order.started and order.open_quantity > 0}
    for document in ("work_order", "purchase_request", "subcontract_order"):
        for row in rows(sources.frames, document):
            reference = row["our_reference"]
            in_progress = reference in begun if document == "work_order" else row["status"] == "ordered"
            if reference in planned and in_progress and planned[reference]["sales_order"] in cancelled:
                yield {
                    "reference": reference,
                    "document": document,
                    "number": row["number"] or reference,
                    "item": row["item"],
                    "quantity": row["quantity"],
                    "sales_order": planned[reference]["sales_order"],
                }
