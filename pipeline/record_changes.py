"""What changed in the golden records some rule looks at, who made the change, and what of it is our own echo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import polars as pl

from canonical.entities import ENTITIES
from pipeline.basis import rows_of
from pipeline.hub import Hub, Run
from pipeline.plan import judged_frames
from pipeline.standing import differing, schema_of, standing_frame
from rules.diff import Change, diff
from rules.echoes import Heard, Written, heard, shown
from rules.rulebook import HUB
from rules.scope import GOLDEN_ID
from store import events, quarantine
from store.events import ChangeEvent
from store.unit_of_work import Transaction
from store.written import LastWritten, last_written

Neighbourhood = Mapping[str, Collection[str]]
"""Fact or entity → the keys that are looked at; what is not named is left alone."""
_SOURCES = "sources"


@dataclass(frozen=True, slots=True)
class RecordChanges:
    """Changes to golden records as rules see them, and all records of entities looked at for the first time."""

    heard: tuple[Heard, ...]
    adopted: tuple[Change, ...]


def record_changes(
    hub: Hub, tx: Transaction, run: Run, known: Collection[str], scope: Neighbourhood | None
) -> RecordChanges:
    """Compare the judged records with those last decided on.

    An entity that was never looked at (it is not `known`) is adopted: what stands now is where rules begin.
    """
    frames = judged_frames(hub)
    found: list[Heard] = []
    adopted: list[Change] = []
    for entity in sorted(hub.configuration.rules.subjects() & ENTITIES.keys() & frames.keys()):
        keys = None if scope is None else scope.get(entity, ())
        if entity not in known:
            adopted += _as_new(entity, frames[entity])
        elif keys is None or keys:
            changes = _changes(hub, tx, entity, frames[entity], keys)
            found += _heard(hub, tx, entity, _signed(hub, run, entity, frames[entity], changes))
    return RecordChanges(tuple(found), tuple(adopted))


def _as_new(entity: str, frame: pl.DataFrame) -> list[Change]:
    return list(diff(entity, pl.DataFrame(schema=schema_of(entity)), _seen(entity, frame), GOLDEN_ID).rows())


def _seen(entity: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(*schema_of(entity))


def _changes(hub: Hub, tx: Transaction, entity: str, frame: pl.DataFrame, keys: Collection[str] | None) -> list[Change]:
    now = _seen(entity, frame)
    if keys is None:
        before, after = differing(tx, entity, now)
    else:
        before, after = standing_frame(tx, entity, keys), rows_of(now, keys, GOLDEN_ID)
    changes = diff(entity, before, after, GOLDEN_ID).rows()
    gone = {change.key for change in changes if change.kind == "deleted"}
    waiting = _waiting(hub, tx, entity) & gone if gone else frozenset[str]()
    return [change for change in changes if change.key not in waiting]


def _waiting(hub: Hub, tx: Transaction, entity: str) -> frozenset[str]:
    """Records that are not gone, only in quarantine."""
    rows = quarantine.listed(tx, entity=entity)
    named = {(row.system, row.rejection.source_key) for row in rows}
    bound = hub.bindings.frame(entity).select("system", "source_key", "golden_id").iter_rows()
    golden = {golden_id for system, source_key, golden_id in bound if (system, source_key) in named}
    return frozenset(golden | {key for _, key in named})


def _signed(hub: Hub, run: Run, entity: str, frame: pl.DataFrame, changes: list[Change]) -> list[Change]:
    """Changes with their origin: the systems whose own record says what is new, or all that tell of the record."""
    roles = {name: connection.role for name, connection in hub.deployment.systems.items()}
    if run.actor.kind == "system" and run.actor.name in roles:
        return [replace(change, origin=roles[run.actor.name]) for change in changes]
    tellers = dict(frame.select(GOLDEN_ID, _SOURCES).iter_rows()) if changes else {}
    sayings = _sayings(hub, entity, {change.key for change in changes})
    return [replace(change, origin=_origin(change, tellers, sayings, roles)) for change in changes]


_Sayings = Mapping[str, Mapping[str, Mapping[str, object]]]
"""Golden id → system → its own record."""


def _sayings(hub: Hub, entity: str, keys: Collection[str]) -> _Sayings:
    found: defaultdict[str, dict[str, Mapping[str, object]]] = defaultdict(dict)
    bound = hub.bindings.frame(entity).filter(pl.col("golden_id").is_in(list(keys)))
    for system in hub.configuration.sources_of(entity) if keys else ():
        frame = hub.frames.read(f"canonical/{entity}/{system}")
        if frame is not None:
            mine = bound.filter(pl.col("system") == system).select("source_key", pl.col("golden_id").alias("__golden"))
            for row in frame.join(mine, on="source_key", how="inner").iter_rows(named=True):
                found[row["__golden"]][system] = row
    return found


def _origin(change: Change, tellers: Mapping[str, Iterable[str]], sayings: _Sayings, roles: Mapping[str, str]) -> str:
    said = sayings.get(change.key, {})
    fresh = {
        system
        for system, row in said.items()
        if change.kind == "changed" and any(row.get(name) == change.row.get(name) for name in change.fields)
    }
    systems = fresh or {*said} or {*(tellers.get(change.key) or ())}
    return "+".join(sorted({roles[system] for system in systems if system in roles})) or HUB


def _heard(hub: Hub, tx: Transaction, entity: str, changes: list[Change]) -> list[Heard]:
    """Without what is our own echo: what a system shows that we wrote to that very system."""
    names = {change.key: _business_keys(change) for change in changes}
    written = last_written(tx, entity, {name for each in names.values() for name in each})
    roles = {name: connection.role for name, connection in hub.deployment.systems.items()}
    told = {change.key: _told_to(change, names[change.key], written, roles) for change in changes}
    since = _since(tx, entity, {key: ours for key, ours in told.items() if ours})
    return [heard(one, [_written(ours, one, since[one.key]) for ours in told[one.key]]) for one in changes]


def _since(
    tx: Transaction, entity: str, told: Mapping[str, Collection[LastWritten]]
) -> Mapping[str, Collection[ChangeEvent]]:
    """Key → what happened to the record since the first of what we wrote was decided."""
    if not told:
        return {}
    first = min(one.decided_at for ours in told.values() for one in ours)
    return {key: found for (_, key), found in events.recent(tx, {(entity, key) for key in told}, first).items()}


def _told_to(
    change: Change, names: Iterable[str], written: Mapping[str, Iterable[LastWritten]], roles: Mapping[str, str]
) -> list[LastWritten]:
    speakers = change.origin.split("+")
    return [
        one
        for name in names
        for one in written.get(name, ())
        if roles.get(one.system) in speakers or change.origin == HUB
    ]


def _business_keys(change: Change) -> frozenset[str]:
    """What commands about a record are filed under: its golden id, and our reference where it carries one."""
    return frozenset({change.key, change.row.get("our_reference") or change.key})


def _written(one: LastWritten, change: Change, since: Iterable[ChangeEvent]) -> Written:
    own = one.business_key == change.row.get("our_reference")
    later = [event for event in since if event.at >= one.decided_at and event.id != one.cause]
    seen = shown(one.body, (state for event in later for state in (event.old, event.new)))
    return Written(one.command_id, one.revision, one.body, one.cancelled, own, seen)
