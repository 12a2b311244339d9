"""What the relay did shows in Dagster as asset events, told by a process that the relay never waits for."""

from __future__ import annotations

import os
import time
from pathlib import Path

import dagster as dg

from assets import keys
from console.cli.reporting import Reports
from orchestration.deployment import dagster_home, prepare
from orchestration.reporter import events
from pipeline.relay import Turned

TURNED = Turned(
    turn=2, events=3, streams=(("crm", "orders"),), entities=("sales_order",), changes={"planned_order created": 1},
    commands={"erp.order_production": 1, "mes.order_work": 1}, seconds={},
)  # fmt: skip


def test_events__what_was_made_anew_is_materialised_and_what_was_decided_is_observed_where_it_is_delivered() -> None:
    told = {
        "turns": 1, "events": 3, "streams": ["crm/orders"], "entities": ["sales_order"],
        "changes": dict(TURNED.changes), "commands": dict(TURNED.commands),
    }  # fmt: skip
    found = list(events(told))
    made = {one.asset_key for one in found if isinstance(one, dg.AssetMaterialization)}
    assert made == {
        keys.raw("crm", "orders"), keys.golden("sales_order"), keys.judged("sales_order"), keys.REQUIREMENTS,
        keys.COMMANDS,
    }  # fmt: skip
    observed = [one.asset_key for one in found if isinstance(one, dg.AssetObservation)]
    assert observed == [keys.delivered("erp"), keys.delivered("mes")]


def test_events__of_a_turn_that_brought_nothing_new_are_none() -> None:
    assert not list(events({"turns": 1, "events": 1, "streams": [], "entities": [], "changes": {}, "commands": {}}))


def test_reports__are_written_by_a_process_of_their_own_and_telling_takes_no_time(tmp_path: Path) -> None:
    environ = {**os.environ, "MILLSTREAM_HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path / "dagster")}
    reports = Reports.start(environ, tmp_path / "reports.log")
    began = time.perf_counter()
    for _ in range(100):
        reports.tell(TURNED)
    assert time.perf_counter() - began < 0.5
    reports.close()
    with dg.DagsterInstance.from_config(str(prepare(dagster_home(environ)))) as instance:
        event = instance.get_latest_materialization_event(keys.COMMANDS)
    assert event is not None, (tmp_path / "reports.log").read_text()
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["turns"].value == 100


def test_reports__whose_process_died_hold_nobody_up(tmp_path: Path) -> None:
    reports = Reports.start({"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}, tmp_path / "reports.log")
    reports._process.kill()
    reports.tell(TURNED)
    reports.close()
