"""The crosswalk in memory, and what changed in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipeline.bindings import Bindings
from store import crosswalk
from store.crosswalk import Binding
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def bind(store: Store, key: str, native: str | None = None) -> None:
    with store.begin() as tx:
        crosswalk.bind(tx, [Binding("crm", "item", key, f"G-{key}", native)], NOW)


def test_bindings__in_memory_follow_whoever_else_binds(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    bindings = Bindings(store)
    bind(store, "A")
    first = bindings.tick("item")
    assert bindings.frame("item")["golden_id"].to_list() == ["G-A"]
    bind(store, "B")
    bind(store, "A", "n1")
    changed = bindings.changed_since("item", first)
    assert changed is not None
    assert sorted(changed["source_key"]) == ["A", "A", "B"]  # what A was, what it is, and B
    assert bindings.changed_since("item", 99) is None
    store.close()


def test_glance__others_go_unnoticed_and_what_was_noticed_is_read(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    bindings = Bindings(store)
    bind(store, "A")
    with bindings.glance():
        first = bindings.tick("item")
        bind(store, "B")
        assert bindings.tick("item") == first
        bindings.noticed("item", first + 1)
        assert bindings.frame("item")["source_key"].to_list() == ["A", "B"]
        bind(store, "C")
    assert bindings.frame("item")["source_key"].to_list() == ["A", "B", "C"]
    store.close()
