"""One frozen picture for the planner, built from golden records and from what the hub has already written.

Our own documents that nobody has started are planned anew under their old keys, so they are not supply
here; what the shop floor has begun is firm; what was reported but has not been seen arriving in the
warehouse counts as a receipt. So replanning at any moment orders nothing twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import Any

import polars as pl

from canonical.plan import (
    DEFAULT_SCALE,
    FirmOrder,
    LotPolicy,
    Peg,
    PlanBomLine,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanPolicies,
    PlanStock,
    ScheduledReceipt,
)
from pipeline.settings import Planning

Frames = Mapping[str, pl.DataFrame]
Row = Mapping[str, Any]
STARTED = frozenset({"running", "completed", "closed"})
OPEN_ORDER = frozenset({"open"})
ORDER_FIRST, URGENT_FIRST = 1, 0
AGAIN = "|again|"

POLICIES = PlanPolicies(supply_order="earliest_first", late_receipts="when_not_later_than_new")
"""Stock is used before receipts, so that what can ship from stock does; a late receipt beats a later new order."""


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """A document of ours, found again in a pull by our reference."""

    reference: str
    item: str
    quantity: Decimal
    good: Decimal
    scrapped: Decimal
    status: str
    due: date | None

    @property
    def started(self) -> bool:
        """Whether the target has begun it, so that the plan may not change it any more."""
        return self.status in STARTED or self.good + self.scrapped > 0

    @property
    def open_quantity(self) -> Decimal:
        """What is still to come of it."""
        if self.status in {"completed", "closed", "cancelled"}:
            return Decimal(0)
        return max(Decimal(0), self.quantity - self.good - self.scrapped)


def scaled(quantity: Decimal) -> int:
    """Stocking units to planning units (millionths), rounded up where a source gives more than six places."""
    return int((quantity * DEFAULT_SCALE).to_integral_value(rounding=ROUND_CEILING))


def unscaled(quantity: int) -> Decimal:
    """Planning units to stocking units, exactly."""
    return Decimal(quantity) / DEFAULT_SCALE


def rows(frames: Frames, entity: str) -> Iterator[Row]:
    """The golden rows of one entity; none where nothing was ever landed."""
    frame = frames.get(entity)
    return iter(()) if frame is None else frame.iter_rows(named=True)


def snapshot(frames: Frames, planning: Planning, as_of: date, prior_pegs: tuple[Peg, ...]) -> PlanningSnapshot:
    """Everything the planner needs, as of one day."""
    own = own_orders(frames)
    lines = open_lines(frames)
    started = {order.reference: order for order in own.values() if order.started}
    return PlanningSnapshot(
        as_of=as_of,
        items=tuple(_items(frames, planning)),
        bom=tuple(_bom(frames, as_of)),
        demands=(*_demands(lines), *_work_demands(frames, as_of)),
        stock=tuple(_stock(frames)),
        receipts=tuple(_receipts(frames, as_of, lines)),
        firm_orders=tuple(
            FirmOrder(
                plan_key(order.reference),
                order.item,
                scaled(order.open_quantity),
                max(order.due or as_of, as_of),
                "make",
            )
            for order in started.values()
            if order.open_quantity > 0
        ),
        prior_pegs=prior_pegs,
        closed_orders=frozenset(plan_key(reference) for reference in closed_references(frames)),
        policies=POLICIES,
    )


def plan_key(reference: str) -> str:
    """The planner's key behind our reference for a planned order (`M|ITEM|ROOT|1` → `ITEM|ROOT|1`)."""
    return reference.partition("|")[2]


def closed_references(frames: Frames) -> frozenset[str]:
    """Our references whose documents are done for: finished, ordered on, or cancelled in their system."""
    work = {
        order.reference
        for order in own_orders(frames).values()
        if order.status == "cancelled" or (order.started and order.open_quantity == 0)
    }
    bought = {
        row["our_reference"]
        for entity in ("purchase_request", "subcontract_order")
        for row in rows(frames, entity)
        if row["our_reference"] and row["status"] in {"ordered", "closed", "cancelled"}
    }
    return frozenset(work | bought)


def own_orders(frames: Frames) -> dict[str, OwnOrder]:
    """Work orders that carry our reference, by it."""
    return {
        row["our_reference"]: OwnOrder(
            row["our_reference"], row["item"], row["quantity"],
            row["good"] or Decimal(0), row["scrapped"] or Decimal(0), row["status"], row["due"],
        )
        for row in rows(frames, "work_order")
        if row["our_reference"] and row["item"]
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class OpenLine:
    """One sales order line still to be delivered."""

    key: str
    order: str
    line: str
    item: str
    quantity: Decimal
    due: date
    urgent: bool
    customer: str | None


def open_lines(frames: Frames) -> list[OpenLine]:
    """Lines of open orders, less what has been shipped."""
    orders = {row["golden_id"]: row for row in rows(frames, "sales_order") if row["status"] in OPEN_ORDER}
    shipped: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows(frames, "shipment"):
        if row["our_reference"]:
            shipped[shipped_line(row["our_reference"])] += row["shipped"] or Decimal(0)
    found = []
    for row in rows(frames, "sales_order_line"):
        order = orders.get(row["order"])
        left = (row["quantity"] or Decimal(0)) - shipped[row["golden_id"]]
        if order is not None and left > 0:
            found.append(
                OpenLine(
                    row["golden_id"], row["order"], row["line"], row["item"], left, row["due"],
                    bool(order["urgent"]), order["customer"],
                )
            )  # fmt: skip
    return found


def shipment_reference(line: str, withdrawn: Collection[str]) -> str:
    """Our reference for the shipment of an order line: a new one after those that were withdrawn, for good."""
    number = 1
    while (reference := f"{line}{AGAIN}{number}" if number > 1 else line) in withdrawn:
        number += 1
    return reference


def shipped_line(reference: str) -> str:
    """The order line behind our reference for a shipment."""
    return reference.partition(AGAIN)[0]


def _items(frames: Frames, planning: Planning) -> Iterator[PlanItem]:
    for row in rows(frames, "item"):
        lead = row["lead_time_days"]
        nameless = planning.identity_needed and row["drawing_number"] is None
        yield PlanItem(
            code=row["golden_id"],
            sourcing=row["sourcing"] or "buy",
            lead_time_days=planning.default_lead_time_days if lead is None else lead,
            # What is obsolete is used up, not replenished.
            safety_stock=0 if row["obsolete"] or nameless else scaled(row["safety_stock"] or Decimal(0)),
            lot=LotPolicy(
                minimum=scaled(row["lot_minimum"] or Decimal(0)), multiple=scaled(row["lot_multiple"] or Decimal(0))
            ),
        )


def _bom(frames: Frames, as_of: date) -> Iterator[PlanBomLine]:
    """The lines in force of one BOM per item: the first by code where several stand."""
    chosen: dict[str, str] = {}
    for row in sorted(rows(frames, "bom"), key=lambda row: str(row["code"])):
        if row["in_force"] is not False and _in_force(row, as_of):
            chosen.setdefault(row["item"], row["golden_id"])
    for row in rows(frames, "bom_line"):
        if chosen.get(row["parent"]) == row["bom"] and _in_force(row, as_of):
            ratio = Fraction(row["quantity"]) / Fraction(row["per"] or 1)
            scrap = int((row["scrap_rate"] or Decimal(0)) * 1_000_000)
            yield PlanBomLine(row["parent"], row["component"], ratio.numerator, ratio.denominator, scrap)


def _in_force(row: Row, as_of: date) -> bool:
    starts, ends = row["valid_from"], row["valid_to"]
    return (starts is None or starts <= as_of) and (ends is None or ends > as_of)


def _demands(lines: list[OpenLine]) -> Iterator[PlanDemand]:
    for line in lines:
        first = URGENT_FIRST if line.urgent else ORDER_FIRST
        yield PlanDemand(line.key, line.item, scaled(line.quantity), line.due, root=line.key, priority=first)


def _foreign_work(frames: Frames) -> Iterator[Row]:
    """Open work orders that are not ours: they stood in the ERP or MES before, or somebody typed them."""
    for row in rows(frames, "work_order"):
        if not row["our_reference"] and row["status"] in {"planned", "released", "running"}:
            yield row


def _work_demands(frames: Frames, as_of: date) -> Iterator[PlanDemand]:
    """Components that work orders of others still have to draw; what runs has drawn its kit."""
    parents: defaultdict[str, list[PlanBomLine]] = defaultdict(list)
    for line in _bom(frames, as_of):
        parents[line.parent].append(line)
    for row in _foreign_work(frames):
        if row["status"] == "running":
            continue
        key = f"work_order|{row['golden_id']}"
        for number, line in enumerate(parents[row["item"]]):
            needed = -(-scaled(row["quantity"]) * line.numerator // line.denominator)
            due = max(row["start"] or as_of, as_of)
            yield PlanDemand(f"{key}|{number}", line.component, needed, due, root=key, priority=ORDER_FIRST)


def _stock(frames: Frames) -> Iterator[PlanStock]:
    free: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows(frames, "stock"):
        if row["status"] == "available":
            free[row["item"]] += row["quantity"]
    for item, quantity in free.items():
        yield PlanStock(f"on_hand|{item}", item, scaled(quantity))


def _receipts(frames: Frames, as_of: date, lines: list[OpenLine]) -> Iterator[ScheduledReceipt]:
    yield from _work_receipts(frames, as_of, lines)
    yield from _purchases(frames, as_of)
    yield from _goods_on_the_way(frames, as_of)


def _work_receipts(frames: Frames, as_of: date, lines: list[OpenLine]) -> Iterator[ScheduledReceipt]:
    ordered = {(line.order, line.item): line.key for line in lines}
    for row in _foreign_work(frames):
        left = row["quantity"] - (row["good"] or Decimal(0)) - (row["scrapped"] or Decimal(0))
        if left > 0:
            yield ScheduledReceipt(
                key=f"work_order|{row['golden_id']}",
                item=row["item"],
                quantity=scaled(left),
                available=max(row["due"] or as_of, as_of),
                kind="work_order",
                reserved_for=ordered.get((row["sales_order"], row["item"])),
            )


def _purchases(frames: Frames, as_of: date) -> Iterator[ScheduledReceipt]:
    for entity in ("purchase_order", "purchase_request", "subcontract_order"):
        for row in rows(frames, entity):
            left = row["quantity"] - (row.get("received") or Decimal(0))
            if row["status"] == "open" and not row["our_reference"] and left > 0:
                due = max(row["due"] or as_of + timedelta(days=1), as_of)
                yield ScheduledReceipt(f"{entity}|{row['golden_id']}", row["item"], scaled(left), due, entity)


def _goods_on_the_way(frames: Frames, as_of: date) -> Iterator[ScheduledReceipt]:
    """Reported good pieces whose goods receipt has not been seen in the warehouse yet."""
    seen = {row["our_reference"] for row in rows(frames, "goods_receipt")}
    made = {row["golden_id"]: row for row in rows(frames, "work_order")}
    for report in finishing_reports(frames):
        if report["golden_id"] not in seen:
            work, key = made[report["work_order"]], f"goods_receipt|{report['golden_id']}"
            good = scaled(report["good"])
            yield ScheduledReceipt(key, work["item"], good, as_of, "goods_receipt", origin=_origin(work))


def routings(frames: Frames) -> dict[str, list[Row]]:
    """Item → its operations in order, of one routing: the first by code where several stand."""
    chosen: dict[str, str] = {}
    for row in sorted(rows(frames, "routing"), key=lambda row: str(row["code"])):
        chosen.setdefault(row["item"], row["golden_id"])
    steps: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows(frames, "operation"):
        if chosen.get(row["item"]) == row["routing"]:
            steps[row["item"]].append(row)
    return {item: sorted(found, key=lambda row: int(row["sequence"])) for item, found in steps.items()}


def finishing_reports(frames: Frames) -> Iterator[Row]:
    """Reports of good pieces that finish an item: of its last operation, or of none in particular."""
    made = {row["golden_id"]: row for row in rows(frames, "work_order")}
    reports = [row for row in rows(frames, "operation_report") if row["good"] > 0 and row["work_order"] in made]
    last = {item: steps[-1]["sequence"] for item, steps in routings(frames).items()} if reports else {}
    for report in reports:
        final = last.get(made[report["work_order"]]["item"])
        if final is None or report["sequence"] is None or report["sequence"] >= final:
            yield report


def _origin(work: Row) -> str | None:
    return plan_key(work["our_reference"]) if work["our_reference"] else None
