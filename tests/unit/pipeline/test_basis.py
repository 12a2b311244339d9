"""Frames by key: what differs, and rows put in the place of others."""

from __future__ import annotations

from unittest.mock import patch

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline import basis
from pipeline.basis import differing, replaced

SCHEMA = {"key": pl.String(), "said": pl.Int64(), "sources": pl.List(pl.String())}
ROWS = st.dictionaries(
    st.sampled_from("abcdefgé"), st.tuples(st.none() | st.integers(0, 1), st.lists(st.sampled_from("xy"), max_size=1))
)


def frame(rows: dict[str, tuple[int | None, list[str]]]) -> pl.DataFrame:
    return pl.DataFrame([(key, *rows[key]) for key in sorted(rows)], schema=SCHEMA, orient="row")


@given(before=ROWS, after=ROWS)
def test_differing__a_handful_is_compared_as_joins_do(
    before: dict[str, tuple[int | None, list[str]]], after: dict[str, tuple[int | None, list[str]]]
) -> None:
    found = differing(frame(before), frame(after), "key")
    assert found == frozenset(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    with patch.object(basis, "HANDFUL", -1):
        assert differing(frame(before), frame(after), "key") == found


@given(before=ROWS, rows=ROWS, keys=st.frozensets(st.sampled_from("abcdefghé"), max_size=4))
def test_replaced__rows_stand_where_sorting_everything_puts_them(
    before: dict[str, tuple[int | None, list[str]]],
    rows: dict[str, tuple[int | None, list[str]]],
    keys: frozenset[str],
) -> None:
    whole, changed = replaced(frame(before), frame(rows), keys, "key")
    wanted = {**{key: row for key, row in before.items() if key not in keys}, **rows}
    assert whole.equals(frame(wanted))
    assert whole.schema == SCHEMA
    assert changed == differing(frame(before), whole, "key")
    with patch.object(basis, "HANDFUL", -1):
        everything, moved = replaced(frame(before), frame(rows), keys, "key")
    assert everything.equals(whole)
    assert moved == changed


def test_differing__other_columns__is_not_known() -> None:
    assert differing(frame({}), frame({}).drop("said"), "key") is None
