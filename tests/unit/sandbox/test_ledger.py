"""State and ledger: a write and its witness commit together."""

from pathlib import Path

import pytest

from sandbox.common.server import seed_once
from sandbox.common.state import TODAY, SystemState


@pytest.fixture
def state(tmp_path: Path) -> SystemState:
    return SystemState("crm", tmp_path / "x.sqlite", 7, 1, {})


def test_record__commits_with_the_business_write(state: SystemState) -> None:
    with state.transaction() as db:
        db.execute("CREATE TABLE thing (n)")
        db.execute("INSERT INTO thing VALUES (1)")
        state.ledger.record("save", "R-1", "D-1", {"n": 1, "名": "法兰"}, "created")
    (row,) = state.ledger.rows()
    assert {**row, "at": ""} == {
        "seq": 1,
        "at": "",
        "operation": "save",
        "reference": "R-1",
        "document": "D-1",
        "content": {"n": 1, "名": "法兰"},
        "effect": "created",
    }


def test_record__is_gone_when_the_write_is_rolled_back(state: SystemState) -> None:
    def fails() -> None:
        with state.transaction():
            with state.transaction():
                state.ledger.record("save", "R-1", "D-1", {}, "created")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert state.ledger.rows() == []
    assert state.ledger.attempts() == []


def test_record__unchanged_is_an_attempt_only(state: SystemState) -> None:
    with state.transaction():
        state.ledger.record("save", "R-1", "D-1", {}, "created")
        state.ledger.record("save", "R-1", "D-1", {}, "unchanged")
    assert len(state.ledger.rows()) == 1
    assert [row["effect"] for row in state.ledger.attempts()] == ["created", "unchanged"]


def test_seed_once__fills_a_new_database_and_leaves_an_old_one_alone(tmp_path: Path) -> None:
    calls: list[str] = []
    for _ in range(2):
        state = SystemState("crm", tmp_path / "x.sqlite", 7, 1, {})
        seed_once(state, lambda _: calls.append("seeded"))
        state.db.close()
    assert calls == ["seeded"]


def test_now__starts_on_the_plants_day_and_never_runs_back(state: SystemState) -> None:
    first, second = state.now(), state.now()
    assert first.date() == TODAY
    assert first <= second
