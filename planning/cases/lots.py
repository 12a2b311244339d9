"""Single orders: how a net requirement is sized, a minimum that several rows share, what is available to promise."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from canonical.plan import LotPolicy, Plan, PlanDemand, PlanItem, PlannedOrder, PlanningSnapshot, PlanStock
from canonical.plan_rules import PlanPolicies
from planning.cases.amounts import (
    FIRST_DAY,
    CaseFault,
    CaseRefused,
    bucket_day,
    chosen,
    in_the_finest_scale,
    number,
    scaled,
)
from planning.cases.forms import Atp, LotCase, LotSizing, MinimumAllocation, MinimumCase, ScrapRule
from planning.cases.tables import lot_policy, scrap_rates
from planning.mrp import plan
from planning.promise.atp import discrete_atp

ITEM = "ITEM"
ATP_SCALE = 10**6
EXPECTED = "expected"


def lot_answers(form: LotSizing) -> dict[str, Any]:
    """Each case's order, and what else its `expected_…` keys name."""
    return {"cases": [_lot_case(case, form.scrap_rule, n) for n, case in enumerate(form.cases)]}


def _lot_case(case: LotCase, rule: ScrapRule | None, place: int) -> dict[str, object]:
    def planned(scale: int) -> tuple[Plan, tuple[list[PlannedOrder], int]]:
        found = plan(_of_lot(case, case.scrap_rule or rule or "divide", scale), compiled=True)
        return found, (list(found.planned_orders), scale)

    orders, scale = in_the_finest_scale(planned)

    def plain(quantity: int) -> int | float:
        return number(Fraction(quantity, scale))

    lines: dict[str, Callable[[], object]] = {
        "expected_order": lambda: plain(sum(order.started for order in orders)),
        "expected_orders": lambda: [plain(order.started) for order in orders],
        "expected_yield": lambda: plain(sum(order.quantity for order in orders)),
        "expected_scrap": lambda: plain(sum(order.scrap for order in orders)),
    }
    asked = [name for name in case.model_extra or () if name.startswith(EXPECTED)]
    return chosen(lines, asked or ["expected_order"], ("cases", place))


def _of_lot(case: LotCase, rule: ScrapRule, scale: int) -> PlanningSnapshot:
    netted = bool(case.net)
    percent = case.scrap_pct or Decimal(0) if case.a is None else case.a * 100
    policy = lot_policy(case.lot, scale, case.order_up_to)
    item = PlanItem(
        ITEM, "buy", 0, 0 if netted else scaled(case.safety_stock, scale), policy, scale, scrap=scrap_rates(percent)
    )
    needed = scaled(case.net or case.gross, scale)
    return PlanningSnapshot(
        FIRST_DAY,
        (item,),
        demands=(PlanDemand("need", ITEM, needed, FIRST_DAY, "need"),) if needed else (),
        stock=() if netted else (PlanStock("on_hand", ITEM, scaled(case.on_hand, scale)),),
        policies=PlanPolicies(safety_stock="served_first", order_grouping="need_date", assembly_scrap=rule),
    )


def minimum_answers(form: MinimumAllocation) -> dict[str, Any]:
    """What is ordered for each row of each case, when the rows come one after the other."""
    return {"cases": [{"expected": in_the_finest_scale(partial(_rows, case))} for case in form.cases]}


def _rows(case: MinimumCase, scale: int) -> tuple[Plan, list[int | float]]:
    rows = [
        PlanDemand(f"row|{n}", ITEM, scaled(quantity, scale), bucket_day(n), f"row|{n}")
        for n, quantity in enumerate(case.rows, start=1)
    ]
    policy = LotPolicy(minimum=scaled(case.moq, scale), multiple=scaled(case.multiple, scale))
    stock = (PlanStock("on_hand", ITEM, scaled(case.on_hand, scale)),)
    found = plan(
        PlanningSnapshot(
            FIRST_DAY,
            (PlanItem(ITEM, "buy", 0, 0, policy, scale),),
            demands=tuple(row for row in rows if row.quantity),
            stock=stock,
        ),
        compiled=True,
    )
    ordered = [sum(order.quantity for order in found.planned_orders if order.root == row.root) for row in rows]
    return found, [number(Fraction(quantity, scale)) for quantity in ordered]


def atp_answer(form: Atp) -> dict[str, object]:
    """Available to promise by bucket; the shorter of schedule and orders goes on with nothing."""
    count = max(len(form.mps), len(form.orders))
    if not count:
        raise CaseRefused(CaseFault(("mps",), "no bucket: `mps` and `orders` are empty", "Say at least one bucket"))
    supplies, orders = (
        [scaled(quantity, ATP_SCALE) for quantity in row] + [0] * (count - len(row)) for row in (form.mps, form.orders)
    )
    found = discrete_atp(scaled(form.on_hand, ATP_SCALE), supplies, orders)
    rows = {"atp_raw": found.raw, "atp_lookback": found.look_back, "cumulative": found.cumulative}
    lines: dict[str, Callable[[], object]] = {name: partial(_plain, row) for name, row in rows.items()}
    return chosen(lines, form.expected or lines, ("expected",))


def _plain(row: tuple[int, ...]) -> list[int | float]:
    return [number(Fraction(quantity, ATP_SCALE)) for quantity in row]
