"""One first pass for all end-to-end tests; each goes on from a copy of the plant and the hub as they stood then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.route import Passed
from tests.e2e.oracle import Expected
from tests.e2e.plant import Plant, Row, running_plant

SEED = 7


@dataclass(frozen=True)
class FirstPass:
    """What stood after the first pass of a new hub on a new plant."""

    folder: Path
    passed: Passed
    ledgers: Mapping[str, list[Row]]


@pytest.fixture(scope="session")
def first_pass(tmp_path_factory: pytest.TempPathFactory) -> FirstPass:
    """A new plant, a new hub, one pass."""
    folder = tmp_path_factory.mktemp("first") / "plant"
    with running_plant(folder, seed=SEED) as plant:
        passed = plant.run_pass()
        return FirstPass(folder, passed, plant.ledgers())


@pytest.fixture(scope="session")
def expected() -> Expected:
    """What the seed says must stand after the first pass."""
    return Expected(SEED)


@pytest.fixture
def plant(first_pass: FirstPass, tmp_path: Path) -> Iterator[Plant]:
    """The plant and the hub's home as they stood after the first pass, this test's own."""
    folder = tmp_path / "plant"
    shutil.copytree(first_pass.folder, folder)
    with running_plant(folder, seed=SEED) as running:
        yield running
