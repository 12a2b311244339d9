"""The whole route in one call, without an orchestrator: what the command line and the tests run.

The Dagster graph calls the very same stage functions, one asset each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from canonical.plan import Plan
from pipeline.adopt import adopt
from pipeline.conform import Conformed, conform
from pipeline.decide import Decided, decide
from pipeline.deliver import Delivered, deliver
from pipeline.demand import Forecasted, make_forecast
from pipeline.hub import Hub, Run
from pipeline.judge import Judged, judge
from pipeline.land import Landed, has_landed, land
from pipeline.measure import Measured, measure
from pipeline.notify import Notified, notify
from pipeline.overtaking import Overtaken, look_again, right_of_way
from pipeline.plan import Planned, plan
from pipeline.reconcile import Mastered, reconcile_entity
from pipeline.restored import notice_restore
from pipeline.timers import Fired, fire_due
from store import runs

READERS = 4
LOOKS = 5


@dataclass
class Passed:
    """What every stage of one pass came to."""

    run: Run
    landed: list[Landed] = field(default_factory=list)
    conformed: list[Conformed] = field(default_factory=list)
    mastered: list[Mastered] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    forecasted: Forecasted | None = None
    planned: Planned | None = None
    decided: Decided | None = None
    fired: Fired | None = None
    delivered: Delivered | None = None
    notified: Notified | None = None
    measured: Measured | None = None


def begin(hub: Hub, run: Run) -> None:
    """Write the run down; before anything is decided, see whether the store was restored from a backup."""
    notice_restore(hub)
    with hub.store.begin() as tx:
        runs.start(tx, run.run_id, run.actor, run.moment, hub.now())


def run_route(
    hub: Hub, run: Run, *, everything: bool = False, on_stage: Callable[[str], None] = lambda _: None
) -> Passed:
    """Land, conform, reconcile, judge, forecast, plan, decide, deliver, notify, measure."""
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
    if configuration.deployment.forecast is not None:
        on_stage("forecast")
        passed.forecasted = make_forecast(hub, run)
    on_stage("plan")
    made, passed.planned = plan(hub, run)
    on_stage("decide")
    passed.decided = settle(hub, run, made)
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


def settle(hub: Hub, run: Run, made: Plan) -> Decided:
    """Decide; a pass that was overtaken looks at what changed meanwhile, and decides with the right of way."""
    try:
        return decide(hub, run, made)
    except Overtaken:
        with right_of_way(hub, run):
            return _after_looking_again(hub, run)


def _after_looking_again(hub: Hub, run: Run) -> Decided:
    for _ in range(LOOKS):
        look_again(hub, run)
        see(hub, run)
        try:
            return decide(hub, run, plan(hub, run)[0])
        except Overtaken:
            continue  # a turn that was under way when we took the right of way
    raise Overtaken("others decide all the time", hint="run the pass again")


def see(hub: Hub, run: Run, entities: Collection[str] | None = None, *, suite: bool = True) -> None:
    """Conform, reconcile and judge what has landed, of all entities or of some."""
    chosen = [entity for entity in hub.configuration.entities if entities is None or entity in entities]
    for entity in chosen:
        for system in hub.configuration.sources_of(entity):
            if not _never_landed(hub, system, entity):
                conform(hub, system, entity, run)
    for entity in chosen:
        reconcile_entity(hub, entity, run)
    for entity in chosen:
        judge(hub, entity, run, suite=suite)


def _never_landed(hub: Hub, system: str, entity: str) -> bool:
    streams = {mapping.spec.stream for mapping in hub.configuration.inbound[system, entity]}
    return not all(has_landed(hub, system, stream) for stream in streams)


def _never_pulled(hub: Hub, system: str, entity: str, halted: set[tuple[str, str]]) -> bool:
    """A stream that is halted and was never landed before has nothing to conform."""
    streams = {mapping.spec.stream for mapping in hub.configuration.inbound[system, entity]}
    if not any((system, stream) in halted for stream in streams):
        return False
    with hub.store.read() as tx:
        return any(not hub.raw.listed(tx, system, stream) for stream in streams)
