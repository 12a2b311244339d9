"""`python -m sandbox`: four processes up, working, read, and gone with their parent."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).parents[2]


def _sandbox(*arguments: str) -> Any:
    command = [sys.executable, "-m", "sandbox", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _up(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "sandbox", "up", "--dir", str(folder), *more], cwd=ROOT)


def _ready(folder: Path) -> dict[str, Any]:
    until = time.monotonic() + 30
    while not (folder / "sandbox.json").exists():
        assert time.monotonic() < until, "the sandbox did not come up"
        time.sleep(0.05)
    ready: dict[str, Any] = json.loads((folder / "sandbox.json").read_text())
    return ready


def _gone(pids: list[int]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not [pid for pid in pids if _alive(pid)]:
            return True
        time.sleep(0.1)
    return False


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("sandbox")
    process = _up(folder)
    pids = [each["pid"] for each in _ready(folder)["systems"].values()]
    yield folder
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert _gone(pids)
    assert not (folder / "sandbox.json").exists()


def test_up__ready_file_is_private_and_names_everything(folder: Path) -> None:
    ready = _ready(folder)
    assert set(ready["systems"]) == {"crm", "erp", "mes", "wms"}
    assert stat.S_IMODE((folder / "sandbox.json").stat().st_mode) == 0o600
    assert {f"MILLSTREAM_{name.upper()}_URL" for name in ready["systems"]} <= set(ready["env"])
    assert ready["today"] == "2026-11-02"
    token = {"X-Sandbox-Token": ready["control_token"]}
    for system in ready["systems"].values():
        assert requests.get(f"{system['url']}/_sandbox/ledger", headers=token, timeout=10).json() == []


def test_hostile__on_for_some_and_off_for_all(folder: Path) -> None:
    on = _sandbox("hostile", "--dir", str(folder), "--seed", "3", "--rate", "0.2", "--only", "crm,erp")
    assert {name: each["rate"] for name, each in on.items()} == {"crm": 0.2, "erp": 0.2}
    off = _sandbox("hostile", "--dir", str(folder), "--off")
    assert {name: each["rate"] for name, each in off.items()} == dict.fromkeys(("crm", "erp", "mes", "wms"), 0.0)


def _available(ready: dict[str, Any]) -> Counter[str]:
    """Drawing number → millionths available, so that nothing is rounded."""
    url, token = ready["systems"]["wms"]["url"], {"X-Sandbox-Token": ready["control_token"]}
    totals: Counter[str] = Counter()
    for row in requests.get(f"{url}/_sandbox/stock", headers=token, timeout=10).json()["stock"]:
        if row["status"] == "AVAILABLE":
            totals[row["drawing"]] += int(Decimal(row["quantity"]) * 1_000_000)
    return totals


def test_work__every_system_takes_part_and_what_is_built_leaves_the_shelves(folder: Path) -> None:
    ready = _ready(folder)
    before = _available(ready)
    done = _sandbox("work", "--dir", str(folder), "--round", "1")
    assert set(done) == {"crm", "erp", "mes", "wms"}
    assert set(_sandbox("ledger", "--dir", str(folder))) == {"crm", "erp", "mes", "wms"}
    taken: Counter[str] = Counter()
    for order in done["mes"]["completed"]:
        assert order["consumed"]
        taken.update({part["drawing"]: int(Decimal(part["quantity"]) * 1_000_000) for part in order["consumed"]})
    assert taken
    assert done["wms"]["issued"] == len(taken)
    after = _available(ready)
    assert {
        drawing: before[drawing] - after[drawing] for drawing in before if before[drawing] != after[drawing]
    } == taken
    assert all(before[drawing] >= quantity for drawing, quantity in taken.items())
    assert _sandbox("work", "--dir", str(folder), "--round", "1") == done
    assert _available(ready) == after


def test_work__shop_floor_without_its_warehouse_is_refused(folder: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "work", "--dir", str(folder), "--only", "mes,crm"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "mes and wms work together" in done.stderr


def test_truth__is_the_plant_its_views_and_its_dirt() -> None:
    truth = _sandbox("truth", "--seed", "7", "--scale", "1")
    assert set(truth) == {"plant", "views", "dirt"}
    assert len(truth["plant"]["orders"]) == 500


def test_ledger__without_a_sandbox_says_how_to_start_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "ledger", "--dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "up --dir" in done.stderr


def test_up__killed_children_follow_and_the_databases_stay(tmp_path: Path) -> None:
    first = _up(tmp_path)
    ready = _ready(tmp_path)
    pids = [each["pid"] for each in ready["systems"].values()]
    os.kill(first.pid, signal.SIGKILL)
    first.wait(10)
    assert _gone(pids)
    again = _up(tmp_path, "--hostile", "5")
    try:
        until = time.monotonic() + 30
        while json.loads((tmp_path / "sandbox.json").read_text() or "{}").get("pid") != again.pid:
            assert time.monotonic() < until
            time.sleep(0.1)
            while not (tmp_path / "sandbox.json").exists():
                time.sleep(0.05)
        fresh = _ready(tmp_path)
        assert fresh["control_token"] != ready["control_token"]
    finally:
        again.terminate()
        again.wait(15)


def test_up__a_system_that_ends_takes_the_sandbox_down_with_a_message(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "up", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    ready = _ready(tmp_path)
    os.kill(ready["systems"]["wms"]["pid"], signal.SIGKILL)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "wms ended by itself" in said
    assert _gone([each["pid"] for each in ready["systems"].values()])
