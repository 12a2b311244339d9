"""The plan that stands in SQL, and its views, on either database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import text

from canonical.plan import Peg, Plan, PlanMessage, PlannedOrder, PlanProblem, Shortage
from store import plan_pegs, plan_rows
from store.plan_rows import LoadRow
from store.unit_of_work import Store

DAY = date(2026, 11, 9)
ORDER = PlannedOrder(
    "A|SO-1|1|1", "A", "make", 100_880_000, 880_000, due=DAY, release=date(2026, 11, 5), start=date(2026, 11, 5),
    expected=DAY, late=False, root="SO-1|1", level=0, supplier=None, scrap=3_120_000,
)  # fmt: skip
PLAN = Plan(
    planned_orders=(ORDER,),
    pegs=(Peg("A|SO-1|1|1", "planned", "SO-1|1", "SO-1|1", "A", 100_000_000),),
    shortages=(Shortage("SO-2|1", "SO-2|1", "B", 5_000_000, "bom_cycle"),),
    messages=(PlanMessage("shortage", "B", "SO-2|1", 5_000_000, None, DAY),),
    problems=(PlanProblem("bom_cycle", "B", "B > C > B", "no orders"),),
)
LOADS = (LoadRow("WELD", date(2026, 11, 2), 7200, 3600), LoadRow("SAW", date(2026, 11, 2), 60, None))


def told(store: Store, query: str) -> list[tuple[Any, ...]]:
    with store.read() as tx:
        return [tuple(row) for row in tx.execute(text(query))]


def test_replace__the_views_tell_of_it_in_stocking_units_and_hours(either_store: Store) -> None:
    with either_store.begin() as tx:
        plan_rows.replace(tx, PLAN, ())
        plan_rows.replace(tx, PLAN, LOADS)
        plan_pegs.replace(tx, PLAN.pegs)
    (order,) = told(either_store, "SELECT quantity, good, scrap, surplus, sales_order_line FROM plan_orders")
    assert [float(amount) for amount in order[:4]] == [104, 100.88, 3.12, 0.88]
    assert order[4] == "SO-1|1"
    (peg,) = told(either_store, "SELECT consumer, quantity, needed_on FROM plan_pegging")
    assert (peg[0], float(peg[1]), peg[2]) == ("SO-1|1", 100, None)
    (short,) = told(either_store, "SELECT item, consumer, expected_on, reason FROM plan_shortages")
    assert short == ("B", "SO-2|1", None, "bom_cycle")
    assert told(either_store, "SELECT kind, item FROM plan_problems") == [("bom_cycle", "B")]
    loads = told(either_store, "SELECT work_centre, needed_hours, overloaded FROM plan_load ORDER BY work_centre")
    assert [(centre, round(float(hours), 4), over) for centre, hours, over in loads] == [
        ("SAW", 0.0167, 0),
        ("WELD", 2, 1),
    ]
    assert len(told(either_store, "SELECT kind FROM plan_advice")) == 1


def test_exchange_orders__a_key_stands_once(either_store: Store) -> None:
    other = replace(ORDER, key="A|SO-9|1|1")
    with either_store.begin() as tx:
        plan_rows.replace(tx, PLAN, ())
        plan_rows.exchange_orders(tx, (), [replace(ORDER, scrap=0), other])
    found = told(either_store, "SELECT order_key, scrap FROM plan_orders ORDER BY order_key")
    assert [(key, float(scrap)) for key, scrap in found] == [(ORDER.key, 0), (other.key, 3.12)]
    with either_store.begin() as tx:
        plan_rows.exchange_orders(tx, [ORDER.key, other.key], [])
    assert told(either_store, "SELECT order_key FROM plan_orders") == []
