"""Many source records → golden records, by exact identity keys.

A record already in the crosswalk keeps its golden id for ever. A new one joins the golden record that
shares its identity value; where several golden records share it, the case goes to a steward and the
record stays on its own. Golden values are computed from the source records at every run, never fused.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from canonical.entities import ENTITIES, golden_schema, model_schema
from mdm.policy import Policy

BINDING_SCHEMA: dict[str, pl.DataType] = {
    "system": pl.String(),
    "source_key": pl.String(),
    "native_id": pl.String(),
    "golden_id": pl.String(),
    "is_primary": pl.Boolean(),
}
CONFLICT_SCHEMA: dict[str, pl.DataType] = {
    "golden_id": pl.String(),
    "attribute": pl.String(),
    "kind": pl.String(),
    "values": pl.List(pl.String()),
}


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The outcome for one entity: golden records, every source record's binding, and what a steward should see."""

    golden: pl.DataFrame
    bindings: pl.DataFrame
    conflicts: pl.DataFrame


def reconcile(policy: Policy, records: pl.DataFrame, known: pl.DataFrame) -> Reconciled:
    """Master one entity.

    `records`: canonical frame of all systems, references already golden, quantities in stocking units.
    `known`: crosswalk so far (`system, source_key, golden_id`).
    """
    matched, ambiguous = _match(policy, records, known)
    ranked = _ranked(policy, matched)
    golden = _survive(policy, ranked)
    conflicts = pl.concat([_disagreements(policy, matched), _duplicates(matched), ambiguous])
    return Reconciled(golden, _bindings(ranked), conflicts.sort("golden_id", "attribute", "kind"))


def _match(policy: Policy, records: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add `golden_id` to every record; returns also the conflicts of ambiguous matches."""
    identity = _identity(policy)
    rows = records.with_columns(identity.alias("_identity")).join(
        known.select("system", "source_key", pl.col("golden_id").alias("_known")),
        on=["system", "source_key"],
        how="left",
        maintain_order="left",
    )
    holders = (
        rows.filter(pl.col("_identity").is_not_null() & pl.col("_known").is_not_null())
        .group_by("_identity")
        .agg(pl.col("_known").unique().sort().alias("_holders"))
    )
    rows = rows.join(holders, on="_identity", how="left", maintain_order="left")
    held_once = pl.col("_holders").list.len() == 1
    alone = _own_name(policy)
    golden = (
        pl.when(pl.col("_known").is_not_null())
        .then(pl.col("_known"))
        .when(held_once)
        .then(pl.col("_holders").list.first())
        .when(pl.col("_identity").is_not_null() & pl.col("_holders").is_null())
        .then(pl.col("_identity"))
        .otherwise(alone)
    )
    ambiguous = (
        rows.filter(pl.col("_holders").list.len() > 1)
        .select(
            golden.alias("golden_id"),
            pl.lit("golden_id").alias("attribute"),
            pl.lit("ambiguous_match").alias("kind"),
            pl.col("_holders").alias("values"),
        )
        .unique(maintain_order=True)
    )
    return rows.with_columns(golden.alias("golden_id")).drop("_identity", "_known", "_holders"), ambiguous


def _identity(policy: Policy) -> pl.Expr:
    fields = ENTITIES[policy.entity].identity
    if policy.golden_id == "source_key" or not fields:
        return pl.lit(None, dtype=pl.String)
    return pl.concat_str([pl.col(field).cast(pl.String) for field in fields], separator="|")


def _own_name(policy: Policy) -> pl.Expr:
    if policy.golden_id == "source_key":
        return pl.col("source_key")
    return pl.concat_str([pl.col("system"), pl.col("source_key")], separator=":")


def _ranked(policy: Policy, matched: pl.DataFrame) -> pl.DataFrame:
    rank = pl.col("system").replace_strict(
        {system: index for index, system in enumerate(policy.precedence)},
        default=len(policy.precedence),
        return_dtype=pl.Int64,
    )
    return matched.with_columns(rank.alias("_rank")).sort("golden_id", "_rank", "system", "source_key")


def _survive(policy: Policy, ranked: pl.DataFrame) -> pl.DataFrame:
    """First non-null value by the attribute's precedence; sources listed by rank."""
    model = ENTITIES[policy.entity]
    sources = pl.concat_str(["system", "source_key"], separator=":").alias("sources")
    golden = ranked.group_by("golden_id", maintain_order=True).agg(
        *(pl.col(name).drop_nulls().first() for name in model_schema(model) if name not in policy.attributes),
        sources,
    )
    for attribute in policy.attributes:
        order = policy.model_copy(update={"precedence": policy.ranked(attribute)})
        values = _ranked(order, ranked.drop("_rank")).group_by("golden_id").agg(pl.col(attribute).drop_nulls().first())
        golden = golden.join(values, on="golden_id", how="left", maintain_order="left")
    schema = golden_schema(model)
    return golden.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _bindings(ranked: pl.DataFrame) -> pl.DataFrame:
    first = pl.int_range(pl.len()).over("golden_id", "system") == 0
    frame = ranked.select("system", "source_key", "native_id", "golden_id", first.alias("is_primary"))
    return frame.cast(dict(BINDING_SCHEMA))  # type: ignore[arg-type]


def _disagreements(policy: Policy, matched: pl.DataFrame) -> pl.DataFrame:
    """Compared attributes on which systems differ; one value per system is shown."""
    found = [pl.DataFrame(schema=CONFLICT_SCHEMA)]
    for attribute in policy.compare:
        said = matched.filter(pl.col(attribute).is_not_null()).sort("golden_id", "system", "source_key")
        text = pl.concat_str([pl.col("system"), pl.lit("="), pl.col(attribute).cast(pl.String)])
        per = said.group_by("golden_id").agg(
            pl.lit(attribute).alias("attribute"),
            pl.lit("systems_differ").alias("kind"),
            text.unique(maintain_order=True).alias("values"),
            pl.col(attribute).n_unique().alias("_distinct"),
        )
        found.append(per.filter(pl.col("_distinct") > 1).drop("_distinct").cast(dict(CONFLICT_SCHEMA)))  # type: ignore[arg-type]
    return pl.concat(found)


def _duplicates(matched: pl.DataFrame) -> pl.DataFrame:
    """One system holding the same thing twice."""
    twice = (
        matched.sort("golden_id", "system", "source_key")
        .group_by("golden_id", "system", maintain_order=True)
        .agg(pl.concat_str(["system", "source_key"], separator=":").alias("values"))
        .filter(pl.col("values").list.len() > 1)
    )
    return twice.select(
        "golden_id", pl.lit("source_key").alias("attribute"), pl.lit("duplicate_in_source").alias("kind"), "values"
    ).cast(dict(CONFLICT_SCHEMA))  # type: ignore[arg-type]
