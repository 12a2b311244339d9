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
from pipeline.land import raw_landings
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
    latest, rejected, raw = _map(hub, system, entity)
    good, failing = _judge(hub, entity, latest)
    hub.frames.write(f"canonical/{entity}/{system}", good, run.run_id)
    counts = {"raw": raw, "rows": good.height, "rejected": len(rejected) + latest.height - good.height}
    with hub.store.begin() as tx:
        now = hub.now()
        quarantine.replace(tx, "conform", system, entity, [*_unmapped(rejected), *failing], now=now)
        runs.record_stage(tx, run.run_id, "conform", counts, now, part=f"{entity}/{system}")
    return Conformed(system, entity, **counts)


def _map(hub: Hub, system: str, entity: str) -> tuple[pl.DataFrame, list[Rejected], int]:
    """The last word of every record: its newest version, mapped or rejected, whatever older ones were."""
    frames = [pl.DataFrame(schema=frame_schema(ENTITIES[entity]))]
    rejected: list[Rejected] = []
    raw = 0
    for mapping in hub.configuration.inbound[system, entity]:
        mapped = pl.DataFrame(schema=frame_schema(ENTITIES[entity]))
        refused: dict[str, Rejected] = {}
        for index, records in enumerate(raw_landings(hub, system, mapping.spec.stream)):
            rows, bad = mapping.apply(records, system)
            newly = {row.source_key or f"?{index}.{number}": row for number, row in enumerate(bad)}
            mapped = pl.concat([mapped.filter(~pl.col("source_key").is_in(list(newly))), rows])
            mapped = mapped.unique("source_key", keep="last", maintain_order=True)
            known = set(rows["source_key"])
            refused = {**{key: row for key, row in refused.items() if key not in known}, **newly}
            raw += records.height
        frames.append(mapped)
        rejected += refused.values()
    return pl.concat(frames).unique("source_key", keep="last", maintain_order=True), rejected, raw


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
