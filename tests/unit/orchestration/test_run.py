"""A pass in this process, on a hub whose systems cannot be reached; what a killed run leaves; what sensors do."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from assets import keys
from assets.door import HubDoor, hub_run
from orchestration.definitions import build
from orchestration.deployment import dagster_home, prepare
from orchestration.run import PROCESS_TAG, PassResult, end_dead_runs, run_pass
from orchestration.sensors import fail, finish
from pipeline.hub import Hub, open_hub
from pipeline.processes import process_token
from store import inbox, notices, runs, timers
from store.timers import Timer

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path_factory.mktemp("hub")), "MILLSTREAM_AS_OF": "2026-11-02"})
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def instance(hub: Hub) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(prepare(dagster_home(hub.environ)))) as opened:
        yield opened


@pytest.fixture(scope="module")
def outcome(hub: Hub) -> tuple[PassResult, list[str]]:
    heard: list[str] = []
    return run_pass(hub, watch=heard.append), heard


def test_run_pass__goes_as_far_as_it_can(outcome: tuple[PassResult, list[str]], instance: dg.DagsterInstance) -> None:
    result, heard = outcome
    assert not result.success
    assert heard[-1:] == ["judge"], result.failures
    assert list(result.failures) == ["judge"]
    assert "enough_items" in result.failures["judge"]
    known = set(instance.get_asset_keys())
    assert {keys.raw("erp", "materials"), keys.golden("item"), keys.judged("stock")} <= known


def test_run_pass__a_halted_stream_fails_its_check_and_says_why(
    outcome: tuple[PassResult, list[str]], instance: dg.DagsterInstance
) -> None:
    event = instance.get_latest_materialization_event(keys.raw("erp", "materials"))
    assert event is not None
    assert event.asset_materialization is not None
    assert "MILLSTREAM_ERP_URL is not set" in str(event.asset_materialization.metadata["halted"].value)
    records = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(keys.raw("erp", "materials"), "reachable"), limit=1
    )
    evaluation = records[0].evaluation
    assert evaluation is not None
    assert (evaluation.passed, evaluation.blocking, evaluation.severity) == (
        False, False, dg.AssetCheckSeverity.ERROR
    )  # fmt: skip


def test_run_pass__is_written_down_and_told(outcome: tuple[PassResult, list[str]], hub: Hub) -> None:
    result, _ = outcome
    with hub.store.read() as tx:
        written = runs.run(tx, result.run_id)
        told = notices.listed(tx, "operator")
    assert written is not None
    assert (written.state, written.actor) == ("failed", f"run:{result.run_id}")
    assert result.run_id in told[0].text["en"]


def test_hub_run__is_the_same_for_every_step(hub: Hub) -> None:
    first = hub_run(hub, "r-1")
    assert hub_run(hub, "r-1") == first
    assert first.as_of.isoformat() == "2026-11-02"
    finish(hub, "r-1")
    with hub.store.read() as tx:
        written = runs.run(tx, "r-1")
    assert written is not None
    assert written.state == "done"


def test_fail__tells_once_a_run(hub: Hub) -> None:
    hub_run(hub, "r-2")
    fail(hub, "r-2", "why")
    fail(hub, "r-2", "why")
    with hub.store.read() as tx:
        assert sum(notice.cause == "r-2" for notice in notices.listed(tx)) == 1


def test_end_dead_runs__only_those_whose_process_is_gone(hub: Hub, instance: dg.DagsterInstance) -> None:
    job = build(hub.configuration, HubDoor(hub=hub)).resolve_job_def("deliver_only")
    host, pid, _ = process_token().split(":")
    gone, reborn, here = (
        instance.create_run_for_job(job, tags={PROCESS_TAG: process}, status=dg.DagsterRunStatus.STARTED)
        for process in (f"{host}:{2**22 + 1}:cafe", f"{host}:{pid}:cafe", process_token())
    )
    log = instance.event_log_storage
    log.initialize_concurrency_limit_to_default("erp")
    assert log.claim_concurrency_slot("erp", gone.run_id, "land_erp").is_claimed
    assert not log.claim_concurrency_slot("erp", here.run_id, "land_erp").is_claimed
    assert sorted(end_dead_runs(hub, instance)) == sorted([gone.run_id, reborn.run_id])
    assert log.claim_concurrency_slot("erp", here.run_id, "land_erp").is_claimed
    ended = instance.get_run_by_id(gone.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE
    log.free_concurrency_slots_for_run(here.run_id)
    instance.delete_run(here.run_id)


def test_timers_sensor__fires_what_is_due_once(hub: Hub, instance: dg.DagsterInstance) -> None:
    definitions = build(hub.configuration, HubDoor(hub=hub))
    sensor = definitions.resolve_sensor_def("timers_due")
    started = datetime(2026, 1, 5, tzinfo=UTC)
    with hub.store.begin() as tx:
        timers.start(tx, [Timer("no-such-rule", "open_work", "M|A|1", started, started, "event")], started)

    def tick() -> str | None:
        context = dg.build_sensor_context(
            instance=instance, resources={"hub": HubDoor(hub=hub)}, definitions=definitions
        )
        found = sensor(context)
        assert isinstance(found, dg.SensorResult)
        assert not found.run_requests
        return found.skip_reason.skip_message if isinstance(found.skip_reason, dg.SkipReason) else found.skip_reason

    assert tick() == "1 timers fired; nothing to deliver"
    assert tick() == "no timer has run out"
    with hub.store.read() as tx:
        assert timers.counts(tx) == {"fired": 1}


def test_inbox_sensor__asks_for_one_pass_for_all_new_events(hub: Hub, instance: dg.DagsterInstance) -> None:
    definitions = build(hub.configuration, HubDoor(hub=hub))
    sensor = definitions.resolve_sensor_def("webhook_inbox")

    def tick(cursor: str | None) -> dg.SensorResult:
        context = dg.build_sensor_context(
            instance=instance, cursor=cursor, resources={"hub": HubDoor(hub=hub)}, definitions=definitions
        )
        found = sensor(context)
        assert isinstance(found, dg.SensorResult)
        return found

    assert tick(None).run_requests in (None, [])
    at = datetime(2026, 11, 2, tzinfo=UTC)
    with hub.store.begin() as tx:
        for number in range(3):
            inbox.accept(tx, "mes", f"e-{number}", {"n": number}, at)
    asked = tick(None)
    assert asked.run_requests is not None
    assert [request.run_key for request in asked.run_requests] == [f"inbox-{asked.cursor}"]
    assert tick(asked.cursor).run_requests in (None, [])
    with hub.store.read() as tx:
        assert inbox.counts(tx) == {"done": 3}
