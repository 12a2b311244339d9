"""What a plan in tables comes to: the figures of `planning.answers`, counted without a row made of anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planning.answers import Figures
from planning.columns import NotCovered
from planning.coverage.lasting import NEVER
from planning.tidying import rows_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planning.columns import Columns, Ints, Result
    from planning.coverage.days import Coverage, Covered
    from planning.net_change import Changed


class Counting(NamedTuple):
    """What stays the same for every change, by supply: whether it is a receipt, and overdue by its document."""

    receipt: Ints
    overdue: Ints


def counting(coverage: Coverage) -> Counting:
    """Raises NotCovered where rows were left out, or messages depend on suppliers order by order."""
    standing = coverage.standing
    admitted, snapshot = standing.prepared.admitted, standing.prepared.snapshot
    if len(admitted.demands) != len(snapshot.demands) or snapshot.policies.release_horizon_days is not None:
        raise NotCovered("figures of demands that were left out, or with releases")
    today = snapshot.as_of.toordinal()
    firm = {row.key for row in admitted.firm_orders}
    late = {row.key for row in admitted.receipts if row.available.toordinal() < today}
    keys = standing.names.supply_keys
    known = standing.columns.supplies["on_hand"] == 0
    receipt = known & np.array([key not in firm for key in keys], bool)
    overdue = np.array([key in late for key in keys], bool)
    return Counting(receipt, overdue)


class Lots(NamedTuple):
    """By item: orders, those that are late, those of them that are told, the first due day, whether any is needed."""

    orders: Ints
    late: Ints
    told: Ints
    first: Ints
    needed: Ints


def lots_of(columns: Columns, result: Result, urgencies: Sequence[object], chosen: Ints) -> Lots:
    """The orders of these items, counted."""
    spans, pages = result.pages.spans, result.pages
    rows, (starts, ends) = rows_in(spans.order_from[chosen], spans.order_to[chosen])
    due = pages.orders["due"][rows]
    late = expected_of(columns, result, rows) > due
    needed = pages.orders["quantity"][rows] > pages.orders["surplus"][rows]
    plain = np.array([isinstance(each, tuple) and each[0] == 0 for each in urgencies], bool)
    told = late & needed & plain[pages.draws["urgency"][rows]]
    first = np.full(len(chosen), np.iinfo(np.int64).max)
    first[ends > starts] = due[starts[ends > starts]]
    sums = (np.diff(np.append(0, np.cumsum(flags))[np.append(0, ends)]) for flags in (late, told, needed))
    return Lots(ends - starts, *(np.asarray(each, np.int64) for each in _placed(sums, first)))


def expected_of(columns: Columns, result: Result, rows: Ints) -> Ints:
    """The days the plan has these orders done."""
    orders = result.pages.orders
    item = orders["item"][rows]
    expected = np.maximum(orders["due"][rows], columns.items["frozen"][item])
    overdue = orders["overdue"][rows] != 0
    expected[overdue] = columns.items["late_end"][item[overdue]]
    return np.asarray(expected, np.int64)


def figures_of(coverage: Coverage, covered: Covered, change: Changed) -> Figures:
    """The figures of a change beside the plan that stands, while it lasts."""
    columns, result = change.columns, change.result
    lots = Lots(*(each.copy() for each in coverage.lots))
    own = lots_of(columns, result, change.names.urgencies, change.items)
    for every, one in zip(lots, own, strict=True):
        every[change.items] = one
    due, demand = _wanted(coverage, change)
    shorts = int((result.pages.spans.short_to - result.pages.spans.short_from).sum())
    days, wanted = covered.days[demand != 0].astype(np.int64), due[demand != 0]
    never = days >= NEVER
    return Figures(
        orders=int(lots.orders.sum()),
        late_orders=int(lots.late.sum()),
        shortages=shorts,
        demands=len(days),
        in_time=int(np.count_nonzero(days <= wanted)),
        never=int(np.count_nonzero(never)),
        late_days=int(np.maximum(days - wanted, 0)[~never].sum()),
        messages=int(lots.told.sum()) + shorts + _supply_messages(coverage, columns, result, lots),
    )


def _placed(sums: Iterable[Ints], first: Ints) -> list[Ints]:
    late, told, needed = sums
    return [late, told, first, needed]


def _wanted(coverage: Coverage, change: Changed) -> tuple[Ints, Ints]:
    """By fixed consumer the day it is wanted and whether it is a demand, with the change."""
    standing = coverage.standing
    due, demand = coverage.wanted.copy(), coverage.demand.copy()
    demand[[standing.known[key] for key in change.dropped]] = 0
    today = standing.prepared.snapshot.as_of.toordinal()
    for row in change.added:
        number = change.number[row.key]
        due[number], demand[number] = max(row.due.toordinal() - today, 0), 1
    return due, demand


def _supply_messages(coverage: Coverage, columns: Columns, result: Result, lots: Lots) -> int:
    """How many messages there are about supplies; twin of `planning.messages.supply_messages`."""
    basis, supplies = coverage.counting, columns.supplies
    tolerance = coverage.standing.prepared.snapshot.policies.message_tolerance_days
    free, wanted = result.shelf.free[: len(supplies)], result.shelf.wanted[: len(supplies)]
    day, item, on_hand = supplies["day"], supplies["item"], supplies["on_hand"] != 0
    used = (supplies["quantity"] > free) & ~on_hand
    early = basis.receipt & (day < wanted - tolerance)
    count = int(np.count_nonzero(used & (basis.overdue | (day > wanted + tolerance) | early)))
    count += int(np.count_nonzero((free > 0) & ~on_hand & (basis.receipt | (lots.first[item] < day))))
    idle = np.zeros(len(lots.orders), bool)
    idle[item[on_hand & (free > 0)]] = True
    return count + int(np.count_nonzero(idle & (lots.needed > 0)))
