"""The shipped job against the sandbox: first with one system that cannot be reached, then with all four."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from assets import keys
from orchestration.deployment import dagster_home, prepare
from orchestration.run import PassResult, run_pass
from pipeline.artefacts import ARTEFACTS
from pipeline.hub import Hub, load_configuration, open_hub
from pipeline.plan import load_plan
from pipeline.settings import DEPLOYMENTS, Settings
from store import notices, runs
from tests.unit.connectors.loopback import Answer, Server, serving

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sandbox")
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "up", "--dir", str(folder)], cwd=ROOT)
    until = time.monotonic() + 60
    while not (folder / "sandbox.json").exists():
        assert time.monotonic() < until, "the sandbox did not come up"
        time.sleep(0.1)
    yield json.loads((folder / "sandbox.json").read_text())
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)


@pytest.fixture(scope="module")
def people() -> Iterator[Server]:
    """Where notices arrive."""
    with serving() as server:
        server.reply = lambda _: Answer(204)
        yield server


@pytest.fixture(scope="module")
def environ(ready: dict[str, Any], people: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The plant of the demo, with only the warehouse live: what is written to the others is another test's matter."""
    folder = tmp_path_factory.mktemp("hub")
    plant = yaml.safe_load((DEPLOYMENTS / "plant.yaml").read_text())
    for name, connection in plant["systems"].items():
        connection["state"] = "live" if name == "wms" else "shadow"
    plant["notifications"] = {
        "channels": {"hook": {"kind": "webhook", "url": {"env": "HOOK"}, "secret": {"env": "HOOK_SECRET"}}},
        "audiences": {name: {"channels": ["hook"]} for name in ("production_supervisor", "operator")},
    }
    (folder / "plant.yaml").write_text(yaml.safe_dump(plant))
    return {
        **ready["env"],
        "MILLSTREAM_HOME": str(folder),
        "MILLSTREAM_DEPLOYMENT": str(folder / "plant.yaml"),
        "MILLSTREAM_AS_OF": ready["today"],
        "HOOK": people.url,
        "HOOK_SECRET": "s3cret",
    }


def _pass(environ: dict[str, str]) -> tuple[PassResult, list[str]]:
    hub = open_hub({**os.environ, **environ})
    heard: list[str] = []
    try:
        return run_pass(hub, watch=heard.append), heard
    finally:
        hub.close()


@pytest.fixture(scope="module")
def without_mes(environ: dict[str, str]) -> tuple[PassResult, list[str]]:
    return _pass({name: value for name, value in environ.items() if not name.startswith("MILLSTREAM_MES")})


@pytest.fixture(scope="module")
def with_all(without_mes: tuple[PassResult, list[str]], environ: dict[str, str]) -> tuple[PassResult, list[str]]:
    return _pass(environ)


@pytest.fixture(scope="module")
def instance(environ: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(prepare(dagster_home(environ)))) as opened:
        yield opened


def _materialised(instance: dg.DagsterInstance, run_id: str) -> dict[dg.AssetKey, dg.AssetMaterialization]:
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    found = [entry.asset_materialization for entry in entries]
    return {one.asset_key: one for one in found if one is not None}


def _checks(instance: dg.DagsterInstance, run_id: str) -> dict[tuple[str, str], bool]:
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    events = [entry.get_dagster_event().asset_check_evaluation_data for entry in entries]
    return {(event.asset_key.to_user_string(), event.check_name): event.passed for event in events}


def test_pass__a_system_that_is_down_stops_only_what_depends_on_it(
    without_mes: tuple[PassResult, list[str]], instance: dg.DagsterInstance
) -> None:
    result, heard = without_mes
    assert heard[-1] == "plan"
    assert list(result.failures) == ["plan"]
    assert "never landed: mes/" in result.failures["plan"]
    done, checks = _materialised(instance, result.run_id), _checks(instance, result.run_id)
    assert "MILLSTREAM_MES_URL is not set" in str(done[keys.raw("mes", "work_orders")].metadata["halted"].value)
    assert not checks["raw/mes/work_orders", "reachable"]
    assert checks["raw/erp/materials", "reachable"]
    assert int(str(done[keys.judged("item")].metadata["dagster/row_count"].value)) >= 2000
    assert keys.REQUIREMENTS not in done


def test_pass__materialises_the_whole_graph(
    with_all: tuple[PassResult, list[str]], instance: dg.DagsterInstance, environ: dict[str, str]
) -> None:
    result, heard = with_all
    assert result.success, result.failures
    assert [step for step in heard if step != "notify"][-4:] == ["plan", "decide", "deliver", "measure"]
    assert heard.index("notify") > heard.index("decide")
    configuration = load_configuration(Settings.from_environment(environ))
    done = _materialised(instance, result.run_id)
    matched = sum(configuration.policies[entity].match for entity in configuration.entities)
    assert len(done) == (
        len(configuration.streams())
        + len(configuration.inbound)
        + 2 * len(configuration.entities)
        + len(ARTEFACTS) * matched
        + 4
        + 5
    )
    item = done[keys.canonical("item", "erp")].metadata
    assert {"dagster/row_count", "dagster/column_schema", "dagster/column_lineage"} <= set(item)
    assert int(str(done[keys.REQUIREMENTS].metadata["dagster/row_count"].value)) > 0
    assert int(str(done[keys.COMMANDS].metadata["dagster/row_count"].value)) > 0
    assert int(str(done[keys.delivered("wms")].metadata["dagster/row_count"].value)) > 0
    assert set(result.seconds) == set(heard)


def test_pass__evaluates_every_check(
    with_all: tuple[PassResult, list[str]], instance: dg.DagsterInstance, environ: dict[str, str]
) -> None:
    checks = _checks(instance, with_all[0].run_id)
    configuration = load_configuration(Settings.from_environment(environ))
    for entity in configuration.entities:
        for rule in configuration.rulebooks[entity].of_scope("dataset").rules:
            assert (f"judged/{entity}", rule.name) in checks
    assert all(passed for (_, name), passed in checks.items() if name in {"reachable", "enough_items"})


def test_pass__is_one_run_of_the_hub(with_all: tuple[PassResult, list[str]], environ: dict[str, str]) -> None:
    hub: Hub = open_hub({**os.environ, **environ})
    with hub.store.read() as tx:
        written = runs.run(tx, with_all[0].run_id)
        stages = {stage.stage for stage in runs.stages(tx, with_all[0].run_id)}
    assert written is not None
    assert written.state == "done"
    assert stages == {"land", "conform", "reconcile", "judge", "plan", "decide", "deliver", "notify", "measure"}
    assert load_plan(hub).planned_orders
    hub.close()


def test_pass__tells_people(with_all: tuple[PassResult, list[str]], environ: dict[str, str], people: Server) -> None:
    """The operator of the pass that failed, the supervisor of every urgent order; each notice once."""
    hub: Hub = open_hub({**os.environ, **environ})
    with hub.store.read() as tx:
        board = notices.listed(tx)
    hub.close()
    told = [(asked.json["audience"], number) for asked in people.asked for number in asked.json["numbers"]]
    reached = {"operator", "production_supervisor"}  # purchasing is told too, and has no channel here
    assert sorted(told) == sorted((notice.audience, notice.number) for notice in board if notice.audience in reached)
    assert {audience for audience, _ in told} == reached
    assert {asked.json["urgent"] for asked in people.asked if asked.json["audience"] == "production_supervisor"} == {
        True
    }
