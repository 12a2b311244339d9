"""The needs of one item in rank order: its independent ones, and what its parents' planned orders draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.columns import LIMIT, OWNER_STEP
from planning.kernels.compiling import compiled
from planning.kernels.sorting import borrow, number_sub, sort, sort_positions


@compiled
def most_needs(item: int, columns: Any, order_from: Any) -> Any:
    lines = columns.lines
    count = columns.items[item + 1].need_from - columns.items[item].need_from
    for line in range(columns.items[item].line_from, columns.items[item + 1].line_from):
        parent = lines[line].parent
        count += order_from[parent + 1] - order_from[parent]
    return count


@compiled
def pull(item: int, columns: Any, orders: Any, order_from: Any, desk: Any, sheet: Any) -> Any:
    """Fill the raw needs with their packed rank; returns how many, -1 where a quantity passes LIMIT.

    Twin of `PlanningRun._gather_needs`.
    """
    rules, needs, lines, fixed = columns.rules, columns.needs, columns.lines, columns.fixed
    days, roots, places, stock = rules.days, rules.roots + 1, rules.places, rules.stock_root
    n = 0
    for row in range(columns.items[item].need_from, columns.items[item + 1].need_from):
        who = needs[row].fixed
        root = 0 if fixed[who].root == stock else fixed[who].root + 1
        sheet.key[n] = ((needs[row].urgency * days + needs[row].day) * roots + root) * places + fixed[who].place
        desk[n].raw_urgency, desk[n].raw_day, desk[n].raw_root = needs[row].urgency, needs[row].day, fixed[who].root
        desk[n].raw_consumer = -1 - who
        desk[n].raw_quantity = needs[row].quantity
        n += 1
    safety = columns.items[item].safety
    for line in range(columns.items[item].line_from, columns.items[item + 1].line_from):
        parent = lines[line].parent
        place = columns.items[parent].place
        numerator, denominator = lines[line].numerator, lines[line].denominator
        most = LIMIT // numerator
        for order in range(order_from[parent], order_from[parent + 1]):
            start = orders[order].start
            if not lines[line].from_day <= start < lines[line].until_day:
                continue
            quantity = orders[order].started
            if quantity > most:
                return np.int64(-1)
            root = 0 if orders[order].root == stock else orders[order].root + 1
            day = max(start - safety, 0)
            sheet.key[n] = ((orders[order].urgency * days + day) * roots + root) * places + place
            desk[n].raw_urgency, desk[n].raw_day, desk[n].raw_root = orders[order].urgency, day, orders[order].root
            desk[n].raw_consumer = order
            drawn = quantity * numerator
            desk[n].raw_quantity = drawn if denominator == 1 else (drawn - 1) // denominator + 1
            n += 1
    return np.int64(n)


@compiled
def fill_up(item: int, n: int, columns: Any, shelf: Any, desk: Any) -> Any:
    """Twin of `PlanningRun._fill_up`; False where a sum passes LIMIT."""
    more = columns.items[item].top_up
    if more <= 0:
        return True
    needed: Any = np.int64(0)
    there: Any = np.int64(0)
    for at in range(n):
        needed += desk[at].raw_quantity
        if needed >= LIMIT:
            return False
    for supply in range(columns.items[item].supply_from, columns.items[item + 1].supply_from):
        there = min(there + shelf.rows[supply].quantity, LIMIT)
    for supply in range(shelf.arising[item, 0], shelf.arising[item, 1]):
        there = min(there + shelf.rows[supply].quantity, LIMIT)
    if there < needed:
        own = -1 - columns.items[item].safety_consumer
        for at in range(n):
            if desk[at].raw_consumer == own:
                desk[at].raw_quantity += more
    return True


@compiled
def _sub(consumer: int, orders: Any, fixed: Any) -> Any:
    """Where a consumer stands among those of its root and place: by owner, then by number."""
    if consumer < 0:
        return np.int64(fixed[-1 - consumer].sub)
    return np.int64(orders[consumer].owner * OWNER_STEP + number_sub(orders[consumer].number))


@compiled
def _sort_ties(desk: Any, sheet: Any, n: int, orders: Any, fixed: Any, room: Any) -> None:
    """Order the consumers that the packed rank cannot tell apart: parts of one split lot, mostly."""
    start = 0
    while start < n:
        end = start + 1
        while end < n and sheet.key[end] == sheet.key[start]:
            end += 1
        if end > start + 1:
            mark = room.used[0]
            sub, tied, positions = borrow(room, end - start), borrow(room, end - start), borrow(room, end - start)
            for at in range(start, end):
                tied[at - start] = sheet.position[at]
                sub[at - start] = _sub(desk[sheet.position[at]].raw_consumer, orders, fixed)
            sort_positions(sub, positions, room)
            for at in range(start, end):
                sheet.position[at] = tied[positions[at - start]]
            room.used[0] = mark
        start = end


@compiled
def rank(desk: Any, sheet: Any, n: int, columns: Any, orders: Any, room: Any) -> None:
    """Put the needs in rank order."""
    for at in range(n):
        sheet.position[at] = at
    sort(sheet.key, sheet.position, sheet.spare_key, sheet.spare_position, sheet.runs, n)
    _sort_ties(desk, sheet, n, orders, columns.fixed, room)
    for at in range(n):
        raw = sheet.position[at]
        desk[at].urgency, desk[at].day, desk[at].root = desk[raw].raw_urgency, desk[raw].raw_day, desk[raw].raw_root
        desk[at].consumer, desk[at].open = desk[raw].raw_consumer, desk[raw].raw_quantity
