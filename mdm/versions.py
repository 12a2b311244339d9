"""BOMs and routings that several systems tell of: whose version is in force, and where the others differ, line by line.

A structure is never mixed from two systems: half of one BOM and half of another make a product nobody designed. For
each item the version of the system of the highest rank is in force; what the others say otherwise is a conflict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from mdm.reconcile import CONFLICT_SCHEMA
from mdm.survivorship import rank_of


@dataclass(frozen=True, slots=True)
class Structure:
    """How lines belong to heads, and what is compared."""

    head: str
    """The entity whose records are heads."""
    of: str
    """The line's field that names its head."""
    place: str
    """What makes two lines of two versions the same line."""
    compared: tuple[str, ...]


STRUCTURES: Mapping[str, Structure] = {
    "bom_line": Structure("bom", "bom", "component", ("quantity", "per", "scrap_rate")),
    "operation": Structure(
        "routing", "routing", "sequence", ("work_centre", "setup_minutes", "run_minutes", "outside")
    ),
}
"""By the entity of their lines."""
HEADS = frozenset(one.head for one in STRUCTURES.values())


def put_in_force(heads: pl.DataFrame, precedence: Sequence[str]) -> pl.DataFrame:
    """Golden heads, those of an item's lesser systems out of force; routings, which have no such mark, left out."""
    ranked = _ranked(heads, precedence)
    best = ranked.filter(pl.col("in_force") if "in_force" in heads.columns else True).group_by("item").agg(
        pl.col("_rank").min().alias("_best")
    )  # fmt: skip
    first = ranked.join(best, on="item", how="left", maintain_order="left")
    wins = (pl.col("_rank") == pl.col("_best")).fill_null(value=False)
    if "in_force" in heads.columns:
        return first.with_columns(pl.col("in_force") & wins).select(heads.columns)
    return first.filter(wins).select(heads.columns)


def differences(
    structure: Structure, heads: pl.DataFrame, lines: pl.DataFrame, precedence: Sequence[str]
) -> pl.DataFrame:
    """Conflicts (`CONFLICT_SCHEMA`) between the version in force and the others; `heads`: all of them, with `item`."""
    if heads.is_empty() or lines.is_empty():
        return pl.DataFrame(schema=CONFLICT_SCHEMA)
    ranked = _ranked(heads, precedence).sort("item", "_rank", "golden_id")
    versions = ranked.group_by("item", "_system", maintain_order=True).agg(pl.col("golden_id").first().alias("_head"))
    several = versions.filter(pl.len().over("item") > 1)
    winners = several.group_by("item", maintain_order=True).agg(pl.col("_head").first().alias("golden_id"))
    said = lines.select(
        pl.col(structure.of).alias("_head"), pl.col(structure.place).cast(pl.String).alias("_place"), _shown(structure)
    ).unique(["_head", "_place"], keep="first", maintain_order=True)
    told = several.join(winners, on="item").join(said, on="_head", how="left", maintain_order="left")
    places = told.select("golden_id", "item", "_place").drop_nulls().unique(maintain_order=True)
    every = places.join(several, on="item", maintain_order="left").join(
        said, on=["_head", "_place"], how="left", maintain_order="left"
    )
    text = pl.concat_str([pl.col("_system"), pl.lit("="), pl.col("_said").fill_null("–")])
    grouped = every.group_by("golden_id", "_place", maintain_order=True).agg(
        text.alias("values"), pl.col("_said").fill_null("–").n_unique().alias("_distinct")
    )
    return grouped.filter(pl.col("_distinct") > 1).select(
        "golden_id", pl.concat_str([pl.lit(f"{structure.place} "), "_place"]).alias("attribute"),
        pl.lit("versions_differ").alias("kind"), "values",
    ).cast(dict(CONFLICT_SCHEMA))  # type: ignore[arg-type] # fmt: skip


def _shown(structure: Structure) -> pl.Expr:
    parts = [
        pl.concat_str([pl.lit(f"{name} "), _plain(pl.col(name))]).fill_null(f"{name} –") for name in structure.compared
    ]
    return pl.concat_str(parts, separator=", ").alias("_said")


def _plain(value: pl.Expr) -> pl.Expr:
    """As a person writes it: 2 and not 2.000000000."""
    return value.cast(pl.String).str.replace(r"(\.\d*?)0+$", "$1").str.strip_suffix(".")


def _ranked(heads: pl.DataFrame, precedence: Sequence[str]) -> pl.DataFrame:
    system = pl.col("sources").list.first().str.split(":").list.first()
    named = heads.with_columns(system.alias("system"))
    return named.with_columns(rank_of(precedence).alias("_rank"), pl.col("system").alias("_system")).drop("system")
