"""Many commands in one statement: the same promises as one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from canonical.commands import Command, State, StepReceipt
from store import deliveries, due_commands, outbox
from store.deliveries import Deferral
from store.due_commands import Outlook
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, tzinfo=UTC)
LATER = datetime(2026, 11, 2, 1, tzinfo=UTC)
COMMANDS = [Command("make", "erp", "work_order", f"K{number}", 1, {}, "rule:r", "e1") for number in range(4)]
IDS = [command.id for command in COMMANDS]


def _receipt(step: str = "save") -> StepReceipt:
    return StepReceipt(step, "7", "N7", "K", NOW)


@pytest.fixture
def shared(either_store: Store) -> Store:
    """Two commands held by w1, two by w2."""
    with either_store.begin() as tx:
        outbox.enqueue(tx, COMMANDS, NOW)
        for owner in ("w1", "w2"):
            deliveries.claim(tx, owner, NOW, lease_seconds=60, limit=2, systems=["erp"])
    return either_store


def test_record_intents__only_what_is_held_and_the_lease_runs_anew(shared: Store) -> None:
    with shared.begin() as tx:
        held = deliveries.record_intents(tx, [(one, "save") for one in IDS], "w1", LATER, lease_seconds=60)
        assert held == frozenset(IDS[:2])
        assert set(outbox.steps(tx, IDS)) == held
        entry = outbox.entry(tx, IDS[0])
        assert entry
        assert entry.lease_until
        assert (entry.lease_until - LATER).total_seconds() == 60


def test_record_intents__an_unanswered_step_is_never_sent_again(shared: Store) -> None:
    with shared.begin() as tx:
        deliveries.record_intents(tx, [(IDS[0], "save")], "w1", NOW, lease_seconds=60)
    with pytest.raises(ValueError, match="unanswered"), shared.begin() as tx:
        deliveries.record_intents(tx, [(one, "save") for one in IDS[:2]], "w1", NOW, lease_seconds=60)


def test_record_receipts__settle_what_was_sent_and_note_what_was_found(shared: Store) -> None:
    with shared.begin() as tx:
        deliveries.record_intents(tx, [(IDS[0], "save")], "w1", NOW, lease_seconds=60)
        held = deliveries.record_receipts(tx, [(one, _receipt()) for one in IDS], "w1", LATER)
        found = outbox.steps(tx, IDS)
    assert held == frozenset(IDS[:2]) == frozenset(found)
    assert [(record.attempt, record.state) for one in IDS[:2] for record in found[one]] == [(1, "done")] * 2
    assert found[IDS[0]][0].sent_at == NOW
    assert found[IDS[0]][0].receipt == _receipt()


def test_void_intents__next_attempt_counts_on(shared: Store) -> None:
    with shared.begin() as tx:
        deliveries.record_intents(tx, [(one, "save") for one in IDS[:2]], "w1", NOW, lease_seconds=60)
        assert deliveries.void_intents(tx, [(one, "save") for one in IDS], "w1", LATER) == frozenset(IDS[:2])
        deliveries.record_intents(tx, [(IDS[0], "save")], "w1", LATER, lease_seconds=60)
        found = outbox.steps(tx, IDS)
    assert [record.state for record in found[IDS[0]]] == ["void", "intent"]
    assert [record.attempt for record in found[IDS[0]]] == [1, 2]
    assert [record.state for record in found[IDS[1]]] == ["void"]


def test_finish_all__each_as_said_and_only_what_is_held(shared: Store) -> None:
    endings = [(IDS[0], State.APPLIED, None), (IDS[1], State.REJECTED, "no"), (IDS[2], State.APPLIED, None)]
    with shared.begin() as tx:
        assert deliveries.finish_all(tx, endings, "w1", NOW) == frozenset(IDS[:2])
        entries = {entry.command.id: entry for entry in outbox.entries(tx)}
    assert [entries[one].state for one in IDS[:3]] == [State.APPLIED, State.REJECTED, State.PENDING]
    assert entries[IDS[1]].last_error == "no"
    assert entries[IDS[0]].lease_owner is None


def test_finish_all__nothing_unanswered_is_ended(shared: Store) -> None:
    with shared.begin() as tx:
        deliveries.record_intents(tx, [(IDS[1], "save")], "w1", NOW, lease_seconds=60)
    with pytest.raises(ValueError, match="unanswered"), shared.begin() as tx:
        deliveries.finish_all(tx, [(one, State.APPLIED, None) for one in IDS[:2]], "w1", NOW)
    with shared.begin() as tx:
        assert deliveries.finish_all(tx, [(IDS[1], State.PARKED, "doubt")], "w1", NOW) == frozenset(IDS[1:2])


def test_defer_all__each_as_said_and_only_what_is_held(shared: Store) -> None:
    with shared.begin() as tx:
        deliveries.record_intents(tx, [(IDS[0], "save")], "w1", NOW, lease_seconds=60)
        wanted = [Deferral(one, State.AWAITING, LATER, f"waits for {one}") for one in IDS]
        deliveries.defer_all(tx, wanted, "w1", NOW)
        found = [outbox.entry(tx, one) for one in IDS]
    entries = [entry for entry in found if entry]
    assert [entry.state for entry in entries] == [State.IN_DOUBT, State.AWAITING, State.PENDING, State.PENDING]
    assert [entry.last_error for entry in entries] == [*(f"waits for {one}" for one in IDS[:2]), None, None]
    assert [entry.lease_owner for entry in entries] == [None, None, "w2", "w2"]
    assert [entry.attempts for entry in entries] == [0, 0, 1, 1]


def test_outlook__what_is_due_what_is_leased_and_what_only_waits(shared: Store) -> None:
    with shared.begin() as tx:
        assert not due_commands.due(tx, NOW, "erp")
        leased = due_commands.outlook(tx, NOW, "erp")
        for owner, ids in (("w1", IDS[:2]), ("w2", IDS[2:])):
            deliveries.defer_all(tx, [Deferral(one, State.AWAITING, LATER, "waits") for one in ids], owner, NOW)
        waiting = due_commands.outlook(tx, NOW, "erp")
        assert due_commands.wake(tx, NOW, ids=IDS[:1]) == 1
        due = due_commands.outlook(tx, NOW, "erp")
        assert due_commands.due(tx, NOW, "erp")
        assert due_commands.wake(tx, NOW, systems=["erp"]) == 3
        assert due_commands.outlook(tx, NOW, "mes") == Outlook(0, None, timed=False)
    assert leased == Outlook(4, NOW + timedelta(seconds=60), timed=True)
    assert waiting == Outlook(4, LATER, timed=False)
    assert due == Outlook(4, NOW, timed=False)


def test_outlook__a_later_command_of_the_same_key_is_not_due(either_store: Store) -> None:
    later = Command("close", "erp", "work_order", "K0", 1, {}, "rule:r", "e1")
    with either_store.begin() as tx:
        outbox.enqueue(tx, [COMMANDS[0], later], NOW)
        deliveries.claim(tx, "w1", NOW, lease_seconds=60, limit=2, systems=["erp"])
        assert not due_commands.due(tx, NOW, "erp")
        assert due_commands.outlook(tx, NOW, "erp") == Outlook(2, NOW + timedelta(seconds=60), timed=True)


def test_renew_all__only_what_is_held(shared: Store) -> None:
    with shared.begin() as tx:
        assert deliveries.renew_all(tx, IDS, "w1", LATER, 60) == frozenset(IDS[:2])
        ends = [entry.lease_until for one in IDS if (entry := outbox.entry(tx, one))]
    assert ends == [LATER + timedelta(seconds=60)] * 2 + [NOW + timedelta(seconds=60)] * 2


def test_exchange__what_was_answered_and_what_goes_out_next_stand_together(shared: Store) -> None:
    with shared.begin() as tx:
        deliveries.record_intents(tx, [(one, "save") for one in IDS[:2]], "w1", NOW, lease_seconds=60)
    with shared.begin() as tx:
        held = deliveries.exchange(
            tx, "w1", LATER,
            receipts=[(IDS[0], _receipt()), (IDS[2], _receipt())], voids=[(IDS[1], "save")],
            intents=[(IDS[0], "submit"), (IDS[3], "submit")], lease_seconds=60,
        )  # fmt: skip
        found = outbox.steps(tx, IDS)
    assert held == frozenset(IDS[:2]), "the others are another's"
    assert [(record.step, record.state) for record in found[IDS[0]]] == [("save", "done"), ("submit", "intent")]
    assert [(record.step, record.state) for record in found[IDS[1]]] == [("save", "void")]
    assert set(found) == held


def test_exchange__a_step_that_may_not_go_out_takes_the_answers_back_too(shared: Store) -> None:
    with shared.begin() as tx:
        deliveries.record_intents(tx, [(IDS[0], "save"), (IDS[1], "save")], "w1", NOW, lease_seconds=60)
    answer = [(IDS[0], _receipt())]
    with pytest.raises(ValueError, match="unanswered"), shared.begin() as tx:
        deliveries.exchange(tx, "w1", LATER, receipts=answer, intents=[(IDS[1], "save")], lease_seconds=60)
    with shared.read() as tx:
        assert [record.state for record in outbox.steps(tx, IDS)[IDS[0]]] == ["intent"]


def test_due_next__now_later_or_never(shared: Store) -> None:
    with shared.begin() as tx:
        assert due_commands.due_next(tx, NOW, "erp") == NOW + timedelta(seconds=60), "when the leases end"
        assert not due_commands.due(tx, NOW, "erp")
        assert due_commands.due_next(tx, LATER, "erp") == LATER
        assert due_commands.due(tx, LATER, "erp")
        assert due_commands.due_next(tx, NOW, "mes") is None
