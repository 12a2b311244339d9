"""What Dagster loads, without any variable and without touching anything."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from canonical.errors import ConfigurationError
from orchestration.definitions import defs
from orchestration.deployment import dagster_home, executor, prepare

ROOT = Path(__file__).parents[3]


def test_defs__load_without_any_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    dg.Definitions.validate_loadable(defs())
    assert not list(tmp_path.iterdir())


def test_defs__importing_reads_no_deployment() -> None:
    code = "import orchestration.definitions, sys; print('great_expectations' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT, env={"MILLSTREAM_DEPLOYMENT": "/nowhere.yaml"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"


def test_jobs__are_four() -> None:
    loaded = defs()
    assert {job.name for job in loaded.jobs or ()} == {"one_pass", "refresh", "deliver_only", "notify_only"}
    assert {node.name for node in loaded.resolve_job_def("notify_only").nodes} == {"notify"}
    assert {node.name for node in loaded.resolve_job_def("deliver_only").nodes} == {"deliver", "measure"}


def test_timetable__is_on_plant_time_and_starts_stopped() -> None:
    schedules = [one for one in defs().schedules or () if isinstance(one, dg.ScheduleDefinition)]
    assert {one.execution_timezone for one in schedules} == {"Asia/Shanghai"}
    assert {one.default_status for one in schedules} == {dg.DefaultScheduleStatus.STOPPED}


def test_dagster_home__stands_beside_the_records_unless_it_is_named(tmp_path: Path) -> None:
    assert dagster_home({"MILLSTREAM_HOME": str(tmp_path)}) == tmp_path / "dagster"
    assert dagster_home({"DAGSTER_HOME": str(tmp_path / "own")}) == tmp_path / "own"


def test_prepare__keeps_the_settings_of_a_person(tmp_path: Path) -> None:
    home = prepare(tmp_path / "home")
    written = yaml.safe_load((home / "dagster.yaml").read_text())
    assert written["telemetry"] == {"enabled": False}
    assert written["event_log_storage"]["config"]["base_dir"] == str(home / "events")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    assert prepare(home) == home
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_executor__is_one_process_unless_another_is_named() -> None:
    assert executor({}) is dg.in_process_executor
    assert executor({"MILLSTREAM_EXECUTOR": "multiprocess"}).name == "multiprocess"
    with pytest.raises(ConfigurationError, match="no executor 'celery'"):
        executor({"MILLSTREAM_EXECUTOR": "celery"})
