"""Compiles what plans beside a plan that stands, and what says whom that moves: all the kernels, once each."""

from __future__ import annotations

from datetime import date

from canonical.plan import PlanBomLine, PlanByProduct, PlanDemand, PlanItem, PlanningSnapshot
from planning.coverage.days import Coverage
from planning.coverage.rush import rush_beside
from planning.net_change import StandingPlan
from planning.promise.asking import Asked


def warm_changes() -> None:
    """Ask for one rush order of an item that has a component and a by-product."""
    today = date(2000, 1, 3)
    snapshot = PlanningSnapshot(
        today,
        (PlanItem("TOP", "make", 1), PlanItem("PART", "buy", 1), PlanItem("CHIPS", "buy", 1)),
        (PlanBomLine("TOP", "PART", 1),),
        (PlanDemand("D", "TOP", 1, today, "D"), PlanDemand("E", "CHIPS", 1, today, "E")),
        by_products=(PlanByProduct("TOP", "CHIPS", 1, 1),),
    )
    standing = StandingPlan(snapshot)
    standing.pegs_of("TOP")
    rush_beside(Coverage(standing), [Asked("TOP", 1, today)])
