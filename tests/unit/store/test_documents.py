from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from store.documents import Document, DocumentConflict, by_business_key, by_native_id, listed, mark_seen, record
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ORDER = Document("erp", "work_order", "MS-1", "1001", "MO0001", 1, {"quantity": "12.5"}, "created", NOW)


def test_record__found_both_ways(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert record(tx, [replace(ORDER, content={"quantity": Decimal("12.50")})]) == []
        assert by_business_key(tx, "erp", "work_order", ["MS-1", "MS-2"]) == {"MS-1": ORDER}
        assert by_native_id(tx, "erp", "work_order", ["1001"]) == {"1001": ORDER}
        assert by_native_id(tx, "mes", "work_order", ["1001"]) == {}


def test_record__later_revision_keeps_the_origin(either_store: Store) -> None:
    adopted = replace(ORDER, origin="adopted", revision=0, content=None)
    with either_store.begin() as tx:
        record(tx, [adopted])
        record(tx, [replace(ORDER, revision=2)])
        assert listed(tx) == [replace(ORDER, revision=2, origin="adopted")]


def test_record__native_id_of_another_key_is_a_conflict(either_store: Store) -> None:
    other = replace(ORDER, business_key="MS-2")
    with either_store.begin() as tx:
        assert record(tx, [ORDER, other]) == [DocumentConflict(other, ORDER)]
        assert record(tx, [other]) == [DocumentConflict(other, ORDER)]
        assert listed(tx, "erp", "work_order") == [ORDER]


def test_mark_seen__never_goes_back(either_store: Store) -> None:
    with either_store.begin() as tx:
        record(tx, [ORDER])
        mark_seen(tx, "erp", "work_order", ["MS-1", "MS-9"], NOW)
        mark_seen(tx, "erp", "work_order", ["MS-1"], NOW - timedelta(hours=1))
        mark_seen(tx, "erp", "work_order", [], NOW)
        assert listed(tx) == [replace(ORDER, seen_in_pull_at=NOW)]
