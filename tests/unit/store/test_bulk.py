"""Frames into tables and out again, on either database."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from sqlalchemy import inspect

from store import bulk
from store.tables import planned_orders
from store.unit_of_work import Store

DAY = date(2026, 11, 9)
ORDERS = pl.DataFrame(
    {
        "number": range(5), "key": ["A", '"', "c,d\n", "ä", "e"], "item": ["A", "", "C", "D", "E"],
        "sourcing": "make", "quantity": [2**61, 0, 1, 2, 3], "surplus": 0, "scrap": 0, "due": DAY,
        "release": [date(1999, 1, 2), *[DAY] * 4], "start": DAY, "expected": DAY,
        "late": [True, False, False, True, False], "root": [None, "", "R", None, "S"], "level": 1,
        "supplier": pl.Series([None, None, None, None, "near"], dtype=pl.String),
    }
).with_columns(pl.col("surplus", "scrap", "level").cast(pl.Int64))  # fmt: skip


def test_whole__gives_what_was_filled_in(either_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    with either_store.begin() as tx:
        bulk.fill(tx, planned_orders, ORDERS)
    with either_store.read() as tx:
        found = bulk.whole(tx, planned_orders).sort("number")
    assert found.equals(ORDERS.select(found.columns))


def test_whole__of_an_empty_table_has_its_columns(either_store: Store) -> None:
    with either_store.read() as tx:
        found = bulk.whole(tx, planned_orders)
    assert found.schema == ORDERS.select(found.columns).schema
    assert found.is_empty()


def test_fill__of_many_rows_leaves_the_indexes_and_what_they_forbid(
    either_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "REBUILT_FROM", 1)
    before = inspect(either_store.engine).get_indexes("planned_orders")
    with either_store.begin() as tx:
        bulk.fill(tx, planned_orders, ORDERS)
    assert inspect(either_store.engine).get_indexes("planned_orders") == before
    again = ORDERS.with_columns(pl.col("number") + 10)
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"), either_store.begin() as tx:
        bulk.fill(tx, planned_orders, again)
    assert inspect(either_store.engine).get_indexes("planned_orders") == before
    with either_store.read() as tx:
        assert bulk.whole(tx, planned_orders).height == ORDERS.height
