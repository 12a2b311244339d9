"""Structures that two systems tell of: one version in force, every difference named."""

from __future__ import annotations

from typing import Any

import polars as pl

from canonical.entities import ENTITIES, golden_schema
from mdm.versions import STRUCTURES, differences, put_in_force

PRECEDENCE = ("plm", "erp")


def golden(entity: str, *rows: dict[str, Any]) -> pl.DataFrame:
    schema = golden_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def bom(system: str, code: str, item: str, *, in_force: bool = True) -> dict[str, Any]:
    name = f"{system}:{code}"
    return {"golden_id": name, "code": code, "item": item, "in_force": in_force, "sources": [name]}


def line(head: str, component: str, quantity: str, per: str = "1") -> dict[str, Any]:
    from decimal import Decimal

    place = {"bom": head, "component": component, "quantity": Decimal(quantity), "per": Decimal(per)}
    return {"golden_id": f"{head}|{component}", "line": component, "parent": "X", "sources": [head], **place}


HEADS = golden("bom", bom("erp", "B1", "A"), bom("plm", "P1", "A"), bom("erp", "B2", "C"))


def test_put_in_force__the_best_system_that_has_a_version() -> None:
    placed = dict(put_in_force(HEADS, PRECEDENCE).select("golden_id", "in_force").iter_rows())
    assert placed == {"erp:B1": False, "plm:P1": True, "erp:B2": True}
    out = golden("bom", bom("erp", "B1", "A"), bom("plm", "P1", "A", in_force=False))
    placed = dict(put_in_force(out, PRECEDENCE).select("golden_id", "in_force").iter_rows())
    assert placed == {"erp:B1": True, "plm:P1": False}


def test_put_in_force__routings_of_lesser_systems_are_left_out() -> None:
    rows = [{"golden_id": f"{name}:R", "code": "R", "item": "A", "sources": [f"{name}:R"]} for name in ("erp", "plm")]
    assert put_in_force(golden("routing", *rows), PRECEDENCE)["golden_id"].to_list() == ["plm:R"]


def test_differences__line_by_line() -> None:
    lines = golden(
        "bom_line", line("plm:P1", "N1", "2"), line("plm:P1", "N2", "4"), line("plm:P1", "N3", "1"),
        line("erp:B1", "N1", "2"), line("erp:B1", "N2", "5"), line("erp:B1", "N4", "1"), line("erp:B2", "N9", "1"),
    )  # fmt: skip
    found = differences(STRUCTURES["bom_line"], HEADS, lines, PRECEDENCE).sort("attribute").to_dicts()
    assert [(row["golden_id"], row["attribute"]) for row in found] == [
        ("plm:P1", "component N2"), ("plm:P1", "component N3"), ("plm:P1", "component N4")
    ]  # fmt: skip
    assert found[0]["values"] == [
        "plm=quantity 4, per 1, scrap_rate –",
        "erp=quantity 5, per 1, scrap_rate –",
    ]
    assert found[1]["values"][1] == "erp=–"
    assert {row["kind"] for row in found} == {"versions_differ"}


def test_differences__one_system_differs_from_nobody() -> None:
    lines = golden("bom_line", line("erp:B2", "N9", "1"))
    only = HEADS.filter(pl.col("item") == "C")
    assert differences(STRUCTURES["bom_line"], only, lines, PRECEDENCE).is_empty()
    assert differences(STRUCTURES["bom_line"], only, lines.clear(), PRECEDENCE).is_empty()
