"""A pinned model tells records apart by what they say, explains itself, and learns without forgetting."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import polars as pl
import pytest

from canonical.errors import ConfigurationError
from canonical.stewardship import SourceRef
from mdm.judgement import Model, Profile, dump_model, judge, load_model, profile_of
from mdm.learning import Lesson, learn
from mdm.lookup import ATTRIBUTES, Index, Layers, layered, look_up

SETS = Path(__file__).parents[2] / "data"
ITEM, PARTNER = load_model("item"), load_model("partner")


def lessons(entity: str, name: str) -> list[Lesson]:
    with (SETS / f"{name}.csv").open(encoding="utf-8") as file:
        return [
            Lesson(
                profile_of(entity, {"name": row["left"]}), profile_of(entity, {"name": row["right"]}),
                row["same"] == "1",
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


def f1(model: Model, pairs: list[Lesson]) -> float:
    said = [(judge(model, one.left, one.right).posterior >= 0.5, one.same) for one in pairs]
    right = sum(yes and same for yes, same in said)
    return 2 * right / (sum(yes for yes, _ in said) + sum(same for _, same in said))


@pytest.mark.parametrize(("model", "name"), [(ITEM, "chinese_materials"), (PARTNER, "chinese_companies")])
def test_shipped_model__hard_pairs(model: Model, name: str) -> None:
    assert f1(model, lessons(model.entity, name)) >= 0.95


def test_judge__parts_add_up_to_the_score() -> None:
    left, right = (profile_of("item", {"name": name}) for name in ("内六角螺钉 M8*20 8.8级", "M8x2cm 内六角螺丝 8.8"))
    found = judge(ITEM, left, right)
    odds = sum(part.weight for part in found.parts)
    assert found.parts[0].feature == "start"
    assert found.posterior == pytest.approx(1 / (1 + math.exp(-odds)))
    assert found.posterior > 0.9
    assert judge(ITEM, right, left).posterior == pytest.approx(found.posterior)


def test_judge__contradiction_vetoes_whatever_is_alike() -> None:
    left, right = (profile_of("item", {"name": name}) for name in ("内六角螺钉 M8*20", "内六角螺钉 M10*20"))
    found = judge(ITEM, left, right)
    assert found.vetoes == ("thread", "numbers")
    assert found.posterior == 0


def test_judge__other_identity_is_another_thing() -> None:
    left = profile_of("partner", {"name": "苏州恒泰五金有限公司", "tax_number": "91320500MA1"})
    right = profile_of("partner", {"name": "苏州恒泰五金有限公司", "tax_number": "91320500MA2"})
    assert judge(PARTNER, left, right).vetoes == ("tax_number",)


def test_learn__moves_towards_decisions_and_stays_near() -> None:
    def firm(name: str) -> Profile:
        return profile_of("partner", {"name": name})

    told = [Lesson(firm(f"Acme {k} Ltd"), firm(f"ACME {k} GmbH"), same=False) for k in range(6)]
    before = judge(PARTNER, told[0].left, told[0].right).posterior
    learnt = learn(PARTNER, told, "plant-1")
    assert judge(learnt, told[0].left, told[0].right).posterior < before
    assert (learnt.version, learnt.decisions) == ("plant-1", 6)
    assert learn(PARTNER, [], "plant-2").weights == PARTNER.weights
    assert f1(learnt, lessons("partner", "chinese_companies")) >= 0.95


def test_model__as_it_is_pinned(tmp_path: Path) -> None:
    file = tmp_path / "item.json"
    file.write_text(dump_model(ITEM), encoding="utf-8")
    assert load_model("item", file) == ITEM
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"item\.json"):
        load_model("item", file)


def index_of(entity: str, *rows: tuple[str, dict[str, str]]) -> Index:
    names = ATTRIBUTES[entity]
    keys = [dict(zip(("system", "source_key"), key.split(":"), strict=True)) for key, _ in rows]
    full = [{**dict.fromkeys(names), **key, **said} for key, (_, said) in zip(keys, rows, strict=True)]
    return Index.build(entity, pl.DataFrame(full, schema=dict.fromkeys(("system", "source_key", *names), pl.String)))


def test_look_up__finds_what_is_written_otherwise() -> None:
    index = index_of(
        "item",
        ("erp:1", {"name": "内六角螺钉", "specification": "M8*20 8.8级"}),
        ("erp:2", {"name": "内六角螺钉", "specification": "M8*25 8.8级"}),
        ("erp:3", {"name": "平垫圈 8"}),
    )
    best, *rest = look_up(Layers(index), ITEM, {"name": "Ｍ８×2cm 内六角螺丝 8.8"})
    assert best.ref == SourceRef("erp", "1")
    assert best.judged.posterior > 0.9
    assert all(hit.judged.vetoes or hit.judged.posterior < 0.5 for hit in rest)


def test_look_up__nothing_alike_is_nothing() -> None:
    assert (
        look_up(Layers(index_of("partner", ("erp:1", {"name": "苏州恒泰五金有限公司"}))), PARTNER, {"name": "Qqq"})
        == []
    )


def test_layered__what_changed_since_is_found_and_what_went_is_not() -> None:
    before = index_of(
        "partner", ("erp:1", {"name": "苏州恒泰五金有限公司"}), ("erp:2", {"name": "无锡大成轴承有限公司"})
    )
    now = index_of("partner", ("erp:2", {"name": "无锡大成轴承厂"}), ("erp:3", {"name": "苏州恒泰五金厂"})).frame
    layers = layered(Layers(before), "partner", now)
    assert layers.base is before
    assert {hit.ref.source_key for hit in look_up(layers, PARTNER, {"name": "苏州恒泰五金"})} == {"3"}
    assert [hit.said["name"] for hit in look_up(layers, PARTNER, {"name": "大成轴承"})] == ["无锡大成轴承厂"]
