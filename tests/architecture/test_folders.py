"""A connected system is a folder, and the folder is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEOPLE = "notify"
"""Channels to people: no system is told there."""


def _folders(room: str) -> list[str]:
    return sorted(
        path.name for path in (ROOT / room).iterdir() if path.is_dir() and path.name not in {"__pycache__", PEOPLE}
    )


@pytest.mark.parametrize("system", _folders("connectors"))
@pytest.mark.parametrize("name", ["system.yaml", "README.md", "quality_scale.yaml"])
def test_connector_folder__has_its_files(system: str, name: str) -> None:
    assert (ROOT / "connectors" / system / name).is_file()


@pytest.mark.parametrize("system", _folders("connectors"))
def test_connector_folder__has_mappings(system: str) -> None:
    assert list((ROOT / "mappings" / system).glob("*.inbound.yaml"))


@pytest.mark.parametrize("system", _folders("mappings"))
def test_mapping_folder__has_a_connector(system: str) -> None:
    assert (ROOT / "connectors" / system / "system.yaml").is_file()
