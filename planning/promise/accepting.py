"""A promise that was accepted holds its supply and its day: how plans honour it, and whether one can be accepted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from canonical.plan import PlanDemand
from planning.feasible import Feasible, moved
from planning.mrp import plan as plan_again

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from canonical.plan import Peg, Plan, PlanningSnapshot
    from planning.feasible import Moved
    from planning.promise.asking import Asked, Promise, Slot

MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Held:
    """An accepted promise as the planner sees it: a demand for its day, the pegs and the work centres' time it holds.

    `key` is the sales order line it is for, or a name of its own as long as there is none.
    """

    key: str
    item: str
    quantity: int
    promised: date
    customer: str | None = None
    priority: int = 0
    pegs: tuple[Peg, ...] = ()
    slots: tuple[Slot, ...] = ()


def with_promises(snapshot: PlanningSnapshot, held: Iterable[Held], settled: Collection[str] = ()) -> PlanningSnapshot:
    """The snapshot in which promises are demands on the day promised, with their pegs reserved.

    A sales order line that is there already keeps its quantity and is due on the day promised; lines that are
    `settled` (shipped, cancelled) hold nothing any more.
    """
    live = [one for one in held if one.key not in settled]
    if not live:
        return snapshot
    demands = {row.key: row for row in snapshot.demands}
    for one in live:
        known = demands.get(one.key)
        demands[one.key] = replace(known, due=one.promised) if known else _demand(one)
    pegs = [peg for one in live for peg in one.pegs]
    reservations = (*snapshot.reservations, *dict.fromkeys(pegs))
    return replace(snapshot, demands=tuple(demands.values()), reservations=reservations)


def _demand(one: Held) -> PlanDemand:
    return PlanDemand(one.key, one.item, one.quantity, one.promised, one.key, one.priority, one.customer)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What accepting comes to: the promise held and the plan with it; or who would be later for it, and nothing held.

    The day held is the one asked for, or later where the whole plan needs longer than was found. Nothing is held either
    where no day was found that the plan keeps, after `MOST_TRIES`.
    """

    held: Held | None
    plan: Plan
    snapshot: PlanningSnapshot
    hurt: tuple[Moved, ...] = ()


def accept(base: tuple[Plan, PlanningSnapshot], asked: Asked, key: str, promise: Promise) -> Acceptance:
    """Plan with a promise in it, keeping every peg, and see that it is met and that nobody else is later for it.

    `base` is the plan that stands and its snapshot, which must not have a demand with this key. Raises ValueError for
    a promise that says never.
    """
    before, snapshot = base
    if promise.promised is None:
        raise ValueError("what can never be there cannot be promised")
    held = Held(key, asked.item, asked.quantity, promise.promised, asked.customer, asked.priority, slots=promise.slots)
    for _ in range(MOST_TRIES):
        after = replace(with_promises(snapshot, [held]), prior_pegs=before.pegs)
        outcome = plan_again(after)
        covered = Feasible(outcome, after).covered(key)
        if covered is None or covered <= held.promised:
            break
        held = replace(held, promised=covered)
    else:
        return Acceptance(None, before, snapshot)
    hurt = tuple(row for row in moved(base, (outcome, after)) if row.after is None or (row.days or 0) > 0)
    if covered is None or hurt:
        return Acceptance(None, before, snapshot, hurt)
    held = replace(held, pegs=held_pegs(outcome, key))
    kept = replace(with_promises(snapshot, [held]), prior_pegs=outcome.pegs)
    return Acceptance(held, outcome, kept)


def held_pegs(plan: Plan, key: str) -> tuple[Peg, ...]:
    """All pegs that feed a demand, through the orders made for it and those it shares."""
    found: dict[Peg, None] = {}
    seen, waiting = {key}, [key]
    while waiting:
        for peg in plan.supplies_of(waiting.pop()):
            found[peg] = None
            if peg.supply not in seen:
                seen.add(peg.supply)
                waiting.append(peg.supply)
    return tuple(found)
