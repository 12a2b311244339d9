"""Tasks: one open per kind, owner and key; closed once, by a person, audited."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from canonical.actors import Actor
from store import audit, tasks
from store.tasks import Task
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
DUE = NOW + timedelta(hours=24)
LI = Actor("person", "li.wei")
TASK = Task("custom_order_review", "production", "SO-1", {"en": "Review SO-1", "zh": "评审 SO-1"}, "rule:r", "e", DUE)


def test_open_all__one_at_a_time_with_the_newest_title(either_store: Store) -> None:
    with either_store.begin() as tx:
        tasks.open_all(tx, [TASK, replace(TASK, owner="supply")], NOW)
        tasks.open_all(tx, [replace(TASK, title={"en": "Again", "zh": "再次"}, due_at=None)], NOW)
        found = tasks.listed(tx)
        assert [(one.owner, one.due_at, one.title["en"]) for one in found] == [
            ("production", DUE, "Again"), ("supply", DUE, "Review SO-1")
        ]  # fmt: skip
        assert [one.owner for one in tasks.listed(tx, owner="supply")] == ["supply"]


def test_listed__a_page_at_a_time(either_store: Store) -> None:
    with either_store.begin() as tx:
        rows = [replace(TASK, key=f"SO-{n}", due_at=DUE + timedelta(hours=n)) for n in range(4)]
        tasks.open_all(tx, [*rows, replace(TASK, owner="supply")], NOW)
        assert [one.key for one in tasks.listed(tx, owner="production", limit=2, offset=1)] == ["SO-1", "SO-2"]
        assert tasks.owners(tx, "open") == {"production": 4, "supply": 1}
        assert tasks.owners(tx, "done") == {}


def test_close__once_and_audited_and_then_another_may_open(either_store: Store) -> None:
    with either_store.begin() as tx:
        tasks.open_all(tx, [TASK], NOW)
        number = tasks.listed(tx)[0].number
        assert number is not None
        closed = tasks.close(tx, number, "refused", LI, NOW, note="no such steel")
        assert closed is not None
        assert (closed.state, closed.closed_by, closed.note) == ("refused", "person:li.wei", "no such steel")
        assert tasks.close(tx, number, "done", LI, NOW) is None
        assert tasks.close(tx, 99, "done", LI, NOW) is None
        [entry] = audit.listed(tx, f"task/{number}")
        assert (entry.actor, entry.action) == ("person:li.wei", "task_refused")
        tasks.open_all(tx, [TASK], NOW)
        assert [one.state for one in tasks.latest(tx, TASK.kind, [TASK.key])] == ["open"]
        assert [one.state for one in tasks.listed(tx, ("open", "refused"))] == ["refused", "open"]


def test_withdraw__what_is_open_only(either_store: Store) -> None:
    with either_store.begin() as tx:
        tasks.open_all(tx, [TASK, replace(TASK, owner="supply"), replace(TASK, key="SO-2")], NOW)
        assert tasks.withdraw(tx, TASK.kind, "SO-1", NOW, owner="supply", by="rule:r") == 1
        assert tasks.withdraw(tx, TASK.kind, "SO-1", NOW, by="rule:r") == 1
        assert tasks.withdraw(tx, TASK.kind, "SO-1", NOW, by="rule:r") == 0
        assert [one.key for one in tasks.listed(tx)] == ["SO-2"]
        assert {one.state for one in tasks.latest(tx, TASK.kind, ["SO-1", "SO-2"])} == {"withdrawn", "open"}
        assert {one.owner for one in tasks.latest(tx, TASK.kind, ["SO-1"])} == {TASK.owner, "supply"}
        assert tasks.latest(tx, "other", ["SO-1"]) == tasks.latest(tx, TASK.kind, []) == []
