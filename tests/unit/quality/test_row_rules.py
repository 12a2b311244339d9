from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from canonical.entities import ENTITIES, golden_schema
from quality.row_rules import judge_rows
from quality.spec import Rulebook
from quality.verdict import Verdict


def golden(entity: str, *rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=golden_schema(ENTITIES[entity]))


def judge(entity: str, rule: dict[str, Any], *rows: dict[str, Any], **related: pl.DataFrame) -> Verdict:
    book = Rulebook.model_validate({"entity": entity, "rules": [{"name": "r", **rule}]})
    named = [{"golden_id": str(place), **row} for place, row in enumerate(rows, start=1)]
    (verdict,) = judge_rows(book, golden(entity, *named), related=related)
    return verdict


@pytest.mark.parametrize(
    ("rule", "values", "failing"),
    [
        ({"kind": "not_null", "fields": "name"}, {"name": ["a", None]}, ("2",)),
        ({"kind": "in_set", "fields": "sourcing", "values": ["make"]}, {"sourcing": ["make", "buy", None]}, ("2",)),
        ({"kind": "known_unit", "fields": "unit"}, {"unit": ["pcs", "dozenish", None]}, ("2",)),
        ({"kind": "positive", "fields": "safety_stock"}, {"safety_stock": [Decimal(0), Decimal("1e-9"), None]}, ("1",)),
        (
            {"kind": "between", "fields": "lead_time_days", "min": "1", "max": "9"},
            {"lead_time_days": [0, 1, 9, 10]},
            ("1", "4"),
        ),
        (
            {"kind": "between", "fields": "safety_stock", "max": "0.5"},
            {"safety_stock": [Decimal("0.5"), Decimal("0.500000001")]},
            ("2",),
        ),
        (
            {"kind": "matches", "fields": "code", "pattern": "[0-9]{3}"},
            {"code": ["007", "0007", "007\n", "x007"]},
            ("2", "3", "4"),
        ),
        ({"kind": "unique", "fields": "drawing_number"}, {"drawing_number": ["a", "b", "a", None, None]}, ("1", "3")),
    ],
)  # fmt: skip
def test_judge_rows__names_the_rows_that_fail(
    rule: dict[str, Any], values: dict[str, list[Any]], failing: tuple[str, ...]
) -> None:
    (name, column), *_ = values.items()
    verdict = judge("item", rule, *({name: value} for value in column))
    assert verdict.failing == failing
    assert verdict.status == "failed"


def test_judge_rows__dates_in_order() -> None:
    from datetime import date

    early, late = date(2026, 1, 1), date(2026, 1, 2)
    rule = {"kind": "date_order", "fields": ["valid_from", "valid_to"]}
    pairs = [(early, late), (late, early), (early, early), (late, None), (None, early)]
    assert judge("bom", rule, *({"valid_from": a, "valid_to": b} for a, b in pairs)).failing == ("2",)


def test_judge_rows__references_exist_and_are_unmarked() -> None:
    items = golden("item", {"golden_id": "i1", "obsolete": True}, {"golden_id": "i2", "obsolete": None})
    lines = [{"component": "i1"}, {"component": "i2"}, {"component": "i3"}]
    known = {"kind": "exists_in", "fields": "component", "references": "item"}
    unmarked = {"kind": "reference_unmarked", "fields": "component", "references": "item", "mark": "obsolete"}
    assert judge("bom_line", known, *lines, item=items).failing == ("3",)
    assert judge("bom_line", unmarked, *lines, item=items).failing == ("1",)


def test_judge_rows__missing_frame_is_a_check_error() -> None:
    verdict = judge("bom_line", {"kind": "exists_in", "fields": "component", "references": "item"}, {"component": "i1"})
    assert verdict.status == "check_error"
    assert not verdict.stops


def test_judge_rows__blocking_dataset_rule_stops() -> None:
    verdict = judge("item", {"kind": "row_count_between", "min": "1", "blocking": True})
    assert (verdict.status, verdict.observed, verdict.stops) == ("failed", "0", True)


@pytest.mark.parametrize(("share", "passed"), [("0.5", True), ("0.6", False)])
def test_judge_rows__share_of_values(share: str, passed: bool) -> None:
    verdict = judge("item", {"kind": "not_null_share", "fields": "name", "min": share}, {"name": "a"}, {"name": None})
    assert verdict.passed is passed
    assert verdict.observed == "0.500000"
