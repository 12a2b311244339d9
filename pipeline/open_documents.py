"""Documents the hub finds again in the systems: its own orders, open sales order lines, what the floor finished."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pipeline.golden_rows import Frames, Row, rows
from pipeline.plan_structure import routings

STARTED = frozenset({"running", "completed", "closed"})
OPEN_ORDER = frozenset({"open"})
TRANSFERS = {"requested": "planned", "in_transit": "running", "received": "completed", "cancelled": "cancelled"}
"""How far a transfer is → how far a work order would be."""
AGAIN = "|again|"
REWORK = "rework|"
"""How our reference for a rework order begins; what follows is the inspection that failed."""


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
    to_warehouse: str | None = None
    """Where goods are brought; None for what is made."""

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


def plan_key(reference: str) -> str:
    """The planner's key behind our reference for a planned order (`M|ITEM|ROOT|1` → `ITEM|ROOT|1`)."""
    return reference.partition("|")[2]


def rework_reference(inspection: str) -> str:
    """Our reference for the rework of what an inspection rejected: one order, however often it is looked at."""
    return f"{REWORK}{inspection}"


def is_rework(reference: str) -> bool:
    """Whether our reference names a rework order, which no plan makes and none may change."""
    return reference.startswith(REWORK)


def planned_origin(reference: str | None, work: Mapping[str, Row], inspections: Mapping[str, Row]) -> str | None:
    """The planner's key of the order a work order of ours goes back to; for rework, the one whose pieces failed.

    `work` and `inspections` by golden id; None where it is nobody's, or what failed is not known any more.
    """
    while reference and is_rework(reference):
        failed = inspections.get(reference.removeprefix(REWORK))
        made = work.get(failed["work_order"]) if failed else None
        reference = made["our_reference"] if made else None
    return plan_key(reference) if reference else None


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
    """Work orders and transfers that carry our reference, by it."""
    return {**_own_work(frames), **_own_transfers(frames)}


def _own_transfers(frames: Frames) -> dict[str, OwnOrder]:
    """What is on its way is begun; once received it is the stock of where it went."""
    return {
        row["our_reference"]: OwnOrder(
            row["our_reference"], row["item"], row["quantity"],
            row["quantity"] if row["status"] == "received" else Decimal(0), Decimal(0),
            TRANSFERS[row["status"]], row["due"], row["to_warehouse"],
        )
        for row in rows(frames, "transfer_order")
        if row["our_reference"] and row["item"]
    }  # fmt: skip


def _own_work(frames: Frames) -> dict[str, OwnOrder]:
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
    warehouse: str | None = None


def open_lines(frames: Frames) -> list[OpenLine]:
    """Lines of open orders, less what has been shipped."""
    orders = {row["golden_id"]: row for row in rows(frames, "sales_order") if row["status"] in OPEN_ORDER}
    shipped, found = _shipped(frames), []
    for row in rows(frames, "sales_order_line"):
        order = orders.get(row["order"])
        left = (row["quantity"] or Decimal(0)) - shipped[row["golden_id"]]
        if order is not None and left > 0:
            found.append(
                OpenLine(
                    row["golden_id"], row["order"], row["line"], row["item"], left, row["due"],
                    bool(order["urgent"]), order["customer"], row["warehouse"],
                )
            )  # fmt: skip
    return found


def delivered(frames: Frames, since: date) -> Iterator[tuple[Row, Decimal]]:
    """Sales order lines due from a day on of which something has left, and how much: what shipped, closed lines whole.

    Drafts and what was cancelled before anything left are none of them.
    """
    status, shipped = {row["golden_id"]: row["status"] for row in rows(frames, "sales_order")}, _shipped(frames)
    for row in rows(frames, "sales_order_line"):
        if row["due"] is not None and row["due"] >= since:
            left = shipped[row["golden_id"]]
            gone = max(row["quantity"] or Decimal(0), left) if status.get(row["order"]) == "closed" else left
            if gone > 0:
                yield row, gone


def _shipped(frames: Frames) -> defaultdict[str, Decimal]:
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows(frames, "shipment"):
        if row["our_reference"]:
            found[shipped_line(row["our_reference"])] += row["shipped"] or Decimal(0)
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


def finishing_reports(frames: Frames) -> Iterator[Row]:
    """Reports of good pieces that finish an item: of its last operation, or of none in particular."""
    made = {row["golden_id"]: row for row in rows(frames, "work_order")}
    reports = [row for row in rows(frames, "operation_report") if row["good"] > 0 and row["work_order"] in made]
    last = {item: steps[-1]["sequence"] for item, steps in routings(frames).items()} if reports else {}
    for report in reports:
        final = last.get(made[report["work_order"]]["item"])
        if final is None or report["sequence"] is None or report["sequence"] >= final:
            yield report


def foreign_work(frames: Frames) -> Iterator[Row]:
    """Open work orders that are not ours: they stood in the ERP or MES before, or somebody typed them."""
    for row in rows(frames, "work_order"):
        if not row["our_reference"] and row["status"] in {"planned", "released", "running"}:
            yield row


def to_make(work: Row) -> Decimal:
    """What a work order still brings, good or not."""
    left: Decimal = work["quantity"] - (work["good"] or Decimal(0)) - (work["scrapped"] or Decimal(0))
    return left


def has_begun(work: Row) -> bool:
    """Whether a work order of others runs or has brought something already."""
    return work["status"] == "running" or (work["good"] or 0) + (work["scrapped"] or 0) > 0
