"""Re-keying: a reference in a source record becomes the golden id of what it names."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from canonical.base import references
from canonical.entities import ENTITIES

CROSSWALK_SCHEMA: dict[str, pl.DataType] = {
    "system": pl.String(),
    "source_key": pl.String(),
    "native_id": pl.String(),
    "golden_id": pl.String(),
}

HANDFUL = 100
"""So many rows are looked up one by one."""


def _named(walk: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
    """The bindings that any of these names may mean."""
    wanted = names.drop_nulls().unique().implode()
    return walk.filter(pl.any_horizontal(pl.col("source_key", "native_id", "golden_id").is_in(wanted)))


def _by_key(walk: pl.DataFrame) -> pl.DataFrame:
    """One row for every key a reference may use: the source key, else the technical id."""
    keys = pl.concat(
        walk.select("system", pl.col(name).alias("key"), "golden_id") for name in ("source_key", "native_id")
    )
    return keys.drop_nulls("key").unique(["system", "key"], keep="first", maintain_order=True)


def _joined(frame: pl.DataFrame, field: str, walk: pl.DataFrame, *, shared: bool) -> pl.Series:
    """The golden id of what each row names in a field, found by a join."""
    lookup = _by_key(walk).rename({"key": field})
    found = frame.select("system", field).join(lookup, on=["system", field], how="left", maintain_order="left")
    if shared:
        same = pl.when(pl.col(field).is_in(walk["golden_id"].unique().implode())).then(pl.col(field))
        found = found.select(pl.coalesce("golden_id", same).alias("golden_id"))
    return found["golden_id"]


def _looked_up(frame: pl.DataFrame, field: str, walk: pl.DataFrame, *, shared: bool) -> pl.Series:
    """As `_joined`, row by row: of a handful of rows a join costs a hundred times what it does."""
    known: dict[tuple[str, str], str] = {}
    bound = _named(walk, frame[field]).select(*CROSSWALK_SCHEMA).rows()
    for place in (1, 2):  # the source key, else the technical id
        for row in bound:
            if row[place] is not None:
                known.setdefault((row[0], row[place]), row[3])
    themselves = {row[3]: row[3] for row in bound} if shared else {}
    pairs = zip(frame["system"], frame[field], strict=True)
    return pl.Series([known.get(pair, themselves.get(pair[1])) for pair in pairs], dtype=pl.String)


def rekey(
    entity: str, frame: pl.DataFrame, crosswalks: Mapping[str, pl.DataFrame], shared: Collection[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Replace every reference by a golden id.

    `crosswalks` maps an entity to frames of `CROSSWALK_SCHEMA`; entities in `shared` are also known by
    their golden id. Returns the rows whose references all
    resolve, and the others with a column `unresolved` naming the first field that does not.
    """
    found: dict[str, pl.Series] = {}
    for field, referred in references(ENTITIES[entity]).items():
        walk = crosswalks.get(referred, pl.DataFrame(schema=CROSSWALK_SCHEMA))
        look = _looked_up if frame.height <= HANDFUL else _joined
        found[field] = look(frame, field, walk, shared=referred in shared).alias(field)
    missing = {field: frame[field].is_not_null() & golden.is_null() for field, golden in found.items()}
    if not any(lost.any() for lost in missing.values()):
        return frame.with_columns(*found.values()), frame.clear().with_columns(_first_of({}))
    bad = pl.any_horizontal(*missing.values())
    marked = frame.with_columns(_first_of(missing))
    return frame.with_columns(*found.values()).filter(~bad), marked.filter(bad)


def _first_of(missing: Mapping[str, pl.Series]) -> pl.Expr:
    named = (pl.when(lost).then(pl.lit(field)) for field, lost in missing.items())
    return pl.coalesce(*named, pl.lit(None, dtype=pl.String)).alias("unresolved")
