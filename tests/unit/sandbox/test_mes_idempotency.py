"""Idempotency keys of the simulated MES."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sandbox.common.state import SystemState
from sandbox.mes.documents import Documents
from sandbox.mes.idempotency import Idempotency, Outcome, fingerprint
from sandbox.mes.problems import Problem
from sandbox.mes.seeding import create_tables

ASKED = fingerprint("POST", "/v1/tasks", b'{"a": 1, "b": 2}')


@pytest.fixture
def state(tmp_path: Path) -> SystemState:
    state = SystemState("mes", tmp_path / "mes.db", 7, 1, {})
    create_tables(state.db)
    return state


def insert(documents: Documents) -> Outcome:
    document = documents.insert("tasks", {"id": "t1", "external_ref": "R1"})
    return Outcome(201, document.body, document.etag)


def test_fingerprint__ignores_how_json_is_written_but_not_what_it_says() -> None:
    assert fingerprint("POST", "/v1/tasks", b'{"b":2,"a":1}') == ASKED
    assert fingerprint("POST", "/v1/tasks", b'{"b":2,"a":2}') != ASKED
    assert fingerprint("POST", "/v1/other", b'{"b":2,"a":1}') != ASKED


def test_once__replay_gives_the_first_outcome_and_an_attempt_without_a_second_effect(state: SystemState) -> None:
    keys = Idempotency(state)
    first = keys.once("k", ASKED, "POST tasks", insert)
    again = keys.once("k", ASKED, "POST tasks", insert)  # a second insert would break the unique id
    assert not first.replayed
    assert again.replayed
    assert (again.status, again.body, again.etag) == (first.status, first.body, first.etag)
    assert [(row["reference"], row["effect"]) for row in state.ledger.attempts()] == [("R1", "unchanged")]
    assert state.ledger.rows() == []


def test_once__refusal_is_stored_too(state: SystemState) -> None:
    keys = Idempotency(state)
    calls = []

    def refuse(documents: Documents) -> Outcome:
        calls.append(1)
        documents.insert("tasks", {"id": "half-done"})
        raise Problem(422, "validation", "no")

    first, again = (keys.once("k", ASKED, "POST tasks", refuse) for _ in range(2))
    assert (first.status, again.status, again.replayed, len(calls)) == (422, 422, True, 1)
    assert first.body == again.body
    assert Documents(state.db, state.now()).get("tasks", "half-done") is None


def test_once__other_body_under_the_same_key_is_422(state: SystemState) -> None:
    keys = Idempotency(state)
    keys.once("k", ASKED, "POST tasks", insert)
    with pytest.raises(Problem) as refused:
        keys.once("k", "another", "POST tasks", insert)
    assert refused.value.status == 422


def test_once__missing_key_is_400(state: SystemState) -> None:
    with pytest.raises(Problem) as refused:
        Idempotency(state).once(None, ASKED, "POST tasks", insert)
    assert refused.value.status == 400


def test_once__duplicate_in_flight_is_409(state: SystemState) -> None:
    keys = Idempotency(state)
    entered, leave = threading.Event(), threading.Event()

    def slow(documents: Documents) -> Outcome:
        entered.set()
        leave.wait(10)
        return insert(documents)

    thread = threading.Thread(target=keys.once, args=("k", ASKED, "POST tasks", slow))
    thread.start()
    entered.wait(10)
    with pytest.raises(Problem) as refused:
        keys.once("k", ASKED, "POST tasks", insert)
    leave.set()
    thread.join(10)
    assert refused.value.status == 409
    assert keys.once("k", ASKED, "POST tasks", insert).replayed


def test_once__unexpected_failure_leaves_nothing_behind(state: SystemState) -> None:
    keys = Idempotency(state)

    def fail(documents: Documents) -> Outcome:
        insert(documents)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        keys.once("k", ASKED, "POST tasks", fail)
    assert not keys.once("k", ASKED, "POST tasks", insert).replayed
