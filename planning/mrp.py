"""Material requirements planning over one frozen snapshot: the one entry is `plan`.

The rules, exactly:

1. Items are planned level by level (low-level code, then code). The needs of an item are its independent demands, what
   is left of its forecasts (`planning.forecast`), what planned and firm orders of its parents draw (on the day the
   parent starts; a firm order on its due day less its item's lead time), and its safety stock (due on the planning day,
   consumer `safety_stock|ITEM`, no root; where stock and receipts less all needs fall below it, it is the lot policy's
   `order_up_to` instead). Needs come earlier by the item's safety time; days before the planning day count as the
   planning day, others as the first day of their bucket (`bucket_days`). Needs are served by (priority, day, root,
   consumer); a dependent need has the priority of the most urgent need its parent order serves. Safety stock, and what
   is made for it, comes last (`served_last`) or first (`served_first`).
2. Supply is given in this order: reservations and prior pegs on supplies that still exist, whatever their date; prior
   pegs on orders that have arrived in whole or part meanwhile, from stock; stock and receipts reserved for a root, to
   its needs; prior pegs on planned orders; what documents of our own planned orders have over, to their root's needs;
   substitutes that go before own stock; free stock and receipts that are there by the need's day (`supply_order`,
   `late_receipts`); other substitutes, by priority; lots planned already, where they are due in time; a new planned
   order. Substitutes, which are planned before, give what their own needs have left of stock and receipts and what is
   there by the need's day. By-products of planned orders are receipts, due when the order is.
3. There is one planned order per root and item over all its paths (root None: `stock`), due on the earliest day any
   of its needs has, keyed `ITEM|ROOT|n`. `n` counts the parts of a lot split at its maximum and skips keys that have
   become documents. The quantity is the lot size of all that is pegged to it. An order whose own root needs nothing
   any more stays under its key while others are pegged to it. What an order is expected to lose is started on top, and
   lot sizes hold for what is started (`planning.lot_sizing`).
4. An order is released on its due day (but not within the item's frozen days) less the lead time in working days: the
   item's, or where a bought item names suppliers, that of the one chosen (`planning.sourcing`). If that is past, it
   starts on the planning day. Phantoms are blown through; a demand for a phantom is a demand for its components. Bought
   items need no components. A dated BOM line counts where the order's start (a phantom demand's due day) lies within
   its dates.
5. Component quantities are rounded up to a whole scaled unit, once per order and component; by-products down.
6. Pegs sum to what is used of each supply; an order's quantity is its pegs plus its surplus.

From this follow three laws. The order of input rows changes nothing. Planning again with unchanged input and the pegs
of the last plan gives the same plan. Changing one root's demand changes only orders made for that root or pegged to it,
through any levels, in the old or the new plan (and, where it gives back a receipt reserved for another root, that
root's); the parts of a lot split at its maximum count as one order here. So planned orders keep their pegs even where
stock becomes free, which a `use_stock` message reports. Who passes no prior pegs gets a fresh plan. What substitutes
give is decided anew each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.pegging import order_base
from planning.preparation import collection_paused, prepare, safety_stock_key
from planning.run import PlanningRun

if TYPE_CHECKING:
    from canonical.plan import Plan, PlanningSnapshot
    from planning.preparation import Prepared

COMPILED_FROM = 50_000
"""Rows from which the compiled planner is worth the second or two that loading it takes in a new process."""


def plan(snapshot: PlanningSnapshot, *, compiled: bool | None = None) -> Plan:
    """Plan every item of the snapshot; never raises for bad rows, which come back as `Plan.problems`.

    `compiled` asks for the compiled planner, or for the plain one; None takes the compiled one for large snapshots.
    What that one does not cover (`planning.encoding.NotCovered`) the plain one plans; the plan is the same.
    """
    with collection_paused():
        if compiled or (compiled is None and rows_of(snapshot) >= COMPILED_FROM):
            return _compiled_or_plain(prepare(snapshot, in_columns=True))
        return plan_plainly(prepare(snapshot))


def rows_of(snapshot: PlanningSnapshot) -> int:
    """How much there is to plan, before it is known what comes of it."""
    return len(snapshot.bom) + len(snapshot.demands) + len(snapshot.receipts) + len(snapshot.prior_pegs)


def _compiled_or_plain(prepared: Prepared) -> Plan:
    from planning.columns import NotCovered  # noqa: PLC0415 - numpy and numba take their time to import
    from planning.fast import plan_compiled  # noqa: PLC0415

    try:
        return plan_compiled(prepared)
    except NotCovered:
        return plan_plainly(prepared)


def plan_plainly(prepared: Prepared) -> Plan:
    """The plain planner: what the compiled one is held against, and what plans where that one does not cover a case."""
    run = PlanningRun(prepared)
    for code in prepared.sequence():
        run.plan_item(code)
    return run.outcome()


__all__ = ["order_base", "plan", "plan_plainly", "safety_stock_key"]
