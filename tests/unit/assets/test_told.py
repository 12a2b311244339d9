"""The asset that tells people, run by Dagster over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.door import HubDoor
from assets.told import people_asset
from store import runs
from tests.unit.pipeline.plants import Plant, plants


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    yield from plants(tmp_path, f"sqlite:///{tmp_path}/hub.sqlite")


def test_people_asset__tells_and_says_what_it_did(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ["line"]}})
    plant.tell("M-1")
    result = dg.materialize([people_asset()], resources={"hub": HubDoor(hub=hub)})
    assert len(plant.line) == 1
    metadata = result.asset_materializations_for_node("notify")[0].metadata
    assert (metadata["dagster/row_count"].value, metadata["messages"].value) == (1, "line 1")
    with plant.store.read() as tx:
        assert [stage.stage for stage in runs.stages(tx, result.run_id)] == ["notify"]
