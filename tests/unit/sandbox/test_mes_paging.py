"""Cursors and lists of the simulated MES."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.common.state import SystemState
from sandbox.mes.documents import Documents
from sandbox.mes.paging import page
from sandbox.mes.problems import Problem
from sandbox.mes.seeding import create_tables

START = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> SystemState:
    state = SystemState("mes", tmp_path / "mes.db", 7, 1, {})
    create_tables(state.db)
    return state


def put(state: SystemState, name: str, minute: int = 0) -> None:
    documents = Documents(state.db, START + timedelta(minutes=minute))
    documents.insert("materials", {"id": name, "code": name})


def ask(state: SystemState, query: Mapping[str, str]) -> tuple[list[str], Any]:
    found: dict[str, Any] = page(Documents(state.db, START), "materials", query)
    return [item["id"] for item in found["items"]], found["next_cursor"]


def test_page__last_page_has_no_cursor(state: SystemState) -> None:
    for name in "abc":
        put(state, name)
    first, cursor = ask(state, {"limit": "2"})
    assert first == ["a", "b"]
    assert ask(state, {"limit": "2", "cursor": cursor}) == (["c"], None)


def test_page__what_is_inserted_or_changed_while_paging_comes_later_in_the_same_walk(state: SystemState) -> None:
    for name in "mno":
        put(state, name)
    first, cursor = ask(state, {"limit": "2"})
    put(state, "a")  # sorts before everything already read
    documents = Documents(state.db, START)
    read = documents.get("materials", "m")
    assert read is not None
    documents.replace("materials", read, {"name": "changed"})
    rest, _ = ask(state, {"limit": "9", "cursor": cursor})
    assert first == ["m", "n"]
    assert rest == ["o", "a", "m"]


def test_page__updated_since_is_inclusive_and_kept_by_the_cursor(state: SystemState) -> None:
    for minute, name in enumerate("abcd"):
        put(state, name, minute)
    since = "2026-11-02T10:01:00+01:00"  # the very time of b
    first, cursor = ask(state, {"updated_since": since, "limit": "2"})
    assert first == ["b", "c"]
    assert ask(state, {"cursor": cursor}) == (["d"], None)


def test_page__filters_by_the_fields_it_knows(state: SystemState) -> None:
    for name in "ab":
        put(state, name)
    assert ask(state, {"code": "b", "colour": "red"}) == (["b"], None)


@pytest.mark.parametrize("query", [{"cursor": "nonsense"}, {"limit": "0"}, {"limit": "x"}, {"updated_since": "x"}])
def test_page__nonsense_is_a_400_problem(state: SystemState, query: dict[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        ask(state, query)
    assert refused.value.status == 400


def test_page__time_without_offset_is_refused(state: SystemState) -> None:
    with pytest.raises(Problem, match="offset"):
        ask(state, {"updated_since": "2026-11-02T10:01:00"})
