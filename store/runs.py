"""Each pass of the stream: when it ran, for which moment, and what each stage counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, select, update

from canonical.actors import Actor
from store.prepared import Prepared
from store.statements import insert_new, select_in, upsert
from store.tables import run_stages, runs

RunState = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Run:
    """One pass; `as_of` is the moment it plans for."""

    run_id: str
    actor: str
    as_of: datetime
    started_at: datetime
    finished_at: datetime | None
    state: RunState


@dataclass(frozen=True, slots=True)
class StageCounts:
    """What one stage counted; `part` is the stream, entity or system, empty for the whole stage."""

    stage: str
    part: str
    counts: Mapping[str, Any]
    finished_at: datetime


def start(tx: Connection, run_id: str, actor: Actor | str, as_of: datetime, now: datetime) -> bool:
    """Begin a run; False when it was begun before (another process of the same run)."""
    row = {"run_id": run_id, "actor": str(actor), "as_of": as_of, "started_at": now, "state": "running"}
    return insert_new(tx, runs, row)


def finish(tx: Connection, run_id: str, state: Literal["done", "failed"], now: datetime) -> None:
    """End a run."""
    tx.execute(update(runs).where(runs.c.run_id == run_id).values(state=state, finished_at=now))


def record_stage(
    tx: Connection, run_id: str, stage: str, counts: Mapping[str, Any], now: datetime, *, part: str = ""
) -> None:
    """Keep a stage's counts; a stage that runs again replaces its own."""
    record_stages(tx, [(run_id, StageCounts(stage, part, counts, now))])


def record_stages(tx: Connection, rows: Sequence[tuple[str, StageCounts]]) -> None:
    """`record_stage` for many stages, each with the run it is of."""
    written = [
        {"run_id": run_id, "stage": one.stage, "part": one.part, "counts": dict(one.counts),
         "finished_at": one.finished_at}
        for run_id, one in rows
    ]  # fmt: skip
    upsert(tx, run_stages, written, ["counts", "finished_at"])


def stages(tx: Connection, run_id: str) -> list[StageCounts]:
    """The stages of a run in the order they ended."""
    rows = tx.execute(
        select(run_stages)
        .where(run_stages.c.run_id == run_id)
        .order_by(run_stages.c.finished_at, run_stages.c.stage, run_stages.c.part)
    )
    return [StageCounts(row.stage, row.part, row.counts, row.finished_at) for row in rows]


def history(tx: Connection, stage: str, limit: int = 60) -> list[tuple[Run, list[StageCounts]]]:
    """The newest passes, the oldest of them first, each with what every part of one stage counted."""
    newest = last(tx, limit)[::-1]
    found: dict[str, list[StageCounts]] = {run.run_id: [] for run in newest}
    query = select(run_stages).where(run_stages.c.stage == stage).order_by(run_stages.c.part)
    for row in select_in(tx, query, run_stages.c.run_id, found):
        found[row.run_id].append(StageCounts(row.stage, row.part, row.counts, row.finished_at))
    return [(run, found[run.run_id]) for run in newest]


def last_stage(tx: Connection, stage: str) -> StageCounts | None:
    """The newest counts of a whole stage, over all runs."""
    row = _LAST_STAGE.one(tx, {"of": stage})
    return StageCounts(row.stage, row.part, row.counts, row.finished_at) if row else None


_LAST_STAGE = Prepared(
    select(run_stages)
    .where(run_stages.c.stage == bindparam("of"), run_stages.c.part == "")
    .order_by(run_stages.c.finished_at.desc())
    .limit(1)
)


def run(tx: Connection, run_id: str) -> Run | None:
    """One run; None when there is no such run."""
    row = tx.execute(select(runs).where(runs.c.run_id == run_id)).one_or_none()
    return _run(row) if row else None


def last(tx: Connection, limit: int = 20) -> list[Run]:
    """The newest runs first."""
    return [_run(row) for row in tx.execute(select(runs).order_by(runs.c.started_at.desc()).limit(limit))]


def _run(row: Row[Any]) -> Run:
    return Run(row.run_id, row.actor, row.as_of, row.started_at, row.finished_at, row.state)
