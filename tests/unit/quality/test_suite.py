from __future__ import annotations

import polars as pl

from canonical.entities import ENTITIES, golden_schema
from quality.row_rules import judge_rows
from quality.spec import Rulebook, load_rulebooks
from quality.suite import judge_suite, suite


def test_suite__every_rule_becomes_an_expectation() -> None:
    for book in load_rulebooks().values():
        names = [each.meta["rule"] for each in suite(book).expectations]
        assert names == [rule.name for rule in book.rules]


def test_judge_suite__empty_frames_agree() -> None:
    empty = {name: pl.DataFrame(schema=golden_schema(model)) for name, model in ENTITIES.items()}
    for book in load_rulebooks().values():
        assert judge_suite(book, empty[book.entity], related=empty) == judge_rows(
            book, empty[book.entity], related=empty
        )


def test_judge_suite__exception_is_a_check_error_not_bad_data() -> None:
    book = Rulebook.model_validate(
        {"entity": "item", "rules": [{"name": "r", "kind": "matches", "fields": "name", "pattern": "[a-z]+"}]}
    )
    broken = book.model_copy(update={"rules": (book.rules[0].model_copy(update={"pattern": "["}),)})
    frame = pl.DataFrame([{"golden_id": "1", "name": "x"}], schema=golden_schema(ENTITIES["item"]))
    (verdict,) = judge_suite(broken, frame)
    assert verdict.status == "check_error"
    assert verdict.failing == ()


def test_judge_suite__missing_frame_is_a_check_error() -> None:
    book = load_rulebooks()["warehouse"]
    lines = load_rulebooks()["bom_line"]
    frame = pl.DataFrame(schema=golden_schema(ENTITIES["bom_line"]))
    assert judge_suite(lines, frame) == judge_rows(lines, frame)
    assert {
        verdict.status for verdict in judge_suite(book, pl.DataFrame(schema=golden_schema(ENTITIES["warehouse"])))
    } == {"passed"}
