"""Tests of cutting the same frame again and again."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.neighbourhood import Places

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
        assert places.cut("stock", FRAME, wanted).equals(expected)


def test_cut__of_another_frame_under_the_same_name_reads_that_one() -> None:
    places, other = Places(), FRAME.reverse()
    for _ in range(2):
        assert places.cut("stock", FRAME, {"item": {"A"}})["order"].to_list() == ["1", "3"]
    for _ in range(2):
        assert places.cut("stock", other, {"item": {"A"}})["order"].to_list() == ["3", "1"]
