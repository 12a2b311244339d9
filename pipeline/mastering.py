"""Identity that lasts: decisions and links, applied to the crosswalk in one transaction, and taken back just so.

Both who masters a whole entity (`pipeline.reconcile`) and who takes one decision (`pipeline.stewardship`) come here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from canonical.stewardship import SourceRef, in_force
from mdm.identity import Grouping, Link, LinkRules, Node, anchors, group, tied
from mdm.policy import Policy
from mdm.reconcile import Reconciled, Stewarded
from mdm.references import CROSSWALK_SCHEMA
from mdm.versions import HEADS, STRUCTURES, differences, put_in_force
from pipeline.hub import Hub
from store import candidates, crosswalk, decisions, golden, golden_codes
from store.conflicts import Conflict
from store.crosswalk import Binding
from store.unit_of_work import Transaction

STEWARDED = frozenset({"item", "partner"})
"""Entities on whose records stewards decide; every golden version of theirs is kept."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling came to: records that moved, golden ids that gained or lost any, and where retired ids lead."""

    moved: tuple[SourceRef, ...]
    touched: frozenset[str]
    redirects: Mapping[str, str]


def policy_of(hub: Hub, entity: str) -> Policy:
    """An entity's policy; structures that several systems tell of keep each system's version apart."""
    policy = hub.configuration.policies[entity]
    if entity in HEADS | STRUCTURES.keys() and len(hub.configuration.sources_of(entity)) > 1:
        return policy.model_copy(update={"golden_id": "own"})
    return policy


def in_version(hub: Hub, policy: Policy, outcome: Reconciled, run_id: str) -> Reconciled:
    """The outcome with one system's version of each structure in force, and the others' differences as conflicts."""
    if policy.golden_id != "own" or policy.entity not in HEADS | STRUCTURES.keys():
        return outcome
    if policy.entity in HEADS:
        hub.frames.write(f"versions/{policy.entity}", outcome.golden, run_id)
        return replace(outcome, golden=put_in_force(outcome.golden, policy.precedence))
    structure = STRUCTURES[policy.entity]
    heads = hub.frames.read(f"versions/{structure.head}")
    if heads is None:
        return outcome
    found = differences(structure, heads, outcome.golden, policy.precedence)
    return replace(outcome, conflicts=pl.concat([outcome.conflicts, found]).sort("golden_id", "attribute", "kind"))


def stewarded(tx: Transaction, policy: Policy, now: datetime) -> Stewarded:
    """The decisions in force and the links of an entity; nothing for entities nobody decides on."""
    if policy.entity not in STEWARDED:
        return Stewarded(now)
    chosen = in_force(decisions.listed(tx, policy.entity), now)
    return Stewarded(now, chosen, _links(tx, policy.entity))


def _links(tx: Transaction, entity: str) -> list[Link]:
    return [Link(pair.a, pair.b, pair.posterior) for pair in candidates.listed(tx, entity, "auto")]


def homes(hub: Hub, policy: Policy) -> pl.DataFrame:
    """Every record's home (`CROSSWALK_SCHEMA` of `mdm.references`), in order of arrival."""
    with hub.store.read() as tx:
        return crosswalk.homes_frame(tx, policy.entity, policy.precedence).select(*CROSSWALK_SCHEMA)


def coded(hub: Hub, policy: Policy, outcome: Reconciled) -> Reconciled:
    """The outcome under golden codes of our own making, where the policy wants them; new ones are allocated."""
    if policy.code is None:
        return outcome
    with hub.store.begin() as tx:
        return coded_in(tx, policy, outcome, hub.now())


def coded_in(tx: Transaction, policy: Policy, outcome: Reconciled, now: datetime) -> Reconciled:
    """`coded`, in a transaction that is open already."""
    if policy.code is None:
        return outcome
    codes = codes_of(tx, policy, outcome.golden["golden_id"].to_list(), now)

    def renamed(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col("golden_id").replace_strict(codes, default=pl.col("golden_id")))

    # Who holds a common key is told by golden ids; what systems say is never one.
    holders = pl.col("values").list.eval(pl.element().replace_strict(codes, default=pl.element()))
    ambiguous = pl.when(pl.col("kind") == "ambiguous_match").then(holders).otherwise("values").alias("values")
    at_home = pl.coalesce("home_id", "golden_id").alias("home_id")
    return Reconciled(
        renamed(outcome.golden).sort("golden_id"),
        renamed(outcome.bindings.with_columns(at_home)),
        renamed(outcome.conflicts.with_columns(ambiguous)),
        {codes.get(name, name): since for name, since in outcome.effective.items()},
    )


def codes_of(tx: Transaction, policy: Policy, names: Iterable[str], now: datetime) -> dict[str, str]:
    """What each golden record is called, by the name it has by its keys; the same for ever once it was given."""
    if policy.code is None:
        return {name: name for name in names}
    return golden_codes.allocate(tx, policy.entity, sorted(names), (policy.code.prefix, policy.code.digits), now)


def bind(tx: Transaction, policy: Policy, rows: Sequence[Binding], now: datetime) -> None:
    """Bind new records to their homes; one that comes to a golden record its system already knows stands second."""
    codes = codes_of(tx, policy, {row.golden_id for row in rows}, now)
    placed = [
        row
        if codes[row.golden_id] == row.golden_id
        else replace(row, golden_id=codes[row.golden_id], home_id=row.golden_id)
        for row in rows
    ]
    taken = crosswalk.bind(tx, placed, now)
    second = [
        replace(one.wanted, is_primary=False) for one in taken if one.wanted.source_key != one.standing.source_key
    ]
    crosswalk.bind(tx, second, now)


def settle(tx: Transaction, policy: Policy, given: Stewarded, now: datetime) -> Settled:
    """Put every record that decisions or links touch, or touched, where it belongs now."""
    entity = policy.entity
    standing = _involved(tx, policy, given)
    if not standing:
        return Settled((), frozenset(), {})
    nodes = nodes_of(standing)
    rules = LinkRules(frozenset(policy.one_to_one), policy.cluster_cap)
    grouping = group(nodes, given.decisions, given.links, rules)
    codes = codes_of(tx, policy, {*grouping.groups, *grouping.redirects.values()}, now)
    wanted = _placed(standing, grouping, codes)
    changed = [row for row in standing if wanted[_ref(row)] != row]
    crosswalk.move(tx, [wanted[_ref(row)] for row in changed])
    touched = {golden_id for row in changed for golden_id in (row.golden_id, wanted[_ref(row)].golden_id)}
    moved = tuple(_ref(row) for row in changed if wanted[_ref(row)].golden_id != row.golden_id)
    named = golden_codes.names(tx, entity) if policy.code else {}
    out = {row.golden_id for row in standing} | set(golden.redirects(tx, entity))
    found = _redirects({named.get(one, one) for one in out}, nodes, grouping)
    given_codes = golden_codes.codes(tx, entity) if policy.code else {}
    redirects = {given_codes.get(name, name): codes.get(target, target) for name, target in found.items()}
    return Settled(moved, frozenset(touched), redirects)


def _involved(tx: Transaction, policy: Policy, given: Stewarded) -> list[Binding]:
    """Every record of every home that is touched, or whose records stand elsewhere already."""
    entity = policy.entity
    touched = set(named_homes(tx, entity, given).values())
    return crosswalk.at_home(tx, entity, touched | crosswalk.moved_homes(tx, entity), policy.precedence)


def named_homes(tx: Transaction, entity: str, given: Stewarded) -> dict[SourceRef, str]:
    """The home of every record that decisions and links name, as far as it has one."""
    named = {(ref.system, ref.source_key) for one in given.decisions for ref in (*one.members, *one.others)}
    named |= {(ref.system, ref.source_key) for link in given.links for ref in (link.a, link.b)}
    return {_ref(row): row.home_id or row.golden_id for row in crosswalk.bindings(tx, entity, named).values()}


def _ref(row: Binding) -> SourceRef:
    return SourceRef(row.system, row.source_key)


def nodes_of(rows: Sequence[Binding]) -> list[Node]:
    """Bindings in order of arrival, as what grouping looks at."""
    return [Node(_ref(row), row.home_id or row.golden_id, order) for order, row in enumerate(rows)]


def _placed(standing: Sequence[Binding], grouping: Grouping, codes: Mapping[str, str]) -> dict[SourceRef, Binding]:
    by_ref = {_ref(row): row for row in standing}
    placed: dict[SourceRef, Binding] = {}
    for name, members in grouping.groups.items():
        golden_id = codes[name]
        first: dict[str, SourceRef] = {}
        for ref in members:
            row = by_ref[ref]
            home = row.home_id or row.golden_id
            is_primary = first.setdefault(ref.system, ref) == ref
            away = home if home != golden_id else None
            placed[ref] = replace(row, golden_id=golden_id, home_id=away, is_primary=is_primary)
    return placed


def _redirects(names: Iterable[str], nodes: Sequence[Node], grouping: Grouping) -> dict[str, str]:
    """Golden ids that are out of force, and the one that holds what they mean."""
    place, meant = grouping.golden_of(), anchors(nodes)
    known = {name: place[ref] for name in names if (ref := meant.get(name.rstrip("~"), meant.get(name))) is not None}
    found = {**known, **grouping.redirects}
    return {name: target for name, target in found.items() if name not in grouping.groups}


def withdraw(
    tx: Transaction, entity: str, settled: Settled, gone: Iterable[str], *, run_id: str, now: datetime
) -> None:
    """Retire the golden ids that lost their meaning to another, after the others have been recorded.

    Those in `gone` no system tells of any more: they lead nowhere, and may come back.
    """
    golden.withdraw(tx, entity, {**dict.fromkeys(gone), **settled.redirects}, now, run_id)


def untold(tx: Transaction, entity: str, outcome: Reconciled, within: frozenset[str] | None = None) -> set[str]:
    """Golden ids in force that no system tells of any more; `within`: of these only."""
    if within is None:
        known = golden.ids_in_force(tx, entity)
    else:
        known = {name for name, one in golden.standing(tx, entity, within).items() if one.retired_at is None}
    return known - set(outcome.golden["golden_id"])


def homes_of(tx: Transaction, policy: Policy, wanted: Iterable[str], given: Stewarded) -> pl.DataFrame:
    """`homes`, of the records of some homes and of those tied to them: together they are grouped as among all."""
    together = tied(wanted, named_homes(tx, policy.entity, given), given.decisions, given.links)
    rows = [
        (row.system, row.source_key, row.native_id, row.home_id or row.golden_id)
        for row in crosswalk.at_home(tx, policy.entity, together, policy.precedence)
    ]
    return pl.DataFrame(rows, schema=CROSSWALK_SCHEMA, orient="row")


def conflicts_of(entity: str, outcome: Reconciled) -> list[Conflict]:
    """Where sources disagree, each with the value that survived."""
    chosen = {row["golden_id"]: row for row in outcome.golden.to_dicts()} if outcome.conflicts.height else {}
    return [
        Conflict(
            entity,
            row["golden_id"],
            row["attribute"],
            {"kind": row["kind"], "said": row["values"]},
            chosen.get(row["golden_id"], {}).get(row["attribute"]),
        )
        for row in outcome.conflicts.to_dicts()
    ]
