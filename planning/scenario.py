"""What-if: a scenario is a list of changes to one snapshot, never a copy of it; scenarios stand side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from canonical.plan import PlanDemand, PlanStock
from planning.answers import Figures, figures
from planning.feasible import Moved, moved
from planning.mrp import plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from canonical.plan import Plan, PlanItem, PlanningSnapshot


@dataclass(frozen=True, slots=True)
class AddDemand:
    """One more demand."""

    key: str
    item: str
    quantity: int
    due: date
    priority: int = 0


@dataclass(frozen=True, slots=True)
class ChangeDemand:
    """Another quantity (0: none) or day for the demand with this key."""

    key: str
    quantity: int | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True)
class DelayReceipts:
    """What is on order of an item comes this much later; what is overdue, so much after the planning day."""

    item: str
    days: int


@dataclass(frozen=True, slots=True)
class ChangeStock:
    """More or less stock of an item."""

    item: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ChangeLeadTime:
    """Another lead time for an item, its suppliers' included."""

    item: str
    days: int


Change = AddDemand | ChangeDemand | DelayReceipts | ChangeStock | ChangeLeadTime


def changed(snapshot: PlanningSnapshot, changes: Iterable[Change]) -> PlanningSnapshot:
    """The snapshot with the changes in it; raises KeyError for a demand it does not have."""
    for change in changes:
        snapshot = _apply(snapshot, change)
    return snapshot


def _apply(snapshot: PlanningSnapshot, change: Change) -> PlanningSnapshot:
    if isinstance(change, AddDemand):
        row = PlanDemand(change.key, change.item, change.quantity, change.due, change.key, change.priority)
        return replace(snapshot, demands=(*snapshot.demands, row))
    if isinstance(change, ChangeDemand):
        return _change_demand(snapshot, change)
    if isinstance(change, DelayReceipts):
        later = timedelta(change.days)
        receipts = tuple(
            replace(row, available=max(row.available, snapshot.as_of) + later) if row.item == change.item else row
            for row in snapshot.receipts
        )
        return replace(snapshot, receipts=receipts)
    if isinstance(change, ChangeStock):
        return _change_stock(snapshot, change)
    items = tuple(_with_lead(item, change.days) if item.code == change.item else item for item in snapshot.items)
    return replace(snapshot, items=items)


def _change_demand(snapshot: PlanningSnapshot, change: ChangeDemand) -> PlanningSnapshot:
    old = next((row for row in snapshot.demands if row.key == change.key), None)
    if old is None:
        raise KeyError(change.key)
    others = tuple(row for row in snapshot.demands if row.key != change.key)
    new = with_change(old, change)
    return replace(snapshot, demands=others if new is None else (*others, new))


def with_change(old: PlanDemand, change: ChangeDemand) -> PlanDemand | None:
    """The demand as the change has it; None where nothing is wanted any more."""
    quantity = old.quantity if change.quantity is None else change.quantity
    return replace(old, quantity=quantity, due=change.due or old.due) if quantity else None


def _change_stock(snapshot: PlanningSnapshot, change: ChangeStock) -> PlanningSnapshot:
    left, rows = change.quantity, []
    for row in snapshot.stock:
        if row.item == change.item and left < 0:
            taken = min(row.quantity, -left)
            row, left = replace(row, quantity=row.quantity - taken), left + taken  # noqa: PLW2901 - less of it
        rows.append(row)
    more = (PlanStock(f"scenario|{change.item}", change.item, left),) if left > 0 else ()
    return replace(snapshot, stock=(*rows, *more))


def _with_lead(item: PlanItem, days: int) -> PlanItem:
    suppliers = tuple(replace(one, lead_time_days=days) for one in item.suppliers)
    return replace(item, lead_time_days=days, suppliers=suppliers)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What came of one scenario: its figures, and the demands it moves against the base."""

    name: str
    figures: Figures
    moved: tuple[Moved, ...]


def compare(
    base: tuple[Plan, PlanningSnapshot], scenarios: Iterable[tuple[str, tuple[Change, ...]]], *, keep: bool = True
) -> tuple[Scenario, ...]:
    """The base first, then each scenario; `keep` says that what is pegged stays so, else everything is planned anew."""
    outcome, snapshot = base
    if not keep:
        fresh = replace(snapshot, prior_pegs=())
        outcome, snapshot = plan(fresh), fresh
    found = [Scenario("", figures(outcome, snapshot), ())]
    for name, changes in scenarios:
        after = changed(snapshot, changes)
        result = plan(replace(after, prior_pegs=outcome.pegs) if keep else after)
        found.append(Scenario(name, figures(result, after), moved((outcome, snapshot), (result, after))))
    return tuple(found)
