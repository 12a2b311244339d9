"""Plan: MRP over one frozen snapshot of the judged records; pegs are kept for the next plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import polars as pl

from canonical.errors import StreamHalted
from canonical.plan import Plan
from pipeline.hub import Hub, Run
from pipeline.land import never_landed
from pipeline.snapshot import snapshot, unscaled
from planning.mrp import plan as plan_requirements
from store import plan_pegs, runs
from store.plan_pegs import PlanSummary


@dataclass(frozen=True, slots=True)
class Planned:
    """What the plan came to."""

    demands: int
    orders: int
    late: int
    shortages: int
    problems: int
    pegs: int


def judged_frames(hub: Hub) -> Mapping[str, pl.DataFrame]:
    """The golden records that passed judgement, by entity."""
    found = {entity: hub.frames.read(f"judged/{entity}") for entity in hub.configuration.entities}
    return {entity: frame for entity, frame in found.items() if frame is not None}


def plan(hub: Hub, run: Run) -> tuple[Plan, Planned]:
    """Plan as of the run's day; raises `StreamHalted` while a stream has never been landed."""
    missing = never_landed(hub)
    if missing:
        raise StreamHalted(
            f"no plan: never landed: {', '.join(missing)}", hint="mend the connection, then run the pass again"
        )
    with hub.store.read() as tx:
        prior = plan_pegs.pegs(tx)
    picture = snapshot(judged_frames(hub), hub.deployment.planning, run.as_of, prior)
    result = plan_requirements(picture)
    summary = Planned(
        demands=len(picture.demands),
        orders=len(result.planned_orders),
        late=sum(order.late for order in result.planned_orders),
        shortages=len(result.shortages),
        problems=len(result.problems),
        pegs=len(result.pegs),
    )
    _keep(hub, run, result, summary)
    return result, summary


def _keep(hub: Hub, run: Run, result: Plan, summary: Planned) -> None:
    hub.frames.write("plan/planned_order", _orders_frame(result), run.run_id)
    hub.frames.write("plan/problem", _rows_frame([asdict(row) for row in result.problems], PROBLEM), run.run_id)
    hub.frames.write("plan/message", _rows_frame([asdict(row) for row in result.messages], MESSAGE), run.run_id)
    problems = Counter(problem.kind for problem in result.problems)
    with hub.store.begin() as tx:
        plan_pegs.replace(tx, result.pegs)
        content = {**asdict(summary), "problem_kinds": dict(problems)}
        plan_pegs.record_summary(tx, PlanSummary(run.run_id, run.moment, content))
        runs.record_stage(tx, run.run_id, "plan", content, hub.now())


ORDER: dict[str, pl.DataType] = {
    "key": pl.String(), "item": pl.String(), "sourcing": pl.String(), "quantity": pl.Decimal(38, 9),
    "surplus": pl.Decimal(38, 9), "due": pl.Date(), "release": pl.Date(), "start": pl.Date(), "expected": pl.Date(),
    "late": pl.Boolean(), "root": pl.String(), "level": pl.Int64(),
}  # fmt: skip
PROBLEM: dict[str, pl.DataType] = {
    "kind": pl.String(), "item": pl.String(), "key": pl.String(), "detail": pl.String()
}  # fmt: skip
MESSAGE: dict[str, pl.DataType] = {
    "kind": pl.String(), "item": pl.String(), "key": pl.String(), "quantity": pl.Int64(),
    "current": pl.Date(), "wanted": pl.Date(),
}  # fmt: skip


def _orders_frame(result: Plan) -> pl.DataFrame:
    found = [
        {**asdict(order), "quantity": unscaled(order.quantity), "surplus": unscaled(order.surplus)}
        for order in result.planned_orders
    ]
    return _rows_frame(found, ORDER)


def _rows_frame(found: list[dict[str, object]], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(found, schema=schema, orient="row")
