"""A handful of rows is re-keyed row by row, a whole frame by joins: both find the same."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mdm.references import CROSSWALK_SCHEMA, Crosswalk, _joined, _looked_up

NAMES = st.sampled_from(["a", "b", "c", "d", "007"])
SYSTEMS = st.sampled_from(["erp", "mes"])
BOUND = st.tuples(SYSTEMS, NAMES, st.none() | NAMES, st.sampled_from(["G1", "G2", "a", "b"]))
WALKS = st.lists(BOUND, max_size=8, unique_by=lambda row: row[:2])
ROWS = st.lists(st.tuples(SYSTEMS, st.none() | NAMES | st.just("G1")), max_size=6)


def walk_of(rows: Iterable[tuple[str | None, ...]]) -> Crosswalk:
    return Crosswalk(pl.DataFrame([*rows], schema=CROSSWALK_SCHEMA, orient="row").sort("system", "source_key"))


@given(walk=WALKS, rows=ROWS, shared=st.booleans())
def test_row_by_row_and_joined__the_same(
    walk: list[tuple[str, ...]], rows: list[tuple[str, str | None]], *, shared: bool
) -> None:
    bound = walk_of(walk)
    frame = pl.DataFrame(rows, schema={"system": pl.String(), "item": pl.String()}, orient="row")
    found = _looked_up(frame, "item", bound, shared=shared)
    assert found.to_list() == _joined(frame, "item", bound, shared=shared).to_list()


@given(walk=WALKS, cut=st.integers(0, 8), asked=st.lists(st.sets(NAMES, max_size=3), max_size=4))
def test_crosswalk__what_it_remembers_is_what_a_new_one_would_find(
    walk: list[tuple[str, ...]], cut: int, asked: list[set[str]]
) -> None:
    grown, whole = walk_of(walk[:cut]), walk_of(walk)
    assert grown.are_own_keys == all(row[1] == row[3] for row in walk[:cut])
    for number, names in enumerate(asked):
        if number == 1:
            grown = grown.with_bound(walk_of(walk[cut:]).frame)
        anew = whole if number else walk_of(walk[:cut])
        assert grown.naming(names) == [row for row in anew.frame.rows() if names & {*row[1:]}]
        assert grown.of_keys(names).rows() == [row for row in anew.frame.rows() if row[1] in names]
    grown = grown if len(asked) > 1 else grown.with_bound(walk_of(walk[cut:]).frame)
    assert grown.frame.equals(whole.frame)
    assert grown.are_own_keys == whole.are_own_keys
