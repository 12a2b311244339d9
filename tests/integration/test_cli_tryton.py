"""`millstream demo --tryton` from the command line: a real Tryton is built, served, asked and ended."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.tryton import server

ROOT = Path(__file__).parents[2]
SECONDS = 600


@pytest.mark.long
@pytest.mark.timeout(SECONDS)
def test_demo_tryton__equals_the_wizard_and_leaves_nothing_running(tmp_path: Path) -> None:
    if reason := server.not_ready():
        pytest.skip(reason)
    folder = tmp_path / "demo"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MILLSTREAM_", "DAGSTER_"))}
    done = subprocess.run(
        [sys.executable, "-m", "console.cli.main", "demo", "--tryton", "--json", "--dir", str(folder)],
        capture_output=True, text=True, timeout=SECONDS, env=clean, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["tryton"]["differences"] == []
    assert said["systems"]["tryton"]["written"] == sum(said["tryton"]["documents"].values()) > 100
    assert set(said["commands"]) == {"applied"}
    assert said["second_run_writes"] == 0
    assert not (folder / "tryton" / "tryton.json").exists(), "Tryton still runs"
    password = server.opened(folder / "tryton").password
    told = [done.stdout, done.stderr, (folder / "env.sh").read_text(), (folder / "worker.log").read_text()]
    assert not any(password in text for text in told)
    assert stat.S_IMODE((folder / "env.sh").stat().st_mode) == 0o600
