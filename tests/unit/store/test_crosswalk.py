from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from store.crosswalk import (
    BindConflict,
    Binding,
    bind,
    bindings_of,
    crosswalk_frame,
    golden_of,
    native_of,
    primary_keys,
    rebind,
)
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
BOLT = Binding("erp", "item", "007", "G-1", "5001")


def test_bind__both_ways(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert bind(tx, [BOLT, replace(BOLT, system="mes", source_key="M-7", native_id=None)], NOW) == []
        assert golden_of(tx, "erp", "item", "007") == "G-1"
        assert golden_of(tx, "erp", "item", "7") is None
        assert native_of(tx, "mes", "item", "G-1") == ["M-7"]
        assert native_of(tx, "wms", "item", "G-1") == []


def test_bind__again_changes_nothing_but_the_native_id(either_store: Store) -> None:
    with either_store.begin() as tx:
        bind(tx, [BOLT], NOW)
        assert bind(tx, [BOLT, replace(BOLT, native_id=None)], NOW) == []
        assert bindings_of(tx, "item", "G-1") == [BOLT]
        assert bind(tx, [replace(BOLT, native_id="5002")], NOW) == []
        assert bindings_of(tx, "item", "G-1") == [replace(BOLT, native_id="5002")]


def test_bind__conflicts_are_returned(either_store: Store) -> None:
    elsewhere, second = replace(BOLT, golden_id="G-2"), replace(BOLT, source_key="007-B")
    with either_store.begin() as tx:
        bind(tx, [BOLT], NOW)
        assert bind(tx, [elsewhere, second], NOW) == [BindConflict(elsewhere, BOLT), BindConflict(second, BOLT)]
        assert bindings_of(tx, "item", "G-1") == [BOLT]


def test_bind__conflict_within_one_call(either_store: Store) -> None:
    second = replace(BOLT, source_key="007-B")
    with either_store.begin() as tx:
        assert bind(tx, [BOLT, second], NOW) == [BindConflict(second, BOLT)]


def test_bind__duplicates_in_one_system(either_store: Store) -> None:
    double = replace(BOLT, source_key="001-COPY", is_primary=False)
    with either_store.begin() as tx:
        assert bind(tx, [double, BOLT], NOW) == []
        assert native_of(tx, "erp", "item", "G-1") == ["007", "001-COPY"]


def test_primary_keys__of_each_golden_record_one_in_each_system(either_store: Store) -> None:
    double = replace(BOLT, source_key="001-COPY", native_id="5003", is_primary=False)
    with either_store.begin() as tx:
        bind(tx, [double, BOLT, replace(BOLT, system="mes", native_id=None), replace(BOLT, entity="partner")], NOW)
        assert [tuple(row) for row in primary_keys(tx, "item")] == [
            ("erp", "G-1", "007", "5001"),
            ("mes", "G-1", "007", None),
        ]


def test_rebind__after_a_merge(either_store: Store) -> None:
    with either_store.begin() as tx:
        bind(tx, [BOLT, replace(BOLT, source_key="008", golden_id="G-2")], NOW)
        moved = replace(BOLT, source_key="008", golden_id="G-1", is_primary=False)
        assert rebind(tx, [moved], NOW) == []
        assert native_of(tx, "erp", "item", "G-1") == ["007", "008"]
        assert bindings_of(tx, "item", "G-2") == []


def test_crosswalk_frame__empty_and_full(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert crosswalk_frame(tx, "item").is_empty()
        bind(tx, [BOLT], NOW)
        assert crosswalk_frame(tx, "item").rows() == [("erp", "007", "G-1", "5001", True)]


def test_bind__thirty_thousand_rows_are_quick(store: Store) -> None:
    rows = [Binding("erp", "item", f"{number:06}", f"G-{number}", str(number)) for number in range(30_000)]
    began = time.process_time()
    with store.begin() as tx:
        bind(tx, rows, NOW)
    assert time.process_time() - began < 6  # seconds of processor time; about one
    with store.read() as tx:
        assert crosswalk_frame(tx, "item").height == 30_000
