"""What webhook events bring: their records land as a pull's do, so that every later stage can be replayed.

A record that is older than the one in force is left out: events may arrive late and in any order. An event that
only says that something changed has its system's streams read from their watermarks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from canonical.errors import MillstreamError, TransientError
from canonical.strict_json import dumps
from connectors.port import Record
from pipeline.basis import rows_of
from pipeline.hub import Hub, Run
from pipeline.land import has_landed, land
from pipeline.versions import Versions
from store.inbox import InboxEvent
from store.landing import RawFile, record_parts

Place = tuple[str, str]
"""System and stream."""


@dataclass
class Brought:
    """Streams that have new records, events nobody can read, and events whose system cannot be asked now."""

    streams: set[Place] = field(default_factory=set)
    unreadable: dict[tuple[str, str], str] = field(default_factory=dict)
    """(System, event id) → why."""
    later: set[tuple[str, str]] = field(default_factory=set)


def land_brought(hub: Hub, run: Run, events: Iterable[InboxEvent], streams: set[Place] | None = None) -> Brought:
    """Land what the events bring, together by stream; what has new records is added to `streams` as it lands."""
    found = Brought(set() if streams is None else streams)
    records: dict[Place, list[Record]] = {}
    pulls: dict[str, None] = {}
    for event in events:
        try:
            held = hub.connector(event.system).brought(event.payload)
        except TransientError:
            found.later.add((event.system, event.event_id))
            continue
        except MillstreamError as error:
            found.unreadable[event.system, event.event_id] = str(error)
            continue
        if not held and not brings(hub, event.system):
            pulls[event.system] = None
        for stream, rows in held.items():
            records.setdefault((event.system, stream), []).extend(rows)
    _land(hub, run, records, found)
    for system in pulls:
        found.streams |= pull(hub, run, system)
    return found


def brings(hub: Hub, system: str) -> bool:
    """Whether a system's events hold or name records."""
    webhook = hub.configuration.systems[system].system.webhook
    return webhook is not None and bool(webhook.brings)


def pull(hub: Hub, run: Run, system: str) -> set[Place]:
    """Read a system's streams from their watermarks; those that had something new."""
    streams = [stream for owner, stream in hub.configuration.streams() if owner == system]
    return {(system, stream) for stream in streams if land(hub, system, stream, run).rows}


def _land(hub: Hub, run: Run, records: Mapping[Place, Sequence[Record]], found: Brought) -> None:
    now = hub.now()
    meta = {"run": f"{run.run_id}.{run.turn}", "fetched_at": now.isoformat()}
    files: list[RawFile] = []
    for (system, stream), rows in records.items():
        if not has_landed(hub, system, stream):
            land(hub, system, stream, run)  # a stream known by single events only would be planned on as if whole
            found.streams.add((system, stream))
            continue
        fresh = _not_overtaken(hub, system, stream, rows)
        if fresh:
            frame = pl.Series("record", [dumps(dict(row)) for row in fresh], dtype=pl.String).to_frame()
            files.append(hub.raw.part(system, stream, frame, meta))
            found.streams.add((system, stream))
    if files:
        with hub.store.begin() as tx:
            record_parts(tx, files, run.run_id, now)


def _not_overtaken(hub: Hub, system: str, stream: str, rows: Sequence[Record]) -> list[Record]:
    """Without the records whose newer version stands already, or came before them."""
    versions = Versions.of(hub, system, stream)
    named = (versions.version(row) for row in rows)
    return versions.not_overtaken(rows, _standing(hub, system, stream, {key for key, at in named if key and at}))


def _standing(hub: Hub, system: str, stream: str, keys: set[str]) -> dict[str, datetime]:
    """Source key → when the record in force was changed."""
    found: dict[str, datetime] = {}
    for (owner, entity), mappings in hub.configuration.inbound.items():
        if owner != system or all(mapping.spec.stream != stream for mapping in mappings):
            continue
        if (frame := hub.frames.read(f"canonical/{entity}/{owner}")) is not None:
            ours = rows_of(frame, keys, "source_key")
            stood = zip(ours["source_key"].to_list(), ours["changed_at"].to_list(), strict=True)
            found |= {key: at for key, at in stood if at is not None}
    return found
