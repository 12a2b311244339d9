"""What the compiled book reads and writes: tables of ints.

Days count from the planning day, items in planning order.
"""

from __future__ import annotations

from typing import NamedTuple

from planning.columns import Ints, Table, row_type

HORIZON = 1100
"""Days from the planning day within which a promise is given."""
BEYOND = HORIZON + 1
"""Any day after the horizon."""
MOST_TRIES = 500
"""Days that are looked at for one promise, and for the room of its work."""
SOON = 60
"""Days of which one must be enough for an order's work at empty work centres, or its lead time is too short for it."""
ENDLESS = 2**45
"""Thousandths of a second no order's work takes: a thousand years."""

ITEM = row_type(
    "lead unit smallest largest scale scrap_from supply_from substitute_from step_from",
    "safety frozen calendar apart blocked phantom late_until",
)
"""As in `planning.columns`, where `phantom` says that it is blown through and `late_until` the day until which a late
supply is as good as a new order (-1: never taken). `calendar` 0 is the one on which every day is a working day."""
SUPPLY = row_type("quantity", "day late")
"""Free supply in the order a need takes it; `late` names the supply in that place by day and key."""
SUBSTITUTE = row_type("numerator denominator", "item before_own parent product customer from_day until_day")
STEP = row_type("setup numerator denominator", "centre")
LINE = row_type("numerator denominator", "node from_day until_day")
"""What an order of a node draws that starts within these days; `node` counts within the product."""
LOT = row_type("quantity", "due there next")
"""What planned lots have over, as one list an item, the latest first."""
NEED = row_type("open", "node parent day there kind last item own next")
"""Need of a node, in a list by day; `kind` and `last` name the supply that comes last, `item` what it is of."""
NODE = row_type(
    "total sized whole rest", "head need due start full draw_from draw_until startable ready decides grouped missing"
)
"""Need list and new order of a node: `full` lots start `whole` each, one more `rest`."""
TAKE = row_type("quantity covered", "kind source need")
SLOT = row_type("time", "node centre day")
MISFIT = row_type("time", "node centre first last slides")
LINK = row_type("kind item by day")
ON_SHELF, OVER = 1, 2
ORDER_LINK, SUPPLY_LINK, OVER_LINK, CENTRE_LINK = 0, 1, 2, 3
MOST_LINKS = 64


class PromiseRules(NamedTuple):
    """How scrap is reckoned (`planning.columns.SCRAP_RULES`), how far promises reach, how many days are looked at."""

    scrap_rule: int
    horizon: int
    tries: int


class Book(NamedTuple):
    """What is free, and the rules it is taken by; `first_lot` is each item's list of `lots` (-1: none).

    `room` and `free` are work centre by day: what it has, and what nobody has taken. `work_number` and `work_day` are
    calendar by day and calendar by number, as in `planning.columns`.
    """

    rules: PromiseRules
    items: Table
    scrap: Table
    supplies: Table
    substitutes: Table
    steps: Table
    lots: Table
    first_lot: Ints
    lot_count: Ints
    room: Ints
    free: Ints
    work_number: Ints
    work_day: Ints


class Product(NamedTuple):
    """A product and all below it, in planning order: item of each node, and its lines."""

    items: Ints
    line_from: Ints
    lines: Table


class Desk(NamedTuple):
    """Where a promise is worked out.

    `counts` is (needs, takes, slots, links, 1 where a table was too short, misfits).
    """

    needs: Table
    nodes: Table
    takes: Table
    slots: Table
    links: Table
    misfits: Table
    counts: Ints
