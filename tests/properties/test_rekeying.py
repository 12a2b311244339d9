"""A handful of rows is re-keyed row by row, a whole frame by joins: both find the same."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mdm.references import CROSSWALK_SCHEMA, _joined, _looked_up

NAMES = st.sampled_from(["a", "b", "c", "d", "007"])
SYSTEMS = st.sampled_from(["erp", "mes"])
BOUND = st.tuples(SYSTEMS, NAMES, st.none() | NAMES, st.sampled_from(["G1", "G2", "a", "b"]))
WALKS = st.lists(BOUND, max_size=8, unique_by=lambda row: row[:2])
ROWS = st.lists(st.tuples(SYSTEMS, st.none() | NAMES | st.just("G1")), max_size=6)


@given(walk=WALKS, rows=ROWS, shared=st.booleans())
def test_row_by_row_and_joined__the_same(
    walk: list[tuple[str, ...]], rows: list[tuple[str, str | None]], *, shared: bool
) -> None:
    bound = pl.DataFrame(walk, schema=CROSSWALK_SCHEMA, orient="row")
    frame = pl.DataFrame(rows, schema={"system": pl.String(), "item": pl.String()}, orient="row")
    found = _looked_up(frame, "item", bound, shared=shared)
    assert found.to_list() == _joined(frame, "item", bound, shared=shared).to_list()
