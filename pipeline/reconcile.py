"""Reconcile: canonical records of all systems become golden records; what does not resolve waits in quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from canonical.base import quantities, references
from canonical.entities import ENTITIES, frame_schema
from canonical.strict_json import dumps
from mdm.policy import Policy
from mdm.reconcile import Reconciled, Stewarded, reconcile
from mdm.references import CROSSWALK_SCHEMA, Crosswalk, rekey
from mdm.units import ItemUnits, to_stocking_units
from pipeline import mastering, reach
from pipeline.basis import differing, digest, replaced
from pipeline.candidates import find_candidates
from pipeline.hub import Hub, Run
from pipeline.reach import Reach, Since, Told, told
from pipeline.told_relations import TOLD
from pipeline.touched import THROUGH_WORK_ORDER, Inputs, crosswalk_name, inputs, read, touched, waiting, written
from store import conflicts, crosswalk, golden, quarantine, queue, runs, ticks
from store.crosswalk import Binding
from store.quarantine import Rejection
from store.runs import StageCounts
from store.unit_of_work import Transaction

KEPT_THROUGH_TIME = frozenset({"item", "partner", "sales_order", "work_order", *TOLD.values()})
"""Entities whose golden versions are kept one by one; the rest stands in frames and raw files."""


@dataclass(frozen=True, slots=True)
class Mastered:
    """What reconciling one entity came to."""

    entity: str
    records: int
    golden: int
    conflicts: int
    unresolved: int


def reconcile_entity(hub: Hub, entity: str, run: Run) -> Mastered:
    """Re-key, bring to stocking units, match, survive; write `golden/<entity>`, crosswalk and conflicts.

    Only what changed, or refers to what changed, is mastered again; the outcome is that of mastering everything.
    """
    policy = mastering.policy_of(hub, entity)
    records = _canonical(hub, entity)
    find_candidates(hub, policy, run)
    mastered = None
    while mastered is None:  # once more with what a steward decides meanwhile
        mastered = _reconciled(hub, policy, run, records)
    return mastered


def _reconciled(hub: Hub, policy: Policy, run: Run, records: pl.DataFrame) -> Mastered | None:
    """What it came to; None, and nothing written, where a steward decided something meanwhile."""
    entity, steward = policy.entity, told(hub, policy)
    now = inputs(hub, policy, lambda: _units(hub).digest, steward)
    last = read(hub.frames.made_of(f"golden/{entity}"))
    waits, again = waiting(hub, entity)
    if last == now and not again:
        return _unchanged(hub, entity, run, records.height, waits)
    within = None if again or not last else _reached(hub, policy, records, steward, Since(last, now))
    mine = records if within is None else within.among(records)
    return _mastered(hub, policy, run, mine, steward=steward, within=within, made_of=now, waits=waits)


def _reached(hub: Hub, policy: Policy, records: pl.DataFrame, steward: Told, since: Since) -> Reach | None:
    """The records to master again; None where it has to be all of them."""
    if policy.entity in mastering.STEWARDED:
        return reach.around(hub, policy, records, steward, since)
    keys = touched(hub, policy, records, since.last, since.now)
    return None if keys is None else reach.alone(hub, policy.entity, keys)


def _unchanged(hub: Hub, entity: str, run: Run, records: int, waits: int) -> Mastered:
    frame = hub.frames.read(f"golden/{entity}")
    with hub.store.read() as tx:
        doubts = conflicts.counts(tx).get(entity, 0)
    return _written_down(hub, run, Mastered(entity, records, 0 if frame is None else frame.height, doubts, waits))


def _written_down(hub: Hub, run: Run, done: Mastered) -> Mastered:
    counts = {"golden": done.golden, "conflicts": done.conflicts, "unresolved": done.unresolved}
    hub.store.beside(runs.record_stages, (run.run_id, StageCounts("reconcile", done.entity, counts, hub.now())))
    return done


def _mastered(
    hub: Hub,
    policy: Policy,
    run: Run,
    records: pl.DataFrame,
    *,
    steward: Told,
    within: Reach | None,
    made_of: Inputs,
    waits: int,
) -> Mastered | None:
    """Master some records, or all of them; the golden records of the others stand."""
    entity, given = policy.entity, steward.given
    shared = {name for name, other in hub.configuration.policies.items() if other.shared_codes}
    keyed, unresolved = rekey(entity, records, _crosswalks(hub, entity), shared)
    counted, unknown = _in_stocking_units(hub, policy, keyed)
    known = mastering.homes(hub, policy) if within is None else within.homes
    outcome = mastering.coded(hub, policy, reconcile(policy, counted, known, given))
    outcome = mastering.in_version(hub, policy, outcome, run.run_id)
    held = [*_unresolved(unresolved), *_unknown_units(unknown)]
    frame, changed = _golden(hub, entity, outcome, within)
    binds = policy.crosswalk or entity in mastering.STEWARDED
    fresh = _unbound(outcome, known) if binds else []
    with hub.store.begin() as tx:
        if not reach.holds(tx, policy, steward):
            return None
        before = ticks.hold(tx, crosswalk.tick_of(entity)) if binds else hub.bindings.tick(entity)
        moved, doubts, turned = _remember(
            hub, tx, policy, outcome, run, unbound=fresh, held=held, given=given, within=within
        )
        after = ticks.hold(tx, crosswalk.tick_of(entity)) if fresh or entity in mastering.STEWARDED else before
        total = sum(_height(hub, f"canonical/{entity}/{system}") for system in hub.configuration.sources_of(entity))
        hub.bindings.noticed(entity, after)
    # Nobody else has bound anything since we looked, and nothing stands elsewhere than at home.
    if str(before) == made_of.get(crosswalk_name(entity)) and not moved:
        made_of = {**made_of, crosswalk_name(entity): str(after)}
        if after != before:
            hub.bindings.bound(entity, pl.DataFrame(fresh, schema=CROSSWALK_SCHEMA), before, after)
    if changed is not None and not changed:
        hub.frames.renew(f"golden/{entity}", written(made_of))
    else:
        hub.frames.write(f"golden/{entity}", frame, run.run_id, written(made_of), changed=changed)
    if entity in mastering.STEWARDED:
        reach.keep_links(hub, entity, given.links, run.run_id)
    waits = waiting(hub, entity)[0] if turned else waits
    return _written_down(hub, run, Mastered(entity, total, frame.height, doubts, waits))


def _height(hub: Hub, name: str) -> int:
    frame = hub.frames.read(name)
    return 0 if frame is None else frame.height


def _golden(
    hub: Hub, entity: str, outcome: Reconciled, within: Reach | None
) -> tuple[pl.DataFrame, frozenset[str] | None]:
    """The whole golden frame with the outcome in its place, and the keys of the rows that may differ from before."""
    before = hub.frames.read(f"golden/{entity}")
    if within is None or before is None:
        return outcome.golden, None if before is None else differing(before, outcome.golden, "golden_id")
    return replaced(before, outcome.golden, within.golden, "golden_id")


def _canonical(hub: Hub, entity: str) -> pl.DataFrame:
    found = [hub.frames.read(f"canonical/{entity}/{system}") for system in hub.configuration.sources_of(entity)]
    told, schema = [frame for frame in found if frame is not None], frame_schema(ENTITIES[entity])
    if len(told) == 1 and [told[0].columns, told[0].dtypes] == [[*schema], [*schema.values()]]:
        return _of_something(entity, told[0])
    return _of_something(entity, pl.concat([pl.DataFrame(schema=schema), *told]))


def _of_something(entity: str, records: pl.DataFrame) -> pl.DataFrame:
    """Without the records by which a system says that there is none."""
    field = ENTITIES[entity].empty_without
    return records if field is None else records.filter(pl.col(field).is_not_null())


def _crosswalks(hub: Hub, entity: str) -> dict[str, Crosswalk]:
    """The crosswalks of what an entity refers to."""
    return {referred: hub.bindings.walk(referred) for referred in set(references(ENTITIES[entity]).values())}


def _in_stocking_units(hub: Hub, policy: Policy, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    if policy.entity in THROUGH_WORK_ORDER:
        return _through_work_order(hub, policy.entity, frame)
    if policy.item is None or not quantities(ENTITIES[policy.entity]) or frame.is_empty():
        return frame, frame.clear()
    return to_stocking_units(policy.entity, frame, policy.item, _units(hub).units)


@dataclass(frozen=True, slots=True)
class KnownUnits:
    """How items are counted, from which versions that was read, and a digest of it."""

    read_from: str
    units: ItemUnits
    digest: str


def _units(hub: Hub) -> KnownUnits:
    """Read anew only where an item, a pack or a binding of one changed."""
    frames = ["golden/item", "golden/pack_conversion"]
    frames += [f"canonical/item/{system}" for system in hub.configuration.sources_of("item")]
    read_from = " ".join(str(hub.frames.version(name)) for name in frames) + f" {hub.bindings.tick('item')}"
    kept: KnownUnits | None = hub.kept.get("item_units")
    if kept is None or kept.read_from != read_from:
        units = _read_units(hub)
        said = [repr(sorted(part.items(), key=repr)) for part in (units.stocking, units.packs, units.own)]
        kept = hub.kept["item_units"] = KnownUnits(read_from, units, digest(*said))
    return kept


def _through_work_order(hub: Hub, entity: str, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    work = hub.frames.read("golden/work_order")
    if work is None or frame.is_empty():
        return frame, frame.clear()
    items = work.select(pl.col("golden_id").alias("work_order"), pl.col("item").alias("_counted"))
    joined = frame.join(items, on="work_order", how="left", maintain_order="left")
    good, bad = to_stocking_units(entity, joined, "_counted", _units(hub).units)
    return good.drop("_counted"), bad.drop("_counted")


def item_units(hub: Hub) -> ItemUnits:
    """Stocking units, packs, and the unit each system counts an item in, from what has been mastered so far."""
    return _units(hub).units


def _read_units(hub: Hub) -> ItemUnits:
    items = hub.frames.read("golden/item")
    if items is None:
        return ItemUnits()
    stocking = {row["golden_id"]: row["unit"] for row in items.select("golden_id", "unit").to_dicts() if row["unit"]}
    return ItemUnits(stocking, _packs(hub), _own_units(hub))


def _packs(hub: Hub) -> dict[str, dict[str, Decimal]]:
    frame = hub.frames.read("golden/pack_conversion")
    packs: dict[str, dict[str, Decimal]] = {}
    for row in [] if frame is None else frame.to_dicts():
        packs.setdefault(row["item"], {})[row["pack_unit"]] = row["factor"]
    return packs


def _own_units(hub: Hub) -> dict[tuple[str, str], str]:
    records = _canonical(hub, "item").select("system", "source_key", "unit").filter(pl.col("unit").is_not_null())
    bound = records.join(hub.bindings.frame("item"), on=["system", "source_key"], how="inner")
    return {(row["system"], row["golden_id"]): row["unit"] for row in bound.to_dicts()}


def _unbound(outcome: Reconciled, known: pl.DataFrame) -> list[dict[str, Any]]:
    """Bindings to homes that the crosswalk does not hold yet, or holds with another technical id."""
    same = ["system", "source_key", "golden_id", "native_id"]
    at_home = outcome.bindings.select(
        "system", "source_key", "native_id", pl.coalesce("home_id", "golden_id").alias("golden_id"), "is_primary"
    )
    if not known.is_empty():
        at_home = at_home.join(known, on=same, how="anti", nulls_equal=True, maintain_order="left")
    return at_home.to_dicts()


def _unresolved(rows: pl.DataFrame) -> list[tuple[str, Rejection]]:
    return [
        (
            row["system"],
            Rejection(
                row["source_key"],
                "unknown_reference",
                f"{row['unresolved']} {row[row['unresolved']]!r} is not known (yet)",
                row["unresolved"],
                dumps(row),
            ),
        )
        for row in rows.to_dicts()
    ]


def _unknown_units(rows: pl.DataFrame) -> list[tuple[str, Rejection]]:
    return [
        (row["system"], Rejection(row["source_key"], "unknown_unit", row["message"], "unit", dumps(row)))
        for row in rows.to_dicts()
    ]


def _remember(
    hub: Hub,
    tx: Transaction,
    policy: Policy,
    outcome: Reconciled,
    run: Run,
    *,
    unbound: list[dict[str, Any]],
    held: list[tuple[str, Rejection]],
    given: Stewarded,
    within: Reach | None,
) -> tuple[bool, int, bool]:
    """Crosswalk, conflicts, quarantine and history in one transaction.

    Whether decisions or links moved a record; how many conflicts are open; whether quarantine is another one now.
    """
    entity = policy.entity
    now = hub.now()
    if policy.crosswalk:
        mastering.bind(tx, policy, [Binding(entity=entity, **row) for row in unbound], now)
    settled = mastering.settle(tx, policy, given, now) if entity in mastering.STEWARDED else None
    if settled is not None:
        queue.mark(tx, entity, {*(row["golden_id"] for row in unbound), *settled.touched})
    doubts = _doubted(tx, entity, outcome, now, within)
    turned = _quarantined(hub, tx, entity, held, now=now, within=within)
    if entity in KEPT_THROUGH_TIME:
        contents = {row["golden_id"]: row for row in outcome.golden.to_dicts()}
        changed = golden.record(tx, entity, contents, now, run.run_id, effective=outcome.effective)
        queue.mark_known(tx, entity, changed)
    if settled is None:
        if entity in TOLD.values():
            gone = mastering.untold(tx, entity, outcome, None if within is None else within.golden)
            golden.withdraw(tx, entity, dict.fromkeys(gone), now, run.run_id)
        return False, doubts, turned
    gone = mastering.untold(tx, entity, outcome, None if within is None else within.golden)
    mastering.withdraw(tx, entity, settled, gone, run_id=run.run_id, now=now)
    return bool(settled.moved), doubts, turned


def _doubted(tx: Transaction, entity: str, outcome: Reconciled, now: datetime, within: Reach | None) -> int:
    """Write down where systems disagree; how many such conflicts of the entity are open."""
    found, standing = mastering.conflicts_of(entity, outcome), conflicts.counts(tx).get(entity, 0)
    if not found and not standing:
        return 0
    renewed = None if within is None else within.golden | set(outcome.golden["golden_id"])
    turnover = conflicts.replace(tx, entity, found, now, within=renewed)
    return standing + turnover.opened - turnover.closed


def _quarantined(
    hub: Hub, tx: Transaction, entity: str, held: list[tuple[str, Rejection]], *, now: datetime, within: Reach | None
) -> bool:
    """Put what does not resolve into quarantine, and take out what does; whether that changed anything."""
    turned = False
    for system in hub.configuration.sources_of(entity):
        mine = [rejection for owner, rejection in held if owner == system]
        only = None if within is None else within.keys(system)
        turnover = quarantine.replace(tx, "reconcile", system, entity, mine, now=now, within=only)
        turned = turned or bool(turnover.opened or turnover.resolved)
    return turned
