"""MRP with pegging, messages and stable keys beside the recursive plan one would write first.

The peer walks the BOM once for each demand and writes an order for each need it meets, lot for lot; it knows no
stock, no receipts, no lot sizes, no phantoms, no priorities, no pegs and no messages. With nothing in stock both
must make and buy the same totals.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from benchmarks.measuring import Figure, best_seconds
from canonical.plan import PlanBomLine, PlanDemand, PlanItem, PlanningSnapshot
from planning.mrp import plan

TODAY = date(2026, 11, 2)
LEVELS = (200, 400, 600, 800)
DEMANDS = 1000
COMPONENTS = 4


def measure() -> list[Figure]:
    """Seconds for one planning run: 2,000 items on four levels, 1,000 order lines."""
    snapshot = _plant()
    again = plan(snapshot)
    ours = _totals((order.item, order.quantity) for order in again.planned_orders)
    if ours != _totals((order[0], order[1]) for order in _recursive(snapshot)):
        raise AssertionError("the two plans differ in what is made and bought")
    settled = replace(snapshot, prior_pegs=again.pegs)
    peer = best_seconds(lambda: _recursive(snapshot))
    return [
        Figure(
            "plan 1,000 order lines over 2,000 items (peer: naive recursion, no pegs)",
            ours=best_seconds(lambda: plan(snapshot), rounds=2),
            peer=peer,
            unit="s",
        ),
        Figure(
            "plan them again, keeping every earlier peg (peer: the same recursion)",
            ours=best_seconds(lambda: plan(settled), rounds=2),
            peer=peer,
            unit="s",
        ),
    ]


def _totals(orders: Iterable[tuple[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for item, quantity in orders:
        totals[item] += quantity
    return dict(totals)


def _recursive(snapshot: PlanningSnapshot) -> list[tuple[str, int, date, date]]:
    items = {item.code: item for item in snapshot.items}
    components: dict[str, list[PlanBomLine]] = defaultdict(list)
    for line in snapshot.bom:
        components[line.parent].append(line)
    orders: list[tuple[str, int, date, date]] = []

    def make(code: str, quantity: int, due: date) -> None:
        start = due - timedelta(days=items[code].lead_time_days or 0)
        orders.append((code, quantity, start, due))
        for line in components[code]:
            make(line.component, quantity * line.numerator // line.denominator, start)

    for demand in snapshot.demands:
        make(demand.item, demand.quantity, demand.due)
    return orders


def _plant() -> PlanningSnapshot:
    chance = random.Random(7)
    levels = [[f"L{level}-{number:04d}" for number in range(count)] for level, count in enumerate(LEVELS)]
    lowest = len(levels) - 1
    items = tuple(
        PlanItem(code, "buy" if level == lowest else "make", lead_time_days=chance.randrange(1, 8))
        for level, codes in enumerate(levels)
        for code in codes
    )
    bom = tuple(
        PlanBomLine(parent, component, chance.randrange(1, 5))
        for upper, lower in pairwise(levels)
        for parent in upper
        for component in chance.sample(lower, COMPONENTS)
    )
    demands = tuple(
        PlanDemand(
            key=f"SO-{number:05d}|10",
            item=chance.choice(levels[0]),
            quantity=chance.randrange(1, 50) * 1_000_000,
            due=TODAY + timedelta(days=chance.randrange(40, 200)),
            root=f"SO-{number:05d}|10",
        )
        for number in range(DEMANDS)
    )
    return PlanningSnapshot(as_of=TODAY, items=items, bom=bom, demands=demands)
