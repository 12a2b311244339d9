"""What changed between two frames of one entity."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from rules.diff import Change, diff

SCHEMA: dict[str, pl.DataType] = {"reference": pl.String(), "quantity": pl.Decimal(38, 9), "supplier": pl.String()}


def frame(*rows: tuple[str, str | None, str | None]) -> pl.DataFrame:
    values = [(key, None if quantity is None else Decimal(quantity), supplier) for key, quantity, supplier in rows]
    return pl.DataFrame(values, schema=SCHEMA, orient="row")


def kinds(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.kind, change.key) for change in changes]


def test_diff__finds_created_changed_and_deleted_in_key_order() -> None:
    old = frame(("b", "1", None), ("c", "1", None), ("a", "1", None))
    new = frame(("z", "1", None), ("b", "2", None), ("d", "1", None), ("a", "1", None))
    changes = diff("planned_order", old, new, "reference").rows()
    assert kinds(changes) == [("created", "d"), ("created", "z"), ("changed", "b"), ("deleted", "c")]


def test_diff__names_the_fields_that_differ_with_both_values() -> None:
    (change,) = diff("planned_order", frame(("a", "1", "S1")), frame(("a", "2", "S1")), "reference").rows()
    assert change.fields == ("quantity",)
    assert (change.old or {})["quantity"] == 1
    assert (change.new or {})["quantity"] == 2


def test_diff__null_equals_null_and_differs_from_a_value() -> None:
    assert diff("planned_order", frame(("a", None, None)), frame(("a", None, None)), "reference").rows() == []
    (change,) = diff("planned_order", frame(("a", "1", None)), frame(("a", "1", "S1")), "reference").rows()
    assert change.fields == ("supplier",)


def test_diff__writing_a_number_otherwise_is_no_change() -> None:
    assert diff("planned_order", frame(("a", "60", None)), frame(("a", "60.000", None)), "reference").rows() == []


def said(*rows: tuple[str, str | None, list[str]]) -> pl.DataFrame:
    """Rows with a supplier and the fields their source did not supply."""
    schema = {"reference": pl.String(), "supplier": pl.String(), "absent": pl.List(pl.String())}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def test_diff__absent_says_nothing_and_null_says_that_there_is_none() -> None:
    before = said(("a", "S1", []), ("b", "S1", []), ("c", None, ["supplier"]), ("d", None, ["supplier"]))
    after = said(("a", None, ["supplier"]), ("b", None, []), ("c", None, []), ("d", None, ["supplier"]))
    changes = diff("purchase", before, after, "reference").rows()
    assert [(change.key, change.fields) for change in changes] == [("b", ("supplier",)), ("c", ("supplier",))]
    assert changes[0].new is not None
    assert changes[0].new["supplier"] is None
    assert changes[1].old is not None
    assert "supplier" not in changes[1].old


def test_diff__a_column_only_one_side_has() -> None:
    wide, narrow = frame(("a", "1", "S1")), frame(("a", "1", "S1")).drop("supplier")
    assert diff("planned_order", wide, narrow, "reference").rows() == []
    (change,) = diff("planned_order", narrow, wide, "reference").rows()
    assert change.fields == ("supplier",)


def test_diff__an_incomplete_fetch_deletes_nothing() -> None:
    old, new = frame(("a", "1", None), ("b", "1", None)), frame(("b", "2", None))
    assert kinds(diff("planned_order", old, new, "reference", complete=False).rows()) == [("changed", "b")]
    assert kinds(diff("planned_order", old, new, "reference").rows()) == [("changed", "b"), ("deleted", "a")]


def test_changes_at__are_those_of_rows() -> None:
    old = frame(("a", "1", None), ("b", "1", None), ("c", "1", None), ("d", "1", None))
    new = frame(("d", "2", None), ("b", "2", None), ("c", "1", None), ("x", "1", None), ("y", "1", None))
    changes = diff("planned_order", old, new, "reference")
    rows = changes.rows()
    assert len(rows) == len(changes) == 5
    assert changes.at([4, 0, 3]) == {0: rows[0], 3: rows[3], 4: rows[4]}
