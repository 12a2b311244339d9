"""Survivorship: which source record's value a golden record shows, attribute by attribute, and why.

Golden values are computed from source records every time, never fused: the same records give the same values, and
taking a record away leaves what the others say. Every strategy is an order of the records that said something usable;
the first of them wins, ties go to the source of the higher rank. Strategies after the survivorship options of
commercial hubs (Semarchy, Informatica, Reltio).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
from pydantic import TypeAdapter, ValidationError

from canonical.entities import ENTITIES, UTC_TIME, golden_schema, model_schema
from canonical.errors import MillstreamError
from mdm.policy import Policy, Survival, Trust, Valid

ORIGIN_SCHEMA: dict[str, pl.DataType] = {
    "golden_id": pl.String(),
    "attribute": pl.String(),
    "source": pl.String(),
    "strategy": pl.String(),
    "said": pl.UInt32(),
    "agreed": pl.UInt32(),
}
"""Where a value came from: `source` as `system:source_key` (several joined by `, ` where values are aggregated), how
many records said something usable, and how many of them the winning value."""
BELIEVED_HALF = Trust(start=0.5, floor=0.5)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_SOURCE = pl.concat_str(["system", "source_key"], separator=":")
_Keys = list[tuple[pl.Expr, bool]]


@dataclass(frozen=True, slots=True)
class Pin:
    """A steward's value for one attribute of a golden record."""

    golden_id: str
    attribute: str
    value: Any
    by: str


def survive(policy: Policy, records: pl.DataFrame, as_of: datetime, pins: Sequence[Pin] = ()) -> pl.DataFrame:
    """Golden records of `golden_schema` from source records with a `golden_id`; sources are listed by rank."""
    schema, alone = golden_schema(ENTITIES[policy.entity]), stand_alone(records)
    chosen = [name for name in policy.attributes if not (alone and _is_what_one_says(policy.survival(name)))]
    plain = [name for name in model_schema(ENTITIES[policy.entity]) if name not in chosen]
    if alone:
        golden = in_order(records).select("golden_id", *plain, pl.concat_list(_SOURCE).alias("sources"))
    else:
        said = (pl.col(name).first(ignore_nulls=True) for name in plain)
        groups = by_rank(policy, records).group_by("golden_id", maintain_order=True)
        golden = groups.agg(*said, _SOURCE.alias("sources"))
    for attribute in chosen:
        found = winners(policy, records, attribute, as_of).select("golden_id", attribute)
        golden = golden.join(found, on="golden_id", how="left", maintain_order="left")
    if [*golden.schema.items()] != [*schema.items()]:
        golden = golden.select(pl.col(name).cast(kind) for name, kind in schema.items())
    return _pinned(policy.entity, golden, pins)


def _is_what_one_says(survival: Survival) -> bool:
    """Whether the value of a single record survives as it is."""
    return survival.valid is None and survival.aggregate is None and survival.same_as is None


def origins(policy: Policy, records: pl.DataFrame, as_of: datetime, pins: Sequence[Pin] = ()) -> pl.DataFrame:
    """Where every attribute that has a value came from: `ORIGIN_SCHEMA`, by golden id and in the entity's order."""
    found = [pl.DataFrame(schema=ORIGIN_SCHEMA)]
    pinned = {(pin.golden_id, pin.attribute): pin.by for pin in pins}
    for attribute in model_schema(ENTITIES[policy.entity]):
        strategy = policy.survival(attribute).strategy
        frame = winners(policy, records, attribute, as_of).select(
            "golden_id", pl.lit(attribute).alias("attribute"), "source", pl.lit(strategy).alias("strategy"),
            "said", "agreed",
        )  # fmt: skip
        found.append(frame.cast(dict(ORIGIN_SCHEMA)))  # type: ignore[arg-type]
    whole = pl.concat(found)
    steward = pl.DataFrame(
        [(golden_id, attribute, by, "pin", 0, 0) for (golden_id, attribute), by in pinned.items()],
        schema=ORIGIN_SCHEMA,
        orient="row",
    )
    rest = whole.join(steward, on=["golden_id", "attribute"], how="anti", maintain_order="left")
    return pl.concat([rest, steward]).sort("golden_id", maintain_order=True)


def winners(policy: Policy, records: pl.DataFrame, attribute: str, as_of: datetime) -> pl.DataFrame:
    """Per golden id: the attribute's value, and `source`, `said`, `agreed` of `ORIGIN_SCHEMA`."""
    survival = policy.survival(attribute)
    if survival.strategy == "same_as":
        return _same_winner(policy, records, attribute, as_of)
    usable = records.filter(_usable(attribute, survival.valid))
    said = usable.with_columns(
        rank_of(policy.ranked(attribute)).alias("_rank"),
        pl.len().over("golden_id", attribute).alias("_agreed"),
        *(key.alias(f"_key{index}") for index, (key, _) in enumerate(_keys(policy, survival, attribute, as_of))),
    )
    falling = [down for _, down in _keys(policy, survival, attribute, as_of)]
    ordered = said.sort(
        "golden_id", *(f"_key{index}" for index in range(len(falling))), "_rank", "system", "source_key",
        descending=[False, *falling, False, False, False], nulls_last=True,
    )  # fmt: skip
    groups = ordered.group_by("golden_id", maintain_order=True)
    if survival.aggregate:
        value, source, agreed = _aggregated(attribute, survival), _SOURCE.sort().str.join(", "), pl.len()
    else:
        value, source, agreed = pl.col(attribute).first(), _SOURCE.first(), pl.col("_agreed").first()
    return groups.agg(value, source.alias("source"), pl.len().alias("said"), agreed.alias("agreed"))


def stand_alone(records: pl.DataFrame) -> bool:
    """Whether no two records are one golden record: then each shows what it says, and nobody disagrees."""
    return records["golden_id"].n_unique() == records.height


def in_order(records: pl.DataFrame) -> pl.DataFrame:
    """By golden id."""
    return records if records["golden_id"].is_sorted() else records.sort("golden_id")


def by_rank(policy: Policy, records: pl.DataFrame) -> pl.DataFrame:
    """Records of each golden id, the system of the higher rank first, with the rank as `_rank`."""
    return records.with_columns(rank_of(policy.precedence).alias("_rank")).sort(
        "golden_id", "_rank", "system", "source_key"
    )


def rank_of(precedence: Sequence[str]) -> pl.Expr:
    """A system's place among these, the first 0; those not named come last."""
    places = {system: index for index, system in enumerate(precedence)}
    if not places:
        return pl.lit(0, dtype=pl.Int64)
    return pl.col("system").replace_strict(places, default=len(places), return_dtype=pl.Int64)


def _usable(attribute: str, valid: Valid | None) -> pl.Expr:
    column = pl.col(attribute)
    usable = column.is_not_null()
    if valid is None:
        return usable
    if valid.matches is not None:
        usable &= column.cast(pl.String).str.contains(f"^(?:{valid.matches})$")
    if valid.one_of is not None:
        usable &= column.cast(pl.String).is_in(valid.one_of)
    if valid.at_least is not None:
        usable &= column.cast(pl.Float64) >= valid.at_least
    if valid.at_most is not None:
        usable &= column.cast(pl.Float64) <= valid.at_most
    return usable.fill_null(value=False)


def _keys(policy: Policy, survival: Survival, attribute: str, as_of: datetime) -> _Keys:
    """What the records are put in order by before their rank, each with whether the greatest comes first."""
    column, length = pl.col(attribute), pl.col(attribute).cast(pl.String).str.len_chars()
    said = [pl.col(name).is_not_null().cast(pl.Int64) for name in model_schema(ENTITIES[policy.entity])]
    by_strategy: dict[str, _Keys] = {
        "recency": [(pl.col("changed_at").fill_null(NEVER), True)],
        "frequency": [(pl.len().over("golden_id", attribute), True)],
        "completeness": [(pl.sum_horizontal(said), True)],
        "longest": [(length, True)],
        "shortest": [(length, False)],
        "minimum": [(column, False)],
        "maximum": [(column, True)],
        "trust": [(_trust(survival.trust, as_of), True)],
    }
    return by_strategy.get(survival.strategy, [])


def _trust(trust: Mapping[str, Trust], as_of: datetime) -> pl.Expr:
    """`floor + (start - floor) / 2^(age / half life)`; a record of unknown age has the floor."""

    def of(name: str) -> pl.Expr:
        chosen = {system: getattr(one, name) for system, one in trust.items()}
        return pl.col("system").replace_strict(chosen, default=getattr(BELIEVED_HALF, name), return_dtype=pl.Float64)

    age = (pl.lit(as_of).cast(UTC_TIME) - pl.col("changed_at")).dt.total_seconds() / 86400
    faded = pl.lit(0.5).pow(pl.max_horizontal(age, pl.lit(0.0)) / of("half_life_days"))
    return of("floor") + (of("start") - of("floor")) * pl.when(age.is_null()).then(0.0).otherwise(faded)


def _aggregated(attribute: str, survival: Survival) -> pl.Expr:
    column = pl.col(attribute)
    if survival.aggregate == "union":
        return column.unique().sort().str.join("; ")
    if survival.aggregate == "mean":
        return column.mean()
    return {"sum": column.sum, "any": column.any, "all": column.all}[str(survival.aggregate)]()


def _same_winner(policy: Policy, records: pl.DataFrame, attribute: str, as_of: datetime) -> pl.DataFrame:
    """The value of the record that won another attribute, silent or not."""
    leader = str(policy.survival(attribute).same_as)
    won = winners(policy, records, leader, as_of).select("golden_id", "source")
    said = records.select("golden_id", _SOURCE.alias("source"), attribute)
    counted = said.group_by("golden_id").agg(pl.col(attribute).count().alias("said"))
    found = won.join(said, on=["golden_id", "source"], how="inner", maintain_order="left")
    return found.join(counted, on="golden_id", how="left", maintain_order="left").with_columns(
        pl.lit(1, dtype=pl.UInt32).alias("agreed")
    ).filter(pl.col(attribute).is_not_null())  # fmt: skip


def _pinned(entity: str, golden: pl.DataFrame, pins: Sequence[Pin]) -> pl.DataFrame:
    values: dict[str, dict[str, Any]] = {}
    for pin in pins:
        values.setdefault(pin.attribute, {})[pin.golden_id] = typed(entity, pin.attribute, pin.value)
    for attribute, chosen in values.items():
        frame = pl.DataFrame(
            {"golden_id": list(chosen), "_pin": pl.Series(list(chosen.values()), dtype=golden.schema[attribute])},
            schema_overrides={"golden_id": pl.String},
        ).with_columns(pl.lit(value=True).alias("_is_pinned"))
        golden = golden.join(frame, on="golden_id", how="left", maintain_order="left").with_columns(
            pl.when(pl.col("_is_pinned")).then(pl.col("_pin")).otherwise(pl.col(attribute)).alias(attribute)
        )
        golden = golden.drop("_pin", "_is_pinned")
    return golden


def typed(entity: str, attribute: str, value: object) -> Any:  # noqa: ANN401 - whatever type the attribute has
    """A pinned value in the attribute's own type; raises `MillstreamError` where it cannot be one."""
    fields = ENTITIES[entity].model_fields
    if attribute not in fields:
        raise MillstreamError(f"{entity} has no attribute {attribute!r}", entity=entity)
    try:
        kind: Any = fields[attribute].annotation
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"]
        raise MillstreamError(f"{attribute} cannot be {value!r}: {said}", entity=entity) from None


def latest_pins(pins: Iterable[Pin]) -> list[Pin]:
    """One pin a golden id and attribute: the last of those given."""
    return list({(pin.golden_id, pin.attribute): pin for pin in pins}.values())
