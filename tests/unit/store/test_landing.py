from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from canonical.errors import MillstreamError
from store.landing import (
    RAW_SCHEMA,
    RawFiles,
    Watermark,
    forget_watermark,
    record_landing,
    record_parts,
    set_watermark,
    watermark_of,
)
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
RECORDS = pl.DataFrame({"record": ['{"code":"007"}', '{"code":"1.10"}']}, schema=RAW_SCHEMA)


@pytest.fixture
def files(tmp_path: Path) -> RawFiles:
    return RawFiles(tmp_path / "raw")


def test_write__same_content_is_one_file(files: RawFiles) -> None:
    first = files.write("erp", "items", RECORDS, {"page": "1"})
    second = files.write("erp", "items", RECORDS, {"page": "1"})
    assert first == second
    assert first.rows == 2
    assert [path.name for path in first.path.parent.iterdir()] == [f"{first.digest}.parquet"]
    assert files.read(first).equals(RECORDS)
    assert files.meta(first) == {"page": "1"}


def test_write__interrupted_leaves_no_file(files: RawFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(_descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        files.write("erp", "items", RECORDS)
    assert [path for path in files.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["../etc", "", "a/b", ".hidden"])
def test_write__unsafe_name_is_refused(files: RawFiles, name: str) -> None:
    with pytest.raises(MillstreamError, match="cannot name"):
        files.write("erp", name, RECORDS)


def test_record_landing__file_and_watermark_together(either_store: Store, files: RawFiles) -> None:
    raw = files.write("erp", "items", RECORDS)
    with either_store.read() as tx:
        assert files.listed(tx, "erp", "items") == []
        assert watermark_of(tx, "erp", "items") is None
    for _ in range(2):
        with either_store.begin() as tx:
            record_landing(tx, raw, "run-1", NOW, "2026-11-02 07:59:00", complete=True)
    with either_store.read() as tx:
        (landing,) = files.listed(tx, "erp", "items")
        assert (landing.file, landing.run_id, landing.fetched_at, landing.complete) == (raw, "run-1", NOW, True)
        assert watermark_of(tx, "erp", "items") == Watermark("2026-11-02 07:59:00", NOW, "run-1")


def test_record_landing__file_gone_is_refused(store: Store, files: RawFiles) -> None:
    raw = files.write("erp", "items", RECORDS)
    raw.path.unlink()
    with pytest.raises(MillstreamError, match="is gone"), store.begin() as tx:
        record_landing(tx, raw, "run-1", NOW, "w", complete=False)
    with store.read() as tx:
        assert files.listed(tx, "erp", "items") == []


def test_part__a_few_records_stand_in_the_manifest_row_and_many_in_a_file(either_store: Store, files: RawFiles) -> None:
    few = files.part("crm", "orders", RECORDS, {"run": "r.1"})
    many = files.part("crm", "orders", pl.DataFrame({"record": ["x" * 100_001]}), {"run": "r.1"})
    assert files.part("crm", "orders", RECORDS, {"run": "r.1"}) == few
    assert (few.path.exists(), many.path.exists()) == (False, True)
    with either_store.begin() as tx:
        set_watermark(tx, "crm", "orders", Watermark("5", NOW, "run-0"))
        for _ in range(2):
            record_parts(tx, [few, many], "run-1", NOW)
    others = RawFiles(files.root)
    with either_store.read() as tx:
        first, second = others.listed(tx, "crm", "orders")
        assert watermark_of(tx, "crm", "orders") == Watermark("5", NOW, "run-1")
    assert (first.file, second.file, first.complete) == (few, many, False)
    assert others.read(first.file).equals(RECORDS)
    assert others.read(second.file)["record"].to_list() == ["x" * 100_001]
    assert (others.meta(first.file), others.meta(second.file)) == ({"run": "r.1"}, {"run": "r.1"})


def test_set_watermark__empty_page_keeps_the_last(store: Store) -> None:
    with store.begin() as tx:
        set_watermark(tx, "erp", "items", Watermark("5", NOW, "run-1"))
        set_watermark(tx, "erp", "items", Watermark(None, NOW, "run-2"))
        assert watermark_of(tx, "erp", "items") == Watermark("5", NOW, "run-2")
        forget_watermark(tx, "erp", "items")
        assert watermark_of(tx, "erp", "items") == Watermark(None, NOW, "run-2")


def test_sweep__removes_old_unlisted_files_only(either_store: Store, files: RawFiles) -> None:
    listed = files.write("erp", "items", RECORDS)
    old = files.write("erp", "items", RECORDS.head(1))
    young = files.write("erp", "stock", RECORDS)
    for raw in (listed, old):
        os.utime(raw.path, (NOW.timestamp() - 7200,) * 2)
    os.utime(young.path, (NOW.timestamp() - 60,) * 2)
    with either_store.begin() as tx:
        record_landing(tx, listed, "run-1", NOW, "w", complete=True)
        assert files.sweep(tx, NOW, timedelta(hours=1)) == [old.path]
    assert listed.path.exists()
    assert young.path.exists()
