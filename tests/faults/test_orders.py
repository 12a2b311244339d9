"""Seeded series of delivery in foul weather; `tests/faults/orders.py` runs slices of any size by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("orders.py")
SLICES = [f"{first}-{first + 19}" for first in range(1, 201, 20)]
"""200 seeds of 80 orders each, so that one failing seed costs one slice."""


def _series(*words: str) -> None:
    done = subprocess.run([sys.executable, str(RUNNER), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.long
@pytest.mark.timeout(200)
def test_orders__one_seed_with_kills_and_a_stop() -> None:
    _series("--seeds", "4", "--orders", "20", "--kills", "2")


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seeds", SLICES)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_orders__two_hundred_seeds(database: str, seeds: str) -> None:
    _series("--seeds", seeds, "--database", database)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_orders__two_thousand_with_two_hundred_kills(database: str) -> None:
    _series("--seeds", "1", "--orders", "2000", "--kills", "200", "--database", database)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("trouble", [("--redis", "flush"), ("--redis", "gone"), ("--kill-postgres",)])
def test_orders__a_server_that_goes_changes_nothing(trouble: tuple[str, ...]) -> None:
    _series("--seeds", "1-10", "--database", "postgresql", *trouble)
