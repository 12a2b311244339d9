"""What the artefacts of matching say of themselves as assets."""

from pathlib import Path

import dagster as dg

from assets import keys
from assets.mastering import around
from pipeline import stewardship
from pipeline.models import model_of
from tests.unit.pipeline.mastered import LI, mastered_plant, ref


def test_around__everything_from_the_edges_on_names_the_model_it_rests_on(tmp_path: Path) -> None:
    plant = mastered_plant(tmp_path)
    plant.put("item", "erp:1", name="内六角螺钉 M8*20", drawing_number="DW-1")
    plant.put("item", "crm:F", name="内六角螺钉 M8×20")
    plant.master()
    shipped = model_of(plant.hub, "item").version
    stewardship.decide(plant.hub, LI, stewardship.same("item", ref("erp:1"), ref("crm:F")))
    plant.master()
    learnt = model_of(plant.hub, "item").version
    golden: dg.MaterializeResult[None] = dg.MaterializeResult(asset_key=keys.golden("item"), metadata={"records": 2})
    found = {one.asset_key: one.metadata or {} for one in around(plant.hub, golden, "item")}
    plant.hub.close()
    assert learnt != shipped
    resting = [keys.golden("item"), *(keys.mastering(name, "item") for name in ("edges", "clusters", "crosswalk"))]
    assert {found[key]["model"] for key in resting} == {learnt}
    assert found[keys.golden("item")]["records"] == 2
    assert "model" not in found[keys.mastering("standardised", "item")]
