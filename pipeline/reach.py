"""What a change reaches among records that are matched with one another: itself, and all that hangs together with it.

Records hang together by a common key, by their home, and by what stewards decided and models linked. To master again
all that hangs together with what changed leaves what mastering everything leaves: the other golden records stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from canonical.stewardship import Decision, SourceRef
from mdm.identity import Link, own_name, tied
from mdm.policy import Policy
from mdm.reconcile import Stewarded, identity_of
from mdm.references import CROSSWALK_SCHEMA
from pipeline import mastering
from pipeline.basis import differing, digest, rows_of
from pipeline.hub import Hub
from store import conflicts, crosswalk, decisions, ticks
from store.unit_of_work import Transaction

Inputs = Mapping[str, str | None]
DECIDED, ENDED, LINKED, DAY = "decided", "ended", "linked", "day"
"""Under which names decisions, their ends, links and the day stand among what golden records were made of."""
MANY = 1000
"""Of more changes than this and a fifth of all records, mastering everything costs no more."""
_REF: dict[str, pl.DataType] = {"system": pl.String(), "source_key": pl.String()}
_LINK: dict[str, pl.DataType] = {
    "a_system": pl.String(),
    "a_key": pl.String(),
    "b_system": pl.String(),
    "b_key": pl.String(),
    "weight": pl.Float64(),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Records to master again."""

    records: Mapping[str, frozenset[str]]
    """System → source keys; also of records no system tells of any more."""
    homes: pl.DataFrame
    """The homes of those that have one (`CROSSWALK_SCHEMA`), in order of arrival."""
    golden: frozenset[str]
    """Golden ids under which they stood."""

    def among(self, records: pl.DataFrame) -> pl.DataFrame:
        """Those of `records` that are reached."""
        found = rows_of(records, frozenset[str]().union(*self.records.values()), "source_key")
        places = zip(found["system"].to_list(), found["source_key"].to_list(), strict=True)
        reached = [key in self.keys(system) for system, key in places]
        return found if all(reached) else found.filter(pl.Series(reached, dtype=pl.Boolean))

    def keys(self, system: str) -> frozenset[str]:
        """The source keys of one system's."""
        return self.records.get(system, frozenset())


@dataclass(frozen=True, slots=True)
class Since:
    """What the golden records were made of, and what they would be made of now."""

    last: Inputs
    now: Inputs

    def differs(self, name: str) -> bool:
        """Whether one of those things is another one now."""
        return self.last.get(name) != self.now.get(name)


@dataclass(frozen=True, slots=True)
class Told:
    """What people ever decided about an entity, and what of it holds."""

    ever: Sequence[Decision]
    given: Stewarded
    tick: int
    """How often something had been decided."""


def told(hub: Hub, policy: Policy) -> Told:
    """Decisions and links of an entity as they stand."""
    if policy.entity not in mastering.STEWARDED:
        return Told((), Stewarded(hub.now()), 0)
    with hub.store.read() as tx:
        ever = decisions.listed(tx, policy.entity)
        return Told(ever, mastering.stewarded(tx, policy, hub.now()), _tick(tx, policy.entity))


def holds(tx: Transaction, policy: Policy, steward: Told) -> bool:
    """Whether nothing has been decided since."""
    return policy.entity not in mastering.STEWARDED or _tick(tx, policy.entity) == steward.tick


def _tick(tx: Transaction, entity: str) -> int:
    return ticks.value(tx, decisions.tick_of(entity)) or 0


def made_of(policy: Policy, steward: Told) -> dict[str, str | None]:
    """Names for exactly these decisions and links; empty for entities nobody decides on."""
    if policy.entity not in mastering.STEWARDED:
        return {}
    now = steward.given.as_of
    ended = max((one.expires_at for one in steward.ever if one.expires_at and one.expires_at <= now), default=None)
    return {
        DECIDED: str(max((one.number for one in steward.ever), default=0)),
        ENDED: ended.isoformat() if ended else None,
        LINKED: digest(repr(steward.given.links)),
        DAY: now.date().isoformat() if _ages(policy) else None,
    }


def _ages(policy: Policy) -> bool:
    """Whether values change with time alone."""
    return any(policy.survival(name).strategy == "trust" for name in policy.attributes)


def keep_links(hub: Hub, entity: str, links: Sequence[Link], run_id: str) -> None:
    """Remember which links the golden records were made with."""
    name, made = _links_name(entity), digest(repr(links))
    if hub.frames.made_of(name) != made or hub.frames.read(name) is None:
        hub.frames.write(name, _frame_of(links), run_id, made)


def _links_name(entity: str) -> str:
    return f"links/{entity}"


def _frame_of(links: Iterable[Link]) -> pl.DataFrame:
    rows = [(one.a.system, one.a.source_key, one.b.system, one.b.source_key, one.weight) for one in links]
    return pl.DataFrame(rows, schema=_LINK, orient="row")


def alone(hub: Hub, entity: str, keys: Iterable[str]) -> Reach:
    """Records that hang together with no other one, each its own golden record, by their source keys."""
    keys = frozenset(keys)
    homes = hub.bindings.walk(entity).of_keys(keys)
    return Reach(dict.fromkeys(hub.configuration.sources_of(entity), keys), homes, keys)


def around(hub: Hub, policy: Policy, records: pl.DataFrame, steward: Told, since: Since) -> Reach | None:
    """What to master again; None where it has to be everything. `records`: what all systems tell of the entity."""
    if DECIDED not in since.last or any(since.differs(name) for name in ("policy", "units")) or _ages(policy):
        return None
    changed = _changed(hub, policy.entity, records, steward, since)
    if changed is None or len(changed) > max(MANY, records.height // 5):
        return None
    with hub.store.read() as tx:
        found, homes = _closed(tx, policy, records, steward.given, changed)
        return _reach(hub, tx, policy, found, homes)


def _changed(hub: Hub, entity: str, records: pl.DataFrame, steward: Told, since: Since) -> set[SourceRef] | None:
    """Records that said or meant something else then, by whatever told us; None where that is not known any more."""
    said = _said_otherwise(hub, entity, since.last)
    linked = _linked_otherwise(hub, entity, steward.given.links, since)
    standing = hub.frames.read(f"golden/{entity}")
    if said is None or linked is None or standing is None:
        return None
    found = said | linked
    if since.differs(f"crosswalk/{entity}"):
        found |= _standing_elsewhere(records, standing, hub.bindings.frame(entity))
    with hub.store.read() as tx:
        for one in _decided_since(steward.ever, since.last, steward.given.as_of):
            found |= decisions.concerned(tx, one)
        return found | _ambiguous(tx, entity)


def _said_otherwise(hub: Hub, entity: str, last: Inputs) -> set[SourceRef] | None:
    """Records that came, went, or say something else."""
    found: set[SourceRef] = set()
    for system in hub.configuration.sources_of(entity):
        name = f"canonical/{entity}/{system}"
        keys = hub.frames.changed_since(name, last.get(name))
        if keys is None:  # another process wrote it: what stands on disk is compared
            before, after = hub.frames.read_at(name, last.get(name)), hub.frames.read(name)
            keys = None if before is None or after is None else differing(before, after, "source_key")
        if keys is None:
            return None
        found |= {SourceRef(system, key) for key in keys}
    return found


def _linked_otherwise(hub: Hub, entity: str, links: Sequence[Link], since: Since) -> set[SourceRef] | None:
    """Records of links that came, went or weigh something else."""
    if not since.differs(LINKED):
        return set()
    name = _links_name(entity)
    before = hub.frames.read(name)
    if before is None or hub.frames.made_of(name) != since.last.get(LINKED):
        return None
    after = _frame_of(links)
    rows = pl.concat([before.join(after, on=list(_LINK), how="anti"), after.join(before, on=list(_LINK), how="anti")])
    return {ref for a, x, b, y, _ in rows.iter_rows() for ref in (SourceRef(a, x), SourceRef(b, y))}


def _standing_elsewhere(records: pl.DataFrame, standing: pl.DataFrame, bound: pl.DataFrame) -> set[SourceRef]:
    """Records that the crosswalk has under another golden id than the golden frame."""
    shown = standing.select(pl.col("golden_id").alias("_shown"), pl.col("sources").alias("_source")).explode("_source")
    source = pl.concat_str(list(_REF), separator=":").alias("_source")
    told_of = bound.join(records, on=list(_REF), how="semi").with_columns(source).join(shown, on="_source", how="left")
    moved = told_of.filter(pl.col("golden_id").ne_missing(pl.col("_shown")))
    return {SourceRef(*row) for row in moved.select(*_REF).iter_rows()}


def _decided_since(ever: Sequence[Decision], last: Inputs, now: datetime) -> Iterator[Decision]:
    """Decisions that came, or whose end came."""
    number, ended = int(last.get(DECIDED) or 0), last.get(ENDED)
    before = datetime.fromisoformat(ended) if ended else None
    for one in ever:
        ends = one.expires_at is not None and one.expires_at <= now and (before is None or one.expires_at > before)
        if one.number > number or ends:
            yield one


def _ambiguous(tx: Transaction, entity: str) -> set[SourceRef]:
    """Records whose common key several homes hold: who holds it may change though they themselves do not."""
    open_ = conflicts.listed(tx, entity, attribute="golden_id")
    rows = crosswalk.of_golden(tx, entity, {one.golden_id for one in open_})
    return {SourceRef(row.system, row.source_key) for row in rows}


def _closed(
    tx: Transaction, policy: Policy, records: pl.DataFrame, given: Stewarded, changed: set[SourceRef]
) -> tuple[set[SourceRef], set[str]]:
    """The changed records with all that hangs together with them, one through another, and their homes."""
    entity = policy.entity
    named = records.select(*_REF, identity_of(policy).alias("_key"))
    home_of = mastering.named_homes(tx, entity, given)
    found, homes, fresh = set[SourceRef](), set[str](), changed
    while fresh:
        found |= fresh
        keys = named.join(_frame(fresh), on=list(_REF), how="semi")["_key"].drop_nulls().unique()
        bound = crosswalk.bindings(tx, entity, ((ref.system, ref.source_key) for ref in fresh)).values()
        at = {row.home_id or row.golden_id for row in bound} | {*keys} | {own_name(ref) for ref in fresh}
        homes |= tied(at, home_of, given.decisions, given.links)
        together = crosswalk.at_home(tx, entity, homes, policy.precedence)
        sharing = named.filter(pl.col("_key").is_in(keys.implode())).select(*_REF)
        beside = {SourceRef(row.system, row.source_key) for row in together}
        fresh = (beside | {SourceRef(*row) for row in sharing.iter_rows()}) - found
    return found, homes


def _reach(hub: Hub, tx: Transaction, policy: Policy, found: set[SourceRef], homes: set[str]) -> Reach:
    rows = crosswalk.at_home(tx, policy.entity, homes, policy.precedence)
    known = [(row.system, row.source_key, row.native_id, row.home_id or row.golden_id) for row in rows]
    golden = {row.golden_id for row in rows}
    standing = hub.frames.read(f"golden/{policy.entity}")
    if standing is not None:
        sources = pl.Series([str(ref) for ref in found], dtype=pl.String)
        shown = standing.select("golden_id", "sources").explode("sources").filter(
            pl.col("sources").is_in(sources.implode())
        )  # fmt: skip
        golden |= set(shown["golden_id"])
    systems = {ref.system for ref in found}
    records = {name: frozenset(ref.source_key for ref in found if ref.system == name) for name in systems}
    return Reach(records, pl.DataFrame(known, schema=CROSSWALK_SCHEMA, orient="row"), frozenset(golden))


def _frame(refs: Iterable[SourceRef]) -> pl.DataFrame:
    return pl.DataFrame([(ref.system, ref.source_key) for ref in refs], schema=_REF, orient="row")
