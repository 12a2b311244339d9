"""Timers that have run out: each becomes an event, and the `escalate` of its rule is carried out, once.

The batch pass, the relay and Dagster's sensor all call `fire_due`. The mark that a timer fired commits together with
what follows from it; a process that dies in between leaves both undone, and the next one does them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from canonical.keys import join_key
from canonical.strict_json import loads
from pipeline.enact import enact
from pipeline.hub import Hub, Run
from pipeline.plant_time import plant_time
from pipeline.why import related_records
from rules.decide import Decision, escalations
from rules.diff import Change
from rules.rows import typed_row
from store import events, leases, timers
from store.events import ChangeEvent
from store.timers import Timer
from store.unit_of_work import Transaction

AT_ONCE = 1000
"""Timers fired in one transaction."""
LEASE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Fired:
    """What became of timers that ran out: rule → timers, and what their escalations came to."""

    rules: Mapping[str, int]
    commands: Mapping[str, int]
    notices: int
    tasks: int

    @property
    def timers(self) -> int:
        """How many fired."""
        return sum(self.rules.values())


NOTHING = Fired({}, {}, 0, 0)


def fire_due(hub: Hub, run: Run) -> Fired:
    """Fire every timer that has run out, the longest overdue first.

    While another process decides or fires, nothing happens here: it will, or the next call does.
    """
    total = NOTHING
    while True:
        fired = _fire_some(hub, run)
        total = Fired(
            rules=Counter(total.rules) + Counter(fired.rules),
            commands=Counter(total.commands) + Counter(fired.commands),
            notices=total.notices + fired.notices,
            tasks=total.tasks + fired.tasks,
        )
        if fired.timers < AT_ONCE:
            return total


def _fire_some(hub: Hub, run: Run) -> Fired:
    with hub.store.read() as tx:
        if not timers.due(tx, plant_time(hub), 1):
            return NOTHING
    with hub.store.begin() as tx:
        # The lease of the decide stage: both number revisions and both end timers.
        if not leases.acquire(tx, "decide", run.run_id, hub.now(), LEASE_SECONDS):
            return NOTHING
        fired = timers.fire(tx, timers.due(tx, plant_time(hub), AT_ONCE), hub.now())
        outcome = _escalate(hub, tx, run, fired)
        leases.release(tx, "decide", run.run_id)
    return outcome


def _escalate(hub: Hub, tx: Transaction, run: Run, fired: list[Timer]) -> Fired:
    """What the rules want done now; a rule that no rulebook holds any more wants nothing."""
    changes = [_change(tx, timer) for timer in fired]
    ids = {id(change): _event_id(timer) for timer, change in zip(fired, changes, strict=True)}
    decisions: list[Decision] = []
    records = related_records(hub, tx)
    for timer, change in zip(fired, changes, strict=True):
        rule = hub.configuration.rules.named(timer.rule)
        decisions += escalations(rule, change, records) if rule is not None else []
    events.append(tx, [_event(hub, run, timer, change) for timer, change in zip(fired, changes, strict=True)])
    done = enact(hub, tx, decisions, lambda change: ids[id(change)])
    return Fired(Counter(timer.rule for timer in fired), done.commands, done.notices, done.tasks)


def _change(tx: Transaction, timer: Timer) -> Change:
    """The record as it stands, or as the event that set the timer saw it."""
    known = events.decided_content(tx, timer.fact, timer.key)
    cause = events.find(tx, timer.cause) if known is None else None
    content = loads(known) if known is not None else (cause.new or cause.old if cause else None)
    row = typed_row(timer.fact, content or {})
    return Change(timer.fact, timer.key, "changed", row, row, ())


def _event_id(timer: Timer) -> str:
    return join_key(("timer", timer.number))


def _event(hub: Hub, run: Run, timer: Timer, change: Change) -> ChangeEvent:
    return ChangeEvent(
        id=_event_id(timer), entity=timer.fact, key=timer.key, kind="overdue", old=None, new=change.new, fields=(),
        origin=f"rule:{timer.rule}", at=hub.now(), run_id=run.run_id,
    )  # fmt: skip
