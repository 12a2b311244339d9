"""The kept queue: marks are taken once, what is the same is left alone, many marks are one."""

from __future__ import annotations

from datetime import UTC, datetime

from store import queue
from store.queue import ALL, MANY, Narrowed, QueueRow
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def _row(item: str, place: str, *golden_ids: str, kind: str = "match") -> QueueRow:
    return QueueRow(item, "item", kind, place, 0, 0, item, {"title": item}, golden_ids)


def test_marks__are_taken_once_and_many_are_one(either_store: Store) -> None:
    with either_store.begin() as tx:
        queue.take_marks(tx)  # of the migration: everything
        queue.mark(tx, "item", {"A", "B"})
        queue.mark(tx, "item", {"B"})
        queue.mark(tx, "partner", {str(number) for number in range(MANY + 1)})
        queue.mark(tx, "bom", ())
    with either_store.begin() as tx:
        assert queue.take_marks(tx) == {"item": {"A", "B"}, "partner": {ALL}}
        assert not queue.is_marked(tx)


def test_put__replaces_what_stood_of_these_items_alone(either_store: Store) -> None:
    with either_store.begin() as tx:
        queue.put(tx, [_row("a", "1", "G", "H"), _row("b", "2", "G"), _row("c", "3", "I")], ["a", "b", "c"])
        queue.put(tx, [_row("b", "0", "H")], ["a", "b"])
        assert queue.page(tx, Narrowed(), 10) == ["b", "c"]
        assert queue.items_about(tx, "item", ["G", "H"]) == {"b"}
        assert [row.place for row in queue.named(tx, ["b", "c", "a"])] == ["0", "3"]


def test_mark_known__marks_only_what_an_item_is_about(either_store: Store) -> None:
    with either_store.begin() as tx:
        queue.take_marks(tx)
        queue.put(tx, [_row("a", "1", "G")], ["a"])
        queue.mark_known(tx, "item", ["G", "elsewhere"])
        assert queue.take_marks(tx) == {"item": {"G"}}


def test_places__before_after_and_at(either_store: Store) -> None:
    with either_store.begin() as tx:
        rows = [_row("a", "1", "G"), _row("b", "2", "G", kind="conflict"), _row("c", "3", "I")]
        queue.put(tx, rows, ["a", "b", "c"])
        assert (queue.before(tx, Narrowed(), "3"), queue.after(tx, Narrowed(), "1")) == (2, "b")
        only = Narrowed(kind="match")
        assert (queue.before(tx, only, "3"), queue.after(tx, only, "1"), queue.after(tx, only, "3")) == (1, "c", None)
        assert queue.stands(tx, only, "3")
        assert not queue.stands(tx, only, "2")
        assert queue.counts(tx, Narrowed()) == {"conflict": 1, "match": 2}
