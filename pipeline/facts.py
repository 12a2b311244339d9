"""Facts for the rules, derived from golden records, the plan, and what was decided before.

What the target has begun or finished keeps the content it was decided with: a fact that merely ran its
course must never look deleted, or the hub would cancel what is being made or has left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any

import polars as pl

from canonical.entities import model_schema
from canonical.facts import FACTS
from canonical.plan import Plan, PlannedOrder
from canonical.strict_json import dumps
from pipeline.fact_sources import FactSources, sales_order_of
from pipeline.floor_facts import floor_facts
from pipeline.master_facts import master_facts
from pipeline.order_facts import order_facts, review_note
from pipeline.plan_items import BOUGHT
from pipeline.plan_sites import between
from pipeline.settings import Planning
from pipeline.snapshot import (
    Frames,
    OpenLine,
    Row,
    closed_references,
    finishing_reports,
    open_lines,
    own_orders,
    rows,
    shipment_reference,
    shipped_line,
    unscaled,
)
from pipeline.supply_facts import supply_facts

LETTER = {"make": "M", "buy": "P", "subcontract": "S", "transfer": "T"}
"""First letter of a planned order's reference: production, purchase, subcontract, transfer."""
BY_HAND = "H"
"""That of a transfer no system takes: it is no document, so that one which was asked of a system is withdrawn there."""
ROUTINE, HURRIED = 5, 2
ALWAYS = frozenset(
    {
        "planned_order", "shipment_need", "production_feedback", "failed_inspection", "urgent_work", "urgent_order",
        "order_progress",
    }
)  # fmt: skip
"""Facts that are kept whatever the rules look at: others, and the plan's own memory, are derived from them."""


def facts(sources: FactSources, wanted: AbstractSet[str] | None = None) -> dict[str, pl.DataFrame]:
    """Every fact frame by name, each with one row a key; only the `wanted` ones, where they are named.

    Facts that others are derived from are always made; the rest costs nothing where no rule looks at it.
    """
    lines = open_lines(sources.frames)
    planned = list(_planned_orders(sources, lines))
    shipments = list(_shipment_needs(sources, lines))
    derived: dict[str, Callable[[], Iterable[Row]]] = {
        "planned_order": lambda: planned,
        "shipment_need": lambda: shipments,
        "production_feedback": lambda: _feedback(sources),
        "urgent_work": lambda: _urgent_work(sources, planned),
        "urgent_order": lambda: _urgent_orders(sources, lines, shipments),
        "order_progress": lambda: _progress(sources, lines, planned, shipments),
        **order_facts(sources, lines),
        **supply_facts(sources),
        **floor_facts(sources),
        **master_facts(sources),
    }
    return {name: _frame(name, make()) for name, make in derived.items() if wanted is None or name in wanted}


def _frame(name: str, found: Iterable[Row]) -> pl.DataFrame:
    model = FACTS[name]
    schema = model_schema(model)
    by_key = sorted(found, key=itemgetter(*model.key))
    rows_found = [{field: row.get(field) for field in schema} for row in by_key]
    return pl.DataFrame(rows_found, schema=schema) if rows_found else _nothing(name)


@lru_cache
def _nothing(name: str) -> pl.DataFrame:
    return pl.DataFrame(schema=model_schema(FACTS[name]))


# -- planned orders ----------------------------------------------------------------------------------------------


def _planned_orders(sources: FactSources, lines: list[OpenLine]) -> Iterator[Row]:
    before = sources.decided.get("planned_order", {})
    orders = {line.key: line for line in lines}
    suppliers = _suppliers(sources.frames)
    item_of = sources.planning.item_of
    obsolete = {row["golden_id"] for row in rows(sources.frames, "item") if row["obsolete"]}
    fresh: set[str] = set()
    for order in sources.plan.planned_orders:
        by_hand = order.sourcing == "transfer" and sources.transfers_by_hand
        reference = f"{BY_HAND if by_hand else LETTER[order.sourcing]}|{order.key}"
        if not (reference in before or _inside_fence(order, sources.planning, sources.as_of)):
            continue
        if item_of(order.item) in obsolete and reference not in before:
            continue  # the ERP refuses it; the shortage shows in the plan until the BOM is mended
        fresh.add(reference)
        line = orders.get(order.root or "")
        offers, old = suppliers.get(order.item, ()), before.get(reference)
        yield _planned_order(sources, order, reference, line=line, offers=offers, old=old)
    frozen = _begun(sources.frames)
    yield from (row for reference, row in before.items() if reference in frozen and reference not in fresh)


def references_of(key: str) -> Iterator[str]:
    """Every reference a planned order of this planner's key may have: the same for the same need, at every replanning.

    Which of them it has depends on how the need is met.
    """
    return (f"{letter}|{key}" for letter in (*LETTER.values(), BY_HAND))


def _inside_fence(order: PlannedOrder, planning: Planning, as_of: date) -> bool:
    days = planning.release_fence_by_item.get(order.item, planning.release_fence_days)
    return order.release <= as_of + timedelta(days=days)


def _begun(frames: Frames) -> frozenset[str]:
    return closed_references(frames) | {order.reference for order in own_orders(frames).values() if order.started}


def _planned_order(
    sources: FactSources,
    order: PlannedOrder,
    reference: str,
    *,
    line: OpenLine | None,
    offers: Collection[str],
    old: Row | None,
) -> Row:
    quantity = unscaled(order.started)
    unmoved = old is not None and (old["quantity"], old["due"]) == (quantity, order.due)
    # Who was asked stays asked: as the day comes nearer, nobody delivers in time any more.
    asked = old["supplier"] if old is not None and unmoved and old["supplier"] in offers else order.supplier
    return {
        "reference": reference,
        "item": sources.planning.item_of(order.item),
        "sourcing": order.sourcing,
        "quantity": quantity,
        "good": unscaled(order.quantity) if order.scrap else None,
        # A late order starts "today"; a start that slides with the calendar must not become a change a day.
        "start": old["start"] if old is not None and unmoved else order.start,
        "due": order.due,
        "supplier": asked if order.sourcing in BOUGHT else None,
        "sales_order": line.order if line else (old or {}).get("sales_order"),
        "priority": old["priority"] if old is not None else (HURRIED if line and line.urgent else ROUTINE),
        "kit": _kit(sources.plan, order),
        **_way(sources, order, old),
    }


def _way(sources: FactSources, order: PlannedOrder, old: Row | None) -> Row:
    """Between which warehouses a transfer goes: as first decided, wherever the goods lie by now."""
    if order.sourcing != "transfer":
        return {}
    if old is not None and old["from_warehouse"]:
        origin, target = old["from_warehouse"], old["to_warehouse"]
    else:
        origin, target = between(order.item, sources.planning, sources.frames)
    return {"from_warehouse": origin, "to_warehouse": target, "by_hand": sources.transfers_by_hand}


def _kit(plan: Plan, order: PlannedOrder) -> str:
    if order.sourcing in {"buy", "transfer"}:
        return "[]"
    return f"[{', '.join([_kit_line(item, quantity) for item, quantity in plan.required(order.key)])}]"


@lru_cache(maxsize=65_536)
def _kit_line(item: str, quantity: int) -> str:
    """A line as JSON, in stocking units: ten thousand kits have few lines between them."""
    return dumps({"item": item, "quantity": unscaled(quantity)})


def _suppliers(frames: Frames) -> dict[str, set[str]]:
    """Who offers each item."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows(frames, "supplier_agreement"):
        found[row["item"]].add(row["supplier"])
    return found


# -- shipments ---------------------------------------------------------------------------------------------------


def _shipment_needs(sources: FactSources, lines: list[OpenLine]) -> Iterator[Row]:
    before = sources.decided.get("shipment_need", {})
    ours = {row["our_reference"]: row["status"] for row in rows(sources.frames, "shipment") if row["our_reference"]}
    leaving = {reference for reference, status in ours.items() if status in {"picking", "shipped"}}
    withdrawn = {reference for reference, status in ours.items() if status == "cancelled"}
    served = {shipped_line(reference) for reference in leaving}
    for line in lines:
        if line.key not in served and _covered(sources.plan, line):
            reference = shipment_reference(line.key, withdrawn)
            yield _shipment_need(line, reference, before.get(reference))
    yield from (row for reference, row in before.items() if reference in leaving)


def _covered(plan: Plan, line: OpenLine) -> bool:
    """Whether stock on hand alone covers the line."""
    pegs = plan.supplies_of(line.key)
    return bool(pegs) and all(peg.kind == "on_hand" for peg in pegs) and _sum(pegs) >= line.quantity


def _sum(pegs: Iterable[Any]) -> Decimal:
    return unscaled(sum(peg.quantity for peg in pegs))


def _shipment_need(line: OpenLine, reference: str, old: Row | None) -> Row:
    return {
        "reference": reference,
        "sales_order": line.order,
        "line": line.line,
        "item": line.item,
        "quantity": line.quantity,
        "due": line.due,
        "customer": line.customer,
        "priority": old["priority"] if old else (HURRIED if line.urgent else ROUTINE),
        "lines": dumps([{"line": line.line, "item": line.item, "quantity": line.quantity}]),
    }


# -- feedback of the shop floor ----------------------------------------------------------------------------------


def _feedback(sources: FactSources) -> Iterator[Row]:
    """Reports of what is finished; those of an operation before the last are not goods yet."""
    work = {row["golden_id"]: row for row in rows(sources.frames, "work_order")}
    for row in finishing_reports(sources.frames):
        order = work[row["work_order"]]
        yield {
            "report": row["golden_id"],
            "work_order": row["work_order"],
            "item": order["item"],
            "good": row["good"],
            "scrapped": row["scrapped"] or Decimal(0),
            "reported_at": row["reported_at"],
            "warehouse": sources.planning.receiving_warehouse,
            "sales_order": sales_order_of(order, sources.decided),
        }


# -- urgent orders -----------------------------------------------------------------------------------------------


def _urgent_work(sources: FactSources, planned: list[Row]) -> Iterator[Row]:
    before = sources.decided.get("urgent_work", {})
    urgent = {row["golden_id"] for row in rows(sources.frames, "sales_order") if row["urgent"]}
    closed = closed_references(sources.frames)
    found = {
        row["reference"]: {
            "reference": row["reference"],
            "sales_order": row["sales_order"],
            "work_order": row["reference"],
        }
        for row in planned
        if row["sourcing"] == "make" and row["sales_order"] in urgent and row["reference"] not in closed
    }
    yield from ({**before, **found}).values()


def _urgent_orders(sources: FactSources, lines: list[OpenLine], shipments: list[Row]) -> Iterator[Row]:
    before = sources.decided.get("urgent_order", {})
    shipping = {row["sales_order"] for row in shipments}
    found: dict[str, Row] = {}
    for line in lines:
        if line.urgent:
            was = found.get(line.order)
            found[line.order] = {
                "sales_order": line.order,
                "customer": line.customer,
                "due": min(line.due, was["due"]) if was else line.due,
                "shipping": line.order in shipping,
            }
    yield from ({**before, **found}).values()


# -- progress ----------------------------------------------------------------------------------------------------


def _progress(sources: FactSources, lines: list[OpenLine], planned: list[Row], shipments: list[Row]) -> Iterator[Row]:
    open_by_order: defaultdict[str, list[OpenLine]] = defaultdict(list)
    for line in lines:
        open_by_order[line.order].append(line)
    shipping = {shipped_line(row["reference"]) for row in shipments}
    making = _making(sources.frames, planned)
    before = sources.decided.get("order_progress", {})
    for order in rows(sources.frames, "sales_order"):
        key = order["golden_id"]
        stage, percent = _stage(order, open_by_order[key], shipping, making.get(key), sources.held_orders.get(key))
        if stage is None and key not in before:
            continue
        yield {
            "sales_order": key,
            "stage": stage or "shipped",
            "percent": percent,
            "promised": _promised(sources.plan, open_by_order[key]),
            "note": sources.held_orders.get(key) or review_note(sources, order),
        }


def _stage(
    order: Row, left: list[OpenLine], shipping: set[str], made: tuple[Decimal, Decimal] | None, held: str | None
) -> tuple[str | None, int]:
    """Stage and percent of one order; (None, 100) where there is nothing left to deliver."""
    good, total = made or (Decimal(0), Decimal(0))
    cases: tuple[tuple[bool, str | None, int], ...] = (
        (order["status"] == "cancelled", "cancelled", 0),
        (bool(held), "held", 0),
        (order["status"] == "draft", "received", 0),
        (not left, None, 100),
        (all(line.key in shipping for line in left), "shipping", 90),
        (good > 0, "in_production", 20 + int(60 * good / total) if total else 20),
    )
    return next(((stage, percent) for holds, stage, percent in cases if holds), ("planned", 10))


def _making(frames: Frames, planned: list[Row]) -> dict[str, tuple[Decimal, Decimal]]:
    """Per sales order: good and ordered quantity of its production, over all its items."""
    own = own_orders(frames)
    result: dict[str, tuple[Decimal, Decimal]] = {}
    for row in planned:
        if row["sourcing"] == "make" and row["sales_order"]:
            good, total = result.get(row["sales_order"], (Decimal(0), Decimal(0)))
            done = own[row["reference"]].good if row["reference"] in own else Decimal(0)
            wanted = row["quantity"] if row.get("good") is None else row["good"]
            result[row["sales_order"]] = (good + min(done, wanted), total + wanted)
    return result


def _promised(plan: Plan, left: list[OpenLine]) -> date | None:
    """When the last open line can be there, by the plan."""
    dates = [line.due for line in left]
    for line in left:
        for peg in plan.supplies_of(line.key):
            order = plan.order(peg.supply)
            dates.append(order.expected if order else plan.availability.get(peg.supply, line.due))
    return max(dates, default=None)
