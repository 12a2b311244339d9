"""Records without a common key meet in the stream: the sure ones are linked, the others wait for a steward."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from canonical.strict_json import loads
from pipeline import stewardship
from pipeline.artefacts import artefacts
from pipeline.models import model_of
from store import candidates
from tests.unit.pipeline.mastered import LI, MasteredPlant, mastered_plant, ref

FIRM = {"name": "苏州恒泰精密五金有限公司", "phone": "0512-66778899", "city": "苏州"}


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[MasteredPlant]:
    made = mastered_plant(tmp_path)
    yield made
    made.hub.close()


def bands(plant: MasteredPlant, entity: str) -> dict[str, str]:
    with plant.hub.store.read() as tx:
        return {f"{one.a} {one.b}": one.band for one in candidates.listed(tx, entity)}


def test_sure_pair__is_linked_and_comes_apart_with_its_evidence(plant: MasteredPlant) -> None:
    plant.put("partner", "erp:V1", **FIRM, tax_number="91320500MA1XYZ")
    plant.put("partner", "crm:A7", **FIRM)
    plant.master("partner")
    assert bands(plant, "partner") == {"crm:A7 erp:V1": "auto"}
    assert plant.golden("partner") == {"91320500MA1XYZ": {"erp:V1", "crm:A7"}}
    plant.put("partner", "crm:A7", name="无锡大成轴承有限公司")
    plant.master("partner")
    assert plant.golden("partner") == {"91320500MA1XYZ": {"erp:V1"}, "crm:A7": {"crm:A7"}}


def test_rival__sends_both_to_the_steward_in_any_order(plant: MasteredPlant) -> None:
    plant.put("partner", "erp:V1", **FIRM, tax_number="91320500MA1XYZ")
    plant.put("partner", "crm:A7", **FIRM)
    plant.master("partner")
    plant.put("partner", "erp:V2", **FIRM, tax_number="91320500MA1OTHER")
    plant.master("partner")
    assert set(bands(plant, "partner").values()) == {"review"}
    assert len(plant.golden("partner")) == 3
    items = stewardship.queue(plant.hub, stewardship.QueueFilter(entity="partner")).items
    assert [one.kind for one in items] == ["match", "match"]


def test_items__wait_for_a_steward_until_the_model_has_learnt(plant: MasteredPlant) -> None:
    plant.put("item", "erp:1", name="内六角螺钉", specification="M8*20 8.8级", drawing_number="DW-1", unit="pcs")
    plant.put("item", "crm:F", name="内六角螺钉 M8×2cm 8.8级", unit="pcs")
    plant.put("item", "wms:W", name="内六角螺钉 M10*20 8.8级", unit="pcs")
    plant.master()
    assert bands(plant, "item") == {"crm:F erp:1": "review"}
    (item,) = stewardship.queue(plant.hub).items
    assert (item.kind, item.records) == ("match", (ref("crm:F"), ref("erp:1")))
    assert stewardship.queue_item(plant.hub, item.item) == item
    told = stewardship.explain(plant.hub, "item", *item.records)
    assert told.steps[-1].after == pytest.approx(sum(step.part.weight for step in told.steps))
    stewardship.decide(plant.hub, LI, stewardship.same("item", *item.records))
    assert stewardship.queue(plant.hub).items == ()
    plant.master()
    assert model_of(plant.hub, "item").decisions == 1
    assert plant.golden()["DW-1"] == {"erp:1", "crm:F"}


def test_different__leaves_the_queue_and_comes_back_with_undo(plant: MasteredPlant) -> None:
    plant.put("item", "erp:1", name="内六角螺钉 M8*20", drawing_number="DW-1")
    plant.put("item", "crm:F", name="内六角螺钉 M8×20")
    plant.master()
    (item,) = stewardship.queue(plant.hub).items
    stewardship.decide(plant.hub, LI, stewardship.different("item", item.records[0], item.records[1]))
    plant.master()
    assert stewardship.queue(plant.hub).total == 0
    stewardship.undo(plant.hub, LI)
    plant.master()
    assert [one.item for one in stewardship.queue(plant.hub).items] == [item.item]


def test_unchanged__is_not_looked_at_again(plant: MasteredPlant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.put("partner", "erp:V1", **FIRM, tax_number="91320500MA1XYZ")
    plant.put("partner", "crm:A7", **FIRM)
    plant.master("partner")

    def refuse(*_: object) -> None:
        raise AssertionError("nothing has changed")

    monkeypatch.setattr("pipeline.candidates._pairs", refuse)
    plant.master("partner")
    assert bands(plant, "partner") == {"crm:A7 erp:V1": "auto"}


def test_key_of_its_own__ends_the_link_where_every_record_has_one_now(plant: MasteredPlant) -> None:
    plant.put("partner", "erp:V1", **FIRM, tax_number="91320500MA1XYZ")
    plant.put("partner", "crm:A7", **FIRM)
    plant.master("partner")
    assert plant.golden("partner") == {"91320500MA1XYZ": {"erp:V1", "crm:A7"}}
    plant.put("partner", "crm:A7", **FIRM, tax_number="91320500MA1OTHER")
    plant.master("partner")
    assert bands(plant, "partner") == {}
    assert plant.golden("partner") == {"91320500MA1XYZ": {"erp:V1"}, "crm:A7": {"crm:A7"}}


def test_decision_between_two_models__looks_at_no_record_again(
    plant: MasteredPlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(24):
        plant.put("item", f"erp:{number}", name=f"垫圈 M{number}", drawing_number=f"DW-{number}")
    plant.put("item", "crm:F", name="内六角螺钉 M8×20")
    plant.master()
    for number in range(20):
        one, other = ref(f"erp:{number}"), ref(f"erp:{number + 1}")
        stewardship.decide(plant.hub, LI, stewardship.different("item", one, other))
    plant.master()
    version = model_of(plant.hub, "item").version

    def refuse(*_: object) -> None:
        raise AssertionError("no record says anything new")

    monkeypatch.setattr("pipeline.candidates._pairs", refuse)
    stewardship.decide(plant.hub, LI, stewardship.same("item", ref("erp:22"), ref("erp:23")))
    plant.master()
    assert model_of(plant.hub, "item").version == version
    assert plant.golden()["DW-22"] == {"erp:22", "erp:23"}


def test_record_that_went__takes_its_pairs_along(plant: MasteredPlant) -> None:
    plant.put("partner", "erp:V1", **FIRM, tax_number="91320500MA1XYZ")
    plant.put("partner", "crm:A7", **FIRM)
    plant.master("partner")
    plant.remove("partner", "crm:A7")
    plant.master("partner")
    assert bands(plant, "partner") == {}


def test_compare_and_record__tell_where_everything_comes_from(plant: MasteredPlant) -> None:
    plant.put("item", "erp:1", name="内六角螺钉 M8*20", drawing_number="DW-1", sourcing="buy")
    plant.put("item", "mes:9", name="螺钉 M8", drawing_number="DW-1", sourcing="make")
    plant.master()
    seen = stewardship.compare(plant.hub, "item", [ref("erp:1"), ref("mes:9")])
    assert {row.attribute for row in seen.rows if row.differs} == {"code", "name", "sourcing"}
    assert seen.golden_ids == ("DW-1", "DW-1")
    assert {row.attribute: row.values for row in seen.parsed}["thread"] == ("8", "8")
    view = stewardship.record(plant.hub, "item", "DW-1")
    told = {one.attribute: (one.value, one.source, one.strategy) for one in view.attributes}
    assert told["sourcing"] == ("buy", "erp:1", "precedence")
    stewardship.pin(plant.hub, LI, "item", "DW-1", attribute="sourcing", value="make", reason="asked")
    view = stewardship.record(plant.hub, "item", "DW-1")
    told = {one.attribute: (one.value, one.source, one.strategy) for one in view.attributes}
    assert told["sourcing"] == ("make", "person:li.wei", "pin")
    assert [one.kind for one in view.decisions] == ["pin"]
    assert [one.action for one in stewardship.audited(plant.hub)] == ["mdm.pin"]
    assert len(stewardship.history(plant.hub, "item", "DW-1")) == 2


def test_standardised__raw_and_parsed_stand_side_by_side(plant: MasteredPlant) -> None:
    plant.put("item", "erp:1", name="内六角螺钉 Ｍ８×20", drawing_number="DW-1")
    plant.put("item", "crm:F", name="Washer")
    plant.master()
    frame = plant.hub.frames.read("standardised/item")
    assert frame is not None
    row = frame.filter(pl.col("source_key") == "1").to_dicts()[0]
    assert row["text"] == "内六角螺钉 m8x20"
    assert loads(row["parts"])["thread"] == ["8"]
    plant.put("item", "crm:F", name="Spring washer")
    plant.master()
    frame = plant.hub.frames.read("standardised/item")
    assert frame is not None
    assert frame["text"].to_list() == ["spring washer", "内六角螺钉 m8x20"]
    assert artefacts(plant.hub, "item").bindings == 2


def test_boms_of_two_systems__one_is_in_force_and_the_other_differs(plant: MasteredPlant) -> None:
    for name in ("DW-A", "DW-N"):
        plant.put("item", f"erp:{name}", drawing_number=name, unit="pcs")
        plant.put("item", f"mes:{name}", drawing_number=name, unit="pcs")
    for system, quantity in (("erp", "2"), ("mes", "3")):
        plant.put("bom", f"{system}:B", item="DW-A", in_force=True)
        plant.put(
            "bom_line", f"{system}:B|1", bom="B", line="1", parent="DW-A", component="DW-N",
            quantity=Decimal(quantity), per=Decimal(1), scrap_rate=Decimal(0), unit="pcs",
        )  # fmt: skip
    for entity in ("item", "bom", "bom_line"):
        plant.master(entity)
    heads = plant.hub.frames.read("golden/bom")
    assert heads is not None
    assert dict(heads.select("golden_id", "in_force").iter_rows()) == {"erp:B": True, "mes:B": False}
    items = stewardship.queue(plant.hub, stewardship.QueueFilter(entity="bom_line")).items
    assert [(one.kind, one.attribute, one.golden_ids) for one in items] == [
        ("conflict", "component DW-N", ("erp:B",))
    ]  # fmt: skip
    assert (items[0].title, items[0].said) == (
        "DW-A (DW-A)",
        ("erp=quantity 2, per 1, scrap_rate 0", "mes=quantity 3, per 1, scrap_rate 0"),
    )  # fmt: skip
