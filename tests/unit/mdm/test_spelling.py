"""Names are found by how they sound."""

from __future__ import annotations

import polars as pl
import pytest

from mdm.spelling import fits, search_patterns, searchable

BOLT = "不锈钢内六角螺栓 M8×20"
FIRM = "重庆吕氏五金有限公司"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("螺栓", BOLT), ("luoshuan", BOLT), ("luos", BOLT), ("ls", BOLT), ("lsm8", BOLT), ("luoshuan m8", BOLT),
        ("bxgnljls", BOLT), ("buxiugang", BOLT), ("M8x20", BOLT), ("chongqing", FIRM), ("cq", FIRM), ("zq", FIRM),
        ("lvshi", FIRM), ("lushi wujin", FIRM), ("cqlswj", FIRM), ("Ｍ８", BOLT), ("吕氏", "呂氏五金"),
        ("xian", "西安电机"), ("xian", "先锋"), ("bolt", "Hex bolt"), ("zhuang", "装配线"), ("(*", "a(*)"),
    ],
)  # fmt: skip
def test_fits__by_pinyin_initials_and_as_written(query: str, text: str) -> None:
    assert fits(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [("luomu", BOLT), ("lm", BOLT), ("beijing", FIRM), ("ls m10", BOLT), ("cqwj", FIRM), ("bolt", "Hex nut")],
)
def test_fits__not_what_sounds_otherwise(query: str, text: str) -> None:
    assert not fits(query, text)


@pytest.mark.parametrize("query", ["luoshuan", "lsm8", "shuangshuangshuangshuangshuang", "(*"])
def test_patterns__are_read_alike_by_polars(query: str) -> None:
    names = [BOLT, FIRM, "Hex bolt", "a(*)", "双双双双双"]
    frame = pl.DataFrame({"name": [searchable(name) for name in names]})
    found = frame.select(pl.all_horizontal(pl.col("name").str.contains(one) for one in search_patterns(query)))
    assert found.to_series().to_list() == [fits(query, name) for name in names]
