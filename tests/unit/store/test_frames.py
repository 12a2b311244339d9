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
