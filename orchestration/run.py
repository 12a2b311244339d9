"""The shipped job in this very process, with its records kept: what `millstream run` and `millstream demo` do."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from assets.door import HubDoor, unwatched
from orchestration.definitions import build
from orchestration.deployment import dagster_home, prepare
from orchestration.sensors import fail, finish
from pipeline.hub import Hub
from pipeline.processes import process_is_dead, process_token

PROCESS_TAG = "millstream/process"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
UNDER_WAY = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED)


@dataclass(frozen=True, slots=True)
class PassResult:
    """How one run of a job ended. `run_id` is Dagster's and the hub's; `seconds` and `failures` (why) are by step."""

    run_id: str
    success: bool
    seconds: Mapping[str, float]
    failures: Mapping[str, str]


def run_pass(hub: Hub, *, job: str = "one_pass", watch: Callable[[str], None] = unwatched) -> PassResult:
    """Run a shipped job (`one_pass`, `refresh`, `deliver_only`) on an open hub; a failing step does not raise.

    `watch` hears each step's name as it begins.
    """
    with quiet(), dg.DagsterInstance.from_config(str(prepare(dagster_home(hub.environ)))) as instance:
        end_dead_runs(hub, instance)
        shipped = build(hub.configuration, HubDoor(hub=hub, watch=watch)).resolve_job_def(job)
        result = shipped.execute_in_process(
            run_config={**shipped.run_config, **QUIET} if shipped.run_config else QUIET,
            instance=instance,
            tags={PROCESS_TAG: process_token()},
            raise_on_error=False,
        )
        outcome = _outcome(result, instance)
    _write_down(hub, outcome)
    return outcome


def _write_down(hub: Hub, outcome: PassResult) -> None:
    if outcome.success:
        finish(hub, outcome.run_id)
    else:
        fail(hub, outcome.run_id, "; ".join(outcome.failures.values()))


def _outcome(result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance) -> PassResult:
    steps = instance.get_run_step_stats(result.run_id)
    seconds = {step.step_key: step.end_time - step.start_time for step in steps if step.start_time and step.end_time}
    failures = {str(event.step_key): _why(event) for event in result.all_events if event.is_step_failure}
    return PassResult(result.run_id, result.success, seconds, failures)


def _why(event: dg.DagsterEvent) -> str:
    """What the step itself says; else the error's own text."""
    failure = event.step_failure_data
    said = failure.user_failure_data.description if failure.user_failure_data else None
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return said or (error.message.strip() if error else "failed")


@contextmanager
def quiet() -> Iterator[None]:
    """Dagster warns about its own features in preview; a person who runs a pass can mend none of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=dg.BetaWarning)
        warnings.simplefilter("ignore", category=dg.PreviewWarning)
        yield


def end_dead_runs(hub: Hub, instance: dg.DagsterInstance) -> list[str]:
    """Runs of processes of this host that were killed: they are marked failed, and their pools are free again."""
    ended = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=list(UNDER_WAY))):
        if (process := run.tags.get(PROCESS_TAG)) is not None and process_is_dead(process):
            instance.report_run_failed(run, "the process was ended from outside")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            fail(hub, run.run_id, "the process was ended from outside")
            ended.append(run.run_id)
    return ended
