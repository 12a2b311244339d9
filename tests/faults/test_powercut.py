"""Simulated power cuts lose no acknowledged row and leave no raw file half listed; a full disk is a clean error."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.powercut import HERE, Disk, read_log, run_logged, shim

CHILD = str(HERE / "powercut_child.py")
SEEDS = 2
"""Besides the worst case, so many random survivals of what was not synced."""

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler to build the shim that logs writes")


def _cuts(folder: Path, rounds: int, synchronous: str, points: int) -> list[str]:
    """What was lost over many cuts, in words."""
    root = folder / "hub"
    root.mkdir()
    assert run_logged(shim(folder), root, folder / "log", [CHILD, str(root), str(rounds), synchronous]) == 0
    log = read_log(folder / "log")
    acknowledged = [at for at, change in enumerate(log) if change.path.endswith("ACKS") and change.what == "W"]
    assert len(acknowledged) == 3 * rounds
    chance = random.Random(1)
    chosen = set(chance.sample(acknowledged, min(points, len(acknowledged))))
    chosen |= set(chance.sample(range(acknowledged[0], len(log)), points))
    disk, told = Disk(), []
    for at, change in enumerate(log):
        disk.apply(change)
        if at in chosen:
            for seed in (None, *range(SEEDS)):
                found = disk.after_a_cut(str(root), None if seed is None else random.Random(f"{at}:{seed}"))
                told += [f"cut after change {at}, seed {seed}: {loss}" for loss in _lost(folder, found, disk.acks)]
    return told


def _lost(folder: Path, found: Mapping[str, bytes], acks: list[str]) -> list[str]:
    """What was acknowledged and does not stand, and what stands in part."""
    place = folder / "after"
    shutil.rmtree(place, ignore_errors=True)
    for name, content in found.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    if not (place / "hub.sqlite").exists():
        return ["the database is gone"]
    with closing(sqlite3.connect(place / "hub.sqlite")) as database:
        sound = database.execute("PRAGMA integrity_check").fetchone()[0]
        landed = {row[0]: row[1] for row in database.execute("SELECT digest, stream FROM landings")}
        decided = {row[0] for row in database.execute("SELECT id FROM outbox")}
        keys = {row[0] for row in database.execute("SELECT business_key FROM outbox")}
        seen = {
            row[0].removeprefix("seen/") for row in database.execute("SELECT name FROM ticks WHERE name LIKE 'seen/%'")
        }
    sent = int(found.get("deliveries.mark", b"") or b"-1")
    told = [] if sound == "ok" else [f"the database is not sound: {sound}"]
    for what, name in (ack.split(" ") for ack in acks):
        kept = {"landed": name in landed, "decided": name in decided, "sent": what != "sent" or sent >= int(name)}[what]
        told += [] if kept else [f"{what} {name} was acknowledged and is lost"]
    told += [f"{key} was decided on what is lost" for key in sorted(keys - seen)]
    for digest, stream in landed.items():
        content = found.get(f"raw/erp/{stream}/{digest}.parquet")
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            told.append(f"raw file {digest} is listed and not whole")
    return told


def test_power_cut__nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    assert _cuts(tmp_path, rounds=8, synchronous="FULL", points=10) == []


@pytest.mark.long
def test_power_cut__many_more_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    assert _cuts(tmp_path, rounds=60, synchronous="FULL", points=150) == []


def test_power_cut__a_store_that_does_not_sync_each_commit_is_found_out(tmp_path: Path) -> None:
    told = _cuts(tmp_path, rounds=4, synchronous="NORMAL", points=8)
    assert any("was acknowledged and is lost" in line for line in told)


def test_full_disk__clean_error_and_a_sound_store(tmp_path: Path) -> None:
    compiled, child, root, said = shim(tmp_path), [CHILD], tmp_path / "hub", tmp_path / "said"
    root.mkdir()
    assert run_logged(compiled, root, tmp_path / "log", [*child, str(root), "1", "FULL"]) == 0  # the schema stands
    with said.open("w") as stream:
        words = [*child, str(root), "400", "FULL"]
        code = run_logged(compiled, root, tmp_path / "log", words, room=150_000, said=stream)
    assert code == 3, said.read_text()
    assert len(said.read_text().splitlines()) == 1
    assert "no room" in said.read_text()
    with closing(sqlite3.connect(root / "hub.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        landed = {row[0] for row in database.execute("SELECT digest FROM landings")}
    acks = [line.split(" ")[1] for line in (root / "ACKS").read_text().splitlines() if line.startswith("landed")]
    assert landed.issuperset(acks)
    assert not list(root.rglob("*.tmp"))
