"""Measure: how the stream stands after a pass, from what the other stages left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from canonical.commands import State
from canonical.strict_json import loads
from pipeline.doubles import find_doubles
from pipeline.hub import Hub, Run
from pipeline.steward_queue import refresh
from store import conflicts, events, outbox, quarantine, runs

STUCK = (State.PENDING, State.AWAITING, State.IN_DOUBT, State.HELD, State.PARKED, State.REJECTED)


@dataclass(frozen=True, slots=True)
class Measured:
    """Orders by stage, commands by system and state, what waits for people, and how old the oldest of it is."""

    orders: Mapping[str, int]
    commands: Mapping[str, Mapping[str, int]]
    quarantined: int
    conflicts: int
    stuck: int
    oldest_stuck_minutes: int | None
    doubles: int
    """References of ours that several documents of a target carry."""


def measure(hub: Hub, run: Run) -> Measured:
    """Read back what could have been written twice; count, and keep the counts with the run and the queue in order."""
    doubles = len(find_doubles(hub))
    with hub.store.begin() as tx:
        now = hub.now()
        stages = Counter(loads(text)["stage"] for text in events.decided_frame(tx, "order_progress")["content"])
        commands: dict[str, dict[str, int]] = {}
        for (system, state), count in sorted(outbox.counts(tx).items()):
            commands.setdefault(system, {})[state.value] = count
        stuck = outbox.entries(tx, states=STUCK)
        oldest = min((entry.created_at for entry in stuck), default=None)
        measured = Measured(
            orders=dict(stages),
            commands=commands,
            quarantined=sum(quarantine.counts(tx).values()),
            conflicts=sum(conflicts.counts(tx).values()),
            stuck=len(stuck),
            oldest_stuck_minutes=None if oldest is None else int((now - oldest).total_seconds() // 60),
            doubles=doubles,
        )
        runs.record_stage(tx, run.run_id, "measure", asdict(measured), now)
    refresh(hub)
    return measured
