"""The diff of two frames is what comparing their rows one by one finds, whatever their order."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.diff import diff

FIELDS = ("name", "count")
SCHEMA = {"key": pl.String(), "name": pl.String(), "count": pl.Int64(), "absent": pl.List(pl.String())}
Row = dict[str, Any]
ROW = st.fixed_dictionaries(
    {
        "name": st.sampled_from([None, "", "a"]),
        "count": st.sampled_from([None, 0, 1]),
        "absent": st.none() | st.lists(st.sampled_from(FIELDS), unique=True),
    }
)
ROWS = st.dictionaries(st.sampled_from("abcdef"), ROW).flatmap(lambda rows: st.permutations(list(rows.items())))


def framed(rows: list[tuple[str, Row]]) -> pl.DataFrame:
    # A field its source did not supply holds null.
    full = [{"key": key, **row} | dict.fromkeys(row["absent"] or (), None) for key, row in rows]
    return pl.DataFrame(full, schema=SCHEMA)


def supplied(row: Row) -> Row:
    return {name: row[name] for name in FIELDS if name not in (row["absent"] or ())}


def expected(old: dict[str, Row], new: dict[str, Row], *, complete: bool) -> list[tuple[str, str, tuple[str, ...]]]:
    found = [("created", key, tuple(supplied(new[key]))) for key in sorted(new.keys() - old.keys())]
    for key in sorted(new.keys() & old.keys()):
        before, after = supplied(old[key]), supplied(new[key])
        differs = tuple(name for name in after if name not in before or before[name] != after[name])
        found += [("changed", key, differs)] if differs else []
    if complete:
        found += [("deleted", key, tuple(supplied(old[key]))) for key in sorted(old.keys() - new.keys())]
    return found


@settings(max_examples=200, deadline=None)
@given(old=ROWS, new=ROWS, complete=st.booleans())
def test_diff__finds_what_comparing_one_by_one_finds(
    old: list[tuple[str, Row]], new: list[tuple[str, Row]], complete: bool
) -> None:
    changes = diff("item", framed(old), framed(new), "key", complete=complete).rows()
    assert [(change.kind, change.key, change.fields) for change in changes] == expected(
        dict(old), dict(new), complete=complete
    )
    for change in changes:
        for side, rows in ((change.old, dict(old)), (change.new, dict(new))):
            if side is not None:
                assert {name: side[name] for name in FIELDS if name in side} == supplied(rows[change.key])
