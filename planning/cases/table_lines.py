"""The lines of the classical table, read off a plan: receipts and releases, and what else a case asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any

from canonical.plan import Plan, PlannedOrder, PlanningSnapshot
from planning.cases.amounts import (
    FIRST_DAY,
    CaseFault,
    CaseRefused,
    bucket_day,
    bucket_of,
    chosen,
    in_the_finest_scale,
    number,
)
from planning.cases.forms import PAST_DUE, Table
from planning.cases.tables import TableSnapshot
from planning.mrp import plan
from planning.preparation import safety_stock_key

Numbers = dict[str, int | float]


def table_answer(form: Table) -> dict[str, Any]:
    """Receipts and releases of each item asked for (of all where none is), and the lines its `expected` names."""
    return in_the_finest_scale(lambda scale: _planned(form, scale))


def _planned(form: Table, scale: int) -> tuple[Plan, dict[str, Any]]:
    case = TableSnapshot(form, scale)
    table = _Table(case, case.snapshot())
    return table.plan, table.answer()


class _Table:
    """One planned case."""

    def __init__(self, case: TableSnapshot, snapshot: PlanningSnapshot) -> None:
        self.form = case.form
        self.scale = case.scale
        self.horizon = case.horizon()
        self.snapshot = snapshot
        self.plan = plan(snapshot, compiled=True)
        self.made = {order.key: order for order in self.plan.planned_orders}

    def answer(self) -> dict[str, Any]:
        self._refuse_problems()
        asked = self.form.expected or {code: {} for code in self.form.items}
        return {code: self._lines(code, lines) for code, lines in asked.items()}

    def _refuse_problems(self) -> None:
        """What the planner leaves out of a plan makes no answer here."""
        faults = [CaseFault(("items", row.item), f"{row.kind}: {row.key}: {row.detail}") for row in self.plan.problems]
        if faults and not self._retried():
            raise CaseRefused(*faults)

    def _retried(self) -> bool:
        """Whether a coarser scale may still do."""
        return self.scale > 1 and any(row.kind in {"overflow", "absurd_quantity"} for row in self.plan.problems)

    def _lines(self, code: str, asked: dict[str, Any]) -> dict[str, object]:
        lines: dict[str, Callable[[], object]] = {
            "receipts": lambda: self._by_bucket((order.due, order.started) for order in self._orders(code)),
            "releases": lambda: self._releases(code),
            "orders": lambda: self._lots(code),
            "orders_total": lambda: self._plain(sum(order.started for order in self._orders(code))),
            "order_qty": lambda: self._plain(next((order.started for order in self._orders(code)), 0)),
            "scheduled_receipts": lambda: self._by_bucket(self._scheduled(code)),
            "gross": lambda: self._by_bucket(self._drawn(code)),
            "net": partial(self._net, code),
            "on_hand_end": partial(self._on_hand_end, code, asked.get("on_hand_end")),
        }
        names = dict.fromkeys(("receipts", "releases", *asked))
        return chosen(lines, names, ("expected", code))

    def _orders(self, code: str) -> list[PlannedOrder]:
        """Planned orders of an item; a phantom has none, it is blown through."""
        if self.form.items[code].phantom:
            return []
        return [order for order in self.plan.planned_orders if order.item == code]

    def _releases(self, code: str) -> Numbers:
        totals: dict[str, int] = {}
        for order in self._orders(code):
            bucket = PAST_DUE if order.release < FIRST_DAY else str(bucket_of(order.release))
            totals[bucket] = totals.get(bucket, 0) + order.started
        return {bucket: self._plain(quantity) for bucket, quantity in totals.items()}

    def _lots(self, code: str) -> dict[str, list[int | float]]:
        lots: dict[str, list[int | float]] = {}
        for order in self._orders(code):
            lots.setdefault(str(bucket_of(order.due)), []).append(self._plain(order.started))
        return lots

    def _scheduled(self, code: str) -> list[tuple[date, int]]:
        receipts = [(row.available, row.quantity) for row in self.snapshot.receipts if row.item == code]
        return receipts + [(row.due, row.quantity) for row in self.snapshot.firm_orders if row.item == code]

    def _drawn(self, code: str) -> list[tuple[date, int]]:
        """What everything but safety stock draws of an item: every need is pegged, those of phantoms' parents too."""
        days = {row.key: row.due for row in self.snapshot.demands}
        days |= {row.key: self._begun(row.item, row.due) for row in self.snapshot.firm_orders}
        days |= {key: order.start for key, order in self.made.items()}
        own = safety_stock_key(code)
        return [
            (days[peg.consumer], peg.quantity) for peg in self.plan.pegs if peg.item == code and peg.consumer != own
        ]

    def _begun(self, code: str, due: date) -> date:
        lead = self.form.items[code].lead_time
        return max(bucket_day(bucket_of(due) - lead), FIRST_DAY)

    def _moves(self, code: str) -> list[tuple[date, int]]:
        good = [(order.due, order.quantity) for order in self.plan.planned_orders if order.item == code]
        yielded = [
            (order.expected, order.started * row.numerator // row.denominator)
            for row in self.snapshot.by_products
            if row.item == code
            for order in self.plan.planned_orders
            if order.item == row.parent
        ]
        return [*self._scheduled(code), *good, *yielded, *((day, -drawn) for day, drawn in self._drawn(code))]

    def _ends(self, code: str, buckets: Iterable[int]) -> dict[int, int]:
        stock = sum(row.quantity for row in self.snapshot.stock if row.item == code)
        moves = self._moves(code)
        return {b: stock + sum(quantity for day, quantity in moves if day <= bucket_day(b)) for b in buckets}

    def _on_hand_end(self, code: str, asked: Any) -> Numbers:  # noqa: ANN401 - whatever stands in `expected`
        wanted = asked if isinstance(asked, dict) and asked else range(1, self.horizon + 1)
        ends = self._ends(code, range(1, self.horizon + 1))
        faults = [
            CaseFault(("expected", code, "on_hand_end", str(b)), f"the table has no bucket {b!r}")
            for b in wanted
            if not str(b).isdigit() or int(b) not in ends
        ]
        if faults:
            raise CaseRefused(*faults)
        return {str(b): self._plain(ends[int(b)]) for b in wanted}

    def _net(self, code: str) -> Numbers:
        """What is missing of safety stock and gross requirements before an order is sized."""
        ends = self._ends(code, range(1, self.horizon + 1))
        good: dict[int, int] = {}
        for order in self.plan.planned_orders:
            if order.item == code:
                good[bucket_of(order.due)] = good.get(bucket_of(order.due), 0) + order.quantity
        safety = next(item.safety_stock for item in self.snapshot.items if item.code == code)
        missing = {b: safety - (ends[b] - good.get(b, 0)) for b in range(1, self.horizon + 1)}
        return {str(b): self._plain(quantity) for b, quantity in missing.items() if quantity > 0}

    def _by_bucket(self, rows: Iterable[tuple[date, int]]) -> Numbers:
        totals: dict[int, int] = {}
        for day, quantity in rows:
            totals[bucket_of(day)] = totals.get(bucket_of(day), 0) + quantity
        return {str(bucket): self._plain(totals[bucket]) for bucket in sorted(totals) if totals[bucket]}

    def _plain(self, quantity: int) -> int | float:
        return number(Fraction(quantity, self.scale))
