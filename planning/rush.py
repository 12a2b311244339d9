"""What a rush order costs the others: everything planned anew with it first, held against the plan without it.

`planning.coverage.rush` gives the same beside a plan that stands in tables, without planning everything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from canonical.plan import PlanDemand
from planning.feasible import Feasible, moved
from planning.mrp import plan as plan_again

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import date

    from canonical.plan import Plan, PlanningSnapshot
    from planning.feasible import Moved
    from planning.promise.asking import Asked

    Replan = Callable[[PlanningSnapshot], Plan]
RUSH = "rush|"


@dataclass(frozen=True, slots=True)
class Rush:
    """The day each rush order is there (None: never), and the demands that are covered on another day for it."""

    days: tuple[date | None, ...]
    moved: tuple[Moved, ...]


def rush(base: tuple[Plan, PlanningSnapshot], asked: Sequence[Asked], replan: Replan = plan_again) -> Rush:
    """Plan with these orders in it, by their priorities, and name whom they move; nothing is kept.

    `base` is a plan that owes nothing to the one before, and its snapshot; what is reserved stays where it is. `replan`
    gives the plan of a snapshot.
    """
    plan, snapshot = base
    rows = rush_rows(asked, {row.key for row in snapshot.demands})
    after = replace(snapshot, demands=(*snapshot.demands, *rows))
    outcome = replan(after)
    feasible = Feasible(outcome, after)
    days = tuple(there(feasible.covered(row.key), row) for row in rows)
    return Rush(days, moved((plan, snapshot), (outcome, after)))


def rush_rows(asked: Sequence[Asked], taken: Collection[str]) -> list[PlanDemand]:
    """The demands that rush orders are, under keys nobody has."""
    numbered = (f"{RUSH}{number}" for number in range(1, len(asked) + len(taken) + 1))
    names = (name for name in numbered if name not in taken)
    return [
        PlanDemand(name, one.item, one.quantity, one.wanted, name, one.priority, one.customer)
        for name, one in zip(names, asked, strict=False)
    ]


def there(covered: date | None, row: PlanDemand) -> date | None:
    """The day a demand is served: not before it is due."""
    return None if covered is None else max(covered, row.due)
