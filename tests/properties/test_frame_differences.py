"""What differs between two frames with one row a key, by either way of finding out, is what a plain look says."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import basis
from pipeline.basis import differing, replaced

SCHEMA = {"key": pl.String(), "amount": pl.Decimal(38, 9), "note": pl.String(), "absent": pl.List(pl.String)}
KEYS = st.sampled_from("abcdef")
ROW = st.tuples(
    st.none() | st.integers(0, 2),
    st.none() | st.sampled_from(["", "x"]),
    st.none() | st.lists(st.sampled_from(["p", "q"]), max_size=2),
)
ROWS = st.dictionaries(KEYS, ROW, max_size=6)
Rows = dict[str, tuple[Any, ...]]


def frame(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame([(key, *row) for key, row in rows.items()], schema=SCHEMA, orient="row")


@pytest.mark.parametrize("handful", [0, 100])
@settings(max_examples=100, deadline=None)
@given(before=ROWS, after=ROWS)
def test_differing__names_rows_that_came_went_or_changed(handful: int, before: Rows, after: Rows) -> None:
    with patch.object(basis, "HANDFUL", handful):
        found = differing(frame(before), frame(after), "key")
    assert found == frozenset(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


@pytest.mark.parametrize("handful", [0, 100])
@settings(max_examples=100, deadline=None)
@given(before=ROWS, rows=ROWS, gone=st.frozensets(KEYS, max_size=3))
def test_replaced__puts_rows_in_place_by_key(handful: int, before: Rows, rows: Rows, gone: frozenset[str]) -> None:
    stands = {key: row for key, row in before.items() if key not in gone} | rows
    with patch.object(basis, "HANDFUL", handful):
        whole, changed = replaced(frame(dict(sorted(before.items()))), frame(rows), gone, "key")
    assert whole.equals(frame(dict(sorted(stands.items()))))
    assert changed == frozenset(key for key in before.keys() | stands.keys() if before.get(key) != stands.get(key))
