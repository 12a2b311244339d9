"""Judging only rows on which something changed gives the verdicts of judging them all."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.entities import ENTITIES, golden_schema
from quality.row_rules import Renewed, judge_again, judge_rows
from quality.spec import Rulebook

BOOK = Rulebook.model_validate(
    {
        "entity": "bom_line",
        "rules": [
            {"name": "given", "kind": "not_null", "fields": "unit"},
            {"name": "units", "kind": "known_unit", "fields": "unit"},
            {"name": "once", "kind": "unique", "fields": "bom"},
            {"name": "once_both", "kind": "unique", "fields": ["bom", "unit"]},
            {"name": "known", "kind": "exists_in", "fields": "component", "references": "item"},
            {"name": "live", "kind": "reference_unmarked", "fields": "component", "references": "item",
             "mark": "obsolete"},
            {"name": "lost", "kind": "exists_in", "fields": "component", "references": "partner"},
            {"name": "count", "kind": "row_count_between", "min": "1", "max": "3"},
            {"name": "share", "kind": "not_null_share", "fields": "unit", "min": "0.6"},
        ],
    }
)  # fmt: skip
ROW = st.fixed_dictionaries(
    {
        "bom": st.none() | st.sampled_from(["x", "y"]),
        "unit": st.none() | st.sampled_from(["pcs", "dozenish"]),
        "component": st.none() | st.sampled_from(["i1", "i2"]),
    }
)
ROWS = st.dictionaries(st.sampled_from("abcdef"), ROW, max_size=5)
ITEMS = st.dictionaries(st.sampled_from(["i1", "i2", "i3"]), st.none() | st.booleans(), max_size=3)


def _frame(rows: dict[str, dict[str, Any]]) -> pl.DataFrame:
    named = [{"golden_id": key, **rows[key]} for key in sorted(rows)]
    return pl.DataFrame(named, schema=golden_schema(ENTITIES["bom_line"]))


def _items(items: dict[str, bool | None]) -> dict[str, pl.DataFrame]:
    named = [{"golden_id": key, "obsolete": mark} for key, mark in items.items()]
    return {"item": pl.DataFrame(named, schema=golden_schema(ENTITIES["item"]))}


@settings(max_examples=150, deadline=None)
@given(then=ROWS, now=ROWS, had=ITEMS, has=ITEMS, beside=st.frozensets(st.sampled_from("abcdef")))
def test_judge_again__rows_that_changed_or_name_what_did__is_judging_everything(
    then: dict[str, dict[str, Any]],
    now: dict[str, dict[str, Any]],
    had: dict[str, bool | None],
    has: dict[str, bool | None],
    beside: frozenset[str],
) -> None:
    moved = {name for name in had.keys() | has.keys() if (name in had, had.get(name)) != (name in has, has.get(name))}
    changed = {key for key in then.keys() | now.keys() if then.get(key) != now.get(key)}
    naming = {key for key, row in now.items() if row["component"] in moved}
    keys = changed | naming | beside
    before = {one.rule: one.failing for one in judge_rows(BOOK, _frame(then), related=_items(had))}
    renewed = Renewed(keys, _frame({key: row for key, row in now.items() if key in keys}), before)
    whole = judge_rows(BOOK, _frame(now), related=_items(has))
    assert judge_again(BOOK, _frame(now), renewed, related=_items(has)) == whole
