"""Judge: the golden records of one entity against its rulebook; failing rows wait, the rest goes on.

Great Expectations draws the verdicts, from the same rulebook the row rules are compiled from. Where neither
records nor rules changed, the verdicts of the last time stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import polars as pl

from mdm.handful import HANDFUL
from pipeline.basis import differing, replaced, rows_of
from pipeline.findings import Basis, Found, found_last, keep_findings, related_to
from pipeline.hub import Hub, Run
from quality.quarantine import Quarantined, condemning, remove
from quality.row_rules import Renewed, judge_again, judge_rows
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
    verdicts from the same rulebook; where it takes too long they are those of the row rules, and rows on which
    nothing changed are not looked at again. The outcome is that of judging everything.
    """
    frame, passed = hub.frames.read(f"golden/{entity}"), hub.frames.read(f"judged/{entity}")
    assert frame is not None, f"{entity} was never reconciled"
    rulebook = hub.configuration.rulebooks.get(entity) or Rulebook(entity=entity)
    basis, last = Basis.of(hub, rulebook), found_last(hub, rulebook)
    drawn = basis.text()
    if last is not None and passed is not None and last.drawn == drawn and (last.by_suite or not suite):
        standing = _Split(last.verdicts, passed, None, frozenset())
        return _written_down(hub, run, entity, standing, last, golden=frame.height, drawn=drawn)
    found = None
    if last is not None and passed is not None and not suite:
        found = _judged_again(hub, rulebook, frame, passed, last=last, now=basis)
    if found is None:
        found = _judged_anew(hub, rulebook, frame, passed, suite=suite)
    # Quarantine before the frames, which say that it is done: who is killed in between judges once more.
    judged = _written_down(hub, run, entity, found, last, golden=frame.height, drawn=drawn)
    _put(hub, entity, found, run, drawn)
    keep_findings(hub, entity, run, found.verdicts, drawn, suite=suite)
    return judged


class _Split(NamedTuple):
    """The verdicts, the rows that passed, and the others: None where these are the same, and wait for the same.

    `differ`: the keys of the rows that passed otherwise the last time.
    """

    verdicts: tuple[Finding, ...]
    good: pl.DataFrame
    bad: list[Quarantined] | None
    differ: frozenset[str] | None


def _judged_anew(
    hub: Hub, rulebook: Rulebook, frame: pl.DataFrame, before: pl.DataFrame | None, *, suite: bool
) -> _Split:
    related = _related(hub, rulebook)
    found = by_rows = judge_rows(rulebook, frame, related=related)
    good, bad = remove(rulebook, frame, by_rows)
    # Great Expectations cannot judge a table without rows; the row rules, compiled from the same book, can.
    if rulebook.rules and suite and frame.height:
        found = _agreed(by_rows, judge_suite(rulebook, frame, related=related))
    return _Split(found, good, bad, None if before is None else differing(before, good, "golden_id"))


def _judged_again(
    hub: Hub, rulebook: Rulebook, frame: pl.DataFrame, before: pl.DataFrame, *, last: Found, now: Basis
) -> _Split | None:
    """By what changed since the last time alone; None where that is not known, or not little."""
    keys = _touched(hub, rulebook, frame, last.basis, now)
    failed = {key for one in last.verdicts for key in one.failing}
    if keys is None or len(keys | failed) > HANDFUL or any(one.error for one in last.verdicts):
        return None
    rows = rows_of(frame, keys, "golden_id")
    renewed = Renewed(keys, rows, {one.rule: one.failing for one in last.verdicts})
    found = judge_again(rulebook, frame, renewed, related=_related(hub, rulebook))
    condemned, stood = condemning(rulebook, found), condemning(rulebook, last.verdicts)
    out, was = _named(condemned), _named(stood)
    bad: list[Quarantined] | None = None
    if not out.isdisjoint(keys) or condemned != stood:
        bad = remove(rulebook, rows_of(frame, out, "golden_id"), found)[1]
    if moved := (out ^ was) - keys:  # by what another row says now, or says no more: their own did not change
        keys |= moved
        rows = rows_of(frame, keys, "golden_id")
    passing = rows if out.isdisjoint(keys) else rows.filter([key not in out for key in rows["golden_id"]])
    good, differ = replaced(before, passing, keys, "golden_id")
    return _Split(found, good, bad, differ)


def _named(condemned: Mapping[str, Sequence[str]]) -> frozenset[str]:
    return frozenset(key for names in condemned.values() for key in names)


def _related(hub: Hub, rulebook: Rulebook) -> dict[str, pl.DataFrame]:
    places = related_to(hub, rulebook).items()
    return {name: frame for name, at in places if (frame := hub.frames.read(at)) is not None}


def _touched(hub: Hub, rulebook: Rulebook, frame: pl.DataFrame, last: Basis, now: Basis) -> frozenset[str] | None:
    """The keys of rows that came, went, changed, or name a record that did; None where that is not known."""
    if last.rules != now.rules or last.related.keys() != now.related.keys():
        return None
    keys = hub.frames.changed_since(f"golden/{rulebook.entity}", last.golden)
    for name, at in related_to(hub, rulebook).items():
        changed = hub.frames.changed_since(at, last.related[at])
        if keys is None or changed is None:
            return None
        if changed:
            named = pl.Series([sorted(changed)], dtype=pl.List(pl.String))
            fields = {rule.fields[0] for rule in rulebook.rules if rule.references == name}
            keys = keys.union(*(frame["golden_id"].filter(frame[field].is_in(named)) for field in fields))
    return keys


def _put(hub: Hub, entity: str, found: _Split, run: Run, drawn: str) -> None:
    """Write the rows that passed; where they are the same, the version that stands goes on."""
    name = f"judged/{entity}"
    if found.differ is not None and not found.differ:
        hub.frames.renew(name, drawn)
    else:
        hub.frames.write(name, found.good, run.run_id, drawn, changed=found.differ)


def _written_down(
    hub: Hub, run: Run, entity: str, found: _Split, last: Found | None, *, golden: int, drawn: str
) -> Judged:
    """Verdicts and counts of the run, and what waits: of so many `golden` records, `found` was `drawn`."""
    kept = tuple(_verdict(entity, finding, golden) for finding in found.verdicts)
    passed, now = found.good.height, hub.now()
    counts = {
        "rows": passed,
        "quarantined": golden - passed,
        "failed_rules": sum(not one.passed for one in kept),
    }
    hub.store.beside(verdicts.record, *((run.run_id, one, now) for one in kept))
    hub.store.beside(runs.record_stages, (run.run_id, StageCounts("judge", entity, counts, now)))
    stopped = any(finding.stops for finding in found.verdicts)
    _hold(hub, entity, found.bad, last, drawn=drawn, stopped=stopped)
    return Judged(entity, passed, golden - passed, kept, stopped)


@dataclass(frozen=True, slots=True)
class _AsWritten:
    """What this process wrote last, and what it was drawn from; `rows` is None where it left those that stood."""

    drawn: str
    stopped: bool
    rows: frozenset[Rejection] | None


def _hold(
    hub: Hub, entity: str, bad: list[Quarantined] | None, since: Found | None, *, drawn: str, stopped: bool
) -> None:
    """What stops planning, or comes into quarantine or out of it, has to stand before planning and deciding ask.

    A record that quarantine does not show would count as gone. What says again what stands may wait for the next write.
    Where verdicts stand that others drew meanwhile, what we wrote before them says nothing of what is in quarantine.
    """
    name = f"judged as written/{entity}"
    rows = None if bad is None else tuple(Rejection(*(getattr(row, field) for field in _REJECTED)) for row in bad)
    last: _AsWritten | None = hub.kept.get(name)
    if last is not None and (since is None or since.drawn != last.drawn):
        last = None
    held = frozenset(rows) if rows is not None else last.rows if last is not None else None
    if last is not None and not stopped and (last.stopped, last.rows) == (False, held):
        if rows:
            hub.store.beside(_replace, (entity, rows, hub.now()))
    else:
        with hub.store.together(), hub.store.begin() as tx:  # with the verdicts, which planning asks for
            _replace(tx, [] if rows is None else [(entity, rows, hub.now())])
    hub.kept[name] = _AsWritten(drawn, stopped, held)


def _replace(tx: Transaction, held: Sequence[tuple[str, Sequence[Rejection], datetime]]) -> None:
    for entity, rows, now in held:
        quarantine.replace(tx, "judge", "golden", entity, rows, now=now)


_REJECTED = ("source_key", "rule", "message", "path", "payload")


def _agreed(by_rows: Sequence[Finding], by_suite: Sequence[Finding]) -> tuple[Finding, ...]:
    """What Great Expectations found; where the row rules, which decide, say otherwise, the verdict is an error."""
    said = {one.rule: one for one in by_rows}
    return tuple(
        one
        if (one.passed, one.failing) == (said[one.rule].passed, said[one.rule].failing) or one.error
        else replace(one, passed=False, error="the row rules, compiled from the same book, say otherwise")
        for one in by_suite
    )


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
