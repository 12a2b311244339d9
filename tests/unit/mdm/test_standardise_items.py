"""Items: one thing written in many ways gives one set of parts; what excludes excludes."""

from time import process_time

import pytest

from mdm.standardise.items import agreements, codes_of, contradictions, parse_item


@pytest.mark.parametrize(
    "said", ["螺栓 M8*20", "螺栓 M8×20mm", "螺栓 M8x2cm", "螺栓 Ｍ８＊２０", "M8X20 螺栓", "螺栓，M8 x 20"]
)
def test_parse_item__one_screw_in_many_notations(said: str) -> None:
    parts = parse_item(said).parts
    assert parts["thread"] == ("8",)
    assert parts["numbers"] == ("20", "8")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("贴片电容 100nF 50V", "貼片電容 0.1uF/50V"),
        ("贴片电阻 4.7K 0603", "电阻 0603 4K7"),
        ("纸箱 450*200*250", "纸箱 45*20*25cm"),
        ("钢板 Q235B 2.0*1250*2500", "Q235B钢板 2mm*1.25m*2.5m"),
        ("不锈钢螺母 304", "SUS304 螺母"),
        ("面漆 5kg", "面漆 5公斤"),
        ("丁腈手套 100只/盒", "丁腈手套 100PCS/盒"),
        ("螺钉 发黑", "螺釘 氧化發黑"),
    ],
)
def test_contradictions__none_between_spellings_of_one_thing(one: str, other: str) -> None:
    assert contradictions(parse_item(one), parse_item(other)) == ()
    assert agreements(parse_item(one), parse_item(other)) >= 1


@pytest.mark.parametrize(
    ("one", "other", "part"),
    [
        ("螺栓 M8*20", "螺栓 M10*20", "thread"),
        ("螺栓 M8*20", "螺栓 M8*25", "numbers"),
        ("螺栓 M8*20 8.8级", "螺栓 M8*20 12.9级", "strength"),
        ("螺栓 M8*20 A2-70", "螺栓 M8*20 A4-80", "strength"),
        ("钢板 Q235B 2*1250*2500", "钢板 Q235B 3*1250*2500", "numbers"),
        ("圆钢 45# Φ30", "圆钢 40Cr Φ30", "material"),
        ("深沟球轴承 6204-2RS SKF", "深沟球轴承 6204-2RS NSK", "brand"),
        ("平垫 Φ8", "弹垫 Φ8", "form"),
        ("电缆 RVV 3*1.5 黑色", "电缆 RVV 3*1.5 灰色", "colour"),
        ("手套 L码", "手套 M码", "size"),
        ("hex bolt M8x20 8.8", "hex bolt M10x20 8.8", "thread"),
    ],
)
def test_contradictions__hard(one: str, other: str, part: str) -> None:
    assert part in contradictions(parse_item(one), parse_item(other))


def test_contradictions__silence_is_none() -> None:
    assert contradictions(parse_item("螺栓 M8*20"), parse_item("螺栓 M8*20 8.8级 镀锌")) == ()


def test_contradictions__numbers_in_english_prose_are_only_mentioned() -> None:
    left = parse_item("Sony 32 inch TV KDL32, 2 HDMI")
    assert contradictions(left, parse_item("Sony KDL-32 television 720p")) == ()


def test_parse_item__raw_is_kept() -> None:
    assert parse_item("螺栓 Ｍ８").raw == "螺栓 Ｍ８"


def test_codes_of__hyphens_and_slashes_do_not_matter() -> None:
    assert codes_of("sony mdr-ex32lp/blk earbuds") == codes_of("mdrex32lpblk")


def test_codes_of__plain_words_and_small_numbers_are_none() -> None:
    assert codes_of("pack of 12 bolts") == []


@pytest.mark.parametrize("unit", ["1", "1.", "M8×20 ", "机械", "1/", "a1"])
def test_parse_item__whatever_a_system_sends_is_read_at_once(unit: str) -> None:
    began = process_time()
    parse_item((unit * 8000)[:8000])
    assert process_time() - began < 2
