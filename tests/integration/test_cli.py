"""The demo once, from the command line, and what the other verbs say of it afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEMO_SECONDS = 900


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def millstream(*argv: str, timeout: float = 120, **environ: str) -> Ended:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MILLSTREAM_", "DAGSTER_"))}
    done = subprocess.run(
        [sys.executable, "-m", "console.cli.main", *argv], capture_output=True, text=True, timeout=timeout,
        env={**clean, **environ}, cwd=ROOT, check=False,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli") / "demo"


@pytest.fixture(scope="module")
def demo(folder: Path) -> Ended:
    return millstream("demo", "--json", "--dir", str(folder), timeout=DEMO_SECONDS)


@pytest.fixture
def hub(demo: Ended, folder: Path) -> dict[str, str]:
    return {"MILLSTREAM_HOME": str(folder / "hub"), "MILLSTREAM_AS_OF": "2026-11-02"}


@pytest.mark.timeout(DEMO_SECONDS)
def test_demo__prints_one_object_with_every_figure(demo: Ended) -> None:
    assert demo.code == 0, demo.err
    said = demo.json
    assert set(said["systems"]) == {"crm", "erp", "mes", "wms"}
    assert all(counted["read"] > 0 and counted["written"] > 0 for counted in said["systems"].values())
    assert said["second_run_writes"] == 0
    assert set(said["commands"]) <= {"applied", "unchanged", "superseded"}
    assert said["quarantined"] > 0
    assert said["conflicts"] > 0
    assert list(said["seconds"]) == ["land", "conform", "reconcile", "judge", "plan", "decide", "deliver", "measure"]
    assert [one["success"] for one in said["passes"]] == [True] * 3
    assert demo.err == ""


@pytest.mark.timeout(DEMO_SECONDS)
def test_demo__shows_the_whole_circle(demo: Ended) -> None:
    first, _, carried = demo.json["passes"]
    floor, dispatch = demo.json["rounds"]
    assert first["writes"]["wms"]["CreateShipment"]["created"] > 0
    assert floor["mes"]["completed"]
    assert carried["writes"]["erp"]["PRD_MORPT.Save"]["created"] > 0
    assert dispatch["wms"]["shipped"]
    assert carried["stages"]["measure"]["orders"]["shipped"] > 0


@pytest.mark.timeout(DEMO_SECONDS)
def test_demo__leaves_no_secret_behind(demo: Ended, folder: Path) -> None:
    assert demo.code == 0, demo.err
    assert not (folder / "plant" / "sandbox.json").exists()
    left = (folder / "env.sh").read_text(encoding="utf-8") + (folder / "worker.log").read_text(encoding="utf-8")
    assert not [name for name in ("SECRET", "PASSWORD", "CLIENT_ID", "APP_ID") if name in left + demo.out]


@pytest.mark.timeout(DEMO_SECONDS)
def test_trace__tells_a_whole_life(demo: Ended, hub: dict[str, str]) -> None:
    order = demo.json["example_order"]
    life = millstream("trace", order, "--json", **hub).json
    assert life["lines"]
    assert life["events"]
    assert life["progress"]
    assert {row["system"] for row in life["documents"]} == {"crm", "erp", "mes", "wms"}
    text = millstream("trace", order, "--lang", "zh", **hub)
    assert (text.code, order in text.out, "各系统单据" in text.out) == (0, True, True)


@pytest.mark.timeout(DEMO_SECONDS)
def test_the_other_verbs__read_the_same_hub(demo: Ended, hub: dict[str, str]) -> None:
    said = demo.json
    status = millstream("status", "--json", **hub)
    assert (status.code, status.json["last_run"]["run_id"]) == (0, said["passes"][-1]["run_id"])
    assert len(millstream("conflicts", "list", "--json", **hub).json) == said["conflicts"]
    keys = {(row["system"], row["entity"], row["source_key"]) for row in millstream(
        "quarantine", "list", "--json", "--limit", "100000", **hub).json}  # fmt: skip
    assert len(keys) >= said["quarantined"] * 0.9
    assert {row["state"] for row in millstream("connections", "list", "--json", **hub).json} == {"live"}


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    from console.cli.plant import Plant, PlantSpec

    this = Plant.start(tmp_path_factory.mktemp("plant"), PlantSpec(scale=1, seed=7, hostile=None))
    try:
        this.wait()
        yield this.environ
    finally:
        this.close()


@pytest.mark.parametrize(("system", "stream"), [("crm", "accounts"), ("mes", "materials"), ("wms", "items")])
def test_probe__times_each_step_and_hides_values(plant: dict[str, str], system: str, stream: str) -> None:
    ended = millstream("probe", system, stream, "--json", **plant)
    assert ended.code == 0, ended.err
    assert set(ended.json["timings_ms"]) == {"connect", "log_in", "read"}
    assert ended.json["records"] > 0
    leaves = [value for record in ended.json["page"] for value in record.values() if isinstance(value, str)]
    assert all(value == "number" or value.startswith("text(") for value in leaves)


def test_probe__a_wrong_secret_is_3(plant: dict[str, str]) -> None:
    ended = millstream("probe", "mes", **{**plant, "MILLSTREAM_MES_CLIENT_SECRET": "wrong"})
    assert ended.code == 3
    assert "wrong" not in ended.out + ended.err


def test_doctor__reaches_every_system(plant: dict[str, str], tmp_path: Path) -> None:
    ended = millstream("doctor", "--json", MILLSTREAM_HOME=str(tmp_path), **plant)
    found = {row["subject"]: row["verdict"] for row in ended.json}
    assert {found[f"system {name}"] for name in ("crm", "erp", "mes", "wms")} == {"ok"}


def test_run__one_stage_without_dagster(plant: dict[str, str], tmp_path: Path) -> None:
    ended = millstream("run", "--direct", "--only", "land", "--json", MILLSTREAM_HOME=str(tmp_path), **plant)
    assert ended.code == 0, ended.err
    assert ended.json["stages"]["land"]["rows"] > 10_000
    assert ended.json["halted"] == {}


def test_run__a_system_that_refuses_us_is_3_and_the_others_go_on(plant: dict[str, str], tmp_path: Path) -> None:
    down = {**plant, "MILLSTREAM_MES_CLIENT_SECRET": "canary-81c"}
    ended = millstream("run", "--direct", "--only", "land", "--json", MILLSTREAM_HOME=str(tmp_path), **down)
    assert ended.code == 3, ended.err
    assert {part.partition("/")[0] for part in ended.json["halted"]} == {"mes"}
    assert ended.json["stages"]["land"]["rows"] > 10_000
    assert "canary-81c" not in ended.out + ended.err


def test_run__the_dagster_job_refuses_a_broken_deployment_with_2(tmp_path: Path) -> None:
    file = tmp_path / "plant.yaml"
    file.write_text("name: plant\nsistems: {}\n", encoding="utf-8")
    ended = millstream("run", "--json", MILLSTREAM_HOME=str(tmp_path / "hub"), MILLSTREAM_DEPLOYMENT=str(file))
    assert ended.code == 2, ended.err
    assert {fault["line"] for fault in ended.json["error"]["faults"]} >= {2}
