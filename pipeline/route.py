"""The whole route in one call, without an orchestrator: what the command line and the tests run.

The Dagster graph calls the very same stage functions, one asset each.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pipeline.adopt import adopt
from pipeline.conform import Conformed, conform
from pipeline.decide import Decided, decide
from pipeline.deliver import Delivered, deliver
from pipeline.hub import Hub, Run
from pipeline.judge import Judged, judge
from pipeline.land import Landed, land
from pipeline.measure import Measured, measure
from pipeline.notify import Notified, notify
from pipeline.plan import Planned, plan
from pipeline.reconcile import Mastered, reconcile_entity
from pipeline.timers import Fired, fire_due
from store import runs

READERS = 4


@dataclass
class Passed:
    """What every stage of one pass came to."""

    run: Run
    landed: list[Landed] = field(default_factory=list)
    conformed: list[Conformed] = field(default_factory=list)
    mastered: list[Mastered] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    planned: Planned | None = None
    decided: Decided | None = None
    fired: Fired | None = None
    delivered: Delivered | None = None
    notified: Notified | None = None
    measured: Measured | None = None


def begin(hub: Hub, run: Run) -> None:
    """Write the run down."""
    with hub.store.begin() as tx:
        runs.start(tx, run.run_id, run.actor, run.moment, hub.now())


def run_route(
    hub: Hub, run: Run, *, everything: bool = False, on_stage: Callable[[str], None] = lambda _: None
) -> Passed:
    """Land, conform, reconcile, judge, plan, decide, deliver, notify, measure."""
    begin(hub, run)
    passed = Passed(run)
    configuration = hub.configuration
    on_stage("land")
    with ThreadPoolExecutor(READERS) as pool:
        passed.landed = list(
            pool.map(lambda one: land(hub, one[0], one[1], run, everything=everything), configuration.streams())
        )
    pull_halted = {(landed.system, landed.stream) for landed in passed.landed if landed.halted}
    on_stage("conform")
    for entity in configuration.entities:
        for system in configuration.sources_of(entity):
            if not _never_pulled(hub, system, entity, pull_halted):
                passed.conformed.append(conform(hub, system, entity, run))
    on_stage("reconcile")
    passed.mastered = [reconcile_entity(hub, entity, run) for entity in configuration.entities]
    adopt(hub)
    on_stage("judge")
    passed.judged = [judge(hub, entity, run) for entity in configuration.entities]
    on_stage("plan")
    made, passed.planned = plan(hub, run)
    on_stage("decide")
    passed.decided = decide(hub, run, made)
    passed.fired = fire_due(hub, run)
    on_stage("deliver")
    passed.delivered = deliver(hub, run)
    on_stage("notify")
    passed.notified = notify(hub, run)
    on_stage("measure")
    passed.measured = measure(hub, run)
    with hub.store.begin() as tx:
        runs.finish(tx, run.run_id, "done", hub.now())
    return passed


def _never_pulled(hub: Hub, system: str, entity: str, halted: set[tuple[str, str]]) -> bool:
    """A stream that is halted and was never landed before has nothing to conform."""
    streams = {mapping.spec.stream for mapping in hub.configuration.inbound[system, entity]}
    if not any((system, stream) in halted for stream in streams):
        return False
    with hub.store.read() as tx:
        return any(not hub.raw.listed(tx, system, stream) for stream in streams)
