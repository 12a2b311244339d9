"""Bucketed tables: gross requirements by bucket as demands of their own, one order an item and bucket.

As the classical table has it, safety stock is served first and safety time makes lead times longer. A phantom that has
stock or receipts is netted against them before it is blown through (APICS): it is planned as made, at once, lot for
lot. Stock below zero is backlog, needed in bucket 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil

from canonical.plan import (
    FirmComponent,
    FirmOrder,
    LotPolicy,
    PlanBomLine,
    PlanByProduct,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanPolicies,
    PlanStock,
    PlanSubstitute,
    ScheduledReceipt,
    ScrapRate,
)
from canonical.strict_yaml import Path_, suggest
from planning.cases.amounts import FIRST_DAY, Buckets, CaseFault, CaseRefused, bucket_day, scaled
from planning.cases.forms import BomLine, Bucket, Item, Lot, Receipt, Table

TABLE = PlanPolicies(safety_stock="served_first", order_grouping="need_date", safety_time="longer_lead")
PPM_OF_PERCENT = 10_000


def lot_policy(lot: Lot, scale: int, order_up_to: Decimal = Decimal(0)) -> LotPolicy:
    """A case's lot rule as a policy."""
    sized = LotPolicy(
        minimum=scaled(lot.min, scale),
        maximum=scaled(lot.max, scale),
        multiple=scaled(lot.multiple, scale),
        order_up_to=scaled(order_up_to, scale),
    )
    if lot.rule == "FOQ":
        return replace(sized, rule="fixed", fixed=scaled(lot.qty, scale))
    if lot.rule == "POQ":
        return replace(sized, rule="period", period_days=lot.periods or int(lot.qty))
    if lot.rule in {"EOQ", "MULTIPLE"} and lot.qty:
        return replace(sized, multiple=scaled(lot.qty, scale))
    return sized


def scrap_rates(percent: Decimal) -> tuple[ScrapRate, ...]:
    """What is lost of an order, in parts per million, rounded up."""
    ppm = ceil(Fraction(percent) * PPM_OF_PERCENT)
    return (ScrapRate(ppm),) if ppm else ()


class TableSnapshot:
    """A table on its way to a planning snapshot of one scale."""

    def __init__(self, form: Table, scale: int) -> None:
        self.form = form
        self.scale = scale
        self.buckets = Buckets.of(form.bucket_unit, form.start)
        self.parents = {line.parent for line in form.bom}
        self.supplied = {row.item for row in form.receipts if row.qty} | {
            code for code, item in form.items.items() if item.on_hand
        }

    def snapshot(self) -> PlanningSnapshot:
        """The case as the planner sees it; raises CaseRefused."""
        self._check()
        form = self.form
        rule = form.scrap_rule or "divide"
        return PlanningSnapshot(
            FIRST_DAY,
            tuple(self._item(code, row) for code, row in form.items.items()),
            tuple(self._line(line, number) for number, line in enumerate(form.bom)),
            tuple(self._demands()),
            tuple(
                PlanStock(f"on_hand|{code}", code, self._scaled(row.on_hand))
                for code, row in form.items.items()
                if row.on_hand > 0
            ),
            tuple(self._receipts()),
            tuple(self._running()),
            policies=replace(
                TABLE, assembly_scrap=rule, component_scrap="divide" if form.scrap_rule == "divide" else "multiply"
            ),
            substitutes=tuple(self._substitutes()),
            by_products=tuple(
                PlanByProduct(row.parent, row.item, *Fraction(row.qty).as_integer_ratio()) for row in form.by_products
            ),
        )

    def horizon(self) -> int:
        """The last bucket: as the case says, else the last one it names."""
        said = self.form.buckets
        count = len(said) if isinstance(said, list) else said
        gross = self.form.gross
        named = (self._bucket(bucket, ("gross", code, bucket)) for code in gross for bucket in gross[code])
        return count or max(named, default=1)

    def beyond(self) -> Iterator[Path_]:
        """The places of what lies after the last bucket, which is left out."""
        last = self.horizon()
        for code, row in self.form.gross.items():
            for bucket in row:
                if self._bucket(bucket, ("gross", code, bucket)) > last:
                    yield "gross", code, bucket
        for number, receipt in enumerate(self.form.receipts):
            if self._bucket(receipt.bucket, ("receipts", number)) > last:
                yield "receipts", number

    def _scaled(self, quantity: Decimal) -> int:
        return scaled(quantity, self.scale)

    def _bucket(self, bucket: Bucket, path: Path_) -> int:
        return self.buckets.number(bucket, path)

    def _item(self, code: str, row: Item) -> PlanItem:
        scrap = row.scrap_pct if row.yield_pct is None else 100 - row.yield_pct
        if row.phantom:
            nets = code in self.supplied and code in self.parents
            return PlanItem(code, "make" if nets else "phantom", 0, scale=self.scale)
        return PlanItem(
            code,
            "make" if code in self.parents else "buy",
            row.lead_time,
            self._scaled(row.safety_stock),
            lot_policy(row.lot, self.scale),
            self.scale,
            safety_time_days=row.safety_time,
            frozen_days=row.frozen,
            scrap=scrap_rates(scrap),
        )

    def _line(self, line: BomLine, number: int) -> PlanBomLine:
        first, until = (
            None if bucket is None else bucket_day(self._bucket(bucket, ("bom", number)))
            for bucket in (line.effective_start, line.effective_end)
        )
        scrap = ceil(Fraction(line.scrap_pct) * PPM_OF_PERCENT)
        return PlanBomLine(line.parent, line.component, *Fraction(line.qty).as_integer_ratio(), scrap, first, until)

    def _demands(self) -> Iterator[PlanDemand]:
        last = self.horizon()
        for code, row in self.form.gross.items():
            for bucket, quantity in row.items():
                at = self._bucket(bucket, ("gross", code, bucket))
                if quantity and at <= last:
                    yield self._demand(f"{code}|{bucket}", code, quantity, at)
        for code, item in self.form.items.items():
            if item.on_hand < 0:
                yield self._demand(f"backlog|{code}", code, -item.on_hand, 1)
            if item.allocated:
                yield self._demand(f"allocated|{code}", code, item.allocated, 1)
        for number, held in enumerate(self.form.reservations):
            if held.qty:
                at = self._bucket(held.bucket, ("reservations", number))
                yield self._demand(f"reservation|{number}", held.item, held.qty, at)

    def _demand(self, key: str, code: str, quantity: Decimal, bucket: int) -> PlanDemand:
        return PlanDemand(key, code, self._scaled(quantity), bucket_day(bucket), key)

    def _there(self, running: bool) -> Iterator[tuple[str, Receipt, date]]:  # noqa: FBT001 - one of two halves
        for number, row in enumerate(self.form.receipts):
            at = self._bucket(row.bucket, ("receipts", number))
            if bool(row.components) == running and at <= self.horizon():
                yield f"receipt|{number}", row, bucket_day(at)

    def _receipts(self) -> Iterator[ScheduledReceipt]:
        for key, row, day in self._there(running=False):
            yield ScheduledReceipt(key, row.item, self._scaled(row.qty), day, "scheduled")

    def _running(self) -> Iterator[FirmOrder]:
        for key, row, day in self._there(running=True):
            drawn = tuple(FirmComponent(one.item, self._scaled(one.qty)) for one in row.components)
            yield FirmOrder(key, row.item, self._scaled(row.qty), day, "make", components=drawn)

    def _substitutes(self) -> Iterator[PlanSubstitute]:
        for row in self.form.substitutes:
            ratio = Fraction(row.qty).as_integer_ratio()
            yield PlanSubstitute(row.item, row.substitute, *ratio, row.priority, row.use_first, row.parent)
        for line in self.form.bom:
            for other in line.substitutes:
                ratio = Fraction(other.qty).as_integer_ratio()
                yield PlanSubstitute(
                    line.component, other.item, *ratio, other.priority, other.use_first, other.parent or line.parent
                )

    def _check(self) -> None:
        """Every item that is named must be among the items."""
        items = self.form.items
        faults = [
            CaseFault(path, f"item {code!r} is not among `items`", suggest(code, items))
            for path, code in self._named()
            if code not in items
        ]
        if faults:
            raise CaseRefused(*faults)

    def _named(self) -> Iterator[tuple[Path_, str]]:
        form = self.form
        for code in (*form.gross, *(form.expected or ())):
            yield ("gross" if code in form.gross else "expected", code), code
        for n, line in enumerate(form.bom):
            yield ("bom", n, "parent"), line.parent
            yield ("bom", n, "component"), line.component
            for m, other in enumerate(line.substitutes):
                yield ("bom", n, "substitutes", m, "item"), other.item
        for n, receipt in enumerate(form.receipts):
            yield ("receipts", n, "item"), receipt.item
            for m, drawn in enumerate(receipt.components):
                yield ("receipts", n, "components", m, "item"), drawn.item
        for n, held in enumerate(form.reservations):
            yield ("reservations", n, "item"), held.item
        for n, row in enumerate(form.substitutes):
            yield ("substitutes", n, "item"), row.item
            yield ("substitutes", n, "substitute"), row.substitute
        for n, made in enumerate(form.by_products):
            yield ("by_products", n, "parent"), made.parent
            yield ("by_products", n, "item"), made.item
