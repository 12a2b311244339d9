"""One transaction for what belongs together, and for what a thread puts together."""

from __future__ import annotations

import threading

import pytest

from store import ticks
from store.unit_of_work import Store


def _value(store: Store) -> int | None:
    with store.read() as tx:
        return ticks.value(tx, "one")


def _advance(store: Store) -> None:
    with store.begin() as tx:
        ticks.advance(tx, "one")


def _advance_and_fail(store: Store) -> None:
    with store.together():
        _advance(store)
        raise LookupError


def test_together__commits_all_at_its_end_and_shows_nobody_else_before(either_store: Store) -> None:
    seen: list[int | None] = []
    with either_store.together():
        _advance(either_store)
        _advance(either_store)
        mine = _value(either_store)
        other = threading.Thread(target=lambda: seen.append(_value(either_store)))
        other.start()
        other.join()
    assert (mine, seen, _value(either_store)) == (2, [None], 2)


def test_together__leaves_nothing_behind_where_it_ends_in_an_exception(either_store: Store) -> None:
    with pytest.raises(LookupError):
        _advance_and_fail(either_store)
    assert _value(either_store) is None
    _advance(either_store)
    assert _value(either_store) == 1, "the next unit of work is one of its own"
