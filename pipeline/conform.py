"""Conform: raw records of one system become canonical records of one entity; bad rows go to quarantine.

Row rules run here already, before a bad record can poison matching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from canonical.entities import ENTITIES, frame_schema
from mappings.engine import Rejected
from pipeline.hub import Hub, Run
from pipeline.land import raw_records
from quality.quarantine import split
from store import quarantine, runs
from store.quarantine import Rejection


@dataclass(frozen=True, slots=True)
class Conformed:
    """How many records came in, how many are canonical, and how many are in quarantine."""

    system: str
    entity: str
    raw: int
    rows: int
    rejected: int


def conform(hub: Hub, system: str, entity: str, run: Run) -> Conformed:
    """Map every raw record in force, judge the rows, and write `canonical/<entity>/<system>`."""
    found, rejected, raw = _map(hub, system, entity)
    latest = _latest(found)
    good, failing = _judge(hub, entity, latest)
    hub.frames.write(f"canonical/{entity}/{system}", good, run.run_id)
    counts = {"raw": raw, "rows": good.height, "rejected": len(rejected) + latest.height - good.height}
    with hub.store.begin() as tx:
        now = hub.now()
        quarantine.replace(tx, "conform", system, entity, [*_unmapped(rejected), *failing], now=now)
        runs.record_stage(tx, run.run_id, "conform", counts, now, part=f"{entity}/{system}")
    return Conformed(system, entity, **counts)


def _map(hub: Hub, system: str, entity: str) -> tuple[pl.DataFrame, list[Rejected], int]:
    frames = [pl.DataFrame(schema=frame_schema(ENTITIES[entity]))]
    rejected: list[Rejected] = []
    raw = 0
    for mapping in hub.configuration.inbound[system, entity]:
        records = raw_records(hub, system, mapping.spec.stream)
        rows, refused = mapping.apply(records, system)
        frames.append(rows)
        rejected += refused
        raw += records.height
    return pl.concat(frames), rejected, raw


def _latest(frame: pl.DataFrame) -> pl.DataFrame:
    """One row a record: the one that was landed last. A record without a change time cannot be older."""
    return frame.unique("source_key", keep="last", maintain_order=True)


def _unmapped(rejected: Sequence[Rejected]) -> list[Rejection]:
    return [
        Rejection(row.source_key or f"?{index}", row.rule, row.message, row.path, row.payload)
        for index, row in enumerate(rejected)
    ]


def _judge(hub: Hub, entity: str, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rejection]]:
    """Split by the entity's row rules; a warning lets a row pass."""
    rulebook = hub.configuration.rulebooks.get(entity)
    if rulebook is None or frame.is_empty():
        return frame, []
    good, bad = split(rulebook, frame, key="source_key")
    return good, [Rejection(row.source_key, row.rule, row.message, row.path, row.payload) for row in bad]
