"""A first load of many records without a key is looked up together, and comes to what one by one comes to."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest

from mdm.judgement import profile_of
from mdm.lookup import ATTRIBUTES, Index
from store import candidates
from store.candidates import CandidatePair
from tests.unit.pipeline.mastered import MasteredPlant, mastered_plant

PLACES = ("苏州", "无锡", "常州", "杭州", "东莞")
TRADES = ("精密机械", "五金", "轴承", "电子科技", "紧固件")
CORES = ("恒泰", "华盛", "鑫源", "宏达", "永兴", "瑞丰", "德立", "诚信")
Load = dict[str, dict[str, str | None]]


def load(count: int, seed: int = 3) -> Load:
    """Companies of few names, so that they crowd; two thirds of them a second time, in another system."""
    rng = random.Random(seed)
    found: Load = {}
    for k in range(count):
        core = rng.choice(CORES) + rng.choice("东南西北天地人和")
        firm: dict[str, str | None] = {
            "name": f"{rng.choice(PLACES)}{core}{rng.choice(TRADES)}有限公司",
            "phone": f"0512-{rng.randint(10**7, 10**8 - 1)}",
        }
        found[f"erp:{k}"] = firm
        if k % 3:
            spoilt = firm | {"phone": firm["phone"] if rng.random() < 0.7 else None}
            name = str(spoilt["name"])
            found[f"crm:{k}"] = spoilt | {"name": name if rng.random() < 0.8 else name.replace("有限公司", "公司")}
    return found


def found(
    folder: Path, *loads: Iterable[tuple[str, dict[str, str | None]]]
) -> tuple[MasteredPlant, list[CandidatePair]]:
    plant = mastered_plant(folder)
    for one in loads:
        for record, values in one:
            plant.put("partner", record, **values)
        plant.master("partner")
    with plant.hub.store.read() as tx:
        return plant, candidates.listed(tx, "partner")


def said(pairs: Iterable[CandidatePair]) -> list[tuple[object, ...]]:
    return sorted((one.a, one.b, one.band, one.posterior, repr(one.evidence), one.model) for one in pairs)


def clusters(plant: MasteredPlant) -> set[frozenset[str]]:
    return {frozenset(members) for members in plant.golden("partner").values()}


def test_first_load__together_or_one_by_one_the_same_pairs_bands_and_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = load(150)
    plant, together = found(tmp_path / "together", records.items())
    monkeypatch.setattr("pipeline.candidates.TOGETHER", 1)
    other, alone = found(tmp_path / "alone", records.items())
    assert said(together) == said(alone)
    assert {"auto", "review"} == {one.band for one in together}
    assert plant.golden("partner") == other.golden("partner")


def test_first_load__shuffled_or_in_two_loads_the_same_clusters(tmp_path: Path) -> None:
    records = list(load(150).items())
    plant, once = found(tmp_path / "once", records)
    random.Random(5).shuffle(records)
    shuffled, again = found(tmp_path / "shuffled", records)
    assert said(once) == said(again)
    assert plant.golden("partner") == shuffled.golden("partner")
    halves, twice = found(tmp_path / "halves", records[: len(records) // 2], records[len(records) // 2 :])
    links = [{(one.a, one.b) for one in pairs if one.band == "auto"} for pairs in (once, twice)]
    assert links[0] == links[1]
    assert clusters(plant) == clusters(halves)
    before = plant.state("partner")
    plant.master("partner")
    assert plant.state("partner") == before


def test_candidates_of__many_at_once_are_those_of_each_alone() -> None:
    records = load(200)
    rows = [(*record.split(":"), one["name"], None, one["phone"], None) for record, one in records.items()]
    index = Index.build(
        "partner", pl.DataFrame(rows, schema=["system", "source_key", *ATTRIBUTES["partner"]], orient="row")
    )
    wanted = [profile_of("partner", one) for one in records.values()]
    assert index.candidates_of(wanted) == [index.candidates(one) for one in wanted]
    assert max(map(len, index.candidates_of(wanted))) == 40
