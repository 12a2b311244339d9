"""Many source records → golden records: exact identity keys first, then what stewards decided and models linked.

A record already in the crosswalk keeps its home for ever. A new one is at home where a record shares its identity
value; where several homes share it, the case goes to a steward and the record stays on its own. Decisions and links
move records between homes (`mdm.identity`). Golden values are computed from the source records at every run, never
fused (`mdm.survivorship`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from canonical.entities import ENTITIES
from canonical.stewardship import Decision, SourceRef
from mdm.handful import beside
from mdm.identity import Link, LinkRules, Node, group
from mdm.policy import Policy
from mdm.survivorship import Pin, in_order, latest_pins, rank_of, stand_alone, survive

BINDING_SCHEMA: dict[str, pl.DataType] = {
    "system": pl.String(),
    "source_key": pl.String(),
    "native_id": pl.String(),
    "golden_id": pl.String(),
    "home_id": pl.String(),
    "is_primary": pl.Boolean(),
}
_REF: dict[str, pl.DataType] = {"system": pl.String(), "source_key": pl.String()}
CONFLICT_SCHEMA: dict[str, pl.DataType] = {
    "golden_id": pl.String(),
    "attribute": pl.String(),
    "kind": pl.String(),
    "values": pl.List(pl.String()),
}
_NO_CONFLICTS = pl.DataFrame(schema=CONFLICT_SCHEMA)
_NOBODY_ELSE = {
    "_identity": pl.lit(None, dtype=pl.String),
    "_holders": pl.lit(None, dtype=pl.List(pl.String)),
}


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The outcome for one entity: golden records, every source record's binding, and what a steward should see."""

    golden: pl.DataFrame
    bindings: pl.DataFrame
    conflicts: pl.DataFrame
    effective: Mapping[str, datetime | None]
    """Golden id → since when its sources have said so: the last change among them."""


@dataclass(frozen=True, slots=True)
class Stewarded:
    """What people decided and models linked, at a moment."""

    as_of: datetime
    decisions: Sequence[Decision] = ()
    """Those in force."""
    links: Sequence[Link] = ()


NOTHING_STEWARDED = Stewarded(datetime(1970, 1, 1, tzinfo=UTC))


def reconcile(
    policy: Policy, records: pl.DataFrame, known: pl.DataFrame, stewarded: Stewarded = NOTHING_STEWARDED
) -> Reconciled:
    """Master one entity.

    `records`: canonical frame of all systems, references already golden, quantities in stocking units.
    `known`: the homes so far in order of arrival (`system, source_key, golden_id`).
    """
    found = _regrouped(policy, _match(policy, records, known), known, stewarded)
    ambiguous, alone = _ambiguous(found), stand_alone(found)
    matched = in_order(found) if alone else found.drop("_identity", "_known", "_holders")
    pins = pins_of(matched, stewarded.decisions)
    golden = survive(policy, matched, stewarded.as_of, pins)
    conflicts = ambiguous if alone else pl.concat([_differing(policy, matched, pins), _duplicates(matched), ambiguous])
    if not conflicts.is_empty():
        conflicts = conflicts.sort("golden_id", "attribute", "kind")
    bound = _bindings_of_each(matched) if alone else _bindings(matched, known)
    said = matched if alone else matched.group_by("golden_id").agg(pl.col("changed_at").max())
    return Reconciled(golden, bound, conflicts, _effective(said))


def _regrouped(policy: Policy, matched: pl.DataFrame, known: pl.DataFrame, stewarded: Stewarded) -> pl.DataFrame:
    """Homes become golden ids: the same, but for records that decisions or links touch."""
    if not stewarded.decisions and not stewarded.links:
        return matched
    named = [*(ref for one in stewarded.decisions for ref in (*one.members, *one.others)),
             *(ref for link in stewarded.links for ref in (link.a, link.b))]  # fmt: skip
    homes = _homes(policy, matched, known)
    touched = pl.DataFrame([(ref.system, ref.source_key) for ref in named], schema=_REF, orient="row").unique()
    involved = homes.join(touched, on=list(_REF), how="semi").select("home").unique()
    nodes = nodes_of(homes.join(involved, on="home", how="semi", maintain_order="left"))
    rules = LinkRules(frozenset(policy.one_to_one), policy.cluster_cap)
    placed = group(nodes, stewarded.decisions, stewarded.links, rules).golden_of()
    moved = pl.DataFrame(
        [(ref.system, ref.source_key, golden_id) for ref, golden_id in placed.items()],
        schema={**_REF, "_moved": pl.String()},
        orient="row",
    )
    found = matched.join(moved, on=list(_REF), how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("_moved", "golden_id").alias("golden_id")).drop("_moved")


def _homes(policy: Policy, matched: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Every record ever seen, in order of arrival; new ones by rank, system and key."""
    old = known.select(*_REF, pl.col("golden_id").alias("home"))
    fresh = matched.join(old, on=list(_REF), how="anti").select(*_REF, pl.col("home_id").alias("home"))
    ordered = fresh.sort(rank_of(policy.precedence), *_REF)
    return pl.concat([old, ordered])


def nodes_of(homes: pl.DataFrame) -> list[Node]:
    """Nodes from rows of `system, source_key, home` in order of arrival."""
    rows = homes.select(*_REF, "home").iter_rows()
    return [Node(SourceRef(system, key), home, order) for order, (system, key, home) in enumerate(rows)]


def pins_of(matched: pl.DataFrame, decisions: Sequence[Decision]) -> list[Pin]:
    """The pins in force on golden records that are among the records, the last decided for each attribute."""
    wanted = [one for one in decisions if one.kind == "pin" and one.attribute is not None]
    if not wanted:
        return []
    refs = {ref for one in wanted for ref in one.members}
    keys = pl.DataFrame([(ref.system, ref.source_key) for ref in refs], schema=_REF, orient="row")
    rows = matched.join(keys, on=list(_REF), how="semi").select(*_REF, "golden_id").iter_rows()
    place = {SourceRef(system, key): golden_id for system, key, golden_id in rows}
    pins = (
        Pin(place[ref], str(one.attribute), one.value, one.actor)
        for one in sorted(wanted, key=lambda one: one.number)
        for ref in one.members[:1]
        if ref in place
    )
    return latest_pins(pins)


def _match(policy: Policy, records: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Every record with `golden_id` by its keys alone.

    `_identity`: its common key; `_known`: the home it has already; `_holders`: the homes of those that say the key too.
    """
    rows = records.hstack([beside(records, known, tuple(_REF), "golden_id").alias("_known")])
    if not _is_identified(policy):
        golden = pl.coalesce("_known", _own_name(policy))
        return rows.with_columns(**_NOBODY_ELSE, golden_id=golden, home_id=golden)
    rows = rows.with_columns(identity_of(policy).alias("_identity"))
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
    return rows.with_columns(golden.alias("golden_id"), golden.alias("home_id"))


def _ambiguous(matched: pl.DataFrame) -> pl.DataFrame:
    """Records whose common key several homes hold, unless a steward made those one; the values are who holds it."""
    if matched["_holders"].null_count() == matched.height:
        return _NO_CONFLICTS
    shared = matched.filter(pl.col("_holders").list.len() > 1)
    known = pl.col("golden_id").filter(pl.col("_known").is_not_null())
    held = shared.group_by("_identity").agg(known.unique().sort().alias("values"))
    found = shared.join(held.filter(pl.col("values").list.len() > 1), on="_identity", maintain_order="left")
    return found.select(
        "golden_id", pl.lit("golden_id").alias("attribute"), pl.lit("ambiguous_match").alias("kind"), "values"
    ).unique(maintain_order=True)


def identity_of(policy: Policy) -> pl.Expr:
    """The common key of a record; null where the policy knows none, or the record does not say it."""
    if not _is_identified(policy):
        return pl.lit(None, dtype=pl.String)
    fields = ENTITIES[policy.entity].identity
    return pl.concat_str([pl.col(field).cast(pl.String) for field in fields], separator="|")


def _is_identified(policy: Policy) -> bool:
    """Whether records are known by a common key."""
    return policy.golden_id == "identity" and bool(ENTITIES[policy.entity].identity)


def _own_name(policy: Policy) -> pl.Expr:
    if policy.golden_id == "source_key":
        return pl.col("source_key")
    return pl.concat_str([pl.col("system"), pl.col("source_key")], separator=":")


def _bindings(matched: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Every record's golden id, and whether it is the first of its system to have come; `home_id` where it differs."""
    arrived = known.select(*_REF, pl.int_range(pl.len(), dtype=pl.Int64).alias("_order"))
    ordered = matched.join(arrived, on=list(_REF), how="left").sort(
        "golden_id", "system", "_order", "source_key", nulls_last=True
    )
    first = pl.int_range(pl.len()).over("golden_id", "system") == 0
    home = pl.when(pl.col("home_id") != pl.col("golden_id")).then(pl.col("home_id")).alias("home_id")
    frame = ordered.select("system", "source_key", "native_id", "golden_id", home, first.alias("is_primary"))
    return frame.cast(dict(BINDING_SCHEMA))  # type: ignore[arg-type]


def _bindings_of_each(matched: pl.DataFrame) -> pl.DataFrame:
    """`_bindings` where no two records are one golden record, in its order: each is the first of its system."""
    home = pl.when(pl.col("home_id") != pl.col("golden_id")).then(pl.col("home_id")).alias("home_id")
    first = pl.lit(value=True).alias("is_primary")
    return matched.select("system", "source_key", "native_id", "golden_id", home, first)


def _effective(said: pl.DataFrame) -> dict[str, datetime | None]:
    return dict(zip(said["golden_id"].to_list(), said["changed_at"].to_list(), strict=True))


def _differing(policy: Policy, matched: pl.DataFrame, pins: Sequence[Pin]) -> pl.DataFrame:
    """What systems disagree about and no steward has settled."""
    found = _disagreements(policy, matched)
    pinned = pl.DataFrame(
        [(pin.golden_id, pin.attribute) for pin in pins],
        schema={"golden_id": pl.String(), "attribute": pl.String()},
        orient="row",
    )
    return found.join(pinned, on=["golden_id", "attribute"], how="anti")


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
    if not matched.select("golden_id", "system").is_duplicated().any():
        return pl.DataFrame(schema=CONFLICT_SCHEMA)
    twice = (
        matched.sort("golden_id", "system", "source_key")
        .group_by("golden_id", "system", maintain_order=True)
        .agg(pl.concat_str(["system", "source_key"], separator=":").alias("values"))
        .filter(pl.col("values").list.len() > 1)
    )
    return twice.select(
        "golden_id", pl.lit("source_key").alias("attribute"), pl.lit("duplicate_in_source").alias("kind"), "values"
    ).cast(dict(CONFLICT_SCHEMA))  # type: ignore[arg-type]
