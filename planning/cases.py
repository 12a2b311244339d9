"""Runs one worked case (`mrp-case/1`) through the planner, so that anyone can check it against a known answer.

A case gives bucketed gross requirements rather than orders: bucket k is day k-1 after an arbitrary first day, every
bucket's requirement is its own root, and orders are grouped by need date as the classical table does. Quantities are
decimals in the file, ints in the planner, and come back as plain JSON numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from canonical.plan import (
    DEFAULT_SCALE,
    LotPolicy,
    Plan,
    PlanBomLine,
    PlanDemand,
    PlanItem,
    PlannedOrder,
    PlanningSnapshot,
    PlanPolicies,
    PlanStock,
    PlanSupplier,
    ScheduledReceipt,
    ScrapRate,
    ScrapRule,
    Sourcing,
)
from planning.lot_sizing import MILLION
from planning.mrp import plan
from planning.promise.atp import discrete_atp

FINE_SCALE = 10**10
FIRST_DAY = date(2000, 1, 1)
TABLE = PlanPolicies(safety_stock="served_first", order_grouping="need_date", safety_time="longer_lead")
Document = dict[str, Any]


class UnknownCaseKind(ValueError):
    """The case is of a kind the planner has no answer for; the message names the kinds it knows."""


def run_case(document: Document) -> Document | list[Document]:
    """The answer to one case: the keys of its `expected`, or `{"cases": [...]}` with each case's expected keys.

    Raises UnknownCaseKind.
    """
    known: dict[str, Callable[[Document], Document | list[Document]]] = {
        "mrp_table": _mrp_table,
        "moq_allocation": _moq_allocation,
        "lot_sizing": _lot_sizing,
        "atp": _atp,
    }
    known |= {"ctp": _suppliers, "effectivity": _effectivity}
    kind = document.get("kind")
    if kind not in known:
        raise UnknownCaseKind(f"case kind {kind!r} is not one of {', '.join(sorted(known))}")
    return known[str(kind)](document)


def _scaled(value: float | str, scale: int = DEFAULT_SCALE) -> int:
    return ceil(Fraction(Decimal(str(value))) * scale)


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else round(float(value), 9)


def _plain(quantity: int) -> int | float:
    return _number(Fraction(quantity, DEFAULT_SCALE))


def lot_policy(lot: Document, scale: int = DEFAULT_SCALE) -> LotPolicy:
    """A case's lot rule as a policy: L4L, NONE, FOQ, EOQ, MULTIPLE, POQ or MINMAX, with min, max and multiple."""
    rule = lot.get("rule", "L4L")
    minimum, maximum, multiple = (_scaled(lot.get(name) or 0, scale) for name in ("min", "max", "multiple"))
    sized = LotPolicy(minimum=minimum, maximum=maximum, multiple=multiple)
    if rule == "FOQ":
        return replace(sized, rule="fixed", fixed=_scaled(lot["qty"], scale))
    if rule == "POQ":
        periods = next(lot[name] for name in ("periods", "period", "n", "qty") if name in lot)
        return replace(sized, rule="period", period_days=int(periods))
    if rule in {"EOQ", "MULTIPLE"} and "qty" in lot:
        return replace(sized, multiple=_scaled(lot["qty"], scale))
    return sized


def _bucket_day(bucket: int | str) -> date:
    return FIRST_DAY + timedelta(int(bucket) - 1)


def _bucket(day: date) -> int:
    return (day - FIRST_DAY).days + 1


def _plan_item(code: str, row: Document, parents: set[str]) -> PlanItem:
    sourcing: Sourcing = "phantom" if row.get("phantom") else "make" if code in parents else "buy"
    safety, lead = _scaled(row.get("safety_stock") or 0), int(row.get("lead_time") or 0)
    ppm = ceil(Fraction(Decimal(str(row.get("scrap_pct") or 0))) * 10_000)
    return PlanItem(
        code,
        sourcing,
        lead,
        safety,
        lot_policy(row.get("lot") or {}),
        safety_time_days=int(row.get("safety_time") or 0),
        scrap=(ScrapRate(ppm),) if ppm else (),
    )


def table_snapshot(document: Document) -> PlanningSnapshot:
    """A bucketed case as a planning snapshot."""
    lines, items = document.get("bom", []), document["items"]
    parents = {line["parent"] for line in lines}
    demands = [
        PlanDemand(f"{code}|{bucket}", code, _scaled(quantity), _bucket_day(bucket), f"{code}|{bucket}")
        for code, row in document.get("gross", {}).items()
        for bucket, quantity in row.items()
        if quantity
    ]
    receipts = [
        ScheduledReceipt(f"receipt|{n}", row["item"], _scaled(row["qty"]), _bucket_day(row["bucket"]), "scheduled")
        for n, row in enumerate(document.get("receipts", []))
    ]
    return PlanningSnapshot(
        as_of=FIRST_DAY,
        items=tuple(_plan_item(code, row, parents) for code, row in items.items()),
        bom=tuple(_bom_line(line) for line in lines),
        demands=tuple(demands),
        stock=tuple(
            PlanStock(f"on_hand|{code}", code, _scaled(row.get("on_hand") or 0)) for code, row in items.items()
        ),
        receipts=tuple(receipts),
        policies=replace(TABLE, assembly_scrap=document.get("scrap_rule", "divide")),
    )


def _bom_line(line: Document) -> PlanBomLine:
    ratio = Fraction(Decimal(str(line["qty"])))
    scrap = Decimal(str(line.get("scrap_pct") or 0)) * 10_000
    return PlanBomLine(line["parent"], line["component"], ratio.numerator, ratio.denominator, int(scrap))


@dataclass(frozen=True, slots=True)
class _Table:
    """The planned case, as the lines of the classical table are read off it."""

    document: Document
    snapshot: PlanningSnapshot
    outcome: Plan

    def orders(self, code: str) -> list[PlannedOrder]:
        return [order for order in self.outcome.planned_orders if order.item == code]

    def line(self, code: str, name: str, asked: Any) -> Any:  # noqa: ANN401 - each line has its own JSON shape
        orders = self.orders(code)
        if name == "releases":
            return _sums((_release_bucket(order), order.started) for order in orders)
        if name == "orders_total":
            return _plain(sum(order.started for order in orders))
        if name == "order_qty":
            return _plain(orders[0].started) if orders else 0
        if name == "orders":
            return _lists(orders)
        if name == "on_hand_end":
            return self.on_hand_end(code, asked or range(1, int(self.document["buckets"]) + 1))
        return _sums((str(_bucket(order.due)), order.started) for order in orders)

    def on_hand_end(self, code: str, buckets: Any) -> dict[str, int | float]:  # noqa: ANN401 - any iterable of buckets
        moves: list[tuple[date, int]] = [
            (row.available, row.quantity) for row in self.snapshot.receipts if row.item == code
        ]
        moves += [(order.due, order.quantity) for order in self.orders(code)]
        moves += [(row.due, -row.quantity) for row in self.snapshot.demands if row.item == code]
        made = {order.key: order for order in self.outcome.planned_orders}
        drawn = {peg.consumer: 0 for peg in self.outcome.pegs if peg.item == code and peg.consumer in made}
        for peg in self.outcome.pegs:
            if peg.item == code and peg.consumer in drawn:
                drawn[peg.consumer] += peg.quantity
        moves += [(made[key].start, -quantity) for key, quantity in drawn.items()]
        stock = sum(row.quantity for row in self.snapshot.stock if row.item == code)
        ends = {str(b): stock + sum(q for day, q in moves if day <= _bucket_day(b)) for b in buckets}
        return {bucket: _plain(quantity) for bucket, quantity in ends.items()}


def _release_bucket(order: PlannedOrder) -> str:
    return "past_due" if order.release < FIRST_DAY else str(_bucket(order.release))


def _sums(rows: Any) -> dict[str, int | float]:  # noqa: ANN401 - pairs of bucket and quantity
    totals: dict[str, int] = {}
    for bucket, quantity in rows:
        totals[bucket] = totals.get(bucket, 0) + quantity
    return {bucket: _plain(quantity) for bucket, quantity in totals.items()}


def _lists(orders: list[PlannedOrder]) -> dict[str, list[int | float]]:
    lots: dict[str, list[int | float]] = {}
    for order in orders:
        lots.setdefault(str(_bucket(order.due)), []).append(_plain(order.started))
    return lots


def _mrp_table(document: Document) -> Document:
    snapshot = table_snapshot(document)
    table = _Table(document, snapshot, plan(snapshot, compiled=True))
    asked = document.get("expected") or {code: {} for code in document["items"]}
    return {
        code: {name: table.line(code, name, lines.get(name)) for name in ("receipts", "releases", *_others(lines))}
        for code, lines in asked.items()
    }


def _others(lines: Document) -> list[str]:
    return [name for name in lines if name not in {"receipts", "releases"}]


def _moq_allocation(document: Document) -> Document:
    return {"cases": [{"expected": _moq_rows(case)} for case in document["cases"]]}


def _moq_rows(case: Document) -> list[int | float]:
    """What is ordered for each row when the rows come one after the other."""
    rows = [
        PlanDemand(f"row|{n}", "ITEM", _scaled(quantity), _bucket_day(n), str(n))
        for n, quantity in enumerate(case["rows"], start=1)
    ]
    item = PlanItem("ITEM", "buy", 0, 0, LotPolicy(minimum=_scaled(case["moq"])))
    outcome = plan(PlanningSnapshot(FIRST_DAY, (item,), demands=tuple(rows)), compiled=True)
    return [_plain(sum(o.quantity for o in outcome.planned_orders if o.root == row.root)) for row in rows]


def _lot_sizing(document: Document) -> Document:
    return {"cases": [_lot_case(case, document.get("scrap_rule")) for case in document["cases"]]}


def _lot_case(case: Document, scrap_rule: ScrapRule | None) -> Document:
    """The one order planned for a net requirement, or for stock below its safety stock."""
    scale = FINE_SCALE
    lot = {} if case.get("lot", {}).get("rule", "NONE") == "NONE" else case["lot"]
    policies = replace(TABLE, assembly_scrap=scrap_rule or "divide")
    rate = (
        Fraction(Decimal(str(case["a"]))) if "a" in case else Fraction(Decimal(str(case.get("scrap_pct") or 0))) / 100
    )
    safety = _scaled(case.get("safety_stock") or 0, scale)
    sized = replace(lot_policy(lot, scale), order_up_to=_scaled(case.get("order_up_to") or 0, scale))
    scrap = (ScrapRate(ceil(rate * MILLION)),) if rate else ()
    item = PlanItem("ITEM", "buy", 0, safety, sized, scale=scale, scrap=scrap)
    net = _scaled(case.get("net") or 0, scale)
    demands = (PlanDemand("net", "ITEM", net, FIRST_DAY, "net"),) if net else ()
    stock = (PlanStock("on_hand", "ITEM", _scaled(case.get("on_hand") or 0, scale)),)
    outcome = plan(PlanningSnapshot(FIRST_DAY, (item,), (), demands, stock, policies=policies), compiled=True)
    gross = Fraction(sum(order.started for order in outcome.planned_orders), scale)
    answer: Document = {"expected_order": _number(gross)}
    if "expected_yield" in case:
        answer["expected_yield"] = _number(gross - ceil(gross * rate))
    return answer


def _atp(document: Document) -> Document:
    answer = discrete_atp(
        _scaled(document["on_hand"]), [_scaled(q) for q in document["mps"]], [_scaled(q) for q in document["orders"]]
    )
    lines = {"atp_raw": answer.raw, "atp_lookback": answer.look_back, "cumulative": answer.cumulative}
    asked = document.get("expected") or lines
    return {name: [_plain(quantity) for quantity in lines[name]] for name in asked}


def _suppliers(document: Document) -> Document:
    """Purchases by the day they are there, where an item has several suppliers."""
    items = tuple(
        PlanItem(
            code,
            "buy",
            suppliers=tuple(
                PlanSupplier(row["name"], int(row["lead_time_days"]), int(row["priority"])) for row in rows
            ),
        )
        for code, rows in document["suppliers"].items()
    )
    demands = tuple(
        PlanDemand(row["id"], row["item"], _scaled(row["qty"]), date.fromisoformat(row["due"]), row["id"])
        for row in document["demands"]
    )
    stock = tuple(PlanStock(f"on_hand|{code}", code, _scaled(held)) for code, held in document["on_hand"].items())
    outcome = plan(
        PlanningSnapshot(date.fromisoformat(document["today"]), items, demands=demands, stock=stock), compiled=True
    )
    purchases = [
        {
            "supplier": order.supplier,
            "start": order.start.isoformat(),
            "end": order.expected.isoformat(),
            "qty": _plain(order.quantity),
        }
        for order in sorted(outcome.planned_orders, key=lambda order: (order.expected, order.key))
    ]
    return {"purchases": purchases}


def _effectivity(document: Document) -> list[Document]:
    """Which component each order takes, by the day the order starts."""
    lead = int(document["lead_time_days"])
    days = [date.fromisoformat(row["due"]) for row in document["demands"]]
    product = PlanItem("product", "make", lead)
    components = sorted({row["item"] for row in document["rule"]})
    lines = tuple(
        PlanBomLine("product", row["item"], 1, 1, 0, _day(row, "effective_start"), _day(row, "effective_end"))
        for row in document["rule"]
    )
    demands = tuple(
        PlanDemand(f"demand|{n}", "product", _scaled(row["qty"]), day, f"demand|{n}")
        for n, (row, day) in enumerate(zip(document["demands"], days, strict=True))
    )
    items = (product, *(PlanItem(code, "buy") for code in components))
    outcome = plan(PlanningSnapshot(min(days) - timedelta(lead), items, lines, demands), compiled=True)
    orders = [order for order in outcome.planned_orders if order.item == "product"]
    return [
        {"start": order.start.isoformat(), "item": peg.item}
        for order in sorted(orders, key=lambda order: (order.start, order.key))
        for peg in outcome.supplies_of(order.key)
    ]


def _day(row: Document, name: str) -> date | None:
    return date.fromisoformat(row[name]) if row.get(name) else None
