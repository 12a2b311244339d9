"""What is there or on its way: stock, purchases, work orders of others, what of ours has been begun or reported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from canonical.items import Sourcing
from canonical.plan import FirmOrder, PlanByProduct, PlanItem, PlanStock, ScheduledReceipt
from pipeline.golden_rows import ZERO, Frames, Row, rows, scaled
from pipeline.open_documents import (
    OpenLine,
    finishing_reports,
    foreign_work,
    is_rework,
    own_orders,
    plan_key,
    planned_origin,
    to_make,
)
from pipeline.planning_settings import Planning
from planning.lot_sizing import Sizing, good_of


def stock(frames: Frames, planning: Planning) -> Iterator[PlanStock]:
    """What is available of each item, for each site that keeps stock of its own."""
    for item, quantity in _stock(frames, planning)[0].items():
        yield PlanStock(f"on_hand|{item}", item, scaled(quantity))


def lacking(frames: Frames, planning: Planning) -> list[tuple[Row, str, Decimal]]:
    """Requested transfers of others with the planner's code of where from, and what of them does not lie there yet."""
    return _stock(frames, planning)[1] if planning.sites else []


def _stock(frames: Frames, planning: Planning) -> tuple[dict[str, Decimal], list[tuple[Row, str, Decimal]]]:
    """What is free by the planner's code, requested transfers taken off as far as it goes, and what they lack."""
    free: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows(frames, "stock"):
        if row["status"] == "available":
            free[planning.at_warehouse(row["item"], row["warehouse"])] += row["quantity"]
    lack = []
    for row, origin, _ in foreign_transfers(frames, planning):
        if row["status"] == "requested":
            taken = min(row["quantity"], max(free[origin], ZERO))
            free[origin] -= taken
            if taken < row["quantity"]:
                lack.append((row, origin, row["quantity"] - taken))
    return free, lack


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
    by_products: Sequence[PlanByProduct] = ()

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
        """Work orders and purchases of others, rework, and goods on the way from the shop floor to the shelf.

        Each on the day its document says, be it past: the planner counts on it today and asks to have it expedited.
        """
        yield from self._work()
        yield from self._rework()
        yield from self._purchases()
        yield from self._transfers()
        yield from self._goods_on_the_way()
        yield from self._beside()

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
        started = self.planning.policies.open_orders == "started"
        return self._good(item, scaled(quantity), max(day, self.as_of)) if started else scaled(quantity)

    def _work(self) -> Iterator[ScheduledReceipt]:
        ordered = _Ordered(self.lines)
        for row in foreign_work(self.frames):
            left = to_make(row)
            day = row["due"] or self.as_of
            if left > 0:
                yield ScheduledReceipt(
                    key=f"work_order|{row['golden_id']}",
                    item=row["item"],
                    quantity=self._expected(row["item"], left, day),
                    available=day,
                    kind="work_order",
                    reserved_for=ordered.line_of(row["sales_order"], row["item"], left),
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
                    day = row["due"] or self.as_of + timedelta(days=1)
                    good = self._expected(row["item"], left, day)
                    yield ScheduledReceipt(f"{entity}|{row['golden_id']}", row["item"], good, day, entity)

    def _transfers(self) -> Iterator[ScheduledReceipt]:
        """What others bring from one site to another, or have under way between two warehouses."""
        for row, _, target in foreign_transfers(self.frames, self.planning):
            day = row["due"] or self.as_of
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

    def _beside(self) -> Iterator[ScheduledReceipt]:
        """What open work orders yield beside their item: what of ours has been begun, and those of others."""
        made: defaultdict[str, list[PlanByProduct]] = defaultdict(list)
        for row in self.by_products:
            made[row.parent].append(row)
        for key, item, left, due, origin in self._open_work() if made else ():
            for row in made.get(item, ()):
                quantity = scaled(left) * row.numerator // row.denominator
                if quantity > 0:
                    name = f"by_product|{key}|{row.item}"
                    yield ScheduledReceipt(name, row.item, quantity, due or self.as_of, "by_product", origin=origin)

    def _open_work(self) -> Iterator[tuple[str, str, Decimal, date | None, str | None]]:
        """Key, item, what is still to be made, due day and planned order of the work orders that count as supply."""
        for order in own_orders(self.frames).values():
            begun = order.started and not is_rework(order.reference) and order.to_warehouse is None
            if begun and order.open_quantity > 0:
                key = plan_key(order.reference)
                yield key, order.item, order.open_quantity, order.due, key
        for row in foreign_work(self.frames):
            left = to_make(row)
            if left > 0:
                yield f"work_order|{row['golden_id']}", row["item"], left, row["due"], None


class _Ordered:
    """The open lines of each sales order by item, and how much of each no work order is for yet."""

    def __init__(self, lines: list[OpenLine]) -> None:
        self._lines: defaultdict[tuple[str, str], list[OpenLine]] = defaultdict(list)
        for line in sorted(lines, key=lambda line: (line.due, line.key)):
            self._lines[line.order, line.item].append(line)
        self._open = {line.key: line.quantity for line in lines}

    def line_of(self, order: str | None, item: str, quantity: Decimal) -> str | None:
        """The line a work order is for: the first that lacks something, else the last; None where there is none."""
        lines = self._lines.get((order or "", item), [])
        found = next((line.key for line in lines if self._open[line.key] > 0), lines[-1].key if lines else None)
        if found is not None:
            self._open[found] -= quantity
        return found
