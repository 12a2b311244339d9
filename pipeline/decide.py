"""Decide: facts are compared with what was decided before; rules turn the difference into commands.

Commands, their revisions, the events and the mark that they were decided commit in one transaction: a
change is never decided twice and never forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from canonical.entities import ENTITIES
from canonical.errors import SystemUnavailable
from canonical.facts import FACTS
from canonical.keys import join_key
from canonical.plan import Plan
from pipeline.causes import Place, Trace, traced
from pipeline.enact import WATCHER, Enacted, enact
from pipeline.fact_sources import FactSources
from pipeline.facts import ALWAYS, facts
from pipeline.held import held_lines, held_orders, unoffered
from pipeline.hub import Hub, Run
from pipeline.order_facts import REVIEW
from pipeline.overtaking import check_view, count_deciding
from pipeline.plan import planning_frames
from pipeline.record_changes import Neighbourhood, record_changes
from pipeline.snapshot import Frames, rows
from pipeline.standing import mark, standing_frame, standing_frames
from rules.bulk import decide_all
from rules.decide import CommandDraft, Decision, Notice, TimerEnd
from rules.decide import decide as apply_rules
from rules.diff import Change, Changes, diff
from rules.echoes import Heard
from rules.records import FrameRecords
from rules.scope import key_of
from store import events, leases, runs, tasks
from store.events import ChangeEvent
from store.tasks import Task
from store.unit_of_work import Transaction

HISTORY = frozenset(
    {"production_feedback", "failed_inspection", "operation_done", "refused_inspection", "work_hours", "defect_rate"}
)
"""What happened before the hub came, or before a rule first looked at it, is adopted, not acted on."""
LEASE_SECONDS = 300.0
MANY = 1000
"""From so many changes of one fact on, rules are applied to whole frames."""
CIRCLE = {
    "en": "{entity} {key} goes round in a circle (rule {rule}): its commands wait for approval.",
    "zh": "{entity} {key} 陷入循环（规则 {rule}）：相关指令等待审批。",
}


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
    echoes: int = 0
    at_once: tuple[str, ...] = ()
    """`system/entity` of commands that wait for no document of another that is decided here."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One record's neighbourhood: the facts and records in it, and the frames that these facts are derived from."""

    keys: Neighbourhood
    frames: Frames


def decide(hub: Hub, run: Run, plan: Plan, *, scope: Scope | None = None) -> Decided:
    """Derive facts, compare, apply the rules, and put the commands into the outbox.

    `scope` narrows it to one record's neighbourhood; everything else is left as it stands.
    Raises `Overtaken` where somebody else has decided since the run began to read.
    """
    return settle(hub, run, consider(hub, run, plan, scope=scope))


@dataclass(frozen=True, slots=True)
class Considered:
    """What is to be decided: what changed, and what the rules want because of it."""

    looked: LookedAt
    decisions: Sequence[Decision]


def consider(hub: Hub, run: Run, plan: Plan, *, scope: Scope | None = None) -> Considered:
    """Everything of deciding that only reads, so that nobody who writes has to wait for it."""
    with hub.store.read() as tx:
        looked = looked_at(hub, tx, run, plan, scope)
    return Considered(looked, decided(hub, looked))


def settle(hub: Hub, run: Run, considered: Considered) -> Decided:
    """Put it into force, in one transaction; raises `Overtaken` where what was read is older than what stands."""
    looked = considered.looked
    with hub.store.begin() as tx:
        # The row lock of the lease keeps two deciders apart on any database.
        if not leases.acquire(tx, "decide", run.run_id, hub.now(), LEASE_SECONDS):
            raise SystemUnavailable("another run is deciding", hint="wait for it to end")
        check_view(hub, tx, run)
        done = enact(hub, tx, considered.decisions, lambda change: _event_id(change, run))
        _remember(hub, tx, run, looked)
        outcome = _outcome(looked, done)
        _record(hub, tx, run, outcome, looked)
        if outcome.changes:
            count_deciding(tx, run)
        leases.release(tx, "decide", run.run_id)
    return outcome


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What changed since the last deciding, and what it is related to: all that rules need."""

    facts: tuple[Changes, ...]
    records: tuple[Heard, ...]
    traces: Mapping[Place, Trace]
    related: Callable[[str], pl.DataFrame | None]
    adopted: Collection[str]
    """Facts that were never looked at before: what they say now is history."""
    adopted_records: Collection[Change]
    watched: frozenset[str]

    def changes(self) -> Iterator[Change]:
        """Every change, those that are adopted or echoes included."""
        for changes in self.facts:
            yield from changes.rows()
        yield from (one.change for one in self.records)


def looked_at(hub: Hub, tx: Transaction, run: Run, plan: Plan, scope: Scope | None = None) -> LookedAt:
    """Compare facts and golden records with what they were when last decided on; nothing is written."""
    known = _known(tx)
    facts_watched = watched_facts(hub)
    keys = None if scope is None else scope.keys
    frames = planning_frames(hub) if scope is None else scope.frames
    if keys is None:
        standing = {name: standing_frame(tx, name) for name in facts_watched}
    else:
        standing = standing_frames(tx, {name: keys[name] for name in facts_watched if name in keys})
    found = _facts(hub, tx, run, plan, standing, frames)
    facts_changed = tuple(_diff(name, standing[name], frame, keys) for name, frame in found.items())
    records = record_changes(hub, tx, run, known, keys)
    acting = (change for changes in facts_changed for change in changes.rows() if change.kind != "deleted")
    return LookedAt(
        facts=facts_changed,
        records=records.heard,
        traces=traced(tx, acting, records.heard, hub.now()),
        related=lambda name: found[name] if name in found else frames.get(name),
        adopted=HISTORY - known,
        adopted_records=records.adopted,
        watched=frozenset({*facts_watched, *(hub.configuration.rules.subjects() & ENTITIES.keys())}),
    )


def decided(hub: Hub, looked: LookedAt) -> list[Decision]:
    """What the rules want because of it; commands of a circle wait for a person's approval, and people are told."""
    rules, frames = hub.configuration.rules, looked.related
    records = FrameRecords(frames)
    decisions: list[Decision] = []
    for changes in looked.facts:
        if changes.entity not in looked.adopted:
            many = len(changes) >= MANY
            decisions += (
                decide_all(changes, rules, records, frames) if many else apply_rules(changes.rows(), rules, records)
            )
    decisions += apply_rules((one.change for one in looked.records), rules, records)
    return list(_braked(decisions, looked.traces))


def _braked(decisions: Iterable[Decision], traces: Mapping[Place, Trace]) -> Iterator[Decision]:
    told: set[Place] = set()
    for decision in decisions:
        place = None if isinstance(decision, TimerEnd) else (decision.change.entity, decision.change.key)
        if place is None or place not in traces or not traces[place].circle or not isinstance(decision, CommandDraft):
            yield decision
            continue
        yield replace(decision, approve=True)
        if place not in told:
            told.add(place)
            yield _circle(decision)


def _circle(draft: CommandDraft) -> Notice:
    change = draft.change
    named = {"entity": change.entity, "key": change.key, "rule": draft.rule}
    text = {language: said.format(**named) for language, said in CIRCLE.items()}
    return Notice(draft.rule, change, WATCHER, f"circle|{change.entity}|{change.key}", text, urgent=True)


def watched_facts(hub: Hub) -> frozenset[str]:
    """The facts some rule looks at, and those others are derived from."""
    rules = hub.configuration.rules
    return ALWAYS | ((rules.subjects() | rules.related()) & FACTS.keys())


def _known(tx: Transaction) -> frozenset[str]:
    """Facts and entities that were looked at when last decided."""
    last = runs.last_stage(tx, "decide")
    return frozenset(last.counts.get("watched", ALWAYS)) if last is not None else frozenset()


def _facts(  # noqa: PLR0917 - all that facts are derived from
    hub: Hub, tx: Transaction, run: Run, plan: Plan, standing: Mapping[str, pl.DataFrame], frames: Frames
) -> dict[str, pl.DataFrame]:
    held = held_lines(tx)
    sources = FactSources(
        frames=frames,
        plan=plan,
        decided={name: _by_key(name, frame) for name, frame in standing.items()},
        planning=hub.deployment.planning,
        as_of=run.as_of,
        held_orders=held_orders(held),
        tasks=_reviews(tx, frames),
        unoffered=unoffered(held),
        connections=hub.deployment.systems,
        transfers_by_hand=not _takes(hub, "wms", "request_transfer"),
    )
    return facts(sources, standing.keys())


def _takes(hub: Hub, role: str, operation: str) -> bool:
    """Whether a system plays the role and its mappings have the operation."""
    system = hub.deployment.system_of(role)
    return system is not None and operation in hub.configuration.mappings[system].outbound


def _diff(name: str, before: pl.DataFrame, after: pl.DataFrame, scope: Neighbourhood | None) -> Changes:
    """What changed of one fact; `before` holds the keys in scope only."""
    key = key_of(name)
    if scope is not None:
        inside = frozenset(scope.get(name, ()))
        kept = [place for place, one in enumerate(after[key].to_list()) if one in inside]
        after = after if len(kept) == after.height else after[kept] if kept else after.clear()
    return diff(name, before, after, key)


def _by_key(fact: str, frame: pl.DataFrame) -> dict[str, Mapping[str, Any]]:
    key = key_of(fact)
    return {row[key]: row for row in rows({fact: frame}, fact)}


def _reviews(tx: Transaction, frames: Frames) -> dict[tuple[str, str], dict[str, Task]]:
    """The reviews of custom orders: no other task says anything about a fact."""
    custom = (order["golden_id"] for order in rows(frames, "sales_order") if order["custom"])
    found: dict[tuple[str, str], dict[str, Task]] = {}
    for task in tasks.latest(tx, REVIEW, custom):
        found.setdefault((task.kind, task.key), {})[task.owner] = task
    return found


def _event_id(change: Change, run: Run) -> str:
    said = f"{run.run_id}.{run.turn}" if run.turn else run.run_id
    return join_key((said, change.entity, change.key))


def _remember(hub: Hub, tx: Transaction, run: Run, looked: LookedAt) -> None:
    """Every change becomes an event, and what it left is what stands."""
    changes = list(looked.changes())
    at = hub.now()
    events.append(tx, [_event(change, run, at, looked.traces) for change in changes])
    mark(tx, (*looked.adopted_records, *changes))


def _event(change: Change, run: Run, at: datetime, traces: Mapping[Place, Trace]) -> ChangeEvent:
    trace = traces.get((change.entity, change.key), Trace())
    return ChangeEvent(
        id=_event_id(change, run), entity=change.entity, key=change.key, kind=change.kind, old=change.old,
        new=change.new, fields=change.fields, origin=change.origin, at=at, run_id=run.run_id,
        revision=trace.revision, cause=trace.cause, hops=trace.hops,
    )  # fmt: skip


def _outcome(looked: LookedAt, done: Enacted) -> Decided:
    adopted = sum(len(changes) for changes in looked.facts if changes.entity in looked.adopted)
    return Decided(
        changes=Counter(f"{change.entity} {change.kind}" for change in looked.changes()),
        commands=done.commands,
        notices=done.notices,
        held=done.held,
        adopted=adopted + len(looked.adopted_records),
        tasks=done.tasks,
        timers=done.timers,
        echoes=sum(one.change.echo for one in looked.records),
        at_once=_at_once(done),
    )


def _at_once(done: Enacted) -> tuple[str, ...]:
    made = {f"{one.system}/{one.entity}/{one.business_key}" for one in done.enqueued}
    return tuple(sorted({f"{one.system}/{one.entity}" for one in done.enqueued if made.isdisjoint(one.after)}))


def _record(hub: Hub, tx: Transaction, run: Run, outcome: Decided, looked: LookedAt) -> None:
    counts = {
        "changes": dict(outcome.changes), "commands": dict(outcome.commands), "held": outcome.held,
        "echoes": outcome.echoes, "watched": sorted(looked.watched),
    }  # fmt: skip
    runs.record_stage(tx, run.run_id, "decide", counts, hub.now())
