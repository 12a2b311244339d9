"""Golden records are found by names, sounds, codes and keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import stewardship
from tests.unit.pipeline.mastered import LI, MasteredPlant, mastered_plant


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MasteredPlant]:
    made = mastered_plant(tmp_path_factory.mktemp("plant"))
    made.put("item", "erp:A-01", name="内六角螺栓", specification="M8×20", drawing_number="DW-1")
    made.put("item", "mes:9", name="螺母 M8", drawing_number="DW-2")
    made.put("item", "wms:S", name="Washer")
    made.master()
    yield made
    made.hub.close()


@pytest.mark.parametrize(
    ("text", "golden_ids"),
    [
        ("luoshuan", ["DW-1"]), ("ls", ["DW-1"]), ("lm m8", ["DW-2"]), ("dw-", ["DW-1", "DW-2"]),
        ("erp:a-01", ["DW-1"]),
        ("wash", ["wms:S"]), ("m8x20", ["DW-1"]), ("", ["wms:S", "DW-1", "DW-2"]), ("luoding", []),
    ],
)  # fmt: skip
def test_find_records(plant: MasteredPlant, text: str, golden_ids: list[str]) -> None:
    found, total = stewardship.find_records(plant.hub, "item", text)
    assert ([one.golden_id for one in found], total) == (golden_ids, len(golden_ids))


def test_find_records__what_a_decision_retired_is_left_out(tmp_path: Path) -> None:
    made = mastered_plant(tmp_path)
    made.put("item", "erp:1", name="Bolt")
    made.put("item", "wms:2", name="Bolts, long")
    made.master()
    stewardship.merge(made.hub, LI, "item", ["erp:1", "wms:2"], "")
    found, total = stewardship.find_records(made.hub, "item", "bolt")
    assert ([(one.golden_id, one.systems) for one in found], total) == ([("erp:1", ("erp",))], 1)
    made.hub.close()
