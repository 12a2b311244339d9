"""Bad input and bad days: each gets its clear error or its place in quarantine, and everything else goes on."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import connectors
import pipeline.delivery_workers
import pipeline.hub
from canonical.actors import Actor
from canonical.errors import ConfigurationError, StreamHalted
from connectors.port import Connector
from connectors.registry import open_connector
from pipeline.hub import Hub
from pipeline.route import Passed, run_route
from sandbox.factory.views import dirt
from store import quarantine
from tests.e2e.oracle import Expected
from tests.e2e.plant import ROOT, SYSTEMS, Plant

pytestmark = pytest.mark.timeout(600)

PATIENCE_SECONDS = 3.0
SHIPPED_PATIENCE_SECONDS = pipeline.delivery_workers.PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass waits for a system that answers again; here it will not."""
    monkeypatch.setattr(pipeline.delivery_workers, "PATIENCE_SECONDS", PATIENCE_SECONDS)


@contextmanager
def _hub(plant: Plant, **environment: str) -> Iterator[Hub]:
    hub = plant.hub(**environment)
    try:
        yield hub
    finally:
        hub.close()


def _goes_on_without(plant: Plant, expected: Expected, passed: Passed, system: str) -> list[str]:
    """The other systems were pulled, and what concerns them was written; answers why this system's streams halted."""
    halted = {landed.system for landed in passed.landed if landed.halted}
    assert halted == {system}
    assert {landed.system for landed in passed.landed if not landed.halted} == set(SYSTEMS) - {system}
    assert passed.delivered is not None
    assert passed.delivered.outcomes["erp"]["applied"] > 0
    return [str(landed.halted) for landed in passed.landed if landed.halted]


def _edit_something(plant: Plant, expected: Expected) -> None:
    """A change that has to reach the ERP: more of something that is being made."""
    made = next(
        made
        for made in sorted(expected.released(), key=lambda made: made.owner)
        if expected.forecast.materials[made.item].sourcing == "make"
        and made.owner in {want.consumer for want, _ in made.wants}
    )
    order, line = made.owner.split("|")
    plant.edit(order, line=int(line), quantity="77")


def test_a_wrong_secret__halts_the_streams_of_that_system_only(plant: Plant, expected: Expected) -> None:
    _edit_something(plant, expected)
    passed = plant.run_pass(MILLSTREAM_MES_CLIENT_SECRET="wrong")
    for reason in _goes_on_without(plant, expected, passed, "mes"):
        assert reason.startswith("mes")
        assert "wrong" not in reason.split()  # the secret is no part of any message


def test_a_wrong_secret__on_a_new_hub_there_is_no_plan_yet(plant: Plant, tmp_path: Path) -> None:
    before = plant.written()
    with pytest.raises(StreamHalted, match="never landed: mes/"):
        plant.run_pass(MILLSTREAM_MES_CLIENT_SECRET="wrong", MILLSTREAM_HOME=str(tmp_path / "new"))
    assert plant.written() == before


def test_a_system_that_is_down__halts_its_streams_only_and_is_served_later(
    plant: Plant, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    _edit_something(plant, expected)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        passed = plant.run_pass(MILLSTREAM_MES_URL=f"http://127.0.0.1:{taken.getsockname()[1]}")
    _goes_on_without(plant, expected, passed, "mes")
    assert passed.delivered is not None
    waiting = passed.delivered.open
    assert waiting > 0
    before = plant.written()
    # The system was left alone for ten seconds: a pass that comes sooner waits for the rest of them.
    monkeypatch.setattr(pipeline.delivery_workers, "PATIENCE_SECONDS", SHIPPED_PATIENCE_SECONDS)
    again = plant.run_pass()
    assert again.delivered is not None
    assert again.delivered.open == 0
    assert plant.written()["mes"] > before["mes"]


@pytest.mark.parametrize("served", [False, True], ids=["file", "served"])
def test_a_wsdl_that_is_gone__halts_the_warehouse_only(
    plant: Plant, expected: Expected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: bool
) -> None:
    folder = tmp_path / "connectors"
    assert connectors.__file__ is not None
    shutil.copytree(Path(connectors.__file__).parent, folder)
    (folder / "wms" / "wms.wsdl").unlink()
    if served:  # by the warehouse itself, which is not there
        system = folder / "wms" / "system.yaml"
        system.write_text(system.read_text().replace("wsdl: wms.wsdl\n", ""))

    def opened(name: str, environ: Mapping[str, str], **settings: Any) -> Connector:
        return open_connector(name, environ, **{**settings, **({"folder": folder} if name == "wms" else {})})

    monkeypatch.setattr(pipeline.hub, "open_connector", opened)
    _edit_something(plant, expected)
    elsewhere = {"MILLSTREAM_WMS_URL": plant.ready["systems"]["mes"]["url"]} if served else {}
    reasons = _goes_on_without(plant, expected, plant.run_pass(**elsewhere), "wms")
    assert all("wsdl" in reason.lower() for reason in reasons), reasons


def test_spoilt_records__wait_in_quarantine_with_a_reason(plant: Plant, expected: Expected) -> None:
    with _hub(plant) as hub, hub.store.read() as tx:
        rows = quarantine.listed(tx)
    held = {(row.system, row.entity, row.rejection.source_key): row.rejection for row in rows}
    wanted = [
        record
        for record in dirt(expected.plant).records
        if record.expected == "quarantined" and record.entity in {"item", "partner"}
    ]
    assert len(wanted) > 5
    missing = [record for record in wanted if (record.system, record.entity, record.key) not in held]
    assert missing == []
    [unknown] = [record for record in wanted if record.how == "unknown_unit"]
    rejection = held["wms", "item", unknown.key]
    assert "dozenish" in f"{rejection.message} {rejection.payload}"
    negative = [row for row in rows if row.entity == "stock" and row.rejection.rule == "quantity_not_negative"]
    assert len(negative) == sum(record.how == "negative_stock" for record in dirt(expected.plant).records)


def test_a_bom_cycle__is_a_problem_of_the_plan_and_the_rest_is_planned(plant: Plant, expected: Expected) -> None:
    with _hub(plant) as hub:
        problems = hub.frames.read("plan/problem")
    assert problems is not None
    [cycle] = [row for row in problems.to_dicts() if row["kind"] == "bom_cycle"]
    codes = {expected.forecast.names[serial]: view.code for serial, view in expected.views["erp"].items()}
    spoilt = {record.key for record in dirt(expected.plant).records if record.how == "bom_cycle"}
    assert {codes[name] for name in cycle["key"].split(" > ")} == spoilt


def test_a_wrong_yaml_key__is_named_with_its_place(tmp_path: Path) -> None:
    text = (ROOT / "pipeline" / "deployments" / "plant.yaml").read_text()
    file = tmp_path / "plant.yaml"
    file.write_text(text.replace("release_fence_days", "release_fense_days"))
    line = next(at for at, row in enumerate(file.read_text().splitlines(), start=1) if "fense" in row)
    with pytest.raises(ConfigurationError) as refused:
        pipeline.hub.open_hub({"MILLSTREAM_HOME": str(tmp_path / "home"), "MILLSTREAM_DEPLOYMENT": str(file)})
    assert f"{file}:{line}:3 unknown key 'release_fense_days'" in str(refused.value)
    assert "release_fence_days" in str(refused.value)


def test_a_missing_secret__is_named_before_anything_is_asked(plant: Plant) -> None:
    environment = {name: value for name, value in plant.environment.items() if name != "MILLSTREAM_ERP_APP_SECRET"}
    hub = pipeline.hub.open_hub(environment)
    try:
        passed = run_route(hub, hub.new_run(Actor("run", "test")))
    finally:
        hub.close()
    reasons = {str(landed.halted) for landed in passed.landed if landed.halted}
    assert all("MILLSTREAM_ERP_APP_SECRET" in reason for reason in reasons)
    assert {landed.system for landed in passed.landed if landed.halted} == {"erp"}
