"""What a plan in tables comes to: the figures of `planning.answers`, counted without a row made of anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planning.answers import Figures
from planning.columns import NotCovered
from planning.coverage.kernel import NEVER
from planning.tidying import rows_in

if TYPE_CHECKING:
    from planning.columns import Columns, Ints, Result, Table
    from planning.coverage.days import Coverage, Covered
    from planning.net_change import Changed


class Counting(NamedTuple):
    """What stays the same for every change: by fixed consumer its day and whether it is a demand, by supply the rest.

    `receipt` says by supply whether it is one, `overdue` whether its document promised it for a day that is past.
    """

    due: Ints
    demand: Ints
    receipt: Ints
    overdue: Ints


def counting(coverage: Coverage) -> Counting:
    """Raises NotCovered where rows were left out, or messages depend on suppliers order by order."""
    standing = coverage.standing
    admitted, snapshot = standing.prepared.admitted, standing.prepared.snapshot
    if len(admitted.demands) != len(snapshot.demands) or snapshot.policies.release_horizon_days is not None:
        raise NotCovered("figures of demands that were left out, or with releases")
    due, demand = np.zeros((2, len(standing.columns.fixed)), np.int64)
    today = snapshot.as_of.toordinal()
    for row in admitted.demands:
        number = standing.known[row.key]
        due[number], demand[number] = max(row.due.toordinal() - today, 0), 1
    firm = {row.key for row in admitted.firm_orders}
    late = {row.key for row in admitted.receipts if row.available.toordinal() < today}
    keys = standing.names.supply_keys
    known = standing.columns.supplies["on_hand"] == 0
    receipt = known & np.array([key not in firm for key in keys], bool)
    overdue = np.array([key in late for key in keys], bool)
    return Counting(due, demand, receipt, overdue)


def figures_of(coverage: Coverage, covered: Covered, change: Changed | None = None) -> Figures:
    """The figures of the plan that stands, or of a change beside it while that lasts."""
    basis, standing = coverage.counting, coverage.standing
    columns, result = (standing.columns, standing.result) if change is None else (change.columns, change.result)
    urgencies = standing.names.urgencies if change is None else change.names.urgencies
    due, demand = basis.due, basis.demand
    if change is not None:
        due, demand = due.copy(), demand.copy()
        demand[[standing.known[key] for key in change.dropped]] = 0
        today = standing.prepared.snapshot.as_of.toordinal()
        for row in change.added:
            number = change.number[row.key]
            due[number], demand[number] = max(row.due.toordinal() - today, 0), 1
    rows, (starts, _) = rows_in(result.pages.spans.order_from, result.pages.spans.order_to)
    orders, draws = result.pages.orders[rows], result.pages.draws[rows]
    late = _late(columns, orders)
    shorts = int((result.pages.spans.short_to - result.pages.spans.short_from).sum())
    plain = np.array([urgency is not None and urgency[0] == 0 for urgency in urgencies], bool)
    told = int(np.count_nonzero(late & plain[draws["urgency"]] & (orders["quantity"] > orders["surplus"])))
    told += shorts + _supply_messages(coverage, columns, result, orders, starts)
    days, wanted = covered.days[demand != 0].astype(np.int64), due[demand != 0]
    never = days >= NEVER
    return Figures(
        orders=len(orders),
        late_orders=int(np.count_nonzero(late)),
        shortages=shorts,
        demands=len(days),
        in_time=int(np.count_nonzero(days <= wanted)),
        never=int(np.count_nonzero(never)),
        late_days=int(np.maximum(days - wanted, 0)[~never].sum()),
        messages=told,
    )


def _late(columns: Columns, orders: Table) -> Ints:
    """By order whether it is there after it is due."""
    expected = np.maximum(orders["due"], columns.items["frozen"][orders["item"]])
    overdue = orders["overdue"] != 0
    expected[overdue] = columns.items["late_end"][orders["item"][overdue]]
    found: Ints = expected > orders["due"]
    return found


def _supply_messages(coverage: Coverage, columns: Columns, result: Result, orders: Table, starts: Ints) -> int:
    """How many messages there are about supplies; twin of `planning.messages.supply_messages`."""
    basis, supplies = coverage.counting, columns.supplies
    tolerance = coverage.standing.prepared.snapshot.policies.message_tolerance_days
    free, wanted = result.shelf.free[: len(supplies)], result.shelf.wanted[: len(supplies)]
    day, item, on_hand = supplies["day"], supplies["item"], supplies["on_hand"] != 0
    used = (supplies["quantity"] > free) & ~on_hand
    early = basis.receipt & (day < wanted - tolerance)
    count = int(np.count_nonzero(used & (basis.overdue | (day > wanted + tolerance) | early)))
    lots = result.pages.spans.order_to - result.pages.spans.order_from
    first = np.full(len(lots), np.iinfo(np.int64).max)
    first[lots > 0] = orders["due"][starts[lots > 0]]
    count += int(np.count_nonzero((free > 0) & ~on_hand & (basis.receipt | (first[item] < day))))
    idle, needed = np.zeros((2, len(lots)), bool)
    idle[item[on_hand & (free > 0)]] = True
    needed[orders["item"][orders["quantity"] > orders["surplus"]]] = True
    return count + int(np.count_nonzero(idle & needed))
