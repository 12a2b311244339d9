"""Cases with days instead of buckets: which supplier delivers what when, and which component an order takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from canonical.plan import (
    LotPolicy,
    Plan,
    PlanBomLine,
    PlanDemand,
    PlanItem,
    PlannedOrder,
    PlanningSnapshot,
    PlanStock,
    PlanSupplier,
    ScheduledReceipt,
)
from canonical.strict_yaml import suggest
from planning.cases.amounts import CaseFault, CaseRefused, chosen, in_the_finest_scale, number, scaled
from planning.cases.forms import Ctp, DatedDemand, Effectivity, Supplier
from planning.feasible import Feasible
from planning.mrp import plan

PRODUCT = "the product"
PURCHASE = ("supplier", "start", "end", "qty")
STARTED = ("start", "item")


def suppliers_answer(form: Ctp) -> dict[str, object]:
    """`purchases` by the day they are there, and `deliveries` of the demands where they are asked for."""
    _check(form)
    return in_the_finest_scale(lambda scale: _bought(form, scale))


def _check(form: Ctp) -> None:
    named = [
        *(((*("demands", n), "item"), row.item) for n, row in enumerate(form.demands)),
        *(((*("receipts", n), "item"), row.item) for n, row in enumerate(form.receipts)),
        *((("on_hand", code), code) for code in form.on_hand),
    ]
    known = form.suppliers
    faults = [
        CaseFault(path, f"item {code!r} is not among `suppliers`", suggest(code, known))
        for path, code in named
        if code not in known
    ]
    if faults:
        raise CaseRefused(*faults)


def _bought(form: Ctp, scale: int) -> tuple[Plan, dict[str, object]]:
    snapshot = _of_suppliers(form, scale)
    found = plan(snapshot, compiled=True)
    asked = form.expected or {"purchases": []}

    def purchases() -> list[dict[str, object]]:
        orders = sorted(found.planned_orders, key=lambda order: (order.expected, order.key))
        return [_asked_of(_purchase(order, scale), asked["purchases"], PURCHASE) for order in orders]

    def deliveries() -> list[dict[str, object]]:
        feasible = Feasible(found, snapshot)
        rows = [_delivery(row, feasible.covered(row.key), scale) for row in snapshot.demands]
        return [_asked_of(row, asked["deliveries"], tuple(row)) for row in rows]

    lines: dict[str, Callable[[], object]] = {"purchases": purchases, "deliveries": deliveries}
    return found, chosen(lines, asked, ("expected",))


def _asked_of(row: Mapping[str, object], expected: Any, usual: tuple[str, ...]) -> dict[str, object]:  # noqa: ANN401
    """The keys of a row that the expected ones have, of what is known."""
    first = expected[0] if isinstance(expected, list) and expected and isinstance(expected[0], dict) else usual
    return {name: row[name] for name in first if name in row}


def _purchase(order: PlannedOrder, scale: int) -> dict[str, object]:
    return {
        "item": order.item,
        "supplier": order.supplier,
        "start": order.start.isoformat(),
        "end": order.expected.isoformat(),
        "due": order.due.isoformat(),
        "qty": number(Fraction(order.started, scale)),
    }


def _delivery(row: PlanDemand, covered: date | None, scale: int) -> dict[str, object]:
    end = None if covered is None else max(covered, row.due)
    return {
        "id": row.key,
        "item": row.item,
        "qty": number(Fraction(row.quantity, scale)),
        "due": row.due.isoformat(),
        "end": end and end.isoformat(),
        "days_late": end and (end - row.due).days,
    }


def _of_suppliers(form: Ctp, scale: int) -> PlanningSnapshot:
    return PlanningSnapshot(
        form.today,
        tuple(_delivered(code, rows, scale) for code, rows in form.suppliers.items()),
        demands=tuple(_demands(form.demands, scale)),
        stock=tuple(
            PlanStock(f"on_hand|{code}", code, scaled(held, scale)) for code, held in form.on_hand.items()
        ),
        receipts=tuple(
            ScheduledReceipt(f"receipt|{n}", row.item, scaled(row.qty, scale), row.date, "purchase_order")
            for n, row in enumerate(form.receipts)
        ),
    )  # fmt: skip


def _demands(rows: tuple[DatedDemand, ...], scale: int, item: str = "") -> list[PlanDemand]:
    keyed = [(f"demand|{n}" if row.id is None else str(row.id), row) for n, row in enumerate(rows)]
    return [
        PlanDemand(key, item or row.item, scaled(row.qty, scale), row.due, key, row.priority)
        for key, row in keyed
        if row.qty
    ]


def _delivered(code: str, rows: tuple[Supplier, ...], scale: int) -> PlanItem:
    """A bought item; the lot of its preferred supplier is its own."""
    preferred = min(rows, key=lambda row: row.priority, default=Supplier(name=""))
    lot = LotPolicy(
        minimum=scaled(preferred.min, scale),
        multiple=scaled(preferred.multiple, scale),
        maximum=scaled(preferred.max, scale),
    )
    suppliers = tuple(PlanSupplier(row.name, row.lead_time_days, row.priority) for row in rows)
    return PlanItem(code, "buy", 0, 0, lot, scale, suppliers)


def effectivity_answer(form: Effectivity) -> list[dict[str, object]]:
    """Which component each order takes, by the day the order starts; `item` null where none is in force."""
    return in_the_finest_scale(lambda scale: _taken(form, scale))


def _taken(form: Effectivity, scale: int) -> tuple[Plan, list[dict[str, object]]]:
    lead = form.lead_time_days
    first = min((row.due for row in form.demands), default=date.max)
    items = [PlanItem(code, "buy", scale=scale) for code in sorted({row.item for row in form.rule})]
    snapshot = PlanningSnapshot(
        first - timedelta(lead),
        (PlanItem(PRODUCT, "make", lead, scale=scale), *items),
        tuple(
            PlanBomLine(PRODUCT, row.item, 1, 1, 0, row.effective_start, row.effective_end) for row in form.rule
        ),
        tuple(_demands(form.demands, scale, PRODUCT)),
    )  # fmt: skip
    found = plan(snapshot, compiled=True)
    expected = (form.model_extra or {}).get("expected")
    orders = sorted((one for one in found.planned_orders if one.item == PRODUCT), key=lambda one: (one.start, one.key))
    rows = [row for order in orders for row in _components(found, order, scale)]
    return found, [_asked_of(row, expected, STARTED) for row in rows]


def _components(found: Plan, order: PlannedOrder, scale: int) -> list[dict[str, object]]:
    drawn: list[tuple[str | None, int]] = [*found.required(order.key)] or [(None, 0)]
    return [
        {
            "start": order.start.isoformat(),
            "item": item,
            "qty": number(Fraction(quantity, scale)),
            "due": order.due.isoformat(),
        }
        for item, quantity in drawn
    ]
