"""Decide: facts are compared with what was decided before; rules turn the difference into commands.

Commands, their revisions, the events and the mark that they were decided commit in one transaction: a
change is never decided twice and never forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from canonical.entities import model_schema
from canonical.errors import SystemUnavailable
from canonical.facts import FACTS
from canonical.keys import join_key
from canonical.plan import Plan
from canonical.strict_json import dumps, loads
from pipeline.enact import enact
from pipeline.fact_sources import FactSources
from pipeline.facts import ALWAYS, facts
from pipeline.held import held_orders, unoffered
from pipeline.hub import Hub, Run
from pipeline.plan import judged_frames
from rules.decide import decide as apply_rules
from rules.diff import Change, diff
from store import events, leases, runs, tasks
from store.events import ChangeEvent
from store.tasks import Task
from store.unit_of_work import Transaction

HISTORY = frozenset(
    {"production_feedback", "failed_inspection", "operation_done", "refused_inspection", "work_hours", "defect_rate"}
)
"""What happened before the hub came, or before a rule first looked at it, is adopted, not acted on."""
LEASE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Decided:
    """What one deciding came to. `held` commands wait for a connection to go live or for a person's approval."""

    changes: Mapping[str, int]
    commands: Mapping[str, int]
    notices: int
    held: int
    adopted: int
    tasks: int = 0
    timers: int = 0


def decide(hub: Hub, run: Run, plan: Plan) -> Decided:
    """Derive facts, compare, apply the rules, and put the commands into the outbox."""
    with hub.store.begin() as tx:
        now = hub.now()
        # The row lock of the lease keeps two deciders apart on any database.
        if not leases.acquire(tx, "decide", run.run_id, now, LEASE_SECONDS):
            raise SystemUnavailable("another run is deciding", hint="wait for it to end")
        watched = watched_facts(hub)
        standing = {name: _last_decided(tx, name) for name in watched}
        changes = _changes(hub, tx, run, plan, standing)
        adopted = _adopted(tx, changes)
        acted = [change for change in changes if (change.entity, change.key) not in adopted]
        decisions = apply_rules(acted, hub.configuration.rules)
        done = enact(hub, tx, decisions, lambda change: _event_id(change, run))
        events.append(tx, [_event(change, run, hub) for change in changes])
        _mark(tx, changes)
        outcome = Decided(
            changes=Counter(f"{change.entity} {change.kind}" for change in changes),
            commands=done.commands,
            notices=done.notices,
            held=done.held,
            adopted=len(adopted),
            tasks=done.tasks,
            timers=done.timers,
        )
        counts = {"changes": dict(outcome.changes), "commands": dict(outcome.commands), "held": outcome.held,
                  "watched": sorted(watched)}  # fmt: skip
        runs.record_stage(tx, run.run_id, "decide", counts, now)
        leases.release(tx, "decide", run.run_id)
    return outcome


def _last_decided(tx: Transaction, fact: str) -> pl.DataFrame:
    model = FACTS[fact]
    contents = events.decided_frame(tx, fact)["content"].to_list()
    rows = [model.model_validate(loads(content), strict=False).model_dump() for content in contents]
    return pl.DataFrame(rows, schema=model_schema(model))


def watched_facts(hub: Hub) -> frozenset[str]:
    """The facts some rule looks at, and those others are derived from."""
    rules = hub.configuration.rules
    return ALWAYS | ((rules.subjects() | rules.related()) & FACTS.keys())


def _changes(hub: Hub, tx: Transaction, run: Run, plan: Plan, standing: Mapping[str, pl.DataFrame]) -> list[Change]:
    sources = FactSources(
        frames=judged_frames(hub),
        plan=plan,
        decided={name: _by_key(name, frame) for name, frame in standing.items()},
        planning=hub.deployment.planning,
        as_of=run.as_of,
        held_orders=held_orders(hub),
        tasks=_tasks(tx),
        unoffered=unoffered(hub),
    )
    found = facts(sources, standing.keys())
    return [
        change
        for name, frame in found.items()
        for change in diff(name, standing[name], frame, FACTS[name].key[0]).rows()
    ]


def _by_key(fact: str, frame: pl.DataFrame) -> dict[str, Mapping[str, Any]]:
    key = FACTS[fact].key[0]
    return {row[key]: row for row in frame.iter_rows(named=True)}


def _tasks(tx: Transaction) -> dict[tuple[str, str], dict[str, Task]]:
    found: dict[tuple[str, str], dict[str, Task]] = {}
    for task in tasks.latest(tx):
        found.setdefault((task.kind, task.key), {})[task.owner] = task
    return found


def _adopted(tx: Transaction, changes: Iterable[Change]) -> frozenset[tuple[str, str]]:
    """Past reports and inspections are taken as known when their kind of fact is decided on for the first time."""
    last = runs.last_stage(tx, "decide")
    known = frozenset(last.counts.get("watched", ALWAYS)) if last is not None else frozenset()
    return frozenset((change.entity, change.key) for change in changes if change.entity in HISTORY - known)


def _event_id(change: Change, run: Run) -> str:
    return join_key((run.run_id, change.entity, change.key))


def _event(change: Change, run: Run, hub: Hub) -> ChangeEvent:
    return ChangeEvent(
        id=_event_id(change, run),
        entity=change.entity,
        key=change.key,
        kind=change.kind,
        old=change.old,
        new=change.new,
        fields=change.fields,
        origin=str(run.actor),
        at=hub.now(),
        run_id=run.run_id,
    )


def _mark(tx: Transaction, changes: Iterable[Change]) -> None:
    by_fact: dict[str, list[Change]] = {}
    for change in changes:
        by_fact.setdefault(change.entity, []).append(change)
    for fact, found in by_fact.items():
        standing = [(change.key, dumps(dict(change.new))) for change in found if change.new is not None]
        frame = pl.DataFrame([(key, content, "") for key, content in standing], schema=events.FACT_SCHEMA, orient="row")
        events.mark_decided(tx, fact, frame, [change.key for change in found if change.new is None])
