"""The outbox under workers that crash, stall and come back, and a decide stage that keeps changing its mind.

A model target counts what it carried out. Whatever happens: commands of one key go in order and one
at a time, nothing is sent blindly twice, nothing that may have been sent is dropped, and once the
world calms down the target shows the last revision decided.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, event

from canonical.commands import OPEN_STATES, Command, State, StepReceipt
from store import deliveries, interventions, outbox
from store.deliveries import ClaimedCommand
from store.revisions import next_revision
from store.tables import metadata
from store.unit_of_work import Store

LEASE = 60.0
KEYS = st.sampled_from(["A", "B"])
KINDS = st.sampled_from(["make", "close"])
WORKERS = st.sampled_from(["w1", "w2", "w3"])
STEPS = ("save", "submit")


@dataclass
class Worker:
    """A worker's own memory; what it believes may be outdated."""

    claimed: ClaimedCommand
    token: str
    unanswered: str | None = None
    done: list[str] = field(default_factory=list)


class OutboxMachine(RuleBasedStateMachine):
    """Times move only by `time_passes`, so that every trace is reproducible."""

    def __init__(self, store: Store | None = None) -> None:
        super().__init__()
        self.store = _emptied(store or _shared_store())
        self.now = datetime(2026, 11, 2, tzinfo=UTC)
        self.workers: dict[str, Worker] = {}
        self.lives = 0
        self.effects: dict[str, list[str]] = defaultdict(list)  # command id → steps the target carried out
        self.order: dict[tuple[str, str], list[int]] = defaultdict(
            list
        )  # kind and key → revisions in the order they took effect
        self.decided: dict[tuple[str, str], int] = {}
        self.commands: dict[str, Command] = {}

    def teardown(self) -> None:
        self._calm_down()

    @rule(kind=KINDS, key=KEYS, quantity=st.integers(1, 3))
    def decide(self, kind: str, key: str, quantity: int) -> None:
        with self.store.begin() as tx:
            revision = next_revision(tx, "erp", kind, key, {"quantity": quantity})
            if revision is None:
                return
            wanted = Command(kind, "erp", "work_order", key, revision, {"quantity": quantity}, "rule:r", "e")
            outbox.enqueue(tx, [wanted], self.now)
            outbox.enqueue(tx, [wanted], self.now)
        assert revision == self.decided.get((kind, key), 0) + 1
        self.decided[(kind, key)] = revision
        self.commands[wanted.id] = wanted

    @rule(name=WORKERS)
    def claim(self, name: str) -> None:
        """A worker begins a new life (with a new token) and takes one command."""
        self.lives += 1
        token = f"{name}-{self.lives}"
        with self.store.begin() as tx:
            found = deliveries.claim(tx, token, self.now, lease_seconds=LEASE, limit=1, systems=["erp"])
        self.workers.pop(name, None)
        for claimed in found:
            assert self._unfinished_before(claimed.command.id) == []
            others = [w for w in self.workers.values() if self._holds(w)]
            assert claimed.command.business_key not in {w.claimed.command.business_key for w in others}
            self.workers[name] = Worker(claimed, token, done=list(claimed.receipts))
            unanswered = [step.step for step in claimed.steps if step.state == "intent"]
            assert claimed.in_doubt or not unanswered
            if unanswered:
                self.workers[name].unanswered = unanswered[0]

    def _unfinished_before(self, command_id: str) -> list[str]:
        with self.store.read() as tx:
            entries = outbox.entries(tx)
            steps = outbox.steps(tx, [entry.command.id for entry in entries])
        (mine,) = (entry for entry in entries if entry.command.id == command_id)
        return [
            entry.command.id
            for entry in entries
            if entry.command.business_key == mine.command.business_key
            and entry.position < mine.position
            and (
                entry.state in OPEN_STATES
                or (entry.state is State.PARKED and any(s.state == "intent" for s in steps.get(entry.command.id, ())))
            )
        ]

    def _holds(self, worker: Worker) -> bool:
        with self.store.read() as tx:
            entry = outbox.entry(tx, worker.claimed.command.id)
        return (
            entry is not None
            and entry.lease_owner == worker.token
            and entry.lease_until is not None
            and entry.lease_until > self.now
        )

    @precondition(lambda self: self.workers)
    @rule(index=st.integers(0, 2), arrives=st.booleans(), answered=st.booleans())
    def work(self, index: int, *, arrives: bool, answered: bool) -> None:
        """One worker does its next thing: look up, send a step, or finish."""
        name = sorted(self.workers)[index % len(self.workers)]
        worker = self.workers[name]
        held = self._holds(worker)
        going = self._advance(worker, arrives=arrives, answered=answered)
        assert going or not held or worker.claimed.command.id not in self.commands
        if not going:
            del self.workers[name]

    def _advance(self, worker: Worker, *, arrives: bool = True, answered: bool = True) -> bool:
        """False when the worker has to stop: it lost its lease, or its command is finished."""
        command, token = worker.claimed.command, worker.token
        if worker.unanswered is not None:
            return self._look_up(worker)
        missing = [step for step in STEPS if step not in worker.done]
        with self.store.begin() as tx:
            if not missing:
                finished = deliveries.finish(tx, command.id, token, State.APPLIED, self.now)
            elif not deliveries.record_intent(tx, command.id, token, missing[0], self.now):
                return False
        if not missing:
            if finished:
                del self.commands[command.id]
            return False
        worker.unanswered = missing[0]
        if arrives:
            self._take_effect(command, missing[0])
        if arrives and answered:
            return self._receipt(worker)
        return True

    def _take_effect(self, command: Command, step: str) -> None:
        self.effects[command.id].append(step)
        if step == STEPS[0]:
            self.order[(command.kind, command.business_key)].append(command.revision)

    def _receipt(self, worker: Worker) -> bool:
        step = worker.unanswered
        assert step is not None
        receipt = StepReceipt(step, "n", None, worker.claimed.command.business_key, self.now)
        with self.store.begin() as tx:
            if not deliveries.record_receipt(tx, worker.claimed.command.id, worker.token, receipt, self.now):
                return False
        worker.done.append(step)
        worker.unanswered = None
        return True

    def _look_up(self, worker: Worker) -> bool:
        step, command = worker.unanswered, worker.claimed.command
        assert step is not None
        if step in self.effects[command.id]:
            return self._receipt(worker)
        with self.store.begin() as tx:
            if not deliveries.void_intent(tx, command.id, worker.token, step, self.now):
                return False
        worker.unanswered = None
        return True

    @precondition(lambda self: self.workers)
    @rule(index=st.integers(0, 2), state=st.sampled_from([State.PENDING, State.AWAITING, State.IN_DOUBT]))
    def defer(self, index: int, state: State) -> None:
        name = sorted(self.workers)[index % len(self.workers)]
        worker = self.workers.pop(name)
        command_id = worker.claimed.command.id
        with self.store.begin() as tx:
            later = self.now + timedelta(seconds=30)
            held = deliveries.defer(tx, command_id, worker.token, state, self.now, not_before=later, error="later")
            entry = outbox.entry(tx, command_id)
        if held and worker.unanswered is not None:
            assert entry is not None
            assert entry.state is State.IN_DOUBT

    @precondition(lambda self: self.workers)
    @rule(index=st.integers(0, 2))
    def crash(self, index: int) -> None:
        """The worker is gone; its lease is not given back."""
        del self.workers[sorted(self.workers)[index % len(self.workers)]]

    @rule(seconds=st.sampled_from([10, 45, 90]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.commands)
    @rule(index=st.integers(0, 20), again=st.booleans())
    def park(self, index: int, *, again: bool) -> None:
        command_id = sorted(self.commands)[index % len(self.commands)]
        with self.store.begin() as tx:
            interventions.park(tx, command_id, "person:p", "stop", self.now)
            if again:
                interventions.retry(tx, command_id, "person:p", self.now)

    @invariant()
    def nothing_twice_and_in_order(self) -> None:
        for steps in self.effects.values():
            assert steps == list(STEPS[: len(steps)]), "a step was carried out twice or out of turn"
        for revisions in self.order.values():
            assert revisions == sorted(revisions), "an older revision came after a newer one"

    @invariant()
    def nothing_sent_is_dropped(self) -> None:
        with self.store.read() as tx:
            for entry in outbox.entries(tx, states=[State.SUPERSEDED]):
                steps = outbox.steps(tx, [entry.command.id]).get(entry.command.id, ())
                assert all(step.state != "intent" for step in steps)

    @invariant()
    def at_most_one_lease_for_each_key(self) -> None:
        with self.store.read() as tx:
            leased = [
                entry.command.business_key
                for entry in outbox.entries(tx)
                if entry.lease_until is not None and entry.lease_until > self.now
            ]
        assert len(leased) == len(set(leased))

    def _calm_down(self) -> None:
        """People retry what is parked, one worker delivers what is left: the target shows what was decided last."""
        self.workers.clear()
        with self.store.begin() as tx:
            for entry in outbox.entries(tx, states=[State.PARKED]):
                interventions.retry(tx, entry.command.id, "person:p", self.now)
        for turn in range(60):
            self.now += timedelta(seconds=120)
            with self.store.begin() as tx:
                found = deliveries.claim(tx, f"calm-{turn}", self.now, lease_seconds=LEASE, limit=9, systems=["erp"])
            if not found:
                break
            for claimed in found:
                worker = Worker(claimed, f"calm-{turn}", done=list(claimed.receipts))
                worker.unanswered = next((s.step for s in claimed.steps if s.state == "intent"), None)
                while self._advance(worker):
                    pass
        self.nothing_twice_and_in_order()
        with self.store.read() as tx:
            assert outbox.entries(tx, states=OPEN_STATES) == []
        assert {key: revisions[-1] for key, revisions in self.order.items()} == self.decided


_opened: list[Store] = []
_folder = tempfile.TemporaryDirectory()


def _shared_store() -> Store:
    """One database for all traces, emptied for each: creating files would take most of the time."""
    if not _opened:
        _opened.append(Store.open(f"sqlite:///{Path(_folder.name)}/hub.sqlite"))
        _opened[0].close()  # further connections do not wait for the disk: no trace cuts the power
        event.listen(_opened[0].engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA synchronous=OFF"))
    return _opened[0]


def _emptied(store: Store) -> Store:
    with store.begin() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(delete(table))
    return store


OutboxMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOutboxMachine = OutboxMachine.TestCase


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_outbox_machine__on_postgresql(postgres_database: str) -> None:
    store = Store.open(postgres_database)
    try:
        run_state_machine_as_test(lambda: OutboxMachine(store), settings=OutboxMachine.TestCase.settings)  # type: ignore[no-untyped-call]
    finally:
        store.close()
