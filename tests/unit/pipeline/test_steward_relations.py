"""Relations between golden records: dated, with origin and reason; no circles; exact through merge and unmerge."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from canonical.relations import Relation
from pipeline import stewardship as acts
from pipeline.stewardship import RelationRefused, WantedRelation
from tests.unit.pipeline.mastered import LI, MasteredPlant, mastered_plant


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[MasteredPlant]:
    made = mastered_plant(tmp_path)
    for key, name in (("1", "明达集团"), ("2", "明达模具"), ("3", "明达模具苏州分公司"), ("4", "华东电机")):
        made.put("partner", f"erp:{key}", name=name, tax_number=f"91320500MA1X{key}")
    for key in "12":
        made.put("item", f"erp:{key}", name=f"Bolt {key}", drawing_number=f"DW-{key}")
    made.master("partner")
    made.master("item")
    yield made
    made.hub.close()


GROUP, MOULDS, BRANCH, MOTORS = (f"91320500MA1X{key}" for key in "1234")


def _relate(plant: MasteredPlant, of: str, kind: str, to: str | None, entity: str = "partner", **more: object) -> int:
    wanted = WantedRelation(kind, to, reason="the annual report", **more)  # type: ignore[arg-type]
    return acts.relate(plant.hub, LI, entity, of, wanted).decision.number


def _shown(plant: MasteredPlant, place: str, entity: str = "partner") -> list[tuple[str, str, str | None]]:
    return [(one.kind, one.of, one.to) for one in acts.relations(plant.hub, entity, place)]


def test_relation__is_seen_from_both_ends_with_origin_reason_and_dates(plant: MasteredPlant) -> None:
    number = _relate(plant, MOULDS, "parent", GROUP, valid_from=date(2024, 1, 1))
    assert acts.relations(plant.hub, "partner", GROUP) == acts.relations(plant.hub, "partner", MOULDS)
    (one,) = acts.relations(plant.hub, "partner", GROUP)
    assert one == Relation(
        "partner", "parent", MOULDS, GROUP, None, date(2024, 1, 1), None, "person:li.wei", plant.moment, number,
        "the annual report",
    )  # fmt: skip
    acts.revoke(plant.hub, LI, number, "sold")
    assert acts.relations(plant.hub, "partner", GROUP) == ()


def test_relation__in_a_circle_is_refused_along_the_whole_hierarchy(plant: MasteredPlant) -> None:
    _relate(plant, MOULDS, "parent", GROUP)
    _relate(plant, BRANCH, "branch_of", MOULDS)
    with pytest.raises(RelationRefused, match="circle"):
        _relate(plant, GROUP, "parent", BRANCH)
    with pytest.raises(RelationRefused, match="circle"):
        _relate(plant, MOTORS, "parent", MOTORS)
    _relate(plant, GROUP, "bill_to", BRANCH)  # who pays is no hierarchy
    assert len(acts.relations(plant.hub, "partner", GROUP)) == 2


def test_relation__one_after_the_other_in_time_is_no_circle(plant: MasteredPlant) -> None:
    day = date(2025, 1, 1)
    _relate(plant, MOULDS, "parent", GROUP, valid_to=day)
    _relate(plant, GROUP, "parent", MOULDS, valid_from=day)
    with pytest.raises(RelationRefused, match="at that time it belongs to"):
        _relate(plant, MOULDS, "parent", MOTORS, valid_from=date(2024, 6, 1))


def test_merge__that_would_close_a_circle_is_refused(plant: MasteredPlant) -> None:
    _relate(plant, MOULDS, "parent", GROUP)
    before = plant.state("partner")
    with pytest.raises(RelationRefused, match="circle"):
        acts.merge(plant.hub, LI, "partner", [MOULDS, GROUP], "")
    assert plant.state("partner") == before


def test_unmerge__keeps_relations_exactly(plant: MasteredPlant) -> None:
    _relate(plant, MOULDS, "parent", GROUP)
    _relate(plant, MOTORS, "ship_to", BRANCH)
    every = (GROUP, MOULDS, BRANCH, MOTORS)
    before = [acts.relations(plant.hub, "partner", place) for place in every]
    merged = acts.merge(plant.hub, LI, "partner", [MOULDS, MOTORS], "")
    assert _shown(plant, MOULDS) == [("parent", MOULDS, GROUP), ("ship_to", MOULDS, BRANCH)]
    assert _shown(plant, MOTORS) == _shown(plant, MOULDS)  # the retired id leads there
    acts.unmerge(plant.hub, LI, merged.decision.number)
    assert [acts.relations(plant.hub, "partner", place) for place in every] == before


def test_relation__what_was_believed_when_about_when(plant: MasteredPlant) -> None:
    plant.later(days=1)
    number = _relate(plant, MOULDS, "parent", GROUP, valid_from=date(2026, 11, 1), valid_to=date(2026, 11, 10))
    then = plant.moment
    plant.later(days=20)
    acts.revoke(plant.hub, LI, number, "it was never so")
    assert _shown(plant, MOULDS) == []
    before, after = then.replace(day=2), then.replace(day=25)
    hub = plant.hub
    assert len(acts.relations(hub, "partner", MOULDS, about=then, at=then)) == 1
    assert acts.relations(hub, "partner", MOULDS, about=after, at=then) == ()
    assert acts.relations(hub, "partner", MOULDS, about=then, at=before) == ()
    assert acts.relations(hub, "partner", MOULDS, about=then, at=plant.moment) == ()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (WantedRelation("supersedes", GROUP, reason="x"), "has no relation"),
        (WantedRelation("parent", reason="x"), "which golden record"),
        (WantedRelation("parent", text="somebody", reason="x"), "which golden record"),
        (WantedRelation("parent", GROUP), "a reason is needed"),
        (WantedRelation("parent", GROUP, None, date(2026, 2, 1), date(2026, 1, 1), "x"), "before it begins"),
    ],
)
def test_relation__that_makes_no_sense_is_refused(plant: MasteredPlant, wanted: WantedRelation, said: str) -> None:
    with pytest.raises(RelationRefused, match=said):
        acts.relate(plant.hub, LI, "partner", MOULDS, wanted)


def test_relation__to_a_person_and_of_items(plant: MasteredPlant) -> None:
    _relate(plant, MOULDS, "contact", None, text="王芳 0512-6288")
    (one,) = acts.relations(plant.hub, "partner", MOULDS)
    assert (one.to, one.text) == (None, "王芳 0512-6288")
    with pytest.raises(RelationRefused, match="stands already"):
        _relate(plant, MOULDS, "contact", None, text="王芳 0512-6288")
    _relate(plant, "DW-2", "supersedes", "DW-1", "item")
    with pytest.raises(RelationRefused, match="circle"):
        _relate(plant, "DW-1", "supersedes", "DW-2", "item")
    assert _shown(plant, "DW-1", "item") == [("supersedes", "DW-2", "DW-1")]
