"""A record in quarantine is mended: its raw values as a person corrects them land like any other, and are conformed.

What the source said stays in its own raw file. The correction holds until the source says something else of it, so
whoever mends a record corrects it there too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from canonical.actors import Actor
from canonical.errors import MillstreamError, SystemUnavailable
from canonical.stewardship import SourceRef
from canonical.strict_json import dumps, loads
from mappings.decode import raw_value
from mappings.engine import InboundMapping
from pipeline.conform import conform
from pipeline.hub import Hub, Run
from pipeline.judge import judge
from pipeline.land import MENDED_BY, in_force
from pipeline.overtaking import right_of_way
from pipeline.reconcile import reconcile_entity
from store import audit, quarantine
from store.landing import RAW_SCHEMA, record_landing
from store.quarantine import QuarantineRow

_NAMING = frozenset({"source_key", "native_id", "changed_at"})
"""What says which record this is, and how old: with another one it would be another record."""


@dataclass(frozen=True, slots=True)
class RawField:
    """One raw value a mapping reads, as text; `behind`: the canonical fields that are made of it."""

    path: str
    value: str | None
    behind: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawFound:
    """A record as its system last said it, and what of it can be corrected."""

    stream: str
    record: Mapping[str, Any]
    fields: tuple[RawField, ...]


def find_raw(hub: Hub, system: str, entity: str, source_key: str) -> RawFound | None:
    """The newest raw record behind a source key; None where it stands in no landing in force."""
    for mapping in hub.configuration.inbound.get((system, entity), ()):
        text = _newest(hub, mapping, system, source_key)
        if text is not None:
            record = loads(text)
            return RawFound(mapping.spec.stream, record, _fields(mapping, record))
    return None


def _newest(hub: Hub, mapping: InboundMapping, system: str, source_key: str) -> str | None:
    """The text of the newest record of this key. Only records that mention its longest part are mapped."""
    mention = json.dumps(max(source_key.split("|"), key=len), ensure_ascii=False)[1:-1]
    with hub.store.read() as tx:
        found = in_force(hub, tx, system, mapping.spec.stream)
    for landing in reversed(found.landings):
        frame = hub.raw.read(landing.file)
        for text in reversed(frame.filter(pl.col("record").str.contains(mention, literal=True))["record"].to_list()):
            if source_key in _keys(mapping, system, text):
                return str(text)
    return None


def _keys(mapping: InboundMapping, system: str, text: str) -> set[str]:
    rows, refused = mapping.apply(pl.DataFrame({"record": [text]}, schema=RAW_SCHEMA), system)
    return {*rows["source_key"], *(one.source_key for one in refused if one.source_key)}


def _fields(mapping: InboundMapping, record: Mapping[str, Any]) -> tuple[RawField, ...]:
    behind: dict[str, list[str]] = {}
    for name, paths in mapping.lineage.items():
        for path in paths:
            behind.setdefault(path, []).append(name)
    found = ((path, raw_value(record, path)[1]) for path in mapping.paths if not _NAMING & set(behind.get(path, ())))
    return tuple(
        RawField(path, None if value is None else str(value), tuple(behind.get(path, ())))
        for path, value in found
        if not isinstance(value, dict | list | bool)
    )


def mend(
    hub: Hub, actor: Actor, values: Mapping[str, str], *, system: str, entity: str, source_key: str
) -> list[QuarantineRow]:
    """Correct raw values (path → text, empty for nothing) and conform; returns what the record still breaks.

    Raises `MillstreamError` where there is no such record, or nothing is changed.
    """
    found = find_raw(hub, system, entity, source_key)
    if found is None:
        raise MillstreamError(
            "its raw record is not kept any more", system=system, entity=entity, key=source_key,
            hint="correct it in its system",
        )  # fmt: skip
    standing = {field.path: field.value for field in found.fields}
    changed = {path: text for path, text in values.items() if path in standing and text != (standing[path] or "")}
    if not changed:
        raise MillstreamError("no value was changed", system=system, entity=entity, key=source_key)
    run = hub.new_run(actor)
    mended = loads(dumps(dict(found.record)))
    for path, text in changed.items():
        _put(mended, path, text or None)
    _land(hub, run, system, found.stream, mended)
    with hub.store.begin() as tx:
        detail = {path: [standing[path], text] for path, text in changed.items()}
        audit.append(tx, hub.now(), actor, "record mended", f"record/{system}/{entity}/{source_key}", detail=detail)
    left = _conformed(hub, run, system, found.stream)
    return [row for row in left if (row.entity, row.rejection.source_key) == (entity, source_key)]


def _put(record: dict[str, Any], path: str, value: str | None) -> None:
    """Set a value where `raw_value` reads it: the whole path is first tried as one key."""
    head, _, tail = path.partition(".")
    if path in record or not tail or not isinstance(record.get(head), dict):
        record[path] = value
    else:
        _put(record[head], tail, value)


def _land(hub: Hub, run: Run, system: str, stream: str, record: Mapping[str, Any]) -> None:
    now = hub.now()
    frame = pl.DataFrame({"record": [dumps(dict(record))]}, schema=RAW_SCHEMA)
    meta = {"run": run.run_id, "fetched_at": now.isoformat(), MENDED_BY: str(run.actor)}
    file = hub.raw.part(system, stream, frame, meta)
    with hub.store.begin() as tx:
        record_landing(tx, file, run.run_id, now, None, complete=False)


def _conformed(hub: Hub, run: Run, system: str, stream: str) -> list[QuarantineRow]:
    """Every entity the stream tells about, conformed; what of the system is in quarantine then."""
    told = [
        other
        for (owner, other), mappings in hub.configuration.inbound.items()
        if owner == system and any(mapping.spec.stream == stream for mapping in mappings)
    ]
    for other in told:
        conform(hub, system, other, run)
    with hub.store.read() as tx:
        return quarantine.listed(tx, stage="conform", system=system)


def records_behind(hub: Hub, entity: str, golden_id: str) -> list[SourceRef]:
    """The source records a golden record was made of; empty where it is not known any more."""
    frame = hub.frames.read(f"golden/{entity}")
    if frame is None:
        return []
    found = frame.filter(pl.col("golden_id") == golden_id)["sources"].to_list()
    return [SourceRef.parse(text) for sources in found for text in sources or ()]


def judge_again(hub: Hub, actor: Actor, entity: str, golden_id: str) -> bool:
    """Master and judge an entity as it stands now; whether the golden record is out of quarantine.

    While somebody else has the right of way it is left to them, and False.
    """
    run = hub.new_run(actor)
    try:
        with right_of_way(hub, run):
            reconcile_entity(hub, entity, run)
            judge(hub, entity, run, suite=False)
    except SystemUnavailable:
        return False
    with hub.store.read() as tx:
        left = quarantine.listed(tx, stage="judge", entity=entity, source_keys=[golden_id])
    return not left


def send_again(hub: Hub, actor: Actor, *, stage: str, system: str, entity: str, source_key: str) -> bool:
    """Judge a record again as it stands, at once where that can be; True where it is out of quarantine already."""
    with hub.store.begin() as tx:
        quarantine.mark_replayed(tx, stage, system, entity, [source_key])
        on = f"record/{system}/{entity}/{source_key}"
        audit.append(tx, hub.now(), actor, "record sent again", on, detail={"stage": stage})
    if stage == "conform":
        conform(hub, system, entity, hub.new_run(actor))
    elif stage == "judge":
        return judge_again(hub, actor, entity, source_key)
    with hub.store.read() as tx:
        left = quarantine.listed(tx, stage=stage, system=system, entity=entity)
    return not any(row.rejection.source_key == source_key for row in left)
