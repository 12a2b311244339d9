"""Reconcile: canonical records of all systems become golden records; what does not resolve waits in quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import polars as pl

from canonical.base import quantities, references
from canonical.entities import ENTITIES, frame_schema
from canonical.strict_json import dumps
from mdm.policy import Policy
from mdm.reconcile import Reconciled, Stewarded, reconcile
from mdm.references import CROSSWALK_SCHEMA, rekey
from mdm.units import ItemUnits, to_stocking_units
from pipeline import mastering
from pipeline.hub import Hub, Run
from store import conflicts, crosswalk, golden, quarantine, runs
from store.crosswalk import Binding
from store.quarantine import Rejection

KEPT_THROUGH_TIME = frozenset({"item", "partner", "sales_order", "work_order"})
"""Entities whose golden versions are kept one by one; the rest stands in frames and raw files."""
COUNTING = frozenset({"item", "pack_conversion"})
"""Entities that say how items are counted."""
THROUGH_WORK_ORDER = frozenset({"operation_report"})
"""Entities that count the item of the work order they belong to."""


@dataclass(frozen=True, slots=True)
class Mastered:
    """What reconciling one entity came to."""

    entity: str
    records: int
    golden: int
    conflicts: int
    unresolved: int


def reconcile_entity(hub: Hub, entity: str, run: Run) -> Mastered:
    """Re-key, bring to stocking units, match, survive; write `golden/<entity>`, crosswalk and conflicts."""
    policy = hub.configuration.policies[entity]
    records = _canonical(hub, entity)
    shared = {name for name, other in hub.configuration.policies.items() if other.shared_codes}
    keyed, unresolved = rekey(entity, records, _crosswalks(hub, entity, run), shared)
    counted, unknown = _in_stocking_units(hub, policy, keyed, run)
    known = mastering.homes(hub, policy)
    with hub.store.read() as tx:
        given = mastering.stewarded(tx, policy, hub.now())
    outcome = reconcile(policy, counted, known, given)
    hub.frames.write(f"golden/{entity}", outcome.golden, run.run_id)
    waiting = [*_unresolved(unresolved), *_unknown_units(unknown)]
    bindings = _unbound(outcome, known)
    _remember(hub, policy, outcome, run, unbound=bindings, held=waiting, given=given)
    hub.forget(run, f"crosswalk/{entity}", *(("item_units",) if entity in COUNTING else ()))
    return Mastered(entity, records.height, outcome.golden.height, outcome.conflicts.height, len(waiting))


def _canonical(hub: Hub, entity: str) -> pl.DataFrame:
    found = [hub.frames.read(f"canonical/{entity}/{system}") for system in hub.configuration.sources_of(entity)]
    empty = pl.DataFrame(schema=frame_schema(ENTITIES[entity]))
    return pl.concat([empty, *(frame for frame in found if frame is not None)])


def _crosswalks(hub: Hub, entity: str, run: Run) -> dict[str, pl.DataFrame]:
    """The crosswalks of what an entity refers to; many entities refer to the same few masters."""
    return {
        referred: hub.once(run, f"crosswalk/{referred}", partial(_known, hub, referred))
        for referred in set(references(ENTITIES[entity]).values())
    }


def _known(hub: Hub, entity: str) -> pl.DataFrame:
    with hub.store.read() as tx:
        return crosswalk.crosswalk_frame(tx, entity).select(*CROSSWALK_SCHEMA)


def _in_stocking_units(hub: Hub, policy: Policy, frame: pl.DataFrame, run: Run) -> tuple[pl.DataFrame, pl.DataFrame]:
    if policy.entity in THROUGH_WORK_ORDER:
        return _through_work_order(hub, policy.entity, frame, run)
    if policy.item is None or not quantities(ENTITIES[policy.entity]) or frame.is_empty():
        return frame, frame.clear()
    return to_stocking_units(policy.entity, frame, policy.item, _units(hub, run))


def _units(hub: Hub, run: Run) -> ItemUnits:
    return hub.once(run, "item_units", partial(item_units, hub))


def _through_work_order(hub: Hub, entity: str, frame: pl.DataFrame, run: Run) -> tuple[pl.DataFrame, pl.DataFrame]:
    work = hub.frames.read("golden/work_order")
    if work is None or frame.is_empty():
        return frame, frame.clear()
    items = work.select(pl.col("golden_id").alias("work_order"), pl.col("item").alias("_counted"))
    joined = frame.join(items, on="work_order", how="left", maintain_order="left")
    good, bad = to_stocking_units(entity, joined, "_counted", _units(hub, run))
    return good.drop("_counted"), bad.drop("_counted")


def item_units(hub: Hub) -> ItemUnits:
    """Stocking units, packs, and the unit each system counts an item in, from what has been mastered so far."""
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
    bound = records.join(_known(hub, "item"), on=["system", "source_key"], how="inner")
    return {(row["system"], row["golden_id"]): row["unit"] for row in bound.to_dicts()}


def _unbound(outcome: Reconciled, known: pl.DataFrame) -> list[dict[str, Any]]:
    """Bindings to homes that the crosswalk does not hold yet, or holds with another technical id."""
    same = ["system", "source_key", "golden_id", "native_id"]
    at_home = outcome.bindings.with_columns(pl.coalesce("home_id", "golden_id").alias("golden_id")).drop("home_id")
    return at_home.join(known, on=same, how="anti", nulls_equal=True, maintain_order="left").to_dicts()


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
    policy: Policy,
    outcome: Reconciled,
    run: Run,
    *,
    unbound: list[dict[str, Any]],
    held: list[tuple[str, Rejection]],
    given: Stewarded,
) -> None:
    """Crosswalk, conflicts, quarantine and history in one transaction."""
    entity = policy.entity
    with hub.store.begin() as tx:
        now = hub.now()
        if policy.crosswalk:
            mastering.bind(tx, [Binding(entity=entity, **row) for row in unbound], now)
        settled = mastering.settle(tx, policy, given) if entity in mastering.STEWARDED else None
        conflicts.replace(tx, entity, mastering.conflicts_of(entity, outcome), now)
        for system in hub.configuration.sources_of(entity):
            mine = [rejection for owner, rejection in held if owner == system]
            quarantine.replace(tx, "reconcile", system, entity, mine, now=now)
        if entity in KEPT_THROUGH_TIME:
            contents = {row["golden_id"]: row for row in outcome.golden.to_dicts()}
            golden.record(tx, entity, contents, now, run.run_id, effective=outcome.effective)
        if settled is not None:
            mastering.withdraw(tx, entity, settled, now, run.run_id)
        counts = {"golden": outcome.golden.height, "conflicts": outcome.conflicts.height, "unresolved": len(held)}
        runs.record_stage(tx, run.run_id, "reconcile", counts, now, part=entity)
