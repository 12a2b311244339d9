"""Frames into tables and out again, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import polars as pl
import pytest
from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, MetaData, Table, Text, inspect

from store import bulk
from store.unit_of_work import Store

DAY = date(2026, 11, 9)
LOTS = Table(
    "lots", MetaData(), Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False), Column("quantity", BigInteger, nullable=False), Column("due", Date),
    Column("late", Boolean, nullable=False), Column("root", Text), Column("supplier", Text),
    Index("ix_lots_key", "key", unique=True), Index("ix_lots_root", "root"),
)  # fmt: skip
ROWS = pl.DataFrame(
    {
        "number": range(5), "key": ["A", '"', "c,d\n", "ä", "e"], "quantity": [2**61, 0, -1, 2, 3],
        "due": [date(1999, 1, 2), *[DAY] * 3, None], "late": [True, False, False, True, False],
        "root": [None, "", "R", None, "S"],
        "supplier": pl.Series([None, None, None, None, "near"], dtype=pl.String),
    }
)  # fmt: skip


class _Lot(NamedTuple):
    key: str
    quantity: int
    due: date | None
    late: bool
    root: str | None
    supplier: str | None


@pytest.fixture
def holding(either_store: Store) -> Iterator[Store]:
    """A store with one table more."""
    LOTS.metadata.create_all(either_store.engine)
    yield either_store
    LOTS.metadata.drop_all(either_store.engine)


def test_whole__gives_what_was_filled_in(holding: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "SLICE", 2)
    with holding.begin() as tx:
        bulk.fill(tx, LOTS, ROWS)
    with holding.read() as tx:
        found = bulk.whole(tx, LOTS).sort("number")
    assert found.equals(ROWS)


def test_whole__of_an_empty_table_has_its_columns(holding: Store) -> None:
    with holding.read() as tx:
        found = bulk.whole(tx, LOTS)
    assert found.schema == ROWS.schema
    assert found.is_empty()


def test_frame_of__is_the_rows_numbered() -> None:
    rows = [_Lot(*row[1:]) for row in ROWS.rows()]
    assert bulk.frame_of(bulk.schema_of(LOTS), rows).equals(ROWS)
    assert bulk.frame_of(bulk.schema_of(LOTS), rows[:1], first=7)["number"].to_list() == [7]


def test_fill__of_many_rows_leaves_the_indexes_and_what_they_forbid(
    holding: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "REBUILT_FROM", 1)
    before = inspect(holding.engine).get_indexes("lots")
    with holding.begin() as tx:
        bulk.fill(tx, LOTS, ROWS)
    assert inspect(holding.engine).get_indexes("lots") == before
    again = ROWS.with_columns(pl.col("number") + 10)
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"), holding.begin() as tx:
        bulk.fill(tx, LOTS, again)
    assert inspect(holding.engine).get_indexes("lots") == before
    with holding.read() as tx:
        assert bulk.whole(tx, LOTS).height == ROWS.height
