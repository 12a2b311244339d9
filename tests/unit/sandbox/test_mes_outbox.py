"""Webhooks of the simulated MES: what is stored, and what becomes of it when nobody answers."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from sandbox.common.state import SystemState
from sandbox.mes import outbox
from sandbox.mes.outbox import Postman, announce, signature, subscribe
from sandbox.mes.seeding import create_tables

RECORD = {"id": "r1", "updated_at": "2026-11-02T09:00:00.000000Z"}
NOBODY = "http://127.0.0.1:9/hook"


@pytest.fixture
def state(tmp_path: Path) -> SystemState:
    state = SystemState("mes", tmp_path / "mes.db", 7, 1, {"MILLSTREAM_MES_WEBHOOK_SECRET": "s"})
    create_tables(state.db)
    return state


def rows(state: SystemState) -> list[tuple[int, str]]:
    return state.db.execute("SELECT attempts, state FROM outbox").fetchall()


def test_announce__without_a_subscriber_nothing_is_kept(state: SystemState) -> None:
    announce(state.db, "report.created", "reports", 1, RECORD)
    subscribe(state, {"url": NOBODY})
    announce(state.db, "report.created", "reports", 1, RECORD)
    subscribe(state, {"url": None})
    announce(state.db, "report.created", "reports", 2, RECORD)
    assert rows(state) == [(0, "pending")]


def test_announce__is_undone_with_the_change_it_tells_of(state: SystemState) -> None:
    subscribe(state, {"url": NOBODY})

    def change_and_fail() -> None:
        with state.transaction() as db:
            announce(db, "report.created", "reports", 1, RECORD)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert rows(state) == []


def test_subscribe__refuses_what_is_no_url(state: SystemState) -> None:
    with pytest.raises(ValueError, match="url"):
        subscribe(state, {"url": "file:///etc/passwd"})


def test_post_due__gives_up_after_a_bounded_number_of_attempts(
    state: SystemState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "FIRST_WAIT_SECONDS", 0.0)
    subscribe(state, {"url": NOBODY})
    announce(state.db, "report.created", "reports", 1, RECORD)
    postman = Postman(state)
    tried = [postman.post_due() for _ in range(outbox.MOST_ATTEMPTS + 3)]
    assert sum(tried) == outbox.MOST_ATTEMPTS
    assert rows(state) == [(outbox.MOST_ATTEMPTS, "failed")]


def test_signature__is_an_hmac_over_timestamp_and_body() -> None:
    wanted = hmac.new(b"s", b'17.{"a":1}', hashlib.sha256).hexdigest()
    assert signature("s", "17", b'{"a":1}') == f"v1={wanted}"
