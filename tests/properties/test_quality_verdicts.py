"""Both engines judge alike: whatever the frame, Polars and Great Expectations name the same failing rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from canonical.entities import ENTITIES, golden_schema
from quality.row_rules import judge_rows
from quality.spec import Rulebook
from quality.suite import judge_suite

BOOK = Rulebook.model_validate(
    {
        "entity": "bom_line",
        "rules": [
            {"name": "given", "kind": "not_null", "fields": "unit"},
            {"name": "units", "kind": "known_unit", "fields": "unit"},
            {"name": "codes", "kind": "in_set", "fields": "line", "values": ["10", "叉车", "a|b"]},
            {"name": "more", "kind": "positive", "fields": "quantity"},
            {"name": "range", "kind": "between", "fields": "scrap_rate", "min": "0", "max": "0.1"},
            {"name": "at_most", "kind": "between", "fields": "per", "max": "3999999.100000001"},
            {"name": "form", "kind": "matches", "fields": "line", "pattern": "[0-9]{2}|[^ a-z]+"},
            {"name": "form_two", "kind": "matches", "fields": "bom", "pattern": "x?.y*"},
            {"name": "dates", "kind": "date_order", "fields": ["valid_from", "valid_to"]},
            {"name": "once", "kind": "unique", "fields": "bom"},
            {"name": "once_both", "kind": "unique", "fields": ["bom", "unit"]},
            {"name": "known", "kind": "exists_in", "fields": "component", "references": "item"},
            {
                "name": "live",
                "kind": "reference_unmarked",
                "fields": "component",
                "references": "item",
                "mark": "obsolete",
            },
            {"name": "count", "kind": "row_count_between", "min": "1", "max": "4"},
            {"name": "share", "kind": "not_null_share", "fields": "valid_to", "min": "0.6"},
        ],
    }
)
TEXT = st.text(alphabet="01xya Ａ叉|\n\\", max_size=4)
NUMBER = st.decimals(min_value=-(10**15), max_value=10**15, places=9) | st.sampled_from(
    [Decimal(0), Decimal("1e-9"), Decimal("0.1"), Decimal("0.100000001"), Decimal("3999999.100000001")]
)
DAY = st.dates(min_value=date(2026, 1, 1), max_value=date(2026, 1, 4))
ROW = st.fixed_dictionaries(
    {
        "bom": st.none() | TEXT,
        "line": st.none() | TEXT | st.sampled_from(["10", "叉车", "a|b"]),
        "component": st.none() | st.sampled_from(["i1", "i2", "i3", ""]),
        "quantity": st.none() | NUMBER,
        "unit": st.none() | st.sampled_from(["pcs", "kg", "dozenish", ""]),
        "per": st.none() | NUMBER,
        "scrap_rate": st.none() | NUMBER,
        "valid_from": st.none() | DAY,
        "valid_to": st.none() | DAY,
    }
)
ITEMS = st.lists(
    st.fixed_dictionaries({"golden_id": st.sampled_from(["i1", "i2", "i3"]), "obsolete": st.none() | st.booleans()}),
    max_size=3,
)


# Shrinking would take minutes: each example is a validation by Great Expectations.
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(rows=st.lists(ROW, max_size=6), items=ITEMS)
def test_verdicts__are_the_same_in_both_engines(rows: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    named = [{"golden_id": f"g{place}", **row} for place, row in enumerate(rows)]
    frame = pl.DataFrame(named, schema=golden_schema(ENTITIES["bom_line"]))
    related = {"item": pl.DataFrame(items, schema=golden_schema(ENTITIES["item"]))}
    assert judge_suite(BOOK, frame, related=related) == judge_rows(BOOK, frame, related=related)
