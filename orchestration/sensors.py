"""What starts or ends by itself: webhook events ask for a pass, timers run out, a run's end is written down."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from assets.door import HubDoor
from canonical.actors import Actor, Role
from orchestration.jobs import Jobs
from pipeline.hub import Hub
from pipeline.notify import notify
from pipeline.timers import Fired, fire_due
from store import inbox, notices, runs
from store.inbox import InboxEvent
from store.notices import Notice

EVENTS_A_TICK = 100
SECONDS = 30
AUDIENCE = "operator"


def all_sensors(jobs: Jobs) -> list[dg.SensorDefinition]:
    """What may write to systems starts stopped, like the timetable; the two that only write records run at once."""
    return [inbox_sensor(jobs), timers_sensor(jobs), run_done(), run_failed()]


def inbox_sensor(jobs: Jobs) -> dg.SensorDefinition:
    """One pass for all events that came since the last tick, however many there are."""

    @dg.sensor(name="webhook_inbox", job=jobs.one_pass, minimum_interval_seconds=SECONDS)
    def webhook_inbox(context: dg.SensorEvaluationContext, hub: dg.ResourceParam[HubDoor]) -> dg.SensorResult:
        """Events that asked for a run in an earlier tick are done: the cursor proves that the run was asked for."""
        asked = int(context.cursor or 0)
        waiting = unread(hub.hub, asked)
        if not waiting:
            return dg.SensorResult(skip_reason="no webhook events")
        last = waiting[-1].position
        tags = {"millstream/events": str(len(waiting)), "millstream/systems": ",".join(_systems(waiting))}
        request = dg.RunRequest(run_key=f"inbox-{last}", tags=tags)
        return dg.SensorResult(run_requests=[request], cursor=str(last))

    return webhook_inbox


def timers_sensor(jobs: Jobs) -> dg.SensorDefinition:
    """Timers run out between two passes: their escalations are carried out, people told, and commands delivered."""

    @dg.sensor(name="timers_due", job=jobs.deliver_only, minimum_interval_seconds=SECONDS)
    def timers_due(context: dg.SensorEvaluationContext, hub: dg.ResourceParam[HubDoor]) -> dg.SensorResult:  # noqa: ARG001
        """A delivery is asked for only where an escalation is a command."""
        fired = fire(hub.hub)
        if not fired.timers:
            return dg.SensorResult(skip_reason="no timer has run out")
        if not fired.commands:
            return dg.SensorResult(skip_reason=f"{fired.timers} timers fired; nothing to deliver")
        return dg.SensorResult(run_requests=[dg.RunRequest(tags={"millstream/timers": str(fired.timers)})])

    return timers_due


def fire(hub: Hub) -> Fired:
    """Fire what is due, and tell people of it."""
    fired = fire_due(hub, hub.new_run(Actor("run", "timers_due", Role.ENGINEER)))
    if fired.notices:
        notify(hub)
    return fired


def unread(hub: Hub, asked: int) -> list[InboxEvent]:
    """Mark the events up to `asked` done; give the next ones."""
    with hub.store.begin() as tx:
        for event in inbox.next_unread(tx, EVENTS_A_TICK):
            if event.position <= asked:
                inbox.mark(tx, event.system, event.event_id, "done", hub.now())
        return inbox.next_unread(tx, EVENTS_A_TICK, after=asked)


def _systems(events: Sequence[InboxEvent]) -> list[str]:
    return sorted({event.system for event in events})


def run_done() -> dg.SensorDefinition:
    """A run that ended well is done."""

    @dg.run_status_sensor(
        name="run_done", run_status=dg.DagsterRunStatus.SUCCESS, default_status=dg.DefaultSensorStatus.RUNNING
    )
    def done(context: dg.RunStatusSensorContext, hub: dg.ResourceParam[HubDoor]) -> None:
        finish(hub.hub, context.dagster_run.run_id)

    return done


def run_failed() -> dg.SensorDefinition:
    """A run that failed is written down, and the operator is told."""

    @dg.run_failure_sensor(name="run_failed", default_status=dg.DefaultSensorStatus.RUNNING)
    def failed(context: dg.RunFailureSensorContext, hub: dg.ResourceParam[HubDoor]) -> None:
        event = context.failure_event.event_specific_data
        error = getattr(event, "error", None)
        fail(hub.hub, context.dagster_run.run_id, error.message if error else context.failure_event.message or "")

    return failed


def finish(hub: Hub, run_id: str) -> None:
    """The run ended well."""
    with hub.store.begin() as tx:
        runs.finish(tx, run_id, "done", hub.now())


def fail(hub: Hub, run_id: str, why: str) -> None:
    """The run failed: keep that, and tell the operator at once, once a run."""
    text = {"en": f"The pass {run_id} failed: {why}", "zh": f"运行 {run_id} 失败：{why}"}
    with hub.store.begin() as tx:
        now = hub.now()
        runs.finish(tx, run_id, "failed", now)
        notices.add(tx, [Notice(AUDIENCE, f"run_failed|{run_id}", text, f"run:{run_id}", run_id)], now)
    notify(hub)
