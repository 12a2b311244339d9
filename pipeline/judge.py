"""Judge: the golden records of one entity against its rulebook; failing rows wait, the rest goes on.

Great Expectations draws the verdicts, from the same rulebook the row rules are compiled from.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipeline.hub import Hub, Run
from quality.quarantine import remove
from quality.row_rules import judge_rows
from quality.spec import Rulebook
from quality.suite import judge_suite
from quality.verdict import Verdict as Finding
from store import quarantine, runs, verdicts
from store.quarantine import Rejection
from store.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """How many golden records passed, how many wait, and what each rule said."""

    entity: str
    rows: int
    quarantined: int
    verdicts: tuple[Verdict, ...]
    blocked: bool
    """A blocking rule did not pass: what depends on the entity must not go on."""


def judge(hub: Hub, entity: str, run: Run) -> Judged:
    """Judge `golden/<entity>` and write the rows that passed to `judged/<entity>`."""
    frame = hub.frames.read(f"golden/{entity}")
    assert frame is not None, f"{entity} was never reconciled"
    rulebook = hub.configuration.rulebooks.get(entity)
    found = _findings(rulebook, frame, _related(hub, rulebook, run)) if rulebook else ()
    good, bad = remove(rulebook, frame, found) if rulebook and found else (frame, [])
    hub.frames.write(f"judged/{entity}", good, run.run_id)
    kept = tuple(_verdict(entity, finding, frame.height) for finding in found)
    with hub.store.begin() as tx:
        now = hub.now()
        verdicts.record(tx, run.run_id, kept, now)
        waiting = [Rejection(row.source_key, row.rule, row.message, row.path, row.payload) for row in bad]
        quarantine.replace(tx, "judge", "golden", entity, waiting, now=now)
        counts = {"rows": good.height, "quarantined": len(bad), "failed_rules": sum(not one.passed for one in kept)}
        runs.record_stage(tx, run.run_id, "judge", counts, now, part=entity)
    return Judged(entity, good.height, len(bad), kept, any(finding.stops for finding in found))


def _findings(rulebook: Rulebook, frame: pl.DataFrame, related: dict[str, pl.DataFrame]) -> tuple[Finding, ...]:
    """Great Expectations cannot judge a table without rows; the row rules, compiled from the same book, can."""
    draw = judge_suite if frame.height else judge_rows
    return draw(rulebook, frame, related=related)


def _related(hub: Hub, rulebook: Rulebook | None, run: Run) -> dict[str, pl.DataFrame]:
    """What references may name: records that passed judgement in this run, so that doubt about one holds the other."""
    frames = {name: hub.frames.read(_best(hub, name, run)) for name in (rulebook.needs() if rulebook else ())}
    return {name: frame for name, frame in frames.items() if frame is not None}


def _best(hub: Hub, entity: str, run: Run) -> str:
    judged = f"judged/{entity}"
    return judged if hub.frames.run_of(judged) == run.run_id else f"golden/{entity}"


def _verdict(entity: str, finding: Finding, checked: int) -> Verdict:
    detail = {"examples": list(finding.failing[:5]), "observed": finding.observed, "error": finding.error}
    return Verdict(
        stage="judge",
        entity=entity,
        rule=finding.rule,
        severity=finding.severity,
        blocking=finding.blocking,
        passed=finding.status == "passed",
        checked=checked,
        failed=len(finding.failing),
        detail=detail,
    )
