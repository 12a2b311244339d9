"""Timers: one standing at a time, each let go once, by whoever comes first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from store import timers
from store.timers import Timer
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def timer(key: str = "SO-1", due: datetime = NOW + HOUR) -> Timer:
    return Timer("review", "custom_order", key, NOW, due, "event-1")


def test_start__one_stands_at_a_time(either_store: Store) -> None:
    with either_store.begin() as tx:
        timers.start(tx, [timer()], NOW)
        timers.start(tx, [timer(due=NOW + 5 * HOUR), timer("SO-2", NOW + 2 * HOUR)], NOW)
        found = timers.listed(tx)
        assert [(one.key, one.due_at) for one in found] == [("SO-1", NOW + HOUR), ("SO-2", NOW + 2 * HOUR)]
        assert timers.next_due(tx) == NOW + HOUR
        assert {one.about for one in timers.standing(tx, ["custom_order"], ["SO-1", "SO-3"])} == {found[0].about}
        assert timers.standing(tx, ["other"], ["SO-1"]) == []


def test_fire__lets_each_go_once_and_in_order(either_store: Store) -> None:
    with either_store.begin() as tx:
        timers.start(tx, [timer("late", NOW), timer("later", NOW + HOUR), timer("first", NOW - HOUR)], NOW)
        found = timers.due(tx, NOW)
        assert [one.key for one in found] == ["first", "late"]
        assert timers.fire(tx, found, NOW) == found
        assert timers.fire(tx, found, NOW) == []
        assert timers.due(tx, NOW) == []
        assert timers.counts(tx) == {"fired": 2, "waiting": 1}


@pytest.mark.parametrize(("fired", "ended"), [(False, "cancelled"), (True, "closed")])
def test_end__and_another_may_start(either_store: Store, *, fired: bool, ended: str) -> None:
    with either_store.begin() as tx:
        timers.start(tx, [timer(due=NOW)], NOW)
        if fired:
            timers.fire(tx, timers.due(tx, NOW), NOW)
        timers.end(tx, [timer().about], NOW + HOUR)
        assert timers.due(tx, NOW) == []
        assert timers.listed(tx) == []
        timers.start(tx, [timer()], NOW + HOUR)
        assert timers.counts(tx) == {ended: 1, "waiting": 1}


def test_fire__of_many_at_once_only_one_lets_it_go(either_store: Store) -> None:
    with either_store.begin() as tx:
        timers.start(tx, [timer(str(number), NOW) for number in range(20)], NOW)

    def attempt(_: int) -> int:
        with either_store.begin() as tx:
            return len(timers.fire(tx, timers.due(tx, NOW), NOW))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(8))) == 20


def test_fire__a_transaction_that_fails_lets_nothing_go(either_store: Store) -> None:
    with either_store.begin() as tx:
        timers.start(tx, [timer(due=NOW)], NOW)
    with pytest.raises(ZeroDivisionError):
        _fire_and_fail(either_store)
    with either_store.read() as tx:
        assert [one.key for one in timers.due(tx, NOW)] == ["SO-1"]


def _fire_and_fail(store: Store) -> None:
    with store.begin() as tx:
        timers.fire(tx, timers.due(tx, NOW), NOW)
        raise ZeroDivisionError
