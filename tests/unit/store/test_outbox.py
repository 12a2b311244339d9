from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from canonical.commands import Command, State, StepReceipt
from store import audit, deliveries, documents, interventions, outbox
from store.deliveries import ClaimedCommand
from store.documents import Document
from store.revisions import Desired, last_decided, next_revision, next_revisions
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
PERSON = "person:li.wei"


def command(key: str = "PO-1", revision: int = 1, **changes: Any) -> Command:
    given = Command(
        kind="order_production", system="erp", entity="work_order", business_key=key, revision=revision,
        body={"quantity": Decimal("12.50"), "item": "I-1", "note": None}, actor="rule:make", cause="event-1",
        sales_orders=("SO-1",), after=("erp/item/I-1",),
    )  # fmt: skip
    return replace(given, **changes)


def receipt(step: str = "save") -> StepReceipt:
    return StepReceipt(step, "1001", "MO0001", "PO-1", NOW, {"ok": True})


def enqueue(store: Store, *commands: Command, now: datetime = NOW) -> outbox.Enqueued:
    with store.begin() as tx:
        return outbox.enqueue(tx, commands, now)


def claim(
    store: Store, owner: str = "w1", now: datetime = NOW, limit: int = 100, systems: Sequence[str] = ("erp",)
) -> list[ClaimedCommand]:
    with store.begin() as tx:
        return deliveries.claim(tx, owner, now, lease_seconds=60, limit=limit, systems=systems)


def claimed_revisions(store: Store, now: datetime = NOW) -> list[tuple[str, int]]:
    return [(found.command.business_key, found.command.revision) for found in claim(store, "look", now)]


def send(store: Store, wanted: Command, step: str = "save", owner: str = "w1", now: datetime = NOW) -> bool:
    with store.begin() as tx:
        return deliveries.record_intent(tx, wanted.id, owner, step, now)


def state_of(store: Store, wanted: Command) -> State:
    with store.read() as tx:
        found = outbox.entry(tx, wanted.id)
    assert found is not None
    return found.state


def finish(store: Store, wanted: Command, state: State = State.APPLIED, owner: str = "w1") -> bool:
    with store.begin() as tx:
        return deliveries.finish(tx, wanted.id, owner, state, NOW)


def test_next_revision__content_goes_and_comes_back(either_store: Store) -> None:
    with either_store.begin() as tx:
        answers = [
            next_revision(tx, "erp", "order_production", "PO-1", {"quantity": Decimal(quantity)})
            for quantity in ("100", "100.0", "120", "100")
        ]
        assert last_decided(tx, "erp") == {("erp", "order_production", "PO-1"): {"quantity": "100"}}
    assert answers == [1, None, 2, 3]


def test_next_revisions__same_key_twice_in_one_call(either_store: Store) -> None:
    with either_store.begin() as tx:
        wanted = [
            Desired("erp", "buy", "A", {"q": 1}),
            Desired("erp", "buy", "A", {"q": 2}),
            Desired("erp", "buy", "B", {}),
        ]
        assert next_revisions(tx, wanted) == [1, 2, 1]
        assert next_revisions(tx, wanted) == [3, 4, None]


def test_enqueue__again_changes_nothing(either_store: Store) -> None:
    first = enqueue(either_store, command())
    assert first.added == (command().id,)
    assert enqueue(either_store, command(), now=LATER) == outbox.Enqueued((), (), ())
    with either_store.read() as tx:
        (found,) = outbox.entries(tx)
    assert found.created_at == NOW
    assert found.command == replace(command(), body={"quantity": "12.5", "item": "I-1", "note": None})


def test_enqueue__newer_revision_supersedes_undelivered(either_store: Store) -> None:
    enqueue(either_store, command(revision=1))
    assert enqueue(either_store, command(revision=2)).superseded == (command(revision=1).id,)
    assert claimed_revisions(either_store) == [("PO-1", 2)]


def test_enqueue__several_revisions_at_once(either_store: Store) -> None:
    enqueue(either_store, command(revision=2), command(revision=1))
    assert state_of(either_store, command(revision=1)) is State.SUPERSEDED
    assert claimed_revisions(either_store) == [("PO-1", 2)]


def test_enqueue__late_older_revision_is_superseded_at_once(either_store: Store) -> None:
    enqueue(either_store, command(revision=2))
    enqueue(either_store, command(revision=1))
    assert state_of(either_store, command(revision=1)) is State.SUPERSEDED
    assert state_of(either_store, command(revision=2)) is State.PENDING


def test_enqueue__worker_of_superseded_command_must_stop(either_store: Store) -> None:
    enqueue(either_store, command(revision=1))
    claim(either_store)
    enqueue(either_store, command(revision=2))
    assert not send(either_store, command(revision=1))


def test_enqueue__step_under_way_is_settled_first(either_store: Store) -> None:
    enqueue(either_store, command(revision=1))
    claim(either_store)
    assert send(either_store, command(revision=1))
    assert enqueue(either_store, command(revision=2)).superseded == ()
    assert claimed_revisions(either_store) == []
    with either_store.begin() as tx:
        assert outbox.blocked_by(tx, command(revision=2).id) == command(revision=1).id
        assert deliveries.record_receipt(tx, command(revision=1).id, "w1", receipt(), NOW)
        assert deliveries.finish(tx, command(revision=1).id, "w1", State.APPLIED, NOW)
        assert outbox.blocked_by(tx, command(revision=2).id) is None
    assert claimed_revisions(either_store) == [("PO-1", 2)]


def test_enqueue__held_waits_for_approval(either_store: Store) -> None:
    with either_store.begin() as tx:
        outbox.enqueue(tx, [command()], NOW, held={command().id: "approval"})
    assert claimed_revisions(either_store) == []
    with either_store.begin() as tx:
        assert interventions.release(tx, "erp", PERSON, NOW) == 0
        assert interventions.approve(tx, [command().id], PERSON, NOW) == [command().id]
        assert interventions.approve(tx, [command().id], PERSON, NOW) == []
    assert claimed_revisions(either_store) == [("PO-1", 1)]
    with either_store.read() as tx:
        (entry,) = outbox.entries(tx)
        assert entry.approved_by == PERSON
        assert [row.action for row in audit.listed(tx)] == ["command approved"]


def test_release__connection_goes_live(either_store: Store) -> None:
    with either_store.begin() as tx:
        outbox.enqueue(tx, [command()], NOW, held={command().id: "connection"})
        assert interventions.release(tx, "erp", PERSON, NOW) == 1
    assert state_of(either_store, command()) is State.PENDING


def test_hold__leased_command_is_not_touched(either_store: Store) -> None:
    enqueue(either_store, command("A"), command("B"))
    claim(either_store, limit=1)
    with either_store.begin() as tx:
        assert interventions.hold(tx, [command("A").id, command("B").id], "approval", NOW) == 1
    assert state_of(either_store, command("B")) is State.HELD


def test_claim__one_for_each_key_in_order(either_store: Store) -> None:
    first, second = command(kind="order_production"), command(kind="close_production")
    enqueue(either_store, first)
    enqueue(either_store, second)
    assert [found.command.kind for found in claim(either_store)] == ["order_production"]
    assert finish(either_store, first)
    assert [found.command.kind for found in claim(either_store)] == ["close_production"]


def test_claim__only_named_systems_and_due_commands(either_store: Store) -> None:
    enqueue(either_store, command("A"), command("B", system="mes"))
    assert [found.command.system for found in claim(either_store, systems=["mes"])] == ["mes"]
    with either_store.begin() as tx:
        assert deliveries.defer(
            tx, command("B", system="mes").id, "w1", State.PENDING, NOW, not_before=LATER, error="503"
        )
    assert claim(either_store, systems=["mes"]) == []
    (again,) = claim(either_store, systems=["mes"], now=LATER)
    assert again.attempts == 2
    assert claim(either_store, systems=[]) == []


def test_claim__expired_lease_is_taken_over_in_doubt(either_store: Store) -> None:
    enqueue(either_store, command())
    claim(either_store)
    assert send(either_store, command())
    assert claim(either_store, "w2") == []
    (taken,) = claim(either_store, "w2", now=LATER)
    assert taken.in_doubt
    assert [(step.step, step.state) for step in taken.steps] == [("save", "intent")]
    with either_store.begin() as tx:
        assert not deliveries.renew(tx, command().id, "w1", LATER, 60)
        assert not deliveries.record_receipt(tx, command().id, "w1", receipt(), LATER)
        assert not deliveries.void_intent(tx, command().id, "w1", "save", LATER)
        assert not deliveries.finish(tx, command().id, "w1", State.APPLIED, LATER)
        assert not deliveries.defer(tx, command().id, "w1", State.PENDING, LATER, not_before=LATER, error="")
        assert deliveries.renew(tx, command().id, "w2", LATER, 60)


def test_claim__doubt_that_was_answered_is_none(either_store: Store) -> None:
    """The worker that looked in vain died before it sent the step again; whoever comes next may send it."""
    enqueue(either_store, command())
    claim(either_store)
    assert send(either_store, command())
    claim(either_store, "w2", now=LATER)
    with either_store.begin() as tx:
        assert deliveries.void_intent(tx, command().id, "w2", "save", LATER)
        assert deliveries.end_leases(tx, ["w2"], LATER) == 1
    (taken,) = claim(either_store, "w3", now=LATER)
    assert not taken.in_doubt


def test_claim__carries_receipts_of_earlier_steps(either_store: Store) -> None:
    enqueue(either_store, command())
    claim(either_store)
    send(either_store, command(), "save")
    with either_store.begin() as tx:
        deliveries.record_receipt(tx, command().id, "w1", receipt("save"), NOW)
    (taken,) = claim(either_store, "w2", now=LATER)
    assert not taken.in_doubt
    assert taken.receipts == {"save": receipt("save")}


def test_claim__same_key_stays_single_after_retry_of_older(either_store: Store) -> None:
    older, newer = command(kind="order_production"), command(kind="close_production")
    enqueue(either_store, older)
    claim(either_store)
    assert finish(either_store, older, State.PARKED)
    enqueue(either_store, newer)
    claim(either_store)
    with either_store.begin() as tx:
        assert interventions.retry(tx, older.id, PERSON, NOW) is State.PENDING
    assert claim(either_store, "w2") == []


def test_record_intent__unanswered_step_is_not_sent_again(either_store: Store) -> None:
    enqueue(either_store, command())
    claim(either_store)
    send(either_store, command())
    with pytest.raises(ValueError, match="look it up"):
        send(either_store, command())
    with either_store.begin() as tx:
        assert deliveries.void_intent(tx, command().id, "w1", "save", NOW)
    assert send(either_store, command(), now=LATER)
    with either_store.read() as tx:
        found = outbox.steps(tx, [command().id])[command().id]
    assert [(step.attempt, step.state) for step in found] == [(1, "void"), (2, "intent")]


def test_record_receipt__found_without_intent(either_store: Store) -> None:
    enqueue(either_store, command())
    claim(either_store)
    with either_store.begin() as tx:
        assert deliveries.record_receipt(tx, command().id, "w1", receipt(), NOW)
        assert deliveries.finish(tx, command().id, "w1", State.UNCHANGED, NOW)
    with either_store.read() as tx:
        (step,) = outbox.steps(tx, [command().id])[command().id]
    assert (step.state, step.receipt) == ("done", receipt())


def test_finish__unanswered_step_is_refused(either_store: Store) -> None:
    enqueue(either_store, command())
    claim(either_store)
    send(either_store, command())
    with pytest.raises(ValueError, match="unanswered"):
        finish(either_store, command())
    assert state_of(either_store, command()) is State.PENDING
    with pytest.raises(ValueError, match="defer"):
        finish(either_store, command(), State.PENDING)


def test_defer__unanswered_step_stays_in_doubt(either_store: Store) -> None:
    enqueue(either_store, command())
    claim(either_store)
    send(either_store, command())
    with either_store.begin() as tx:
        assert deliveries.defer(tx, command().id, "w1", State.PENDING, NOW, not_before=LATER, error="timeout")
    assert state_of(either_store, command()) is State.IN_DOUBT


def test_defer__awaiting_uses_no_attempt(either_store: Store) -> None:
    enqueue(either_store, command())
    for round_ in range(3):
        (found,) = claim(either_store, now=NOW + timedelta(minutes=round_))
        assert found.attempts == 1
        with either_store.begin() as tx:
            deliveries.defer(
                tx, command().id, "w1", State.AWAITING, NOW, not_before=NOW, error="item I-1 is not mapped"
            )
    assert state_of(either_store, command()) is State.AWAITING


def test_park__parked_in_doubt_makes_the_next_await(either_store: Store) -> None:
    enqueue(either_store, command(revision=1))
    claim(either_store)
    send(either_store, command(revision=1))
    with either_store.begin() as tx:
        assert interventions.park(tx, command(revision=1).id, PERSON, "ask the ERP team", NOW)
    assert not send(either_store, command(revision=1), "submit")
    enqueue(either_store, command(revision=2))
    assert claimed_revisions(either_store) == []
    assert state_of(either_store, command(revision=2)) is State.AWAITING
    with either_store.begin() as tx:
        assert interventions.resolve(tx, command(revision=1).id, PERSON, State.APPLIED, NOW, note="it is there")
    assert claimed_revisions(either_store) == [("PO-1", 2)]
    with either_store.read() as tx:
        (step,) = outbox.steps(tx, [command(revision=1).id])[command(revision=1).id]
        assert step.state == "done"
        assert [row.action for row in audit.listed(tx)] == ["command resolved", "command parked"]


def test_enqueue__what_replaces_a_command_that_nobody_approved_waits_for_approval_too(either_store: Store) -> None:
    """Else a great change would go out with the small one that came after it."""
    with either_store.begin() as tx:
        outbox.enqueue(tx, [command()], NOW, held={command().id: "approval"})
    made = enqueue(either_store, command(revision=2))
    assert (made.superseded, made.held) == ((command().id,), (command(revision=2).id,))
    assert claimed_revisions(either_store) == []
    with either_store.begin() as tx:
        assert interventions.approve(tx, [command(revision=2).id], PERSON, NOW) == [command(revision=2).id]
    assert enqueue(either_store, command(revision=3)).held == ()
    assert claimed_revisions(either_store) == [("PO-1", 3)]


def test_finish__parked_in_doubt_tells_those_that_wait_behind_it(either_store: Store) -> None:
    enqueue(either_store, command(revision=1))
    claim(either_store)
    send(either_store, command(revision=1))
    enqueue(either_store, command(revision=2))
    assert state_of(either_store, command(revision=2)) is State.PENDING
    assert finish(either_store, command(revision=1), State.PARKED)
    with either_store.read() as tx:
        waiting = outbox.entry(tx, command(revision=2).id)
    assert waiting is not None
    assert waiting.state is State.AWAITING
    assert f"command {command(revision=1).id} for the same document is parked" in str(waiting.last_error)


def test_park__clean_parked_command_blocks_nobody(either_store: Store) -> None:
    enqueue(either_store, command(revision=1))
    claim(either_store)
    assert finish(either_store, command(revision=1), State.PARKED)
    enqueue(either_store, command("PO-1", kind="close_production"))
    assert claimed_revisions(either_store) == [("PO-1", 1)]
    assert enqueue(either_store, command(revision=2)).superseded == (command(revision=1).id,)


def test_park__ended_command_is_left_alone(either_store: Store) -> None:
    enqueue(either_store, command())
    claim(either_store)
    finish(either_store, command())
    with either_store.begin() as tx:
        assert not interventions.park(tx, command().id, PERSON, "too late", NOW)
        assert not interventions.resolve(tx, command().id, PERSON, State.REJECTED, NOW, note="no")
        assert interventions.retry(tx, command().id, PERSON, NOW) is None
        assert interventions.retry(tx, "no such command", PERSON, NOW) is None
        assert audit.listed(tx) == []


def test_retry__in_doubt_is_looked_up_first(either_store: Store) -> None:
    enqueue(either_store, command())
    claim(either_store)
    send(either_store, command())
    finish(either_store, command(), State.PARKED)
    with either_store.begin() as tx:
        assert interventions.retry(tx, command().id, PERSON, NOW) is State.IN_DOUBT
    (again,) = claim(either_store)
    assert (again.in_doubt, again.attempts) == (True, 1)


def test_retry__outdated_revision_is_superseded(either_store: Store) -> None:
    enqueue(either_store, command(revision=1))
    claim(either_store)
    finish(either_store, command(revision=1), State.REJECTED)
    enqueue(either_store, command(revision=2))
    with either_store.begin() as tx:
        assert interventions.retry(tx, command(revision=1).id, PERSON, NOW) is State.SUPERSEDED


def test_resolve__rejected_voids_the_step(either_store: Store) -> None:
    enqueue(either_store, command())
    claim(either_store)
    send(either_store, command())
    with either_store.begin() as tx:
        assert interventions.resolve(tx, command().id, PERSON, State.REJECTED, NOW, note="never arrived")
        (step,) = outbox.steps(tx, [command().id])[command().id]
        assert step.state == "void"
        with pytest.raises(ValueError, match="resolves nothing"):
            interventions.resolve(tx, command().id, PERSON, State.PENDING, NOW, note="")


def test_entries__filters(either_store: Store) -> None:
    enqueue(either_store, command("A"), command("B", sales_orders=("SO-2", 'SO-"3%'), system="mes"))
    with either_store.read() as tx:
        assert [e.command.business_key for e in outbox.entries(tx, sales_order="SO-1")] == ["A"]
        assert [e.command.business_key for e in outbox.entries(tx, sales_order='SO-"3%')] == ["B"]
        assert outbox.entries(tx, sales_order="SO") == []
        assert [e.command.business_key for e in outbox.entries(tx, systems=["mes"], states=[State.PENDING])] == ["B"]
        assert len(outbox.entries(tx, entity="work_order", limit=1)) == 1
        assert outbox.counts(tx) == {("erp", State.PENDING): 1, ("mes", State.PENDING): 1}
        assert outbox.entry(tx, "none") is None


def apply(store: Store, wanted: Command, at: datetime) -> None:
    claim(store, now=at)
    document = Document(
        "erp", "work_order", wanted.business_key, f"n-{wanted.business_key}", None, wanted.revision, {}, "created", at
    )
    with store.begin() as tx:
        assert documents.record(tx, [document]) == []
        assert deliveries.finish(tx, wanted.id, "w1", State.APPLIED, at)


def in_flight(store: Store) -> list[tuple[str, int]]:
    with store.read() as tx:
        return [(entry.command.business_key, entry.command.revision) for entry in outbox.in_flight(tx)]


def test_in_flight__until_a_pull_shows_it(either_store: Store) -> None:
    enqueue(either_store, command())
    assert in_flight(either_store) == [("PO-1", 1)]
    apply(either_store, command(), NOW)
    assert in_flight(either_store) == [("PO-1", 1)]
    with either_store.begin() as tx:
        documents.mark_seen(tx, "erp", "work_order", ["PO-1"], NOW - timedelta(seconds=1))
    assert in_flight(either_store) == [("PO-1", 1)]
    with either_store.begin() as tx:
        documents.mark_seen(tx, "erp", "work_order", ["PO-1"], LATER)
    assert in_flight(either_store) == []


def test_in_flight__newest_of_each_document(either_store: Store) -> None:
    enqueue(either_store, command(revision=1))
    apply(either_store, command(revision=1), NOW)
    enqueue(either_store, command(revision=2))
    assert in_flight(either_store) == [("PO-1", 2)]
    claim(either_store)
    finish(either_store, command(revision=2), State.REJECTED)
    assert in_flight(either_store) == [("PO-1", 1)]


def test_claim__parallel_workers_share_without_overlap(either_store: Store) -> None:
    enqueue(either_store, *(command(f"PO-{number}") for number in range(60)))
    taken: list[str] = []

    def work(owner: str) -> None:
        while batch := claim(either_store, owner, limit=5):
            taken.extend(found.command.business_key for found in batch)

    workers = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(taken) == sorted(f"PO-{number}" for number in range(60))


def test_claim__locked_rows_are_skipped(postgres_database: str) -> None:
    store = Store.open(postgres_database)
    enqueue(store, command("A"), command("B"))
    with store.begin() as one, store.begin() as two:
        options: dict[str, Any] = {"lease_seconds": 60, "limit": 1, "systems": ["erp"]}
        first = deliveries.claim(one, "w1", NOW, **options)
        second = deliveries.claim(two, "w2", NOW, **options)
    assert [found.command.business_key for found in (*first, *second)] == ["A", "B"]
    store.close()


def test_enqueue__waits_for_a_step_that_begins_meanwhile(postgres_database: str) -> None:
    """A step whose intent commits while the newer revision is being enqueued is not dropped."""
    store = Store.open(postgres_database)
    enqueue(store, command(revision=1))
    claim(store)
    results: list[outbox.Enqueued] = []
    newer = threading.Thread(target=lambda: results.append(enqueue(store, command(revision=2))))
    with store.begin() as tx:
        assert deliveries.record_intent(tx, command(revision=1).id, "w1", "save", NOW)
        newer.start()
        time.sleep(0.2)
        assert results == []
    newer.join()
    assert results[0].superseded == ()
    store.close()


def test_enqueue__ten_thousand_commands_are_quick(store: Store) -> None:
    commands = [command(f"PO-{number}") for number in range(10_000)]
    wanted = [Desired(one.system, one.kind, one.business_key, one.body) for one in commands]
    began = time.process_time()
    with store.begin() as tx:
        next_revisions(tx, wanted)
        outbox.enqueue(tx, commands, NOW)
    enqueued = time.process_time() - began
    began = time.process_time()
    assert len(claim(store, limit=100)) == 100
    assert len(in_flight(store)) == 10_000
    read = time.process_time() - began
    assert enqueued < 5  # seconds of processor time; about one
    assert read < 5
