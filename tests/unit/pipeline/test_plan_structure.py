"""BOM lines taken up in columns are those taken up line by line."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.entities import ENTITIES, golden_schema
from canonical.plan import PlanBomLine
from canonical.plan_lines import BomLines, joined, lines_of
from pipeline import plan_structure
from pipeline.plan_structure import LINE, Version, bom_versions, by_bom, in_columns, line_by_line, structure
from pipeline.planning_settings import Planning
from pipeline.snapshot import snapshot
from tests.unit.pipeline.golden_plants import AS_OF, bom, boms, day, golden, item, line, ordered, orders

SCHEMA = {name: kind for name, kind in golden_schema(ENTITIES["bom_line"]).items() if name in LINE}
days = st.one_of(st.none(), st.integers(-3, 3).map(lambda n: AS_OF + timedelta(n)), st.just(date(9999, 12, 31)))
codes = st.sampled_from(["A", "B", "C"])
lines = st.fixed_dictionaries(
    {
        "bom": st.sampled_from(["bom-A", "bom-B", "bom-old", "none"]),
        "parent": codes,
        "component": codes,
        "quantity": st.sampled_from([None, "0", "1", "0.35", "2.5", "-1", "0.000000001"]),
        "per": st.sampled_from([None, "0", "1", "3", "1000"]),
        "scrap_rate": st.sampled_from([None, "0", "0.02", "0.0000005", "1.5"]),
        "operation": st.sampled_from([None, 10, 20]),
        "kind": st.sampled_from([None, "", "component", "substitute", "by_product"]),
        "valid_from": days,
        "valid_to": days,
    }
)
versions = st.builds(
    Version,
    st.sampled_from(["bom-A", "bom-B", "bom-old"]),
    codes,
    st.none() | st.just(day(2)),
    st.none() | st.just(day(5)),
)


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    exact = {"quantity", "per", "scrap_rate"}
    said = [{n: Decimal(v) if n in exact and v is not None else v for n, v in row.items()} for row in rows]
    return pl.DataFrame(said, schema=SCHEMA).select(LINE)


@settings(deadline=None, max_examples=60)
@given(st.lists(lines, max_size=12), st.lists(versions, max_size=4))
def test_in_columns__are_the_lines_line_by_line(rows: list[dict[str, Any]], heads: list[Version]) -> None:
    items = {one.bom: one.item for one in heads}  # a BOM is of one item, and may hold in several stretches
    frame, chosen = _frame(rows), by_bom(one for one in heads if one.item == items[one.bom])
    found = in_columns(frame, chosen, AS_OF)
    assert isinstance(found, BomLines)
    assert list(found) == list(line_by_line(frame.iter_rows(), chosen, AS_OF))


def test_in_columns__leaves_what_is_beyond_64_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_structure, "COLUMNS_FROM", 1)
    frames = {"item": golden("item", item("A", "make")), **boms(bom("A", line("B", "12345678901234567890")))}
    made = structure(frames, bom_versions(frames, AS_OF), AS_OF)
    assert made.lines == (PlanBomLine("A", "B", 12345678901234567890),)


def test_snapshot__in_columns_is_the_one_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = {
        "item": golden("item", *(item(code, "make") for code in "AP"), item("P", "phantom"), item("B"), item("C")),
        **boms(bom("A", line("P", "2"), line("B", "0.35", scrap_rate=Decimal("0.02"))), bom("P", line("C", "3"))),
        **orders(ordered("A", "5", day(14))),
        "work_order": golden("work_order", {"golden_id": "w", "item": "A", "quantity": Decimal(4), "status": "planned",
                                            "due": day(9), "start": day(5)}),
    }  # fmt: skip
    by_rows = snapshot(frames, Planning(), AS_OF, ())
    monkeypatch.setattr(plan_structure, "COLUMNS_FROM", 1)
    in_columns_too = snapshot(frames, Planning(), AS_OF, ())
    assert isinstance(in_columns_too.bom, BomLines)
    assert by_rows == in_columns_too
    assert any(row.key.startswith("work_order|w|") for row in by_rows.demands)


def test_joined_and_lines_of__tuples_and_columns_alike() -> None:
    rows = [PlanBomLine("A", "B", 1), PlanBomLine("B", "C", 2), PlanBomLine("A", "C", 3)]
    frame = pl.DataFrame({name: [getattr(row, name) for row in rows] for name in PlanBomLine.__slots__}, strict=False)
    held = BomLines(frame)
    for field, wanted in (("parent", {"A"}), ("component", {"C"}), ("component", set[str]())):
        assert list(lines_of(held, field, wanted)) == list(lines_of(rows, field, wanted))
    more = [PlanBomLine("D", "A", 1)]
    assert isinstance(joined(held, more), BomLines)
    assert list(joined(held, more)) == list(joined(rows, more)) == [*rows, *more]
    huge = [PlanBomLine("D", "A", 2**70)]
    assert joined(held, huge) == (*rows, *huge)
