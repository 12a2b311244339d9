from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from canonical.entities import frame_schema
from canonical.errors import MillstreamError
from canonical.stock import Stock
from store.frames import FrameStore


@pytest.fixture
def frames(tmp_path: Path) -> FrameStore:
    return FrameStore(tmp_path / "frames")


def frame(number: int) -> pl.DataFrame:
    return pl.DataFrame({"quantity": [Decimal(number)]}, schema={"quantity": pl.Decimal(38, 9)})


def test_read__nothing_written_yet(frames: FrameStore) -> None:
    assert frames.read("canonical/item/erp") is None
    assert frames.read_previous("canonical/item/erp") is None
    assert frames.run_of("canonical/item/erp") is None
    assert frames.names() == []


def test_write__keeps_the_version_before(frames: FrameStore) -> None:
    for number in (1, 2, 3):
        frames.write("canonical/item/erp", frame(number), f"run-{number}")
    current, previous = frames.read("canonical/item/erp"), frames.read_previous("canonical/item/erp")
    assert current is not None
    assert previous is not None
    assert current.equals(frame(3))
    assert previous.equals(frame(2))
    assert frames.run_of("canonical/item/erp") == "run-3"
    assert frames.names() == ["canonical/item/erp"]
    assert len(list((frames.root / "canonical/item/erp").glob("*.parquet"))) == 2


def test_write__again_in_one_run_keeps_the_earlier_run(frames: FrameStore) -> None:
    for number, run in ((1, "run-1"), (2, "run-2"), (3, "run-2")):
        frames.write("golden/item", frame(number), run)
    previous = frames.read_previous("golden/item")
    assert previous is not None
    assert previous.equals(frame(1))


def test_forget__nothing_stands_and_what_is_written_then_is_the_first(frames: FrameStore) -> None:
    for number, name in ((1, "golden/item"), (2, "golden/item"), (3, "canonical/item/erp")):
        frames.write(name, frame(number), f"run-{number}")
    frames.deferred = True
    frames.write("golden/bom", frame(4), "run-4")
    frames.forget()
    assert frames.names() == []
    assert frames.read("golden/item") is None
    assert not list(frames.root.rglob("*.parquet"))
    frames.deferred = False
    frames.write("golden/item", frame(5), "run-5")
    for reader in (frames, FrameStore(frames.root)):
        found = reader.read("golden/item")
        assert found is not None
        assert found.equals(frame(5))
        assert reader.read_previous("golden/item") is None


def test_write__schema_survives(frames: FrameStore) -> None:
    empty = pl.DataFrame(schema=frame_schema(Stock))
    frames.write("canonical/stock/wms", empty, "run-1")
    found = frames.read("canonical/stock/wms")
    assert found is not None
    assert found.schema == empty.schema


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a//b", "A", ""])
def test_write__unsafe_name_is_refused(frames: FrameStore, name: str) -> None:
    with pytest.raises(MillstreamError, match="cannot name"):
        frames.write(name, frame(1), "run-1")


def test_frames__know_what_changed_between_versions_of_this_process(tmp_path: Path) -> None:
    frames = FrameStore(tmp_path)
    frames.write("golden/item", pl.DataFrame({"k": [1]}), "r1", "one")
    start = frames.version("golden/item")
    for run, key in (("r2", "a"), ("r3", "b")):
        frames.write("golden/item", pl.DataFrame({"k": [run]}), run, run, changed=[key])
    assert frames.changed_since("golden/item", start) == {"a", "b"}
    assert frames.changed_since("golden/item", frames.version("golden/item")) == frozenset()
    another = FrameStore(tmp_path)
    assert another.made_of("golden/item") == "r3"
    assert another.changed_since("golden/item", start) is None


def test_frames__deferred_stand_in_memory_until_they_are_flushed_and_give_way_to_another_writer(tmp_path: Path) -> None:
    ours, theirs = FrameStore(tmp_path), FrameStore(tmp_path)
    ours.deferred = True
    ours.write("golden/item", pl.DataFrame({"k": [1]}), "relay", "one")
    assert theirs.read("golden/item") is None
    ours.flush()
    found = theirs.read("golden/item")
    assert found is not None
    ours.write("golden/item", pl.DataFrame({"k": [2]}), "relay", "two")
    theirs.write("golden/item", pl.DataFrame({"k": [3]}), "batch", "three")
    ours.flush()
    for store in (ours, theirs):
        frame = store.read("golden/item")
        assert frame is not None
        assert frame["k"].to_list() == [3]


def test_frames__renewed_keep_their_version_under_new_inputs(tmp_path: Path) -> None:
    name = "golden/item"
    frames = FrameStore(tmp_path)
    frames.write(name, pl.DataFrame({"k": [1]}), "r1", "one")
    version = frames.version(name)
    frames.renew(name, "two")
    assert (frames.version(name), frames.made_of(name)) == (version, "two")


def test_frames__an_earlier_version_is_read_while_it_stands(tmp_path: Path) -> None:
    frames = FrameStore(tmp_path)
    frames.write("item", pl.DataFrame({"id": [1]}), "run-1")
    first = frames.version("item")
    frames.write("item", pl.DataFrame({"id": [2]}), "run-2")
    before = frames.version("item")
    frames.write("item", pl.DataFrame({"id": [9]}), "run-9")
    found = FrameStore(tmp_path).read_at("item", before)
    assert found is not None
    assert found["id"].to_list() == [2]
    assert frames.read_at("item", first) is None
    assert frames.read_at("item", None) is None
