"""What mastering an entity depends on, and which of its records what changed there can touch.

Inputs are named by their versions and kept beside the golden frame. While they are the same there is nothing
to do; where only some records or the bindings they refer to changed, only those are mastered again. Among records
that are matched with one another `pipeline.reach` finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from canonical.base import quantities, references
from canonical.entities import ENTITIES
from canonical.strict_json import dumps, loads
from mdm.policy import Policy
from pipeline import mastering, reach
from pipeline.basis import digest_of
from pipeline.hub import Hub
from pipeline.reach import Told
from store import quarantine
from store.frames import FrameStore

THROUGH_WORK_ORDER = frozenset({"operation_report"})
"""Entities that count the item of the work order they belong to."""
WORK = "golden/work_order"
_CROSSWALK = "crosswalk/"

Inputs = Mapping[str, str | None]
"""Name of a frame, a crosswalk or a setting → its version."""


def inputs(hub: Hub, policy: Policy, units: Callable[[], str], steward: Told) -> dict[str, str | None]:
    """Everything the golden records of one entity are made of; `units` gives the digest of how items are counted."""
    entity = policy.entity
    frames = [f"canonical/{entity}/{system}" for system in hub.configuration.sources_of(entity)]
    found = {name: hub.frames.version(name) for name in frames}
    for referred in sorted({entity, *references(ENTITIES[entity]).values()}):
        found[f"{_CROSSWALK}{referred}"] = str(hub.bindings.tick(referred))
    if entity in THROUGH_WORK_ORDER:
        found[WORK] = hub.frames.version(WORK)
    if entity in THROUGH_WORK_ORDER or (policy.item is not None and quantities(ENTITIES[entity])):
        found["units"] = units()
    found["policy"] = digest_of(hub.kept, f"policy/{policy.entity}", policy)
    return {**found, **reach.made_of(policy, steward)}


def written(found: Inputs) -> str:
    """As it is kept beside the golden frame."""
    return dumps(dict(found))


def read(text: str) -> Inputs:
    """What was kept; empty where nothing was."""
    return dict(loads(text)) if text else {}


def crosswalk_name(entity: str) -> str:
    """Under which name an entity's bindings stand among the inputs."""
    return f"{_CROSSWALK}{entity}"


def waiting(hub: Hub, entity: str) -> tuple[int, bool]:
    """How many records of the entity are in quarantine, and whether a person wants some of them to be tried again."""
    with hub.store.read() as tx:
        found = [quarantine.waiting(tx, "reconcile", system, entity) for system in hub.configuration.sources_of(entity)]
    return sum(count for count, _ in found), any(again for _, again in found)


def touched(hub: Hub, policy: Policy, records: pl.DataFrame, last: Inputs, now: Inputs) -> frozenset[str] | None:
    """The source keys of the records to master again; None where it has to be all of them."""
    entity = policy.entity
    settings = ("policy", "units")
    if not last or any(last.get(name) != now.get(name) for name in settings) or not _stands_alone(hub, policy):
        return None
    keys: set[str] = set()
    for name in (f"canonical/{entity}/{system}" for system in hub.configuration.sources_of(entity)):
        changed = hub.frames.changed_since(name, last.get(name))
        if changed is None:
            return None
        keys |= changed
    for field, referred in references(ENTITIES[entity]).items():
        referring = _referring(hub, records, field, referred, last)
        if referring is None:
            return None
        keys |= referring
    if entity in THROUGH_WORK_ORDER:
        counted = _of_changed_work(hub.frames, records, hub.bindings.frame("work_order"), last)
        if counted is None:
            return None
        keys |= counted
    return frozenset(keys)


def _stands_alone(hub: Hub, policy: Policy) -> bool:
    """Whether each record of the entity is a golden record of its own, named by its own key."""
    if policy.golden_id != "source_key" or policy.entity in mastering.STEWARDED:
        return False
    return hub.bindings.walk(policy.entity).are_own_keys


def _referring(hub: Hub, records: pl.DataFrame, field: str, referred: str, last: Inputs) -> frozenset[str] | None:
    """Records that name something whose binding changed, by its key, its technical id or its golden id."""
    before = last.get(crosswalk_name(referred))
    changed = hub.bindings.changed_since(referred, int(before)) if before is not None else None
    if changed is None:
        return None
    if changed.is_empty():
        return frozenset()
    return _saying(records, field, changed)


def _saying(records: pl.DataFrame, field: str, bound: pl.DataFrame) -> frozenset[str]:
    """Records that may mean one of these bindings."""
    said = {name for column in ("source_key", "native_id", "golden_id") for name in bound[column].to_list()} - {None}
    named = pl.col(field).is_in(pl.Series([sorted(said)], dtype=pl.List(pl.String)))
    return frozenset(records["source_key"].filter(records.select(named).to_series()).to_list())


def _of_changed_work(
    frames: FrameStore, records: pl.DataFrame, known: pl.DataFrame, last: Inputs
) -> frozenset[str] | None:
    """Reports on work orders that changed, which may count another item now."""
    changed = frames.changed_since(WORK, last.get(WORK))
    if changed is None:
        return None
    orders = known.filter(pl.col("golden_id").is_in(list(changed)))
    return _saying(records, "work_order", orders)
