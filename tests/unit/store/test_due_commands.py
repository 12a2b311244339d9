"""What is due is claimed as it was read, unless others, a person or a brake came between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from canonical.actors import Actor
from canonical.commands import Command, State, StepReceipt
from store import connections, deliveries, documents, due_commands, interventions, outbox
from store.connections import ConnectionState
from store.documents import Document
from store.due_commands import Part
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
COMMANDS = [Command("make", "erp", "work_order", f"K{number}", 1, {"n": number}, "rule:r", "e1") for number in range(3)]
IDS = [command.id for command in COMMANDS]


@pytest.fixture
def store(either_store: Store) -> Store:
    with either_store.begin() as tx:
        outbox.enqueue(tx, COMMANDS, NOW)
    return either_store


def _claimed(store: Store, owner: str, among: list[Command], now: datetime = NOW) -> list[deliveries.ClaimedCommand]:
    with store.begin() as tx:
        return deliveries.claim(tx, owner, now, lease_seconds=60, limit=9, systems=["erp"], among=among)


def _due(store: Store, now: datetime = NOW) -> list[Command]:
    with store.read() as tx:
        return due_commands.due(tx, now, "erp", 9)


def test_due__of_a_part_of_the_entities_and_of_all_others(store: Store) -> None:
    other = Command("ask", "erp", "purchase_request", "P0", 1, {}, "rule:r", "e1")
    with store.begin() as tx:
        outbox.enqueue(tx, [other], NOW)
    named = frozenset({"work_order"})
    parts = {name: Part(named, others=others) for name, others in (("named", False), ("others", True))}
    with store.read() as tx:
        found = {name: due_commands.due(tx, NOW, "erp", 9, part) for name, part in parts.items()}
        assert found == {"named": COMMANDS, "others": [other]}
        assert due_commands.due(tx, NOW, "erp", 9, Part(others=False)) == []
        assert due_commands.due(tx, NOW, "erp", 9) == [*COMMANDS, other]
    _claimed(store, "w1", COMMANDS)
    with store.read() as tx:
        moments = {name: due_commands.due_next(tx, NOW, "erp", part) for name, part in parts.items()}
    assert moments == {"named": NOW + timedelta(seconds=60), "others": NOW}


def test_claim__what_was_read_and_nothing_else(store: Store) -> None:
    first = _due(store)[:2]
    claimed = _claimed(store, "w1", first)
    assert [one.command for one in claimed] == first == COMMANDS[:2], "in order, as they were read"
    assert [one.attempts for one in claimed] == [1, 1]
    assert [one.command for one in _claimed(store, "w2", COMMANDS)] == COMMANDS[2:], "the others are taken"
    assert _claimed(store, "w3", COMMANDS) == []


def test_claim__an_earlier_command_brought_back_meanwhile_goes_first(store: Store) -> None:
    second = Command("close", "erp", "work_order", "K0", 1, {}, "rule:r", "e1")
    with store.begin() as tx:
        outbox.enqueue(tx, [second], NOW)
        assert interventions.park(tx, IDS[0], Actor("person", "p"), "wait", NOW)
    read = [one for one in _due(store) if one.business_key == "K0"]
    assert read == [second]
    with store.begin() as tx:
        assert interventions.retry(tx, IDS[0], Actor("person", "p"), NOW) is State.PENDING
    assert _claimed(store, "w1", read) == []


@pytest.mark.parametrize("brake", [ConnectionState.PAUSED, ConnectionState.SHADOW])
def test_claim__a_brake_holds_what_was_read_before(store: Store, brake: ConnectionState) -> None:
    read = _due(store)
    with store.begin() as tx:
        connections.set_state(tx, "erp", brake, "person:p", NOW)
    assert _claimed(store, "w1", read) == []
    assert _due(store) == []
    with store.begin() as tx:
        assert deliveries.claim(tx, "w1", NOW, lease_seconds=60, limit=9, systems=["erp"]) == []
        assert due_commands.due_next(tx, NOW, "erp") is None, "time brings nothing on"
        connections.set_state(tx, "erp", ConnectionState.LIVE, "person:p", NOW)
    assert len(_claimed(store, "w1", read)) == 3


def test_claim__says_what_stands_and_what_was_begun(store: Store) -> None:
    with store.begin() as tx:
        documents.record(tx, [Document("erp", "work_order", "K1", "7", "N7", 1, None, "adopted", NOW)])
        documents.record(tx, [Document("mes", "work_order", "K2", "8", "N8", 1, None, "adopted", NOW)])
        documents.record(tx, [Document("erp", "shipment", "K0", "9", "N9", 1, None, "adopted", NOW)])
    assert [one.stands for one in _claimed(store, "w1", _due(store))] == [False, True, False]
    with store.begin() as tx:
        deliveries.record_intents(tx, [(IDS[2], "save")], "w1", NOW, lease_seconds=60)
    again = _claimed(store, "w2", _due(store, LATER), LATER)
    assert [(len(one.steps), one.in_doubt) for one in again] == [(0, False), (0, False), (1, True)]


def test_begin_steps__counts_on_and_waits_no_longer(store: Store) -> None:
    with store.begin() as tx:
        deliveries.claim(tx, "w1", NOW, lease_seconds=60, limit=1, systems=["erp"])
        deliveries.record_intents(tx, [(IDS[0], "save")], "w1", NOW, lease_seconds=60)
        deliveries.void_intents(tx, [(IDS[0], "save")], "w1", NOW)
        deliveries.defer(tx, IDS[0], "w1", State.AWAITING, NOW, not_before=NOW, error="waits")
    with store.begin() as tx:
        claimed = deliveries.claim(tx, "w2", LATER, lease_seconds=60, limit=1, systems=["erp"], among=COMMANDS[:1])
        assert [one.awaits for one in claimed] == [True]
        deliveries.begin_steps(tx, claimed, [(IDS[0], "save")], deliveries.known(claimed), LATER)
        entry = outbox.entry(tx, IDS[0])
        assert entry
        assert entry.state is State.PENDING
        assert [(one.attempt, one.state) for one in outbox.steps(tx, IDS)[IDS[0]]] == [(1, "void"), (2, "intent")]


def test_exchange__ends_with_the_last_answer_what_is_still_held(store: Store) -> None:
    claimed = _claimed(store, "w1", COMMANDS[:2])
    _claimed(store, "w2", COMMANDS[2:])
    receipt = StepReceipt("save", "7", "N7", "K", NOW)
    with store.begin() as tx:
        known = deliveries.known(claimed)
        deliveries.begin_steps(tx, claimed, [(one, "save") for one in IDS[:2]], known, NOW)
        ours = deliveries.exchange(
            tx, "w1", LATER, receipts=[(one, receipt) for one in (IDS[0], IDS[2])],
            endings=[(one, State.APPLIED, None) for one in (IDS[0], IDS[2])], lease_seconds=60, known=known,
        )  # fmt: skip
        assert ours == {IDS[0]}
        assert {key: [one.state for one in found] for key, found in outbox.steps(tx, IDS).items()} == {
            IDS[0]: ["done"], IDS[1]: ["intent"],
        }  # fmt: skip
        with pytest.raises(ValueError, match="unanswered"):
            deliveries.exchange(tx, "w1", LATER, endings=[(IDS[1], State.APPLIED, None)], lease_seconds=60, known=known)
