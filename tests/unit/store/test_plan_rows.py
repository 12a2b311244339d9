"""The plan that stands in SQL, and its views, on either database."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from typing import Any

import polars as pl
import pytest
from alembic import command
from sqlalchemy import text

from canonical.plan import Peg, Plan, PlanMessage, PlannedOrder, PlanProblem, Shortage
from store import bulk, plan_pegs, plan_rows
from store.migrations import configuration
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


def _named(order: PlannedOrder) -> tuple[Any, ...]:
    """The parts of an order that are kept by number, or not kept as such."""
    return order.key, order.item, order.sourcing, order.late, order.root, order.level, order.supplier


VARIOUS = (
    replace(ORDER, key="B|stock|1", item="B", sourcing="buy", root=None, level=3, supplier="near"),
    replace(ORDER, key="B|SO-1|1|1", item="B", sourcing="buy", level=3, supplier="far", expected=date(2026, 11, 10),
            late=True),
    replace(ORDER, key="C|near|1", item="C", root="near", level=9, supplier=""),
)  # fmt: skip
NAMED = "SELECT order_key, item, sourcing, late, sales_order_line, level, supplier FROM plan_orders ORDER BY order_key"


@pytest.mark.parametrize("indexed_after", [False, True])
def test_replace__orders_name_what_they_did(
    either_store: Store, monkeypatch: pytest.MonkeyPatch, *, indexed_after: bool
) -> None:
    monkeypatch.setattr(bulk, "REBUILT_FROM", 1 if indexed_after else 1000)
    with either_store.begin() as tx:
        plan_rows.replace(tx, PLAN, ())
        plan_rows.replace(tx, replace(PLAN, planned_orders=VARIOUS), (), PLAN)
    assert told(either_store, NAMED) == sorted(map(_named, VARIOUS))


def test_replace_orders__as_a_frame_are_the_same(either_store: Store) -> None:
    rows = pl.DataFrame([{"number": n, **asdict(order)} for n, order in enumerate(VARIOUS)])
    kinds = {name: pl.Enum(rows[name].drop_nulls().unique()) for name in ("item", "sourcing", "root", "supplier")}
    with either_store.begin() as tx:
        plan_rows.replace_orders(tx, rows.cast(kinds))
    assert told(either_store, NAMED) == sorted(map(_named, VARIOUS))


def test_exchange_orders__texts_known_and_new(either_store: Store) -> None:
    with either_store.begin() as tx:
        plan_rows.replace(tx, PLAN, ())
        plan_rows.exchange_orders(tx, (), [replace(VARIOUS[0], supplier=None)])
        plan_rows.exchange_orders(tx, (), VARIOUS[:1])
        plan_rows.exchange_orders(tx, (), VARIOUS[1:])
    assert told(either_store, NAMED) == sorted(map(_named, (ORDER, *VARIOUS)))


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


def test_orders_in_numbers__a_plan_that_stands_goes_through_the_migration_and_back(either_store: Store) -> None:
    with either_store.begin() as tx:
        plan_rows.replace(tx, replace(PLAN, planned_orders=(ORDER, *VARIOUS)), ())
        plan_pegs.replace(tx, PLAN.pegs)
    every = "SELECT * FROM plan_orders ORDER BY order_key"
    before, pegs = told(either_store, every), told(either_store, "SELECT * FROM plan_pegging")
    for move, revision in ((command.downgrade, "0016"), (command.upgrade, "0017")):
        with either_store.begin() as tx:
            move(configuration(tx), revision)
        assert told(either_store, every) == before
        assert told(either_store, "SELECT * FROM plan_pegging") == pegs
    with either_store.begin() as tx:
        plan_rows.exchange_orders(tx, [ORDER.key], [])
    assert len(told(either_store, every)) == len(before) - 1
