"""What a steward does holds, is seen at once and in every later pass, and is taken back exactly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from canonical.actors import Actor, Role
from canonical.errors import MillstreamError
from mdm.policy import GoldenCode, load_policies
from pipeline import steward_acts as acts
from store import audit, conflicts, decisions, golden
from tests.unit.pipeline.mastered import LI, WANG, MasteredPlant, mastered_plant, ref


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[MasteredPlant]:
    made = mastered_plant(tmp_path)
    made.put("item", "erp:01", drawing_number="DW-1", name="Bolt M8", sourcing="buy")
    made.put("item", "mes:9", drawing_number="DW-1", name="螺栓 M8", sourcing="make")
    made.put("item", "wms:S", name="Bolt M8x20", unit="pcs")
    made.put("item", "crm:F", name="Washer")
    made.master()
    yield made
    made.hub.close()


def test_merge__joins_at_once_and_in_every_later_pass(plant: MasteredPlant) -> None:
    done = acts.merge(plant.hub, LI, "item", ["wms:S", "DW-1"], "the same bolt")
    assert plant.golden() == {"DW-1": {"erp:01", "mes:9", "wms:S"}, "crm:F": {"crm:F"}}
    assert done.redirects == (("wms:S", "DW-1"),)
    with plant.hub.store.read() as tx:
        assert golden.resolve(tx, "item", "wms:S") == "DW-1"
        last = golden.current(tx, "item", "DW-1")
    assert last is not None
    assert last.content["unit"] == "pcs"
    before = plant.state()
    plant.master()
    assert plant.state() == before
    frame = plant.hub.frames.read("golden/item")
    assert frame is not None
    assert frame.filter(pl.col("golden_id") == "DW-1")["unit"].to_list() == ["pcs"]


def test_unmerge__restores_every_byte(plant: MasteredPlant) -> None:
    before = plant.state()
    done = acts.merge(plant.hub, LI, "item", ["DW-1", "wms:S"], "")
    assert plant.state() != before
    acts.unmerge(plant.hub, LI, done.decision.number)
    assert plant.state() == before
    plant.master()
    assert plant.state() == before


def test_unmerge__of_a_chain_in_any_order(plant: MasteredPlant) -> None:
    before = plant.state()
    first = acts.merge(plant.hub, LI, "item", ["DW-1", "wms:S"], "")
    between = plant.state()
    second = acts.merge(plant.hub, LI, "item", ["DW-1", "crm:F"], "")
    acts.unmerge(plant.hub, LI, first.decision.number)
    assert plant.golden() == {"DW-1": {"erp:01", "mes:9", "crm:F"}, "wms:S": {"wms:S"}}
    again = acts.revoke(plant.hub, LI, second.decision.number)
    assert plant.state() == before
    acts.revoke(plant.hub, LI, again.decision.number)
    acts.undo(plant.hub, LI)
    assert plant.golden()["DW-1"] == {"erp:01", "mes:9"}
    assert between != before


def test_record_that_comes_later__stands_with_its_home_after_an_unmerge(plant: MasteredPlant) -> None:
    plant.put("item", "erp:02", drawing_number="DW-2", name="Washer 8")
    plant.master()
    done = acts.merge(plant.hub, LI, "item", ["DW-2", "crm:F"], "")
    plant.put("item", "mes:NEW", drawing_number="DW-2", name="Washer")
    plant.master()
    assert plant.golden()["crm:F"] == {"crm:F", "erp:02", "mes:NEW"}
    acts.unmerge(plant.hub, LI, done.decision.number)
    assert plant.golden()["DW-2"] == {"erp:02", "mes:NEW"}


def test_split__leaves_together_and_the_founder_keeps_the_id(plant: MasteredPlant) -> None:
    before = plant.state()
    done = acts.split(plant.hub, LI, "item", [ref("mes:9")], "another bolt")
    assert plant.golden() == {"DW-1": {"erp:01"}, "mes:9": {"mes:9"}, "wms:S": {"wms:S"}, "crm:F": {"crm:F"}}
    plant.master()
    assert plant.golden()["mes:9"] == {"mes:9"}
    acts.revoke(plant.hub, LI, done.decision.number)
    with plant.hub.store.read() as tx:
        assert golden.resolve(tx, "item", "mes:9") == "DW-1"
    rows, contents, _ = plant.state()
    assert (rows, contents) == before[:2]
    with pytest.raises(MillstreamError, match="cannot leave"):
        acts.split(plant.hub, LI, "item", [ref("crm:F")], "")


def test_same__of_one_whom_another_home_keeps_apart_from_its_own(plant: MasteredPlant) -> None:
    acts.decide(plant.hub, LI, acts.same("item", ref("erp:01"), ref("wms:S")))
    acts.decide(plant.hub, LI, acts.different("item", ref("mes:9"), ref("wms:S")))
    acts.decide(plant.hub, LI, acts.same("item", ref("crm:F"), ref("mes:9")))
    assert plant.golden() == {"DW-1": {"erp:01", "wms:S"}, "crm:F": {"crm:F", "mes:9"}}
    before = plant.state()
    assert set(before[1]) == {"DW-1", "crm:F"}, "both are told of"
    plant.master()
    assert plant.state() == before


def test_revoke__of_a_merge_gives_the_host_its_first_place_back(plant: MasteredPlant) -> None:
    for moment, name in enumerate(("crm:1", "crm:2")):
        plant.put("item", name, drawing_number="DW-2", name=f"Nut {moment}")
        plant.master()
    plant.put("item", "crm:3", name="Nut")
    plant.master()
    acts.split(plant.hub, LI, "item", [ref("crm:2")], "")
    before = plant.state()
    done = acts.decide(plant.hub, LI, acts.same("item", ref("crm:2"), ref("crm:3")))[0]
    assert plant.golden()["crm:3"] == {"crm:2", "crm:3"}
    acts.revoke(plant.hub, LI, done.decision.number)
    assert plant.state()[:2] == before[:2]


def test_pin__outranks_sources_closes_the_conflict_and_expires(plant: MasteredPlant) -> None:
    with plant.hub.store.read() as tx:
        assert [one.attribute for one in conflicts.listed(tx, "item", "DW-1")] == ["sourcing"]
    acts.pin(
        plant.hub, LI, "item", "DW-1", attribute="sourcing", value="make", reason="asked",
        expires_at=plant.moment + timedelta(days=7),
    )  # fmt: skip
    with plant.hub.store.read() as tx:
        assert golden.standing(tx, "item", ["DW-1"])["DW-1"].content["sourcing"] == "make"
        assert conflicts.listed(tx, "item", "DW-1") == []
    plant.later(days=8)
    plant.master()
    with plant.hub.store.read() as tx:
        assert golden.standing(tx, "item", ["DW-1"])["DW-1"].content["sourcing"] == "buy"
        assert [one.attribute for one in conflicts.listed(tx, "item", "DW-1")] == ["sourcing"]


def test_pin__of_the_wrong_type_is_refused(plant: MasteredPlant) -> None:
    with pytest.raises(MillstreamError, match="lead_time_days cannot be 'soon'"):
        acts.pin(plant.hub, LI, "item", "DW-1", attribute="lead_time_days", value="soon", reason="")


def test_merge__that_closes_a_bom_cycle_is_refused(plant: MasteredPlant) -> None:
    lines = pl.DataFrame({"parent": ["DW-1", "crm:F"], "component": ["crm:F", "wms:S"]})
    plant.hub.frames.write("golden/bom_line", lines, "run-x")
    before = plant.state()
    with pytest.raises(acts.MergeRefused, match="DW-1 → crm:F → DW-1"):
        acts.merge(plant.hub, LI, "item", ["DW-1", "wms:S"], "")
    assert plant.state() == before
    with plant.hub.store.read() as tx:
        assert decisions.listed(tx) == []


def test_many__wait_for_a_second_person(plant: MasteredPlant) -> None:
    before = plant.state()
    verdicts = [acts.same("item", ref("erp:01"), ref("wms:S"))] * (acts.FOUR_EYES + 1)
    taken = acts.decide(plant.hub, WANG, *verdicts)
    assert all(one.waiting for one in taken)
    assert plant.state() == before
    numbers = [one.decision.number for one in taken]
    with pytest.raises(acts.NotAllowedToDecide):
        acts.approve(plant.hub, WANG, *numbers)
    with pytest.raises(acts.NotAllowedToDecide):
        acts.approve(plant.hub, LI, *numbers)
    acts.approve(plant.hub, Actor("person", "zhao", Role.APPROVER), *numbers)
    assert plant.golden()["DW-1"] == {"erp:01", "mes:9", "wms:S"}


def test_preview__shows_and_keeps_nothing(plant: MasteredPlant) -> None:
    before = plant.state()
    (seen,) = acts.preview(plant.hub, LI, acts.same("item", ref("erp:01"), ref("wms:S")))
    assert seen.moved == (ref("wms:S"),)
    assert plant.state() == before
    with plant.hub.store.read() as tx:
        assert decisions.listed(tx) == []


def test_who_may__is_asked_and_written_down(plant: MasteredPlant) -> None:
    with pytest.raises(acts.NotAllowedToDecide):
        acts.merge(plant.hub, Actor("person", "guest", Role.VIEWER), "item", ["DW-1", "wms:S"], "")
    with pytest.raises(acts.UnknownRecord):
        acts.merge(plant.hub, LI, "item", ["DW-1", "DW-404"], "")
    acts.merge(plant.hub, LI, "item", ["DW-1", "wms:S"], "seen on the shelf")
    with plant.hub.store.read() as tx:
        (entry,) = audit.listed(tx)
    assert (entry.actor, entry.action) == ("person:li.wei", "mdm.same")
    assert entry.detail["reason"] == "seen on the shelf"


def test_believed__two_axes_of_time(plant: MasteredPlant) -> None:
    march = plant.moment.replace(month=12)
    plant.put("item", "erp:01", drawing_number="DW-1", name="Old name", changed_at=march.replace(day=1))
    plant.later(days=31)
    plant.master()
    plant.put("item", "erp:01", drawing_number="DW-1", name="New name", changed_at=march.replace(day=2))
    plant.later(days=4)
    plant.master()

    def name(about: int, at_days: int) -> object:
        at = plant.moment - timedelta(days=at_days)
        with plant.hub.store.read() as tx:
            found = golden.believed(tx, "item", "DW-1", about=march.replace(day=about), at=at)
        return found.content["name"] if found else None

    assert name(about=2, at_days=0) == "New name"
    assert name(about=1, at_days=0) == "Old name"
    assert name(about=2, at_days=2) == "Old name"


@pytest.fixture
def coded(tmp_path: Path) -> Iterator[MasteredPlant]:
    policy = load_policies()["item"].model_copy(update={"code": GoldenCode(prefix="M", digits=5)})
    made = mastered_plant(tmp_path, [policy])
    made.put("item", "mes:9", drawing_number="DW-1")
    made.put("item", "erp:01", drawing_number="DW-1")
    made.put("item", "wms:S")
    made.master()
    yield made
    made.hub.close()


def test_codes_of_our_own__stay_with_what_they_mean(coded: MasteredPlant) -> None:
    assert coded.golden() == {"M00001": {"erp:01", "mes:9"}, "M00002": {"wms:S"}}
    before = coded.state()
    coded.master()
    assert coded.state() == before
    coded.put("item", "crm:A", drawing_number="DW-0")
    coded.put("item", "crm:B", drawing_number="DW-1")
    coded.master()
    assert coded.golden()["M00001"] == {"erp:01", "mes:9", "crm:B"}
    assert coded.golden()["M00003"] == {"crm:A"}
    before = coded.state()
    done = acts.merge(coded.hub, LI, "item", ["M00003", "M00002"], "")
    assert coded.golden()["M00002"] == {"wms:S", "crm:A"}
    assert done.redirects == (("M00003", "M00002"),)
    coded.master()
    frame = coded.hub.frames.read("golden/item")
    assert frame is not None
    assert sorted(frame["golden_id"].to_list()) == ["M00001", "M00002"]
    acts.unmerge(coded.hub, LI, done.decision.number)
    assert coded.state() == before
    acts.split(coded.hub, LI, "item", [ref("mes:9")], "")
    assert coded.golden()["M00004"] == {"mes:9"}
    acts.undo(coded.hub, LI)
    with coded.hub.store.read() as tx:
        assert golden.resolve(tx, "item", "M00004") == "M00001"
    assert coded.state()[:2] == before[:2]
