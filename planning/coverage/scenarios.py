"""Scenarios of demands as deltas of a plan in tables: what is unchanged is the plan's own, what is left is figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canonical.plan import PlanDemand
from planning.columns import NotCovered
from planning.coverage.figures import figures_of
from planning.scenario import AddDemand, ChangeDemand, Scenario, with_change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planning.coverage.days import Coverage
    from planning.net_change import StandingPlan
    from planning.scenario import Change


def scenario_beside(coverage: Coverage, name: str, changes: Iterable[Change]) -> Scenario:
    """One scenario, as `planning.scenario.compare` has it; raises NotCovered where only planning everything tells."""
    added, dropped = _demands(coverage.standing, changes)
    before = coverage.before(added, dropped)
    with coverage.standing.changed(added, dropped) as change:
        after = coverage.beside(change)
        return Scenario(name, figures_of(coverage, after, change), coverage.moved(change, before, after))


def _demands(standing: StandingPlan, changes: Iterable[Change]) -> tuple[list[PlanDemand], set[str]]:
    """The demands that come, and the keys of those that go or are replaced."""
    now: dict[str, PlanDemand | None] = {}
    for change in changes:
        if isinstance(change, AddDemand):
            if change.key in standing.item_of or now.get(change.key):
                raise NotCovered("a demand keyed like another")
            now[change.key] = PlanDemand(
                change.key, change.item, change.quantity, change.due, change.key, change.priority
            )
        elif isinstance(change, ChangeDemand):
            old = now[change.key] if change.key in now else _standing(standing, change.key)
            if old is None:
                raise KeyError(change.key)
            now[change.key] = with_change(old, change)
        else:
            raise NotCovered("a change of something else than demands")
    return [row for row in now.values() if row], {key for key in now if key in standing.item_of}


def _standing(standing: StandingPlan, key: str) -> PlanDemand:
    return standing.demands[standing.item_of[key]][key]
