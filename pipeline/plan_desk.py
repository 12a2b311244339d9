"""What a planner asks at the desk: the plan that stands and the picture it is held against, and items by any name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from canonical.plan import Plan, PlanningSnapshot
from pipeline.capacity import capacities
from pipeline.hub import Hub
from pipeline.plan import load_plan, planning_frames
from pipeline.plan_items import COUNTED
from pipeline.planning_settings import Planning
from pipeline.promises import held_promises, honoured
from pipeline.snapshot import rows, snapshot
from pipeline.work_load import load_of, load_rows
from planning.load import Bucket, Capacity, Load
from planning.mrp import COMPILED_FROM, rows_of
from planning.mrp import plan as plan_requirements
from planning.promise.accepting import Held
from planning.promise.asking import Asked
from planning.rush import Rush, rush
from planning.scenario import Change, Scenario, compare
from store import plan_pegs
from store.plan_rows import LoadRow

if TYPE_CHECKING:
    from planning.coverage.days import Coverage


@dataclass(frozen=True)
class Desk:
    """The plan that stands (`standing`) and what planning today's records would give (`now`), pegs kept."""

    standing: Plan
    picture: PlanningSnapshot
    frames: Mapping[str, pl.DataFrame]
    planning: Planning = field(default_factory=Planning)
    held: tuple[Held, ...] = ()
    """What is promised; the picture has it already."""
    run_id: str | None = None
    """The run that made the plan that stands."""

    @cached_property
    def now(self) -> Plan:
        """The plan of the records as they are; nothing is kept of it."""
        return plan_requirements(self.picture)

    @cached_property
    def fresh(self) -> tuple[Plan, PlanningSnapshot]:
        """The plan that owes nothing to the one before."""
        picture = replace(self.picture, prior_pegs=())
        return plan_requirements(picture), picture

    @cached_property
    def _fresh_tables(self) -> Coverage | None:
        return _in_tables(replace(self.picture, prior_pegs=()))

    @cached_property
    def _tables(self) -> Coverage | None:
        return _in_tables(replace(self.picture, prior_pegs=self.now.pegs))

    def rush(self, asked: Sequence[Asked]) -> Rush:
        """Whom rush orders would move; nothing is kept. A large plan is changed in tables, a small one made anew."""
        if self._fresh_tables is not None:
            from planning.columns import NotCovered  # noqa: PLC0415 - numpy and numba take their time to import
            from planning.coverage.rush import rush_beside  # noqa: PLC0415

            with suppress(NotCovered):
                return rush_beside(self._fresh_tables, asked)
        return rush(self.fresh, asked)

    def compare(
        self, scenarios: Iterable[tuple[str, tuple[Change, ...]]], *, keep: bool = True
    ) -> tuple[Scenario, ...]:
        """The plan of the records as they are, then each scenario; see `planning.scenario.compare` for `keep`."""
        tables = self._tables if keep else self._fresh_tables
        base = (self.now, self.picture) if keep else self.fresh
        if tables is None:
            return compare(base, scenarios, keep=keep)
        from planning.columns import NotCovered  # noqa: PLC0415 - as above
        from planning.coverage.scenarios import scenario_beside  # noqa: PLC0415

        found = list(compare(base, (), keep=keep))
        for name, changes in scenarios:
            try:
                found.append(scenario_beside(tables, name, changes))
            except NotCovered:
                found += compare(base, [(name, changes)], keep=keep)[1:]
        return tuple(found)

    @cached_property
    def names(self) -> dict[str, str]:
        """Golden id → name of an item."""
        return {row["golden_id"]: row["name"] or "" for row in rows(self.frames, "item")}

    @cached_property
    def partners(self) -> dict[str, str]:
        """Golden id → name of a partner."""
        return {row["golden_id"]: row["name"] or row["golden_id"] for row in rows(self.frames, "partner")}

    @cached_property
    def _codes(self) -> dict[str, str]:
        codes: dict[str, str] = {}
        for row in rows(self.frames, "item"):
            codes.setdefault(row["code"] or row["golden_id"], row["golden_id"])
            codes[row["golden_id"]] = row["golden_id"]
        return codes

    def item(self, named: str) -> str | None:
        """The item with this golden id or code."""
        return self._codes.get(named)

    def is_counted(self, item: str) -> bool:
        """Whether there are only whole ones of it."""
        return self._units.get(item) in COUNTED

    @cached_property
    def _units(self) -> dict[str, str | None]:
        return {row["golden_id"]: row["unit"] for row in rows(self.frames, "item")}

    def items_like(self, named: str) -> list[str]:
        """A few items whose id, code or name contains this."""
        wanted = named.casefold()
        found = [code for code, golden in self._codes.items() if wanted in f"{code} {self.names[golden]}".casefold()]
        return sorted(found)[:5]

    @cached_property
    def capacity(self) -> Capacity:
        """What each work centre has on each day."""
        return capacities(self.frames, self.picture, self.planning.calendar)

    def load(self, bucket: Bucket = "week") -> tuple[Load, ...]:
        """What the plan that stands needs of each work centre, and which orders need it."""
        calendar = self.planning.calendar
        return load_of(self.standing, self.picture, self.frames, calendar, held=self.held, bucket=bucket)

    def loads(self) -> list[LoadRow]:
        """The load by week, as it is kept."""
        return load_rows(self.load())


def _in_tables(picture: PlanningSnapshot) -> Coverage | None:
    """The plan in tables with the days its demands are covered on; None where it is small, or not covered."""
    if rows_of(picture) < COMPILED_FROM:
        return None
    from planning.columns import NotCovered  # noqa: PLC0415 - numpy and numba take their time to import
    from planning.coverage.days import Coverage  # noqa: PLC0415
    from planning.net_change import StandingPlan  # noqa: PLC0415

    try:
        return Coverage(StandingPlan(picture))
    except NotCovered:
        return None


def desk(hub: Hub, as_of: date) -> Desk:
    """Open the desk; raises `MillstreamError` where nothing was planned yet."""
    standing = load_plan(hub)
    frames = planning_frames(hub)
    planning = hub.deployment.planning
    held = held_promises(hub)
    picture = honoured(snapshot(frames, planning, as_of, standing.pegs), held, frames)
    with hub.store.read() as tx:
        summary = plan_pegs.last_summary(tx)
    return Desk(standing, picture, frames, planning, held, summary.run_id if summary else None)
