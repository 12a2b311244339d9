"""Judge: the golden records of one entity against its rulebook; failing rows wait, the rest goes on.

Great Expectations draws the verdicts, from the same rulebook the row rules are compiled from. Where neither
records nor rules changed, the verdicts of the last time stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from pipeline.basis import differing, digest
from pipeline.hub import Hub, Run
from quality.quarantine import Quarantined, remove
from quality.row_rules import Standing, judge_rows
from quality.spec import Rulebook
from quality.suite import judge_suite
from quality.verdict import Verdict as Finding
from store import quarantine, runs, verdicts
from store.quarantine import Rejection
from store.runs import StageCounts
from store.unit_of_work import Transaction
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


def judge(hub: Hub, entity: str, run: Run, *, suite: bool = True) -> Judged:
    """Judge `golden/<entity>` and write the rows that passed to `judged/<entity>`.

    The compiled row rules say which rows go on, for every path alike. `suite`: Great Expectations draws the
    verdicts from the same rulebook; where it takes too long they are those of the row rules.
    """
    frame = hub.frames.read(f"golden/{entity}")
    assert frame is not None, f"{entity} was never reconciled"
    rulebook = hub.configuration.rulebooks.get(entity)
    related = _related(hub, rulebook, entity)
    basis = _basis(hub, entity, rulebook, related)
    found = _known_findings(hub, rulebook, basis, suite=suite) if rulebook else ()
    passed = hub.frames.read(f"judged/{entity}")
    if found is not None and passed is not None and hub.frames.made_of(f"judged/{entity}") == basis:
        return _written_down(hub, run, entity, found, None, rows=(frame.height, passed.height))
    found, good, bad = _judged_anew(hub, rulebook, entity, frame, related, suite=suite)
    # Quarantine before the frames, which say that it is done: who is killed in between judges once more.
    judged = _written_down(hub, run, entity, found, bad, rows=(frame.height, good.height))
    _put(hub, entity, good, run, basis)
    _keep_findings(hub, entity, run, found, f"{basis}{SUITE}" if suite else basis)
    return judged


def _judged_anew(
    hub: Hub, rulebook: Rulebook | None, entity: str, frame: pl.DataFrame, related: Mapping[str, str], *, suite: bool
) -> tuple[tuple[Finding, ...], pl.DataFrame, list[Quarantined]]:
    """The verdicts, the rows that passed, and the others."""
    named = {name: other for name, at in related.items() if (other := hub.frames.read(at)) is not None}
    frames = Standing(named, hub.kept.get(f"related/{entity}"))
    hub.kept[f"related/{entity}"] = frames
    by_rows = judge_rows(rulebook, frame, related=frames) if rulebook else ()
    good, bad = remove(rulebook, frame, by_rows) if rulebook and by_rows else (frame, [])
    # Great Expectations cannot judge a table without rows; the row rules, compiled from the same book, can.
    if rulebook and suite and frame.height:
        found = _agreed(by_rows, judge_suite(rulebook, frame, related=frames))
    else:
        found = by_rows
    return tuple(found), good, bad


def _keep_findings(hub: Hub, entity: str, run: Run, found: Sequence[Finding], drawn: str) -> None:
    """The verdicts beside what they were drawn from; where they are the same, the version that stands goes on."""
    name = f"findings/{entity}"
    rows = [(one.rule, one.passed, list(one.failing), one.observed, one.error) for one in found]
    last = hub.frames.read(name)
    if last is not None and last.columns == list(FINDING) and last.rows() == rows:
        hub.frames.renew(name, drawn)
    else:
        hub.frames.write(name, pl.DataFrame(rows, schema=FINDING, orient="row"), run.run_id, drawn)


def _put(hub: Hub, entity: str, good: pl.DataFrame, run: Run, basis: str) -> None:
    """Write the rows that passed; where they are the same, the version that stands goes on."""
    name = f"judged/{entity}"
    before, made_of = hub.frames.read(name), hub.frames.made_of(name)
    changed: frozenset[str] | None = None
    if before is not None:
        golden = hub.frames.changed_since(f"golden/{entity}", made_of.partition(" ")[0])
        if golden is None:
            changed = differing(before, good, "golden_id")
        else:
            one, other = before["golden_id"], good["golden_id"]
            changed = golden if one.equals(other) else golden | (frozenset(one.to_list()) ^ frozenset(other.to_list()))
    if changed is not None and not changed:
        hub.frames.renew(name, basis)
    else:
        hub.frames.write(name, good, run.run_id, basis, changed=changed)


def _written_down(
    hub: Hub,
    run: Run,
    entity: str,
    found: tuple[Finding, ...],
    bad: list[Quarantined] | None,
    *,
    rows: tuple[int, int],
) -> Judged:
    """Verdicts and counts of the run: of so many `rows`, so many passed; `bad` is None where quarantine stands."""
    golden, passed = rows
    kept = tuple(_verdict(entity, finding, golden) for finding in found)
    quarantined, now = golden - passed, hub.now()
    counts = {
        "rows": passed,
        "quarantined": quarantined,
        "failed_rules": sum(not one.passed for one in kept),
    }
    hub.store.beside(verdicts.record, *((run.run_id, one, now) for one in kept))
    hub.store.beside(runs.record_stages, (run.run_id, StageCounts("judge", entity, counts, now)))
    stopped = any(finding.stops for finding in found)
    _hold(hub, entity, bad, now, stopped=stopped)
    return Judged(entity, passed, quarantined, kept, stopped)


def _hold(hub: Hub, entity: str, bad: list[Quarantined] | None, now: datetime, *, stopped: bool) -> None:
    """What stops planning, or comes into quarantine or out of it, has to stand before planning and deciding ask.

    A record that quarantine does not show would count as gone. What says again what stands may wait for the next write.
    """
    name = f"judged as written/{entity}"
    rows = None if bad is None else tuple(Rejection(*(getattr(row, field) for field in _REJECTED)) for row in bad)
    last: tuple[bool, frozenset[Rejection] | None] | None = hub.kept.get(name)
    held = frozenset(rows) if rows is not None else last[1] if last is not None else None
    if last is not None and not stopped and last == (False, held):
        if rows:
            hub.store.beside(_replace, (entity, rows, now))
        return
    with hub.store.begin() as tx:
        _replace(tx, [] if rows is None else [(entity, rows, now)])
    hub.kept[name] = (stopped, held)


def _replace(tx: Transaction, held: Sequence[tuple[str, Sequence[Rejection], datetime]]) -> None:
    for entity, rows, now in held:
        quarantine.replace(tx, "judge", "golden", entity, rows, now=now)


_REJECTED = ("source_key", "rule", "message", "path", "payload")
SUITE = " suite"
"""Behind the basis of verdicts that Great Expectations drew."""
FINDING: dict[str, pl.DataType] = {
    "rule": pl.String(),
    "passed": pl.Boolean(),
    "failing": pl.List(pl.String()),
    "observed": pl.String(),
    "error": pl.String(),
}


def _known_findings(hub: Hub, rulebook: Rulebook, basis: str, *, suite: bool) -> tuple[Finding, ...] | None:
    """The verdicts drawn before from the same records and rules; None where there are none."""
    name = f"findings/{rulebook.entity}"
    last = hub.frames.read(name)
    if last is None or last.columns != list(FINDING) or last.height != len(rulebook.rules):
        return None
    if hub.frames.made_of(name) not in ({f"{basis}{SUITE}"} if suite else {basis, f"{basis}{SUITE}"}):
        return None
    return tuple(_remembered(rulebook, row) for row in last.iter_rows(named=True))


def _agreed(by_rows: Sequence[Finding], by_suite: Sequence[Finding]) -> tuple[Finding, ...]:
    """What Great Expectations found; where the row rules, which decide, say otherwise, the verdict is an error."""
    said = {one.rule: one for one in by_rows}
    return tuple(
        one
        if (one.passed, one.failing) == (said[one.rule].passed, said[one.rule].failing) or one.error
        else replace(one, passed=False, error="the row rules, compiled from the same book, say otherwise")
        for one in by_suite
    )


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


def _basis(hub: Hub, entity: str, rulebook: Rulebook | None, related: Mapping[str, str]) -> str:
    """What a verdict depends on: the records, first of all; the rules; the records they may refer to."""
    others = [f"{at} {hub.frames.version(at)}" for _, at in sorted(related.items())]
    return f"{hub.frames.version(f'golden/{entity}')} {digest(_rules(hub, rulebook), *others)}"


def _rules(hub: Hub, rulebook: Rulebook | None) -> str:
    """A rulebook as text, made once."""
    if rulebook is None:
        return ""
    place = f"rulebook/{rulebook.entity}"
    kept: tuple[Rulebook, str] | None = hub.kept.get(place)
    if kept is None or kept[0] is not rulebook:
        kept = hub.kept[place] = (rulebook, rulebook.model_dump_json())
    return kept[1]


def _related(hub: Hub, rulebook: Rulebook | None, entity: str) -> dict[str, str]:
    """Entity → where the records stand that references may name: those that passed, of what is judged before us.

    So doubt about a record holds what refers to it.
    """
    order = hub.configuration.entities
    before = frozenset(order[: order.index(entity)]) if entity in order else frozenset()
    needed = rulebook.needs() if rulebook else ()
    return {name: f"{'judged' if name in before else 'golden'}/{name}" for name in needed}


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
