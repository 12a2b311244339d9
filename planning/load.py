"""What orders ask of each work centre on each day: the one way work is put on days, for the load and for promises.

Work is laid backwards: the last step of an order ends on the last day of its lead time, the step before it where that
one begins, and so on; two steps may share a day. An order takes no more of a day than the work centre has in all, and
where its lead time is too short for its work it reaches before its start. What would lie before the planning day
stands on the planning day. Times are thousandths of a second in whole numbers, days count from the planning day.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from canonical.plan import Plan, PlanItem, PlanningSnapshot, PlanOperation
    from planning.promise.accepting import Held

MINUTE = 60_000
Capacity = dict[str, tuple[int, ...]]
"""Work centre → what it has on each day from the planning day on; a centre that is not named has no limit."""
MADE = frozenset({"make"})


class Step(NamedTuple):
    """A step of making an item: set-up, and `numerator / denominator` for each scaled unit started."""

    centre: str
    setup: int
    numerator: int
    denominator: int

    def time(self, lots: Iterable[int]) -> int:
        """What all these lots take, each with its set-up."""
        return sum(self.setup - (-started * self.numerator // self.denominator) for started in lots)


class Slot(NamedTuple):
    """Time on one work centre and day."""

    centre: str
    day: int
    time: int


def steps_of(operations: Iterable[PlanOperation], items: Mapping[str, PlanItem]) -> dict[str, tuple[Step, ...]]:
    """The steps at work centres of every item that is made, in their order; those that take no time are left out."""
    found: dict[str, list[Step]] = defaultdict(list)
    for row in sorted(operations, key=lambda row: (row.item, row.sequence)):
        item = items.get(row.item)
        if item is None or row.work_centre is None or item.sourcing not in MADE:
            continue
        run = Fraction(row.run_minutes) * MINUTE / item.scale
        setup = -(-Fraction(row.setup_minutes) * MINUTE // 1)
        if setup > 0 or run > 0:
            found[row.item].append(Step(row.work_centre, max(int(setup), 0), max(run.numerator, 0), run.denominator))
    return {item: tuple(steps) for item, steps in found.items()}


def lay(steps: Sequence[Step], lots: Sequence[int], last: int, capacity: Capacity) -> Iterator[Slot]:
    """Where the work of one order lies that ends on day `last`, whatever else there is to do."""
    day = last
    for step in reversed(steps):
        left, days = step.time(lots), capacity.get(step.centre)
        while left > 0 and day > 0 and days is not None and day < len(days):
            taken = min(days[day], left)
            if taken:
                yield Slot(step.centre, day, taken)
            left -= taken
            day -= left > 0
        if left > 0:
            yield Slot(step.centre, max(day, 0), left)


class Work(NamedTuple):
    """An order as work centres see it: ends on day `last`; `set_up` says that it is set up already."""

    key: str
    item: str
    lots: tuple[int, ...]
    last: int
    set_up: bool = False


def work_of(plan: Plan, snapshot: PlanningSnapshot, held: Iterable[Held] = ()) -> Iterator[Work]:
    """Planned orders, firm orders and other open work orders, but no orders of promises that hold time of their own."""
    today = snapshot.as_of.toordinal()
    keys = {one.key for one in held if one.slots}
    for order in plan.planned_orders:
        if order.root in keys:
            continue
        first, there = order.start.toordinal() - today, order.expected.toordinal() - today
        yield Work(order.key, order.item, (order.started,), max(there - 1, first))
    for firm in snapshot.firm_orders:
        yield Work(firm.key, firm.item, (firm.quantity,), max(firm.due.toordinal() - today - 1, 0), set_up=True)
    for row in snapshot.receipts:
        if row.kind == "work_order" and row.quantity > 0:
            yield Work(row.key, row.item, (row.quantity,), max(row.available.toordinal() - today - 1, 0))


Loads = dict[tuple[str, int], dict[str, int]]
"""(Work centre, day) → order → time."""


def loads_of(work: Iterable[Work], steps: Mapping[str, tuple[Step, ...]], capacity: Capacity) -> Loads:
    """The load of each work centre and day, by order."""
    found: Loads = {}
    for one in work:
        own = steps.get(one.item, ())
        for slot in lay([step._replace(setup=0) for step in own] if one.set_up else own, one.lots, one.last, capacity):
            orders = found.setdefault((slot.centre, slot.day), {})
            orders[one.key] = orders.get(one.key, 0) + slot.time
    return found


def loads(
    plan: Plan,
    snapshot: PlanningSnapshot,
    steps: Mapping[str, tuple[Step, ...]],
    capacity: Capacity,
    held: Iterable[Held] = (),
) -> Loads:
    """The load of a plan; what promises hold stands where it is held, as long as their orders are still planned."""
    found = loads_of(work_of(plan, snapshot, held), steps, capacity)
    planned = {(order.root, order.item): order.key for order in plan.planned_orders}
    for one in held:
        for slot in one.slots:
            key, day = planned.get((one.key, slot.item)), (slot.day - snapshot.as_of).days
            if key is not None and day >= 0:
                orders = found.setdefault((slot.work_centre, day), {})
                orders[key] = orders.get(key, 0) + slot.time
    return found


def free_time(load: Loads, capacity: Capacity) -> dict[str, list[int]]:
    """What each work centre has left on each day, once what a day cannot hold is worked off on the days after it."""
    taken: dict[str, dict[int, int]] = defaultdict(dict)
    for (centre, day), orders in load.items():
        taken[centre][day] = sum(orders.values())
    found = {}
    for centre, days in capacity.items():
        left, over = [], 0
        for day, time in enumerate(days):
            rest = time - taken[centre].get(day, 0) - over
            left.append(max(rest, 0))
            over = max(-rest, 0)
        found[centre] = left
    return found


Bucket = Literal["day", "week"]


@dataclass(frozen=True, slots=True)
class Load:
    """Minutes a work centre is needed in a bucket (a day, or the week that begins on this Monday), beside what it has.

    `available` None says that nobody knows; `orders` are those that need it, the longest first.
    """

    work_centre: str
    bucket: date
    needed: Fraction
    available: Fraction | None
    orders: tuple[tuple[str, Fraction], ...] = ()

    @property
    def over(self) -> bool:
        """Whether that is more than there is."""
        return self.available is not None and self.needed > self.available


def load_lines(load: Loads, capacity: Capacity, as_of: date, bucket: Bucket = "week") -> tuple[Load, ...]:
    """The load by work centre and bucket; capacity of days before the planning day does not count."""
    needed: dict[tuple[str, date], dict[str, int]] = {}
    for (centre, day), orders in load.items():
        into = needed.setdefault((centre, _begin(as_of + timedelta(day), bucket)), {})
        for key, time in orders.items():
            into[key] = into.get(key, 0) + time
    has: dict[tuple[str, date], int] = defaultdict(int)
    for centre, days in capacity.items():
        for day, time in enumerate(days):
            has[centre, _begin(as_of + timedelta(day), bucket)] += time
    return tuple(
        Load(
            centre,
            begin,
            Fraction(sum(orders.values()), MINUTE),
            Fraction(has[centre, begin], MINUTE) if centre in capacity else None,
            tuple((key, Fraction(time, MINUTE)) for key, time in sorted(orders.items(), key=_longest_first)),
        )
        for (centre, begin), orders in sorted(needed.items())
    )


def _longest_first(row: tuple[str, int]) -> tuple[int, str]:
    return -row[1], row[0]


def _begin(day: date, bucket: Bucket) -> date:
    return day - timedelta(day.weekday()) if bucket == "week" else day
