"""`millstream run`: one pass of the stream, through the Dagster job or directly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from canonical.commands import State
from console.cli.passes import PassReport, draw_halted, draw_stages, report
from console.cli.state import opened, settings_of
from console.cli.terminal import Exit, Terminal
from console.cli.worker import Job, PassEnd, Worker
from store import outbox

Caller = Annotated[Terminal, Parameter(parse=False)]
Stage = Literal["land", "conform", "reconcile", "judge", "plan", "decide", "deliver", "notify", "measure"]
WORKER_LOG = "worker.log"


def run(
    *,
    only: Stage | None = None,
    full: bool = False,
    direct: bool = False,
    terminal: Caller,
) -> Exit:
    """Run one pass: land, conform, reconcile, judge, plan, decide, deliver, notify, measure.

    Parameters
    ----------
    only
        Only this stage, on what the last pass left behind. All but `deliver` do without Dagster.
    full
        Pull whole streams, not only what changed since the last pass.
    direct
        Call the stage functions without Dagster: no history there, but no start-up of seconds either.
    """
    without = direct or only not in {None, "deliver"}
    end = _direct(terminal, only, full=full) if without else _through_dagster(terminal, _job(only, full=full))
    with opened(terminal) as store, store.read() as tx:
        passed = report(tx, end.run_id)
        doubtful = outbox.entries(tx, states=[State.PARKED, State.IN_DOUBT], limit=1)
    answer = {
        "run_id": end.run_id, "success": end.success, "error": end.error,
        "stages": passed and passed.by_stage, "seconds": passed and passed.seconds,
        "halted": passed and passed.halted,
    }  # fmt: skip
    terminal.answer(answer, lambda: _draw(terminal, end, passed))
    return _exit(end, passed, doubtful=bool(doubtful))


def _exit(end: PassEnd, passed: PassReport | None, *, doubtful: bool) -> Exit:
    if passed is not None and passed.halted:
        return Exit.UNREACHABLE
    if not end.success:
        return Exit.FINDINGS
    return Exit.PARKED if doubtful else Exit.OK


def _draw(terminal: Terminal, end: PassEnd, passed: PassReport | None) -> None:
    state = "done" if end.success else "failed"
    terminal.heading("run.title", run=end.run_id, state=terminal.say(f"run.{state}"))
    if passed is not None:
        draw_stages(terminal, passed)
        draw_halted(terminal, passed)
    if end.error:
        terminal.text(end.error, "red")
    terminal.line("run.next")


def _job(only: Stage | None, *, full: bool) -> Job:
    if only is not None:
        return "deliver_only"
    return "refresh" if full else "one_pass"


def _through_dagster(terminal: Terminal, job: Job) -> PassEnd:
    home = settings_of(terminal).home
    terminal.progress("run.dagster")
    worker = Worker.start(terminal.environ, home / WORKER_LOG)
    try:
        return worker.run(job=job, on_step=lambda step: terminal.progress("run.step", step=step))
    finally:
        worker.close()


def _direct(terminal: Terminal, only: str | None, *, full: bool) -> PassEnd:
    from pipeline.hub import open_hub
    from pipeline.route import run_route

    hub = open_hub(terminal.environ)
    try:
        this = hub.new_run(terminal.person)
        if only is not None:
            _one_stage(hub, this, only, full=full)
        else:
            run_route(hub, this, everything=full, on_stage=lambda stage: terminal.progress("run.step", step=stage))
        return PassEnd(this.run_id, success=True, error=None)
    finally:
        hub.close()


def _one_stage(hub: Any, this: Any, stage: str, *, full: bool) -> None:  # noqa: ANN401 - imported where it runs
    """One stage over everything it covers; deciding needs a plan, so it plans first."""
    from pipeline import conform, decide, judge, land, plan, reconcile, route
    from store import runs

    configuration = hub.configuration
    route.begin(hub, this)
    if stage == "land":
        with ThreadPoolExecutor(route.READERS) as pool:
            list(pool.map(lambda one: land.land(hub, one[0], one[1], this, everything=full), configuration.streams()))
    elif stage == "conform":
        for entity in configuration.entities:
            for system in configuration.sources_of(entity):
                conform.conform(hub, system, entity, this)
    elif stage in {"reconcile", "judge"}:
        one = reconcile.reconcile_entity if stage == "reconcile" else judge.judge
        for entity in configuration.entities:
            one(hub, entity, this)
    elif stage in {"plan", "decide"}:
        made, _ = plan.plan(hub, this)
        if stage == "decide":
            decide.decide(hub, this, made)
    else:
        _last_stage(hub, this, stage)
    with hub.store.begin() as tx:
        runs.finish(tx, this.run_id, "done", hub.now())


def _last_stage(hub: Any, this: Any, stage: str) -> None:  # noqa: ANN401
    """What follows the decisions."""
    from pipeline import deliver, measure, notify

    if stage == "deliver":
        deliver.deliver(hub, this)
    elif stage == "notify":
        notify.notify(hub, this)
    else:
        measure.measure(hub, this)
