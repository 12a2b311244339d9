"""What is there or on its way: stock, purchases, work orders of others, what of ours has been begun or reported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from canonical.items import Sourcing
from canonical.plan import FirmOrder, PlanItem, PlanStock, ScheduledReceipt
from pipeline.golden_rows import ZERO, Frames, Row, rows, scaled
from pipeline.open_documents import (
    OpenLine,
    finishing_reports,
    foreign_work,
    is_rework,
    own_orders,
    plan_key,
    planned_origin,
)
from pipeline.planning_settings import Planning
from planning.lot_sizing import Sizing, good_of


def stock(frames: Frames, planning: Planning) -> Iterator[PlanStock]:
    """What is available of each item, for each site that keeps stock of its own."""
    free: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows(frames, "stock"):
        if row["status"] == "available":
            free[planning.at_warehouse(row["item"], row["warehouse"])] += row["quantity"]
    for row, origin, _ in foreign_transfers(frames, planning):
        if row["status"] == "requested":
            free[origin] -= row["quantity"]
    for item, quantity in free.items():
        yield PlanStock(f"on_hand|{item}", item, scaled(quantity))


def foreign_transfers(frames: Frames, planning: Planning) -> Iterator[tuple[Row, str, str]]:
    """Transfers of others that the stock does not show yet, with the planner's codes of where from and where to.

    One within a site that has not left changes nothing.
    """
    for row in rows(frames, "transfer_order"):
        if row["our_reference"] or row["status"] not in {"requested", "in_transit"}:
            continue
        places = (planning.at_warehouse(row["item"], row[end]) for end in ("from_warehouse", "to_warehouse"))
        origin, target = places
        if row["status"] == "in_transit" or origin != target:
            yield row, origin, target


@dataclass(frozen=True, slots=True)
class Supplies:
    """Open orders as supply: of what is put in, so much counts as is expected to come out good."""

    frames: Frames
    planning: Planning
    as_of: date
    items: Mapping[str, PlanItem]
    lines: list[OpenLine]

    def firm_orders(self) -> Iterator[FirmOrder]:
        """Our own work orders and transfers that have been begun: the plan may not change them any more."""
        for order in own_orders(self.frames).values():
            if order.started and order.open_quantity > 0 and not is_rework(order.reference):
                due = max(order.due or self.as_of, self.as_of)
                item = self.planning.at_warehouse(order.item, order.to_warehouse)
                good = self._good(item, scaled(order.open_quantity), due)
                sourcing: Sourcing = "transfer" if order.to_warehouse else "make"
                yield FirmOrder(plan_key(order.reference), item, good, due, sourcing)

    def receipts(self) -> Iterator[ScheduledReceipt]:
        """Work orders and purchases of others, rework, and goods on the way from the shop floor to the shelf."""
        yield from self._work()
        yield from self._rework()
        yield from self._purchases()
        yield from self._transfers()
        yield from self._goods_on_the_way()

    def _good(self, item: str, started: int, day: date) -> int:
        """What comes out good, as the planner counts it for an order due on that day."""
        known = self.items.get(item)
        if known is None or not known.scrap:
            return started
        rates = ((rate.effective_from.toordinal() if rate.effective_from else 0, rate.ppm) for rate in known.scrap)
        rule = self.planning.policies.assembly_scrap
        rate = Sizing(known.lot, tuple(sorted(rates)), rule).rate_on(day.toordinal())
        return good_of(started, rate, rule, known.scale)

    def _expected(self, item: str, quantity: Decimal, day: date) -> int:
        """What an order of others brings."""
        ordered = scaled(quantity)
        return self._good(item, ordered, day) if self.planning.policies.open_orders == "started" else ordered

    def _work(self) -> Iterator[ScheduledReceipt]:
        ordered = {(line.order, line.item): line.key for line in self.lines}
        for row in foreign_work(self.frames):
            left = row["quantity"] - (row["good"] or ZERO) - (row["scrapped"] or ZERO)
            day = max(row["due"] or self.as_of, self.as_of)
            if left > 0:
                yield ScheduledReceipt(
                    key=f"work_order|{row['golden_id']}",
                    item=row["item"],
                    quantity=self._expected(row["item"], left, day),
                    available=day,
                    kind="work_order",
                    reserved_for=ordered.get((row["sales_order"], row["item"])),
                )

    def _rework(self) -> Iterator[ScheduledReceipt]:
        """Rejected pieces that come back good: our own orders, which no plan makes; they need no components."""
        for row in rows(self.frames, "rework"):
            good = self._expected(row["item"], row["quantity"], row["due"])
            yield ScheduledReceipt(row["reference"], row["item"], good, row["due"], "work_order", origin=row["origin"])

    def _purchases(self) -> Iterator[ScheduledReceipt]:
        for entity in ("purchase_order", "purchase_request", "subcontract_order"):
            for row in rows(self.frames, entity):
                left = row["quantity"] - (row.get("received") or ZERO)
                if row["status"] == "open" and not row["our_reference"] and left > 0:
                    day = max(row["due"] or self.as_of + timedelta(days=1), self.as_of)
                    good = self._expected(row["item"], left, day)
                    yield ScheduledReceipt(f"{entity}|{row['golden_id']}", row["item"], good, day, entity)

    def _transfers(self) -> Iterator[ScheduledReceipt]:
        """What others bring from one site to another, or have under way between two warehouses."""
        for row, _, target in foreign_transfers(self.frames, self.planning):
            day = max(row["due"] or self.as_of, self.as_of)
            key = f"transfer_order|{row['golden_id']}"
            yield ScheduledReceipt(key, target, scaled(row["quantity"]), day, "transfer_order")

    def _goods_on_the_way(self) -> Iterator[ScheduledReceipt]:
        """Reported good pieces whose goods receipt has not been seen in the warehouse yet."""
        seen = {row["our_reference"] for row in rows(self.frames, "goods_receipt")}
        made = {row["golden_id"]: row for row in rows(self.frames, "work_order")}
        failed = {row["golden_id"]: row for row in rows(self.frames, "inspection")}
        for report in finishing_reports(self.frames):
            if report["golden_id"] not in seen:
                work, key = made[report["work_order"]], f"goods_receipt|{report['golden_id']}"
                good, origin = scaled(report["good"]), planned_origin(work["our_reference"], made, failed)
                yield ScheduledReceipt(key, work["item"], good, self.as_of, "goods_receipt", origin=origin)
