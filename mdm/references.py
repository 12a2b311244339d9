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


def _by_key(walk: pl.DataFrame) -> pl.DataFrame:
    """One row for every key a reference may use: the source key, else the technical id."""
    keys = pl.concat(
        walk.select("system", pl.col(name).alias("key"), "golden_id") for name in ("source_key", "native_id")
    )
    return keys.drop_nulls("key").unique(["system", "key"], keep="first", maintain_order=True)


def _named(walk: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
    """The bindings that any of these names may mean."""
    wanted = names.drop_nulls().unique().implode()
    return walk.filter(pl.any_horizontal(pl.col("source_key", "native_id", "golden_id").is_in(wanted)))


def rekey(
    entity: str, frame: pl.DataFrame, crosswalks: Mapping[str, pl.DataFrame], shared: Collection[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Replace every reference by a golden id.

    `crosswalks` maps an entity to frames of `CROSSWALK_SCHEMA`; entities in `shared` are also known by
    their golden id. Returns the rows whose references all
    resolve, and the others with a column `unresolved` naming the first field that does not.
    """
    model = ENTITIES[entity]
    unresolved = pl.lit(None, dtype=pl.String)
    for field, referred in references(model).items():
        walk = crosswalks.get(referred, pl.DataFrame(schema=CROSSWALK_SCHEMA))
        if frame.height < walk.height:  # a handful of rows needs only what they name
            walk = _named(walk, frame[field])
        lookup = _by_key(walk).rename({"key": field, "golden_id": f"{field}__golden"})
        frame = frame.join(lookup, on=["system", field], how="left", maintain_order="left")
        if referred in shared:
            same = pl.when(pl.col(field).is_in(walk["golden_id"].unique().to_list())).then(pl.col(field))
            frame = frame.with_columns(pl.coalesce(f"{field}__golden", same).alias(f"{field}__golden"))
        missing = pl.col(field).is_not_null() & pl.col(f"{field}__golden").is_null()
        unresolved = pl.coalesce(unresolved, pl.when(missing).then(pl.lit(field)))
    frame = frame.with_columns(unresolved.alias("unresolved"))
    resolved = [name for name in references(model) if f"{name}__golden" in frame.columns]
    good = frame.filter(pl.col("unresolved").is_null()).with_columns(
        pl.col(f"{name}__golden").alias(name) for name in resolved
    )
    extra = [f"{name}__golden" for name in resolved]
    bad = frame.filter(pl.col("unresolved").is_not_null()).drop(extra)
    return good.drop([*extra, "unresolved"]), bad
