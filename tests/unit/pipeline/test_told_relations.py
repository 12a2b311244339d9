"""Relations that systems tell: re-keyed, kept through time, below what stewards decided, never in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pipeline import stewardship as acts
from pipeline.stewardship import RelationRefused, WantedRelation
from store import quarantine
from tests.unit.pipeline.mastered import LI, MasteredPlant, mastered_plant

GROUP, MOULDS, BRANCH, MOTORS = (f"91320500MA1X{key}" for key in "1234")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[MasteredPlant]:
    made = mastered_plant(tmp_path)
    for key in "1234":
        made.put("partner", f"crm:{key}", name=f"Firm {key}", tax_number=f"91320500MA1X{key}")
        made.put("partner", f"erp:S{key}", name=f"Firm {key}", tax_number=f"91320500MA1X{key}")
    made.master("partner")
    yield made
    made.hub.close()


def _tell(plant: MasteredPlant, system: str, of: str, to: str | None, kind: str = "parent", **more: object) -> None:
    plant.put("partner_relation", f"{system}:{of}|{kind}", of=of, kind=kind, to=to, **more)


def _shown(plant: MasteredPlant, place: str, **when: object) -> list[tuple[str, str, str | None, str]]:
    found = acts.relations(plant.hub, "partner", place, **when)  # type: ignore[arg-type]
    return [(one.kind, one.of, one.to, one.origin) for one in found]


def test_told__is_seen_from_both_ends_with_its_source_and_since_when(plant: MasteredPlant) -> None:
    _tell(plant, "crm", "2", "1", valid_from=date(2024, 1, 1))
    _tell(plant, "crm", "3", None)
    done = plant.master("partner_relation")
    assert (done.records, done.golden, done.unresolved) == (2, 1, 0)
    assert acts.relations(plant.hub, "partner", GROUP) == acts.relations(plant.hub, "partner", MOULDS)
    (one,) = acts.relations(plant.hub, "partner", GROUP)
    assert (one.kind, one.of, one.to, one.origin) == ("parent", MOULDS, GROUP, "system:crm")
    assert (one.valid_from, one.said_at, one.number) == (date(2024, 1, 1), plant.moment, None)


def test_told__with_an_end_nobody_knows_waits_in_quarantine(plant: MasteredPlant) -> None:
    _tell(plant, "crm", "2", "9")
    assert plant.master("partner_relation").unresolved == 1
    with plant.hub.store.read() as tx:
        assert quarantine.waiting(tx, "reconcile", "crm", "partner_relation")[0] == 1
    plant.put("partner", "crm:9", name="Firm 9", tax_number="91320500MA1X9")
    plant.master("partner")
    assert plant.master("partner_relation").unresolved == 0
    assert _shown(plant, MOULDS) == [("parent", MOULDS, "91320500MA1X9", "system:crm")]


def test_told__another_one_later_and_none_in_the_end_is_kept_through_time(plant: MasteredPlant) -> None:
    moments = []
    for to in ("1", "4", None):
        _tell(plant, "crm", "2", to)
        plant.master("partner_relation")
        moments.append(plant.moment)
    assert _shown(plant, MOULDS) == []
    assert _shown(plant, GROUP, at=moments[0]) == [("parent", MOULDS, GROUP, "system:crm")]
    assert _shown(plant, GROUP, at=moments[1]) == []
    assert _shown(plant, MOULDS, at=moments[1]) == [("parent", MOULDS, MOTORS, "system:crm")]
    assert _shown(plant, MOULDS, at=moments[2]) == []


def test_told__gives_way_to_a_steward_until_that_is_taken_back(plant: MasteredPlant) -> None:
    _tell(plant, "crm", "2", "1")
    plant.master("partner_relation")
    wanted = WantedRelation("branch_of", MOTORS, reason="the annual report")
    number = acts.relate(plant.hub, LI, "partner", MOULDS, wanted).decision.number
    assert _shown(plant, MOULDS) == [("branch_of", MOULDS, MOTORS, "person:li.wei")]
    assert _shown(plant, GROUP) == []
    acts.revoke(plant.hub, LI, number, "it was a mistake")
    assert _shown(plant, MOULDS) == [("parent", MOULDS, GROUP, "system:crm")]


def test_told__by_two_systems_that_differ_follows_the_precedence(plant: MasteredPlant) -> None:
    _tell(plant, "crm", "2", "1")
    _tell(plant, "erp", "S2", "S4")
    plant.master("partner_relation")
    assert _shown(plant, MOULDS) == [("parent", MOULDS, MOTORS, "system:erp")]
    assert _shown(plant, GROUP) == []


def test_told__by_two_systems_that_agree_shows_once(plant: MasteredPlant) -> None:
    _tell(plant, "crm", "2", "1", "bill_to")
    _tell(plant, "erp", "S2", "S1", "bill_to")
    plant.master("partner_relation")
    assert _shown(plant, GROUP) == [("bill_to", MOULDS, GROUP, "system:erp")]


def test_told__in_a_circle_is_left_out(plant: MasteredPlant) -> None:
    _tell(plant, "crm", "2", "1")
    _tell(plant, "erp", "S1", "S3", "branch_of")
    _tell(plant, "crm", "3", "2")
    _tell(plant, "crm", "4", "2")
    plant.master("partner_relation")
    assert _shown(plant, GROUP) == []
    assert _shown(plant, MOULDS) == [("parent", MOTORS, MOULDS, "system:crm")]


def test_told__that_a_decision_turns_round_is_left_out(plant: MasteredPlant) -> None:
    _tell(plant, "crm", "2", "1")
    plant.master("partner_relation")
    acts.relate(plant.hub, LI, "partner", GROUP, WantedRelation("parent", MOULDS, reason="bought"))
    assert _shown(plant, MOULDS) == [("parent", GROUP, MOULDS, "person:li.wei")]


def test_told__follows_a_merge_and_comes_back_with_an_unmerge(plant: MasteredPlant) -> None:
    _tell(plant, "crm", "2", "1")
    plant.master("partner_relation")
    before = [acts.relations(plant.hub, "partner", place) for place in (GROUP, MOULDS, BRANCH)]
    merged = acts.merge(plant.hub, LI, "partner", [BRANCH, GROUP], "")
    kept = acts.relations(plant.hub, "partner", BRANCH)
    assert kept == acts.relations(plant.hub, "partner", GROUP)
    assert len(kept) == 1
    plant.master("partner_relation")
    assert [(one.kind, one.of) for one in acts.relations(plant.hub, "partner", GROUP)] == [("parent", MOULDS)]
    acts.unmerge(plant.hub, LI, merged.decision.number)
    plant.master("partner_relation")
    after = [acts.relations(plant.hub, "partner", place) for place in (GROUP, MOULDS, BRANCH)]
    assert [[(one.of, one.to) for one in each] for each in after] == [
        [(one.of, one.to) for one in each] for each in before
    ]


def test_told__none_at_all_by_a_steward_hides_what_systems_tell_until_taken_back(plant: MasteredPlant) -> None:
    _tell(plant, "crm", "2", "1")
    _tell(plant, "crm", "2", "4", "bill_to")
    _tell(plant, "crm", "3", "2", "branch_of")
    plant.master("partner_relation")
    wanted = WantedRelation("parent", none=True, reason="it was bought out")
    number = acts.relate(plant.hub, LI, "partner", MOULDS, wanted).decision.number
    assert _shown(plant, GROUP) == []
    assert _shown(plant, MOULDS) == [
        ("parent", MOULDS, None, "person:li.wei"),
        ("bill_to", MOULDS, MOTORS, "system:crm"),
        ("branch_of", BRANCH, MOULDS, "system:crm"),
    ]
    with pytest.raises(RelationRefused, match="belongs to none"):
        acts.relate(plant.hub, LI, "partner", MOULDS, WantedRelation("branch_of", GROUP, reason="no"))
    acts.revoke(plant.hub, LI, number, "it was not")
    assert _shown(plant, GROUP) == [("parent", MOULDS, GROUP, "system:crm")]


@pytest.fixture
def bolts(plant: MasteredPlant) -> MasteredPlant:
    for key in "123":
        plant.put("item", f"erp:{key}", name=f"Bolt {key}", drawing_number=f"DW-{key}")
        plant.put("item", f"crm:P{key}", name=f"Bolt {key}", drawing_number=f"DW-{key}")
    plant.master("item")
    return plant


def _tell_of_items(plant: MasteredPlant, system: str, of: str, kind: str, to: str | None) -> None:
    plant.put("item_relation", f"{system}:{of}|{kind}", of=of, kind=kind, to=to)


def _of_items(plant: MasteredPlant, place: str, **when: object) -> list[tuple[str, str, str | None, str]]:
    found = acts.relations(plant.hub, "item", place, **when)  # type: ignore[arg-type]
    return [(one.kind, one.of, one.to, one.origin) for one in found]


def test_told__of_items_from_either_end_is_the_same_and_shows_once(bolts: MasteredPlant) -> None:
    _tell_of_items(bolts, "crm", "P2", "supersedes", "P1")
    _tell_of_items(bolts, "erp", "1", "superseded_by", "2")
    _tell_of_items(bolts, "erp", "3", "replaced_by", "1")
    bolts.master("item_relation")
    assert _of_items(bolts, "DW-2") == [("supersedes", "DW-2", "DW-1", "system:erp")]
    assert sorted(_of_items(bolts, "DW-1")) == [
        ("replaces", "DW-1", "DW-3", "system:erp"),
        ("supersedes", "DW-2", "DW-1", "system:erp"),
    ]


def test_told__of_items_follows_time_precedence_and_a_steward(bolts: MasteredPlant) -> None:
    _tell_of_items(bolts, "crm", "P1", "variant_of", "P3")
    bolts.master("item_relation")
    before = bolts.moment
    _tell_of_items(bolts, "erp", "1", "variant_of", "2")
    bolts.master("item_relation")
    assert _of_items(bolts, "DW-1") == [("variant_of", "DW-1", "DW-2", "system:erp")]
    assert _of_items(bolts, "DW-3", at=before) == [("variant_of", "DW-1", "DW-3", "system:crm")]
    acts.relate(bolts.hub, LI, "item", "DW-1", WantedRelation("variant_of", none=True, reason="no template"))
    assert [one for one in _of_items(bolts, "DW-1") if one[2]] == []


def test_told__of_items_that_supersede_each_other_is_left_out(bolts: MasteredPlant) -> None:
    _tell_of_items(bolts, "erp", "1", "superseded_by", "2")
    _tell_of_items(bolts, "erp", "1", "supersedes", "2")
    _tell_of_items(bolts, "erp", "3", "package_of", "1")
    bolts.master("item_relation")
    assert _of_items(bolts, "DW-1") == [("package_of", "DW-3", "DW-1", "system:erp")]


def test_told__of_the_past_by_many_is_found_among_all_that_was_said(plant: MasteredPlant) -> None:
    keys = [f"M{number}" for number in range(120)]
    for key in keys:
        plant.put("partner", f"crm:{key}", name=f"Member {key}", tax_number=f"91320500MA1X{key}")
        _tell(plant, "crm", key, "1")
    _tell(plant, "erp", "S2", "S4")
    plant.master("partner")
    plant.master("partner_relation")
    then = plant.moment
    _tell(plant, "crm", keys[0], "4")
    plant.master("partner_relation")
    told = _shown(plant, GROUP, at=then)
    assert {of for _, of, _, _ in told} == {f"91320500MA1X{key}" for key in keys}
    assert len(_shown(plant, GROUP)) == len(keys) - 1
