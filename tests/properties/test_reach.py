"""Mastering what a change reaches leaves what mastering everything leaves, whatever arrives, leaves and is decided."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from canonical.errors import MillstreamError
from mdm.policy import GoldenCode, Policy, load_policies
from pipeline import reach
from pipeline import reconcile as reconciling
from pipeline import stewardship as acts
from store import conflicts, quarantine
from tests.unit.pipeline.mastered import LI, SYSTEMS, MasteredPlant, mastered_plant, ref

KEYS = ("91320500MA1AAA", "91320500MA1BBB", None)
FIRMS = ("苏州恒泰精密五金有限公司", "苏州恒泰精密五金有限公司上海分公司", "无锡大成轴承有限公司")
PHONES = ("0512-66778899", "0510-11223344", None)


def same_as_written(plant: MasteredPlant, entity: str) -> dict[str, Any]:
    """Everything mastering leaves, but for versions and moments."""
    frame = plant.hub.frames.read(f"golden/{entity}")
    with plant.hub.store.read() as tx:
        doubts = [(one.golden_id, one.attribute, one.values, one.chosen) for one in conflicts.listed(tx, entity)]
        waits = [row.rejection for row in quarantine.listed(tx)]
    return {
        "frame": None if frame is None else frame.rows(),
        "state": plant.state(entity),
        "conflicts": sorted(doubts, key=repr),
        "quarantine": waits,
    }


@contextmanager
def everything_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(reach, "around", lambda *_: None)
        yield


def step(plants: list[MasteredPlant], entity: str, rng: random.Random) -> None:
    """One thing that happens to both plants alike; decisions that are refused change nothing in either."""
    records = sorted(plants[0].records.get(entity, {}))
    what = rng.choice(("arrive", "arrive", "arrive", "leave", "merge", "different", "split", "pin", "undo", "wait"))
    one, other = rng.sample(records, 2) if len(records) > 1 else ("", "")
    key = "drawing_number" if entity == "item" else "tax_number"
    name, said = f"{rng.choice(SYSTEMS)}:{rng.randrange(5)}", {
        key: rng.choice(KEYS), "name": rng.choice(FIRMS), ("unit" if entity == "item" else "phone"): rng.choice(PHONES),
    }  # fmt: skip
    for plant in plants:
        if what == "arrive" or not one:
            plant.put(entity, name, **said)
        elif what == "leave":
            plant.remove(entity, one)
        elif what == "wait":
            plant.later(minutes=3)
        else:
            with suppress(MillstreamError):
                act(plant, entity, what, one, other)


def act(plant: MasteredPlant, entity: str, what: str, one: str, other: str) -> None:
    if what == "merge":
        acts.decide(plant.hub, LI, acts.same(entity, ref(one), ref(other)))
    elif what == "different":
        acts.decide(plant.hub, LI, acts.different(entity, ref(one), ref(other)))
    elif what == "split":
        acts.split(plant.hub, LI, entity, [ref(one)], "")
    elif what == "undo":
        acts.undo(plant.hub, LI)
    else:
        golden_id = next((code for code, members in plant.golden(entity).items() if one in members), "")
        until = plant.moment + timedelta(minutes=5)
        acts.pin(plant.hub, LI, entity, golden_id, attribute="name", value="P", reason="", expires_at=until)


def in_another_process(plant: MasteredPlant, folder: Path, policy: Policy) -> MasteredPlant:
    """The plant as a process sees it that has kept nothing in memory."""
    plant.hub.close()
    opened = mastered_plant(folder, [policy])
    opened.records, opened.passes, opened.moment = plant.records, plant.passes, plant.moment
    return opened


def play(folder: Path, monkeypatch: pytest.MonkeyPatch, entity: str, seed: int, length: int) -> int:
    """How often less than everything was mastered."""
    rng = random.Random(seed)
    code = GoldenCode(prefix="M", digits=4) if seed % 3 == 2 else None
    policy = load_policies()[entity].model_copy(update={"code": code})
    plants = [mastered_plant(folder / name, [policy]) for name in ("reached", "whole")]
    found: list[reach.Reach | None] = []
    around = reach.around

    def watched(*given: Any) -> reach.Reach | None:
        found.append(around(*given))
        return found[-1]

    monkeypatch.setattr(reach, "around", watched)
    for number in range(length):
        if rng.random() < 0.2:
            plants[0] = in_another_process(plants[0], folder / "reached", policy)
        for _ in range(rng.choice((1, 1, 3))):
            step(plants, entity, rng)
        plants[0].master(entity)
        with everything_anew(monkeypatch):
            plants[1].master(entity)
        assert same_as_written(plants[0], entity) == same_as_written(plants[1], entity), f"step {number}"
    for plant in plants:
        plant.hub.close()
    return sum(one is not None for one in found)


@pytest.mark.parametrize(("entity", "seed"), [("item", 1), ("partner", 2)])
def test_reach__leaves_what_mastering_everything_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entity: str, seed: int
) -> None:
    assert play(tmp_path, monkeypatch, entity, seed, 10) > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 40))
@pytest.mark.parametrize("entity", ["item", "partner"])
def test_reach__at_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entity: str, seed: int) -> None:
    assert play(tmp_path, monkeypatch, entity, seed, 60) > 0


@pytest.mark.parametrize("again", [False, True])
def test_reach__is_what_hangs_together_with_a_decision_and_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    plant = mastered_plant(tmp_path)
    for number in range(40):
        plant.put("item", f"erp:{number}", name=f"Part {number}", drawing_number=f"DW-{number}")
    plant.put("item", "mes:1", name="Part 1", drawing_number="DW-1")
    plant.master()
    if again:
        plant = in_another_process(plant, tmp_path, load_policies()["item"])
    acts.decide(plant.hub, LI, acts.same("item", ref("erp:1"), ref("erp:7")))
    plant.put("item", "erp:9", name="Part nine", drawing_number="DW-9")
    found: list[set[str]] = []
    around = reach.around

    def watched(*given: Any) -> reach.Reach | None:
        reached = around(*given)
        assert reached is not None
        found.append({f"{system}:{key}" for system, keys in reached.records.items() for key in keys})
        return reached

    monkeypatch.setattr(reach, "around", watched)
    plant.master()
    plant.hub.close()
    assert found == [{"erp:1", "erp:7", "mes:1", "erp:9"}]


def test_reach__of_most_records_is_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "MANY", 2)
    plant = mastered_plant(tmp_path)
    found: list[bool] = []
    around = reach.around

    def watched(*given: Any) -> reach.Reach | None:
        reached = around(*given)
        found.append(reached is not None)
        return reached

    monkeypatch.setattr(reach, "around", watched)
    for changed in (6, 3, 2):
        for number in range(changed):
            plant.put("item", f"erp:{number}", name=f"Part {number} {changed}", drawing_number=f"DW-{number}")
        plant.master()
    plant.hub.close()
    assert found == [False, True]


def test_decision_while_a_pass_computes__is_in_what_the_pass_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = mastered_plant(tmp_path)
    for number in range(3):
        plant.put("item", f"erp:{number}", name=f"Part {number}", drawing_number=f"DW-{number}")
    plant.master()
    plant.put("item", "erp:2", name="Part two", drawing_number="DW-2")
    compute, decided = reconciling.reconcile, []

    def meanwhile(*given: Any) -> Any:
        if not decided:
            decided.append(acts.decide(plant.hub, LI, acts.same("item", ref("erp:0"), ref("erp:1"))))
        return compute(*given)

    monkeypatch.setattr(reconciling, "reconcile", meanwhile)
    plant.master()
    assert plant.golden() == {"DW-0": {"erp:0", "erp:1"}, "DW-2": {"erp:2"}}
    frame = plant.hub.frames.read("golden/item")
    plant.hub.close()
    assert frame is not None
    assert frame["golden_id"].to_list() == ["DW-0", "DW-2"]
