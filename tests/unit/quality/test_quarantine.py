from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import polars as pl

from canonical.entities import ENTITIES, frame_schema, golden_schema
from quality.quarantine import describe, remove, split
from quality.row_rules import judge_rows
from quality.spec import load_rulebooks

BOOKS = load_rulebooks()
STOCK = {"system": "wms", "warehouse": "WH1", "item": "SKU1", "status": "available", "unit": "pcs"}


def canonical(entity: str, *rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=frame_schema(ENTITIES[entity]))


def test_split__negative_stock_waits_and_the_rest_goes_on() -> None:
    frame = canonical(
        "stock",
        {**STOCK, "source_key": "k1", "lot": "1", "quantity": Decimal("-2.5")},
        {**STOCK, "source_key": "k2", "lot": "2", "quantity": Decimal(0)},
    )
    good, (held,) = split(BOOKS["stock"], frame)
    assert good["source_key"].to_list() == ["k2"]
    assert good.schema == frame.schema
    assert (held.system, held.source_key, held.rule, held.path) == ("wms", "k1", "quantity_not_negative", "quantity")
    assert json.loads(held.payload)["quantity"] == "-2.5"
    assert held.message == "quantity must be at least 0"


def test_split__mandatory_fields_and_every_broken_rule_named() -> None:
    frame = canonical("item", {"system": "erp", "source_key": "1", "code": "1", "unit": "dozenish"})
    good, (held,) = split(BOOKS["item"], frame)
    assert good.is_empty()
    assert held.rule == "name_given"
    assert "unit must be a known unit" in held.message


def test_split__warnings_and_dataset_rules_hold_nothing_back() -> None:
    row = {"system": "erp", "code": "1", "name": "n", "unit": "pcs", "drawing_number": "odd"}
    frame = canonical("item", {**row, "source_key": "1"}, {**row, "source_key": "2"})
    good, held = split(BOOKS["item"], frame)
    assert (good.height, held) == (2, [])


def test_split__entity_without_rules() -> None:
    empty = BOOKS["item"].model_copy(update={"rules": ()})
    frame = canonical("item", {"system": "erp", "source_key": "1", "code": "1"})
    assert split(empty, frame)[0].height == 1


def test_remove__takes_out_what_the_verdicts_name() -> None:
    line = {"order": "o1", "line": "10", "item": "i1", "unit": "pcs", "due": None}
    frame = pl.DataFrame(
        [
            {**line, "golden_id": "g1", "quantity": Decimal(1)},
            {**line, "golden_id": "g2", "quantity": Decimal(1)},
            {**line, "golden_id": "g3", "line": "20", "quantity": Decimal(0)},
            {**line, "golden_id": "g4", "line": "30", "quantity": Decimal(1)},
        ],
        schema=golden_schema(ENTITIES["sales_order_line"]),
    )
    book = BOOKS["sales_order_line"]
    good, held = remove(book, frame, judge_rows(book, frame))
    assert good["golden_id"].to_list() == ["g4"]
    assert [(each.source_key, each.rule) for each in held] == [
        ("g1", "line_unique"), ("g2", "line_unique"), ("g3", "quantity_positive"),
    ]  # fmt: skip
    assert held[0].system is None


def test_describe__every_rule_of_the_house_has_words() -> None:
    for book in BOOKS.values():
        for rule in book.rules:
            assert describe(rule)
