"""Plan: MRP over one frozen snapshot of the judged records; pegs are kept for the next plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from operator import attrgetter
from typing import Any

import polars as pl

from canonical.errors import MillstreamError, StreamHalted
from canonical.plan import Plan, PlanMessage, PlannedOrder, PlanningSnapshot, PlanProblem, Shortage
from pipeline import demand
from pipeline.basis import digest, rows_of
from pipeline.configured import Configured, any_configured
from pipeline.cuts import Places
from pipeline.hub import Hub, Run
from pipeline.land import never_landed
from pipeline.neighbourhood import (
    REACHING,
    Changed,
    Neighbourhood,
    Standing,
    components,
    neighbourhood,
    put_back,
)
from pipeline.overtaking import Overtaken
from pipeline.planning_frames import note, resolved
from pipeline.promises import expire, held_promises, honoured, of_orders, promises_version
from pipeline.rework import FRAME as REWORK
from pipeline.rework import awaited
from pipeline.snapshot import scaled, snapshot, unscaled
from pipeline.work_load import load_of, load_rows
from planning.mrp import plan as plan_requirements
from planning.promise.accepting import Held
from store import plan_pegs, plan_rows, runs, verdicts
from store.plan_pegs import PlanSummary
from store.plan_rows import LoadRow


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


def planning_frames(hub: Hub) -> Mapping[str, pl.DataFrame]:
    """The judged records as planning sees them: configured lines ask for items of their own, rework is on its way.

    What is to come of rework stays as the last plan of this process saw it: what is decided follows that plan.
    """
    frames, coming = configured_lines(hub).frames, hub.kept.get("rework")
    return {**frames, REWORK: awaited(hub, frames, hub.as_of()) if coming is None else coming}


def configured_lines(hub: Hub) -> Configured:
    """What came of every order line that carries a configuration, and the frames that planning sees."""
    return resolved(hub, judged_frames(hub), _versions(hub))


def plan(hub: Hub, run: Run) -> tuple[Plan, Planned]:
    """Plan as of the run's day; a plan made of the same records stands.

    Raises `StreamHalted` while a stream has never been landed, or when a blocking rule did not pass.
    """
    missing = never_landed(hub)
    if missing:
        raise StreamHalted(
            f"no plan: never landed: {', '.join(missing)}", hint="mend the connection, then run the pass again"
        )
    with hub.store.read() as tx:
        stopping = verdicts.stopping(tx, run.run_id)
        last = plan_pegs.last_summary(tx)
    if stopping:
        rules = ", ".join(f"{verdict.entity}.{verdict.rule}" for verdict in stopping)
        raise StreamHalted(f"no plan: blocking rules did not pass: {rules}", hint="see the verdicts of this run")
    expire(hub)
    kept: _Kept | None = hub.kept.get("plan")
    configured = configured_lines(hub)
    coming = hub.kept["rework"] = awaited(hub, configured.frames, run.as_of)
    basis = _basis(hub, run, coming)
    if kept is not None and kept.basis == basis and kept.holds(last):
        with hub.store.begin() as tx:
            runs.record_stage(tx, run.run_id, "plan", _content(kept.plan, kept.summary), hub.now())
        return kept.plan, kept.summary
    with hub.store.read() as tx:
        prior = plan_pegs.pegs(tx)
    note(hub, configured)
    held, frames = held_promises(hub), {**configured.frames, REWORK: coming}
    picture = honoured(snapshot(frames, hub.deployment.planning, run.as_of, prior), held, frames)
    result = plan_requirements(picture)
    summary = Planned(
        demands=len(picture.demands),
        orders=len(result.planned_orders),
        late=sum(order.late for order in result.planned_orders),
        shortages=len(result.shortages),
        problems=len(result.problems),
        pegs=len(result.pegs),
    )
    _keep(hub, run, picture, result, summary)
    hub.kept["plan"] = _Kept(basis, run.run_id, result, summary, picture, _versions(hub), held=held)
    return result, summary


@dataclass(slots=True)
class _Kept:
    """The last plan of this process and what it was made of; `standing` where turns have changed it in place."""

    basis: str
    run_id: str
    plan: Plan
    summary: Planned
    picture: PlanningSnapshot
    versions: dict[str, str | None]
    held: tuple[Held, ...] = ()
    standing: Standing | None = None
    parts: Mapping[str, set[str]] = field(default_factory=dict)

    def holds(self, last: PlanSummary | None) -> bool:
        """Whether this is, as a whole, the plan that stands: nobody planned since, and no turn changed it in place."""
        return bool(self.basis) and last is not None and last.run_id == self.run_id


@dataclass(frozen=True, slots=True)
class Near:
    """The plan of a neighbourhood, the part of it that facts are derived from, and what may have changed there."""

    plan: Plan
    area: Neighbourhood
    changed: Changed
    beside: str
    """The run whose plan it changes in place."""


def plan_near(hub: Hub, run: Run) -> Near | None:
    """Plan what changed since the last plan, where that is some sales orders and what they reach; else None.

    The plan is the very one that planning everything again would give there; `keep_near` makes it stand.
    """
    kept: _Kept | None = hub.kept.get("plan")
    if kept is None or kept.picture.as_of != run.as_of or _stopped(hub, run):
        return None
    versions = _versions(hub)
    touched = _touched_orders(hub, kept.versions, versions)
    if touched is None:
        return None
    frames = planning_frames(hub)
    if any_configured(frames, *touched):
        return None  # a new configuration brings items that no neighbourhood knows
    if kept.standing is None:
        kept.standing, kept.parts = Standing.of(kept.plan, kept.picture), components(frames)
    orders, lines = touched
    if held_promises(hub) != kept.held or of_orders(kept.held, frames, orders):
        return None  # a promise moves what its line is due, and holds supply
    places = hub.kept.setdefault("places", Places())
    area = neighbourhood(frames, kept.standing, kept.parts, places, hub.deployment.planning, orders=orders, lines=lines)
    if area is None:
        return None
    kept.basis, kept.versions = "", versions  # who wants the whole plan has to make it
    result, changed = put_back(kept.standing, area, plan_requirements(area.picture))
    return Near(result, area, changed, kept.run_id)


def keep_near(hub: Hub, near: Near) -> None:
    """The plan of the neighbourhood stands; raises `Overtaken` where somebody has planned everything meanwhile."""
    with hub.store.begin() as tx:
        last = plan_pegs.last_summary(tx)
        if last is None or last.run_id != near.beside:
            raise Overtaken("another run has planned meanwhile", hint="look again: what changed is seen in a moment")
        plan_pegs.exchange(tx, near.area.pegs, near.plan.pegs)
        plan_rows.exchange_orders(tx, near.area.planned, near.plan.planned_orders)


def _versions(hub: Hub) -> dict[str, str | None]:
    return {entity: hub.frames.version(f"judged/{entity}") for entity in hub.configuration.entities}


def _stopped(hub: Hub, run: Run) -> bool:
    """Whether a blocking rule stops planning."""
    with hub.store.read() as tx:
        return bool(verdicts.stopping(tx, run.run_id))


def _touched_orders(
    hub: Hub, before: Mapping[str, str | None], now: Mapping[str, str | None]
) -> tuple[frozenset[str], frozenset[str]] | None:
    """The sales orders and lines that changed; None where anything else did, or where a line is gone."""
    changed: dict[str, frozenset[str]] = {}
    for entity, version in now.items():
        if version != before.get(entity):
            keys = hub.frames.changed_since(f"judged/{entity}", before.get(entity)) if entity in REACHING else None
            if keys is None:
                return None
            changed[entity] = keys
    lines, orders = changed.get("sales_order_line", frozenset()), changed.get("sales_order", frozenset())
    frame = hub.frames.read("judged/sales_order_line")
    rows = None if frame is None else rows_of(frame, lines, "golden_id")
    if rows is None or rows.height != len(lines):
        return None
    return orders | frozenset(rows["order"]), lines


def _basis(hub: Hub, run: Run, coming: pl.DataFrame) -> str:
    """What a plan depends on beside the pegs of the plan before, which it would keep."""
    versions = [f"{entity} {hub.frames.version(f'judged/{entity}')}" for entity in hub.configuration.entities]
    models = [model.digest for model in hub.configuration.option_models.values()]
    said = demand.version(hub), promises_version(hub)
    made_of = (*said, *versions, *models, *coming.rows())
    return digest(run.as_of, hub.deployment.planning.model_dump_json(), *made_of)


def _content(result: Plan, summary: Planned) -> dict[str, Any]:
    return {**asdict(summary), "problem_kinds": dict(Counter(problem.kind for problem in result.problems))}


def _keep(hub: Hub, run: Run, picture: PlanningSnapshot, result: Plan, summary: Planned) -> None:
    hub.frames.write("plan/planned_order", _orders_frame(result), run.run_id)
    hub.frames.write("plan/problem", _frame(result.problems, PROBLEM), run.run_id)
    hub.frames.write("plan/message", _frame(result.messages, MESSAGE), run.run_id)
    hub.frames.write("plan/shortage", _frame(result.shortages, SHORTAGE), run.run_id)
    days = pl.DataFrame(list(result.availability.items()), schema=AVAILABILITY, orient="row")
    hub.frames.write("plan/availability", days, run.run_id)
    frames = {name: hub.frames.read(f"judged/{name}") for name in ("work_centre", "calendar_day")}
    known = {name: frame for name, frame in frames.items() if frame is not None}
    loads = load_rows(load_of(result, picture, known, hub.deployment.planning.calendar, held=held_promises(hub)))
    hub.frames.write("plan/load", _frame(loads, LOAD), run.run_id)
    content = _content(result, summary)
    kept: _Kept | None = hub.kept.get("plan")
    with hub.store.begin() as tx:
        before = kept.plan if kept is not None and kept.holds(plan_pegs.last_summary(tx)) else None
        if before is None or before.pegs != result.pegs:
            plan_pegs.replace(tx, result.pegs)
        plan_rows.replace(tx, result, loads, before)
        plan_pegs.record_summary(tx, PlanSummary(run.run_id, run.moment, content))
        runs.record_stage(tx, run.run_id, "plan", content, hub.now())


ORDER: dict[str, pl.DataType] = {
    "key": pl.String(), "item": pl.String(), "sourcing": pl.String(), "quantity": pl.Decimal(38, 9),
    "surplus": pl.Decimal(38, 9), "due": pl.Date(), "release": pl.Date(), "start": pl.Date(), "expected": pl.Date(),
    "late": pl.Boolean(), "root": pl.String(), "level": pl.Int64(), "supplier": pl.String(),
    "scrap": pl.Decimal(38, 9),
}  # fmt: skip
PROBLEM: dict[str, pl.DataType] = {
    "kind": pl.String(), "item": pl.String(), "key": pl.String(), "detail": pl.String()
}  # fmt: skip
MESSAGE: dict[str, pl.DataType] = {
    "kind": pl.String(), "item": pl.String(), "key": pl.String(), "quantity": pl.Int64(),
    "current": pl.Date(), "wanted": pl.Date(),
}  # fmt: skip
SHORTAGE: dict[str, pl.DataType] = {
    "consumer": pl.String(), "root": pl.String(), "item": pl.String(), "quantity": pl.Int64(), "reason": pl.String(),
}  # fmt: skip
LOAD: dict[str, pl.DataType] = {
    "work_centre": pl.String(), "week": pl.Date(), "needed": pl.Int64(), "available": pl.Int64()
}  # fmt: skip
AVAILABILITY: dict[str, pl.DataType] = {"key": pl.String(), "available": pl.Date()}
_KEPT = ("planned_order", "problem", "message", "shortage", "availability")


def load_plan(hub: Hub) -> Plan:
    """The last plan, exactly as it was made; raises `MillstreamError` where planning was cut short while keeping it."""
    kept: _Kept | None = hub.kept.get("plan")
    with hub.store.read() as tx:
        summary = plan_pegs.last_summary(tx)
        if kept is not None and kept.holds(summary):
            return kept.plan
        pegs = plan_pegs.pegs(tx)
    frames = {name: hub.frames.read(f"plan/{name}") for name in _KEPT}
    runs_seen = {hub.frames.run_of(f"plan/{name}") for name in _KEPT}
    if summary is None or runs_seen != {summary.run_id}:
        raise MillstreamError("there is no complete plan", hint="run the plan stage again")
    rows = {name: frame.to_dicts() for name, frame in frames.items() if frame is not None}
    availability: dict[str, date] = {row["key"]: row["available"] for row in rows["availability"]}
    return Plan(
        planned_orders=tuple(_order(row) for row in rows["planned_order"]),
        pegs=pegs,
        shortages=tuple(Shortage(**row) for row in rows["shortage"]),
        messages=tuple(PlanMessage(**row) for row in rows["message"]),
        problems=tuple(PlanProblem(**row) for row in rows["problem"]),
        availability=availability,
    )


def plan_loads(hub: Hub) -> list[LoadRow]:
    """What the last plan needs of each work centre and week."""
    frame = hub.frames.read("plan/load")
    return [] if frame is None else [LoadRow(**row) for row in frame.iter_rows(named=True)]


def item_names(hub: Hub) -> dict[str, str]:
    """Golden id → name."""
    frame = hub.frames.read("judged/item")
    return {} if frame is None else dict(frame.select("golden_id", pl.col("name").fill_null("")).iter_rows())


def _order(row: dict[str, Any]) -> PlannedOrder:
    quantities: dict[str, Any] = {name: scaled(row[name]) for name in ("quantity", "surplus", "scrap") if name in row}
    return PlannedOrder(**{**row, **quantities})


def _orders_frame(result: Plan) -> pl.DataFrame:
    places = {name: place for place, name in enumerate(ORDER) if name in ("quantity", "surplus", "scrap")}
    found = []
    for row in map(attrgetter(*ORDER), result.planned_orders):
        said = list(row)
        for place in places.values():
            said[place] = unscaled(said[place])
        found.append(said)
    return pl.DataFrame(found, schema=ORDER, orient="row")


def _frame(found: Sequence[object], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """One row for each, its fields in the schema's order."""
    return pl.DataFrame(list(map(attrgetter(*schema), found)), schema=schema, orient="row")
