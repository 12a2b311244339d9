"""Exact identity keys make golden records; the crosswalk keeps them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from canonical.entities import ENTITIES, frame_schema
from canonical.errors import UnknownUnit
from canonical.stewardship import Decision, SourceRef
from mdm.policy import load_policies
from mdm.reconcile import Reconciled, Stewarded, reconcile
from mdm.references import CROSSWALK_SCHEMA, Crosswalk, rekey
from mdm.units import ItemUnits

POLICY = load_policies()["item"]
NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
NOTHING = pl.DataFrame(schema=CROSSWALK_SCHEMA)


def items(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = frame_schema(ENTITIES["item"])
    full = [{"absent": [], "native_id": None, **row, "source_key": row["code"]} for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in full], schema=schema)


def item(system: str, code: str, drawing: str | None, **values: Any) -> dict[str, Any]:
    return {"system": system, "code": code, "drawing_number": drawing, **values}


def golden_of(outcome: Reconciled) -> dict[tuple[str, str], str]:
    rows = outcome.bindings.select("system", "source_key", "golden_id").rows()
    return {(system, key): golden for system, key, golden in rows}


def test_same_identity__is_one_golden_record_with_the_first_value_by_precedence() -> None:
    outcome = reconcile(
        POLICY,
        items(
            item("crm", "FG-1", "DW-1", name="Forklift", sourcing=None),
            item("erp", "01", "DW-1", name=None, sourcing="make"),
            item("wms", "SKU1", "DW-1", name="叉车"),
        ),
        NOTHING,
    )
    (golden,) = outcome.golden.to_dicts()
    assert golden["golden_id"] == "DW-1"
    assert (golden["name"], golden["sourcing"], golden["code"]) == ("Forklift", "make", "01")
    assert golden["sources"] == ["erp:01", "wms:SKU1", "crm:FG-1"]


def test_no_identity__stays_on_its_own() -> None:
    outcome = reconcile(POLICY, items(item("crm", "FG-1", None), item("erp", "FG-1", None)), NOTHING)
    assert golden_of(outcome) == {("crm", "FG-1"): "crm:FG-1", ("erp", "FG-1"): "erp:FG-1"}


def test_bound_record__keeps_its_golden_id_whatever_its_fields_become() -> None:
    known = pl.DataFrame([("erp", "01", None, "DW-OLD")], schema=CROSSWALK_SCHEMA, orient="row")
    outcome = reconcile(POLICY, items(item("erp", "01", "DW-NEW"), item("mes", "9", "DW-NEW")), known)
    assert set(golden_of(outcome).values()) == {"DW-OLD"}


def test_identity_held_by_two_golden_records__goes_to_the_steward() -> None:
    known = pl.DataFrame([("erp", "01", None, "A"), ("mes", "9", None, "B")], schema=CROSSWALK_SCHEMA, orient="row")
    outcome = reconcile(
        POLICY, items(item("erp", "01", "DW-1"), item("mes", "9", "DW-1"), item("wms", "S", "DW-1")), known
    )
    assert golden_of(outcome)["wms", "S"] == "wms:S"
    assert "ambiguous_match" in outcome.conflicts["kind"].to_list()


def test_identity_held_by_two_golden_records__is_settled_where_a_steward_made_them_one() -> None:
    known = pl.DataFrame([("erp", "01", None, "A"), ("mes", "9", None, "B")], schema=CROSSWALK_SCHEMA, orient="row")
    told = items(item("erp", "01", "DW-1"), item("mes", "9", "DW-1"))
    one, other = SourceRef("erp", "01"), SourceRef("mes", "9")
    same = Decision(1, "item", "same", (one, other), "person:li.wei", NOON)
    doubts = reconcile(POLICY, told, known).conflicts
    assert doubts.select("golden_id", "values").rows() == [("A", ["A", "B"]), ("B", ["A", "B"])]
    settled = reconcile(POLICY, told, known, Stewarded(NOON, (same,)))
    assert set(golden_of(settled).values()) == {"A"}
    assert settled.conflicts.is_empty()


def test_identity_held_by_one_home__is_no_doubt_where_a_steward_split_it() -> None:
    known = pl.DataFrame([("erp", "01", None, "A"), ("mes", "9", None, "A")], schema=CROSSWALK_SCHEMA, orient="row")
    told = items(item("erp", "01", "DW-1"), item("mes", "9", "DW-1"))
    split = Decision(1, "item", "split", (SourceRef("mes", "9"),), "person:li.wei", NOON, "", (SourceRef("erp", "01"),))
    outcome = reconcile(POLICY, told, known, Stewarded(NOON, (split,)))
    assert golden_of(outcome) == {("erp", "01"): "A", ("mes", "9"): "mes:9"}
    assert outcome.conflicts.is_empty()


def test_duplicates_and_disagreements__are_recorded() -> None:
    outcome = reconcile(
        POLICY,
        items(
            item("erp", "01", "DW-1", sourcing="make"),
            item("erp", "02", "DW-1", sourcing="make"),
            item("mes", "9", "DW-1", sourcing="buy"),
        ),
        NOTHING,
    )
    kinds = {row["kind"]: row["values"] for row in outcome.conflicts.to_dicts()}
    assert kinds["duplicate_in_source"] == ["erp:01", "erp:02"]
    assert kinds["systems_differ"] == ["erp=make", "mes=buy"]
    primary = outcome.bindings.filter(pl.col("is_primary"))["source_key"].to_list()
    assert sorted(primary) == ["01", "9"]


def test_rekey__by_source_key_or_technical_id_and_tells_what_it_cannot() -> None:
    schema = frame_schema(ENTITIES["inspection"])
    rows = [
        {"system": "mes", "source_key": key, "code": key, "work_order": order} for key, order in
        (("i1", "WO-1"), ("i2", "wo_1"), ("i3", "WO-9"))
    ]  # fmt: skip
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    walk = pl.DataFrame([("mes", "WO-1", "wo_1", "MO1")], schema=CROSSWALK_SCHEMA, orient="row")
    good, bad = rekey("inspection", frame, {"work_order": Crosswalk(walk)})
    assert good.select("code", "work_order").rows() == [("i1", "MO1"), ("i2", "MO1")]
    assert bad.select("code", "unresolved").rows() == [("i3", "work_order")]


def test_units__convert_exactly_both_ways_and_refuse_to_guess() -> None:
    units = ItemUnits({"A": "kg", "B": "pcs"}, {"B": {"box": Decimal(12)}}, {("mes", "A"): "g", ("wms", "B"): "box"})
    assert units.to_stocking("mes", "A", "g") == Decimal("0.001")
    assert units.to_stocking("mes", "A", None) == Decimal("0.001")  # in its own system's unit
    assert units.from_stocking("mes", "A", Decimal("0.35")) == (Decimal(350), "g")
    assert units.from_stocking("wms", "B", Decimal(36)) == (Decimal(3), "box")
    with pytest.raises(UnknownUnit):
        units.to_stocking("wms", "B", "kg")
    with pytest.raises(UnknownUnit):
        units.to_stocking("wms", "C", "pcs")
