"""A counter by name: whoever keeps a copy knows whether it holds."""

from __future__ import annotations

from datetime import UTC, datetime

from store import crosswalk, ticks
from store.crosswalk import Binding
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def bind(store: Store, key: str, native: str | None = None) -> None:
    with store.begin() as tx:
        crosswalk.bind(tx, [Binding("crm", "item", key, f"G-{key}", native)], NOW)


def test_tick__advances_with_every_change_and_only_then(store: Store) -> None:
    with store.begin() as tx:
        assert ticks.hold(tx, "crosswalk/item") == 0
    seen = []
    for key, native in (("A", None), ("A", None), ("A", "n1"), ("B", None)):
        bind(store, key, native)
        with store.read() as tx:
            seen.append(ticks.value(tx, "crosswalk/item") or 0)
    assert seen == [1, 1, 2, 3]
