"""Random histories over a real store: crosswalk, golden records and redirects stay what a fresh computation gives."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from canonical.errors import MillstreamError
from mdm.policy import GoldenCode, load_policies
from pipeline import stewardship as acts
from store import crosswalk, decisions, golden
from tests.unit.pipeline.mastered import LI, SYSTEMS, MasteredPlant, mastered_plant, ref

KEYS = ("DW-1", "DW-2", None)


def check(plant: MasteredPlant) -> None:
    """Unique both ways, every golden record of somebody's, every retired id leading to one in force."""
    with plant.hub.store.read() as tx:
        frame = crosswalk.crosswalk_frame(tx, "item")
        known, leads = set(golden.in_force(tx, "item")), golden.redirects(tx, "item")
    primary = frame.filter(frame["is_primary"])
    assert primary.select("system", "golden_id").is_duplicated().sum() == 0
    assert frame.select("system", "source_key").is_duplicated().sum() == 0
    bound = set(frame["golden_id"].to_list())
    rows = frame.select("system", "source_key", "golden_id").iter_rows()
    told = {golden_id for system, key, golden_id in rows if f"{system}:{key}" in plant.records.get("item", {})}
    assert told == known, "in force is what some system tells of"
    assert not set(leads) & bound
    assert set(leads.values()) <= bound


def step(plant: MasteredPlant, rng: random.Random) -> None:
    """One random thing that may happen to a plant."""
    records = sorted(plant.records.get("item", {}))
    what = rng.choice(("arrive", "arrive", "leave", "merge", "merge", "split", "undo", "different"))
    if what == "arrive" or len(records) < 2:
        name = f"{rng.choice(SYSTEMS)}:{rng.randrange(5)}"
        plant.put("item", name, drawing_number=rng.choice(KEYS), name=f"Part {rng.randrange(9)}")
        plant.master()
    elif what == "leave":
        plant.remove("item", rng.choice(records))
        plant.master()
    else:
        try:
            act(plant, rng, what, records)
        except MillstreamError:
            return


def act(plant: MasteredPlant, rng: random.Random, what: str, records: list[str]) -> None:
    """One random decision; some are refused, which changes nothing."""
    one, other = rng.sample(records, 2)
    if what == "merge":
        acts.decide(plant.hub, LI, acts.same("item", ref(one), ref(other)))
    elif what == "different":
        acts.decide(plant.hub, LI, acts.different("item", ref(one), ref(other)))
    elif what == "split":
        acts.split(plant.hub, LI, "item", [ref(one)], "")
    else:
        acts.undo(plant.hub, LI)


def play(folder: Path, seed: int, length: int) -> None:
    plant, rng = mastered_plant(folder), random.Random(seed)
    for _ in range(length):
        step(plant, rng)
        check(plant)
        before = plant.state()
        if rng.random() < 0.3:
            plant.master()
            assert plant.state() == before, "another pass changes nothing"
    before = plant.state()
    with plant.hub.store.read() as tx:
        told = len(decisions.listed(tx))
    for _ in range(4):
        step_and_back(plant, rng)
        assert plant.state()[:2] == before[:2], "what is taken back leaves nothing"
    with plant.hub.store.read() as tx:
        assert len(decisions.listed(tx)) >= told, "decisions are only added"
    plant.hub.close()


def step_and_back(plant: MasteredPlant, rng: random.Random) -> None:
    """A decision, and its being taken back."""
    records = sorted(plant.records.get("item", {}))
    if len(records) < 2:
        return
    one, other = rng.sample(records, 2)
    (done,) = acts.decide(plant.hub, LI, acts.same("item", ref(one), ref(other)))
    acts.revoke(plant.hub, LI, done.decision.number)


@pytest.mark.parametrize("seed", range(2))
def test_histories__of_a_store(tmp_path: Path, seed: int) -> None:
    play(tmp_path, seed, 14)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 160))
def test_histories__of_a_store_at_length(tmp_path: Path, seed: int) -> None:
    play(tmp_path, seed, 60)


def loaded(folder: Path, passes: list[list[tuple[str, str | None, str]]], code: GoldenCode | None) -> MasteredPlant:
    """A plant whose records came in these passes: (record, drawing number, name)."""
    policy = load_policies()["item"].model_copy(update={"code": code})
    plant = mastered_plant(folder, [policy])
    for one in passes:
        for name, key, said in one:
            plant.put("item", name, drawing_number=key, name=said)
        plant.master()
    return plant


def values(plant: MasteredPlant) -> dict[frozenset[str], dict[str, Any]]:
    """Records of each golden record → what it says."""
    frame = plant.hub.frames.read("golden/item")
    assert frame is not None
    return {frozenset(row["sources"]): {**row, "golden_id": ""} for row in frame.to_dicts()}


def test_load_order__same_groups_and_values_and_within_one_load_the_same_codes(tmp_path: Path) -> None:
    rng = random.Random(5)
    records = [
        (f"{system}:{number}", f"DW-{number % 7}" if (number + place) % 4 else None, f"Part {number} of {system}")
        for place, system in enumerate(SYSTEMS)
        for number in range(12)
    ]
    code = GoldenCode(prefix="M", digits=4)
    whole = loaded(tmp_path / "whole", [records], code)
    shuffled = loaded(tmp_path / "shuffled", [rng.sample(records, len(records))], code)
    assert whole.golden() == shuffled.golden()
    mixed = rng.sample(records, len(records))
    parts = loaded(tmp_path / "parts", [mixed[:15], mixed[15:16], mixed[16:]], code)
    assert values(parts) == values(whole)
    assert {frozenset(group) for group in parts.golden().values()} == {
        frozenset(group) for group in whole.golden().values()
    }
    for plant in (whole, shuffled, parts):
        plant.hub.close()
