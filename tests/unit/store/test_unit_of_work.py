"""One transaction for what belongs together, and for what a thread puts together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event

from store import ticks
from store.unit_of_work import Store, Transaction

FULL = 2
"""Of SQLite's `PRAGMA synchronous`."""


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


def test_steadily__shows_what_others_wrote_after_a_write_of_its_own_only(either_store: Store) -> None:
    with either_store.steadily():
        before = _value(either_store)
        other = threading.Thread(target=lambda: _advance(either_store))
        other.start()
        other.join()
        steady = _value(either_store)
        _advance(either_store)
        assert (before, steady, _value(either_store)) == (None, None, 2)


def test_beside__is_written_with_what_is_written_together_and_at_the_latest_when_the_steady_reading_ends(
    either_store: Store,
) -> None:
    written: list[Sequence[int]] = []

    def put(tx: Transaction, values: Sequence[int]) -> None:
        written.append(values)
        ticks.put(tx, "aside", values[-1])

    def seen() -> int | None:
        with either_store.read() as tx:
            return ticks.value(tx, "aside")

    with either_store.steadily():
        either_store.beside(put, 1)
        either_store.beside(put, 2)
        _advance(either_store)
        assert seen() is None, "a write of its own takes nothing along"
        with pytest.raises(LookupError):
            _advance_and_fail(either_store)
        assert seen() is None, "what was rolled back waits again"
    assert (seen(), written) == (2, [[1, 2], [1, 2]]), "rows for one writer are written together"
    either_store.beside(put, 3)
    assert seen() == 3, "nobody reads steadily: at once"
    with either_store.steadily():
        with either_store.together():
            either_store.beside(put, 4)
            assert seen() == 3
        with either_store.together():
            assert seen() == 4, "left during a write: with the next"


def test_beside__what_no_commit_made_last_waits_again(either_store: Store) -> None:
    """Its rows were written, and the disk is full when they are to stand."""
    written: list[Sequence[int]] = []

    def refuse(_: object) -> None:
        raise OSError("no room")

    with either_store.steadily():
        either_store.beside(lambda _, values: written.append(values), 1)
        event.listen(either_store.engine, "commit", refuse)
        with pytest.raises(OSError, match="no room"), either_store.together():
            _advance(either_store)
        event.remove(either_store.engine, "commit", refuse)
    assert (written, _value(either_store)) == ([[1], [1]], None)


def _waits_for_the_disk(store: Store) -> bool:
    with store.begin() as tx:
        ticks.advance(tx, "one")
        if tx.dialect.name == "postgresql":
            return bool(tx.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on")
        return bool(tx.exec_driver_sql("PRAGMA synchronous").scalar_one() == FULL)


def test_provisionally__this_thread_alone_does_not_wait_for_the_disk(either_store: Store) -> None:
    """Neither others meanwhile nor anybody later, on whichever connection; what was written stands."""
    seen: list[bool] = []
    with either_store.provisionally():
        assert not _waits_for_the_disk(either_store)
        other = threading.Thread(target=lambda: seen.append(_waits_for_the_disk(either_store)))
        other.start()
        other.join()
        assert not _waits_for_the_disk(either_store)
    assert seen == [True]
    assert all(_waits_for_the_disk(either_store) for _ in range(3))
    assert _value(either_store) == 6


def test_provisionally__ends_with_an_exception_as_without(either_store: Store) -> None:
    """The transaction is undone, and the next one waits again."""
    with pytest.raises(LookupError), either_store.provisionally():
        _advance_and_fail(either_store)
    assert _value(either_store) is None
    assert _waits_for_the_disk(either_store)
    assert _value(either_store) == 1


def test_provisionally__a_connection_that_may_not_wait_is_given_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot be told to wait again nobody else gets it."""
    monkeypatch.setattr("store.database._level_of", lambda _: 2)
    monkeypatch.setattr("store.database._set_level", _refuse_to_wait)
    with pytest.raises(OSError, match="no more"), store.provisionally(), store.begin() as tx:
        ticks.advance(tx, "one")
    monkeypatch.undo()
    assert all(_waits_for_the_disk(store) for _ in range(3))


def _refuse_to_wait(driver: Any, level: int) -> None:
    if level == FULL:
        raise OSError("no more")
    driver.execute(f"PRAGMA synchronous={level}")
