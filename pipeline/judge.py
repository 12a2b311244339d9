"""Judge: the golden records of one entity against its rulebook; failing rows wait, the rest goes on.

Great Expectations draws the verdicts, from the same rulebook the row rules are compiled from.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    found = _findings(hub, rulebook, frame, run) if rulebook else ()
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


FINDING: dict[str, pl.DataType] = {
    "fingerprint": pl.String(),
    "rule": pl.String(),
    "passed": pl.Boolean(),
    "failing": pl.List(pl.String()),
    "observed": pl.String(),
    "error": pl.String(),
}


def _findings(hub: Hub, rulebook: Rulebook, frame: pl.DataFrame, run: Run) -> tuple[Finding, ...]:
    """The verdicts; those of the last run where neither the records nor the rules have changed since."""
    related = _related(hub, rulebook, run)
    fingerprint = _fingerprint(rulebook, frame, related)
    name = f"findings/{rulebook.entity}"
    last = hub.frames.read(name)
    if last is not None and last["fingerprint"].to_list() == [fingerprint] * len(rulebook.rules):
        return tuple(_remembered(rulebook, row) for row in last.iter_rows(named=True))
    # Great Expectations cannot judge a table without rows; the row rules, compiled from the same book, can.
    found = (judge_suite if frame.height else judge_rows)(rulebook, frame, related=related)
    rows = [(fingerprint, one.rule, one.passed, list(one.failing), one.observed, one.error) for one in found]
    hub.frames.write(name, pl.DataFrame(rows, schema=FINDING, orient="row"), run.run_id)
    return found


def _remembered(rulebook: Rulebook, row: Mapping[str, Any]) -> Finding:
    rule = next(rule for rule in rulebook.rules if rule.name == row["rule"])
    return Finding(
        rule=rule.name,
        entity=rulebook.entity,
        severity=rule.severity,
        scope=rule.scope,
        blocking=rule.blocking,
        passed=row["passed"],
        failing=tuple(row["failing"]),
        observed=row["observed"],
        error=row["error"],
    )


def _fingerprint(rulebook: Rulebook, frame: pl.DataFrame, related: Mapping[str, pl.DataFrame]) -> str:
    """Of everything a verdict depends on: the rules, the records, and the records they may refer to."""
    digest = hashlib.sha256(rulebook.model_dump_json().encode())
    for name in ("", *sorted(related)):
        content = io.BytesIO()
        (related[name] if name else frame).write_ipc(content)
        digest.update(name.encode() + b"\0" + content.getbuffer())
    return digest.hexdigest()


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
