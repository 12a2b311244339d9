"""What a planner asks at the desk: the plan that stands and the picture it is held against, and items by any name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import polars as pl

from canonical.plan import Plan, PlanningSnapshot, PlanOperation
from pipeline.hub import Hub
from pipeline.plan import load_plan, planning_frames
from pipeline.snapshot import routings, rows, snapshot
from planning.mrp import plan as plan_requirements

WORKING_DAYS = 5
MINUTES = 60


@dataclass(frozen=True)
class Desk:
    """The plan that stands (`standing`) and what planning today's records would give (`now`), pegs kept."""

    standing: Plan
    picture: PlanningSnapshot
    frames: Mapping[str, pl.DataFrame]

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
    def names(self) -> dict[str, str]:
        """Golden id → name of an item."""
        return {row["golden_id"]: row["name"] or "" for row in rows(self.frames, "item")}

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

    def items_like(self, named: str) -> list[str]:
        """A few items whose id, code or name contains this."""
        wanted = named.casefold()
        found = [code for code, golden in self._codes.items() if wanted in f"{code} {self.names[golden]}".casefold()]
        return sorted(found)[:5]

    def operations(self) -> Iterator[PlanOperation]:
        """The steps of every routing."""
        for item, steps in routings(self.frames).items():
            for step in steps:
                setup, run = (Fraction(step[name] or 0) for name in ("setup_minutes", "run_minutes"))
                yield PlanOperation(item, int(step["sequence"]), step["work_centre"], setup, run)

    def weekly_minutes(self) -> dict[str, Fraction]:
        """What each work centre has in a week of working days without holidays."""
        found: defaultdict[str, Fraction] = defaultdict(Fraction)
        for row in rows(self.frames, "work_centre"):
            if row["hours_per_day"] is not None:
                found[row["golden_id"]] = Fraction(Decimal(row["hours_per_day"])) * MINUTES * WORKING_DAYS
        return dict(found)


def desk(hub: Hub, as_of: date) -> Desk:
    """Open the desk; raises `MillstreamError` where nothing was planned yet."""
    standing = load_plan(hub)
    frames = planning_frames(hub)
    return Desk(standing, snapshot(frames, hub.deployment.planning, as_of, standing.pegs), frames)
