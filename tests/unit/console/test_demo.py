from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from canonical.errors import ConfigurationError
from console.cli.demo import write_environment
from console.cli.plant import Plant, PlantSpec, effects, fresh_folder
from console.cli.probe import shape

Call = Any


def test_fresh_folder__replaces_an_earlier_demo_and_nothing_else(tmp_path: Path) -> None:
    demo, home = tmp_path / "demo", tmp_path / "home"
    fresh_folder(demo, "refused", "hint")
    (demo / "hub").mkdir()
    assert list(fresh_folder(demo, "refused", "hint").glob("hub")) == []
    home.mkdir()
    (home / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="refused"):
        fresh_folder(home, "refused", "hint")
    assert (home / "letter.txt").exists()


def test_demo__in_a_folder_with_something_else_is_2(call: Call, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    assert call("demo", "--dir", str(tmp_path)).code == 2


def test_plant__that_cannot_start_says_why(tmp_path: Path) -> None:
    plant = Plant.start(tmp_path / "plant", PlantSpec(scale=0, seed=7, hostile=None))
    try:
        with pytest.raises(Exception, match="did not start"):
            plant.wait()
    finally:
        plant.close()


def test_write_environment__is_for_its_owner_alone(tmp_path: Path) -> None:
    names = ("MILLSTREAM_HOME", "MILLSTREAM_DEPLOYMENT", "MILLSTREAM_AS_OF", "DAGSTER_HOME")
    file = tmp_path / "env.sh"
    write_environment(file, {**dict.fromkeys(names, "a b"), "SECRET": "canary"}, {"MILLSTREAM_X": "it's"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "canary" not in file.read_text(encoding="utf-8")
    assert "export MILLSTREAM_HOME='a b'\n" in file.read_text(encoding="utf-8")
    assert f'export PATH={Path(sys.executable).parent}:"$PATH"\n' in file.read_text(encoding="utf-8")


def test_effects__counts_by_operation() -> None:
    rows = [{"operation": "Save", "effect": "created"}, {"operation": "Save", "effect": "updated"}] * 2
    assert effects(rows) == {"Save": {"created": 2, "updated": 2}}


def test_shape__tells_kinds_and_keeps_values_back() -> None:
    record = {"name": "Li Wei", "rows": [{"n": 1}, {"n": 2}], "none": None, "open": True}
    assert shape(record) == {"name": "text(6)", "rows": [{"n": "number"}, "… 2"], "none": None, "open": True}
