"""Quantities brought to stocking units, where a factor is a fraction."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from canonical.entities import ENTITIES, frame_schema
from mdm.units import ItemUnits, to_stocking_units

UNITS = ItemUnits({"NUT": "box", "GOLD": "lb"}, {"NUT": {"box": Decimal(12)}}, {("wms", "NUT"): "pcs"})


@pytest.mark.parametrize(
    ("item", "unit", "quantity", "stocking"),
    [
        ("NUT", "pcs", "12000", "1000"),
        ("NUT", "pcs", "12", "1"),
        ("NUT", "pcs", "1", "0.083333333"),
        ("GOLD", "mg", "45359237", "100"),
        ("GOLD", "g", "453592.37", "1000"),
        ("GOLD", "oz", "16", "1"),
    ],
)
def test_to_stocking_units__leave_no_crumbs(item: str, unit: str, quantity: str, stocking: str) -> None:
    row = {"system": "wms", "source_key": "1", "item": item, "unit": unit, "quantity": Decimal(quantity)}
    schema = frame_schema(ENTITIES["stock"])
    frame = pl.DataFrame([{name: row.get(name) for name in schema}], schema=schema)
    good, bad = to_stocking_units("stock", frame, "item", UNITS)
    assert bad.is_empty()
    assert good.select("quantity", "unit").row(0) == (Decimal(stocking), UNITS.stocking[item])


def test_to_stocking_units__what_is_counted_so_already__stays_and_says_its_unit() -> None:
    units = ItemUnits({"NUT": "box", "GOLD": "lb"}, {}, {})
    schema = frame_schema(ENTITIES["stock"])
    told = [
        {"system": "wms", "source_key": str(place), "item": item, "unit": unit, "quantity": quantity}
        for place, (item, unit, quantity) in enumerate(
            [("NUT", None, Decimal("1.5")), ("GOLD", "lb", Decimal("0.000000001")), ("NUT", "box", None)]
        )
    ]
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in told], schema=schema)
    good, bad = to_stocking_units("stock", frame, "item", units)
    assert good.select("item", "unit", "quantity").rows() == [
        ("NUT", "box", Decimal("1.5")), ("GOLD", "lb", Decimal("0.000000001")), ("NUT", "box", None),
    ]  # fmt: skip
    assert (good.schema, bad.schema) == (frame.schema, {**frame.schema, "message": pl.String()})
    lost = pl.DataFrame([{**frame.row(0, named=True), "item": "LOST"}], schema=schema)
    mixed, unknown = to_stocking_units("stock", pl.concat([frame, lost]), "item", units)
    assert (mixed.rows(), unknown["item"].to_list()) == (good.rows(), ["LOST"])


def test_from_stocking__comes_out_whole() -> None:
    assert UNITS.from_stocking("wms", "NUT", Decimal(7)) == (Decimal(84), "pcs")
    assert str(UNITS.from_stocking("wms", "NUT", Decimal(7))[0]) == "84"
