"""Tests of cutting the same frame again and again."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.cuts import MOST_KEPT, Cut, Places

FRAME = pl.DataFrame({"item": ["A", None, "B", "A", "C"], "order": ["1", "1", "2", "3", None]})


@pytest.mark.parametrize(
    "wanted",
    [{"item": {"A"}}, {"item": {"B", "nothing"}}, {"item": set[str]()}, {"item": {"C", "B"}, "order": {"1"}}],
)
def test_cut__again_and_again_gives_the_same_rows(wanted: dict[str, set[str]]) -> None:
    places = Places()
    named = {
        "item": FRAME["item"].is_in(list(wanted["item"])),
        "order": FRAME["order"].is_in(list(wanted.get("order", ()))),
    }
    expected = FRAME.filter((named["item"] | named["order"]).fill_null(value=False))
    for _ in range(3):
        part = places.cut("stock", FRAME, wanted)
        assert list(part.rows) == expected.rows(named=True)
        assert part.frame.equals(expected)
        assert part.height == expected.height


def test_cut__of_another_frame_under_the_same_name_reads_that_one() -> None:
    places, other = Places(), FRAME.reverse()
    for _ in range(2):
        assert places.cut("stock", FRAME, {"item": {"A"}}).rows == FRAME[[0, 3]].rows(named=True)
    for _ in range(2):
        assert places.cut("stock", other, {"item": {"A"}}).rows == FRAME[[3, 0]].rows(named=True)


def test_cut__of_few_keys_in_a_frame_by_key() -> None:
    """The first time as well as later, whether the frame is by key or not."""
    by_key = pl.DataFrame({"golden_id": ["A", "B", "C"], "urgent": [True, None, False]})
    for frame in (by_key, by_key.reverse()):
        places = Places()
        for _ in range(2):
            part = places.cut("sales_order", frame, {"golden_id": {"A", "C", "X"}})
            assert part.frame.equals(frame.filter(pl.col("golden_id") != "B"))


@pytest.mark.parametrize("column", ["golden_id", "item"])
def test_cut__of_a_row_that_names_nothing(column: str) -> None:
    """An order line may be without an item: nothing is found by that, the first time as well as later."""
    by_key = pl.DataFrame({"golden_id": ["A", "B"], "item": ["A", None]})
    places, named = Places(), {"A", None}
    for _ in range(2):
        assert places.cut("item", by_key, {column: named}).frame.equals(by_key[:1])  # type: ignore[dict-item]


def test_all__of_a_frame_is_the_frame_and_of_another_that_one() -> None:
    places, other = Places(), FRAME.reverse()
    for frame in (FRAME, FRAME, other, FRAME):
        part = places.all("work_centre", frame)
        assert part.frame is frame
        assert part.rows == frame.rows(named=True)


def test_rows__are_made_anew_where_too_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for is there all the same."""
    assert MOST_KEPT > 2
    monkeypatch.setattr("pipeline.cuts.MOST_KEPT", 2)
    places = Places()
    places.cut("stock", FRAME, {"item": {"A"}})
    for item in ("A", "B", "A", "C", "A"):
        wanted = FRAME.filter(pl.col("item") == item).rows(named=True)
        assert places.cut("stock", FRAME, {"item": {item}}).rows == wanted
    every = places.cut("stock", FRAME, {"item": {"A", "B", "C"}})
    assert every.rows == FRAME.filter(pl.col("item").is_not_null()).rows(named=True)


def test_cut__of_several_frames_reads_like_them() -> None:
    places = Places()
    parts = Cut({"stock": places.cut("stock", FRAME, {"item": {"A"}}), "bom": places.all("bom", FRAME)})
    assert dict(parts).keys() == {"stock", "bom"}
    assert len(parts) == 2
    assert "bom" in parts
    assert "item" not in parts
    assert parts.get("item") is None
    assert list(parts.rows("item")) == []
    assert parts["stock"].equals(FRAME.filter(pl.col("item") == "A"))
