"""Hostile systems and a hub that is killed: the ledgers end as in calm weather, nothing twice, nothing lost."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fault_run", Path(__file__).with_name("run.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


runner = _runner()
FEW_DOCUMENTS = -12
"""Release fence in days: only what is late already."""


@pytest.mark.timeout(300)
def test_killed_thrice_in_foul_weather__the_ledgers_are_those_of_a_calm_run(tmp_path: Path) -> None:
    wanted = runner.Wanted(seed=3, kills=3, fence=FEW_DOCUMENTS, work=False)
    calm, foul, told = runner.fault_run(tmp_path, wanted)
    assert told == []
    assert calm.parked == []
    assert sum(sum(counted.values()) for counted in foul.faults.values()) > 0
    assert foul.kills.total() == 3


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_twenty_times_in_foul_weather__the_ledgers_are_those_of_a_calm_run(tmp_path: Path, seed: int) -> None:
    _, foul, told = runner.fault_run(tmp_path, runner.Wanted(seed=seed, kills=20))
    assert told == []
    assert foul.kills.total() == 20


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_on_postgresql__the_ledgers_are_those_of_a_calm_run(tmp_path: Path, postgres_url: str) -> None:
    wanted = runner.Wanted(seed=5, kills=8, fence=FEW_DOCUMENTS, database=postgres_url)
    _, _, told = runner.fault_run(tmp_path, wanted)
    assert told == []
