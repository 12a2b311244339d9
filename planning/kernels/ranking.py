"""The needs of one item in rank order: its independent ones, and what its parents' planned orders draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.columns import LIMIT, MERGE_ALL, MERGE_NONE, MERGED, OWNER_STEP
from planning.kernels.compiling import fused
from planning.kernels.sorting import borrow, number_sub, sort, sort_positions

EXACT = 2**52
SPARSE = 16


@fused
def most_needs(item: int, columns: Any, spans: Any) -> Any:
    """How many needs an item can have at most."""
    lines = columns.lines
    count = columns.items[item].need_to - columns.items[item].need_from
    for line in range(columns.items[item].line_from, columns.items[item + 1].line_from):
        parent = lines[line].parent
        count += spans.order_to[parent] - spans.order_from[parent]
    return count


@fused
def drawn(quantity: int, numerator: int, denominator: int, inverse: float) -> Any:
    """`quantity * numerator / denominator` rounded up, where the product is within the limit.

    A quotient by way of floats is off by at most one below 2**52, and much faster than dividing.
    """
    product = quantity * numerator
    if denominator == 1:
        return np.int64(product)
    if product >= EXACT:
        return np.int64((product - 1) // denominator + 1)
    found = np.int64(np.float64(product - 1) * inverse)
    rest = product - 1 - found * denominator
    if rest < 0:
        return np.int64(found)
    return np.int64(found + 2 if rest >= denominator else found + 1)


@fused
def _put(n: int, urgency: Any, day: int, root: int, place: int, columns: Any, desk: Any, sheet: Any) -> None:
    rules = columns.rules
    order = 0 if root == rules.stock_root else columns.root_rank[root] + 1
    sheet.key[n] = ((urgency * rules.days + day) * (rules.roots + 1) + order) * rules.places + place
    desk[n].raw_urgency, desk[n].raw_day, desk[n].raw_root = urgency, day, root


@fused
def pull_each(item: int, columns: Any, book: Any, desk: Any, sheet: Any) -> Any:
    """Fill the raw needs, each by itself, with their packed rank; returns how many, -1 where a quantity passes LIMIT.

    Twin of `PlanningRun._gather_needs`.
    """
    needs, lines, fixed, spans = columns.needs, columns.lines, columns.fixed, book.spans
    n = 0
    for row in range(columns.items[item].need_from, columns.items[item].need_to):
        who = needs[row].fixed
        _put(n, needs[row].urgency, needs[row].day, fixed[who].root, fixed[who].place, columns, desk, sheet)
        desk[n].raw_consumer, desk[n].raw_quantity = -1 - who, needs[row].quantity
        n += 1
    safety = columns.items[item].safety
    for line in range(columns.items[item].line_from, columns.items[item + 1].line_from):
        parent = lines[line].parent
        place = columns.items[parent].place
        numerator, denominator = lines[line].numerator, lines[line].denominator
        most, inverse = LIMIT // numerator, 1.0 / denominator
        for order in range(spans.order_from[parent], spans.order_to[parent]):
            start, quantity = np.int64(book.draws[order].start), book.draws[order].quantity
            if not lines[line].from_day <= start < lines[line].until_day:
                continue
            if quantity > most:
                return np.int64(-1)
            day = columns.first_day[max(start - safety, 0)]
            _put(n, book.draws[order].urgency, day, book.orders[order].root, place, columns, desk, sheet)
            desk[n].raw_consumer = order
            desk[n].raw_quantity = drawn(quantity, numerator, denominator, inverse)
            n += 1
    return np.int64(n)


@fused
def pull_marked(item: int, marked: int, last: int, columns: Any, book: Any, desk: Any, sheet: Any, cells: Any) -> Any:
    """As `pull_each`, of an item whose needs are merged: only those in cells of this turn, of a plan that stands.

    None of these cells is after the day `last`; the orders of an item start in the order in which they stand.
    """
    needs, lines, fixed, days = columns.needs, columns.lines, columns.fixed, columns.rules.days
    everything, safety = columns.items[item].merge == MERGE_ALL, columns.items[item].safety
    stock, latest = columns.rules.stock_root, np.int64(last) + safety + columns.rules.bucket
    n = 0
    for row in range(columns.items[item].need_from, columns.items[item].need_to):
        who = needs[row].fixed
        if cells[needs[row].urgency * days + needs[row].day].turn == marked and (
            everything or fixed[who].root == stock
        ):
            _put(n, needs[row].urgency, needs[row].day, fixed[who].root, fixed[who].place, columns, desk, sheet)
            desk[n].raw_consumer, desk[n].raw_quantity = -1 - who, needs[row].quantity
            n += 1
    for line in range(columns.items[item].line_from, columns.items[item + 1].line_from):
        parent = lines[line].parent
        place, from_day, until_day = columns.items[parent].place, lines[line].from_day, lines[line].until_day
        numerator, denominator = lines[line].numerator, lines[line].denominator
        inverse = 1.0 / denominator
        for order in range(book.spans.order_from[parent], book.spans.order_to[parent]):
            start, urgency = np.int64(book.draws[order].start), np.int64(book.draws[order].urgency)
            if start >= latest:
                break
            if not from_day <= start < until_day:
                continue
            day = columns.first_day[max(start - safety, 0)]
            root = book.orders[order].root
            if cells[urgency * days + day].turn == marked and (everything or root == stock):
                _put(n, urgency, day, root, place, columns, desk, sheet)
                desk[n].raw_consumer = order
                desk[n].raw_quantity = drawn(book.draws[order].quantity, numerator, denominator, inverse)
                n += 1
    return np.int64(n)


@fused
def merge(key: Any, quantity: int, turn: int, count: int, cells: Any, touched: Any) -> Any:
    """Add to the cell; returns how many cells are in use, -1 where a quantity passes LIMIT."""
    if cells[key].turn != turn:
        cells[key].turn, cells[key].quantity = turn, quantity
        touched[count] = key
        return np.int64(count + 1)
    cells[key].quantity += quantity
    return np.int64(-1 if cells[key].quantity > LIMIT else count)


@fused
def merge_line(item: int, line: int, turn: int, count: int, columns: Any, book: Any, cells: Any, touched: Any) -> Any:
    """What all orders of one parent draw; returns how many cells are in use, -1 where a quantity passes LIMIT."""
    parent, safety, days = columns.lines[line].parent, columns.items[item].safety, columns.rules.days
    numerator, denominator = columns.lines[line].numerator, columns.lines[line].denominator
    from_day, until_day = columns.lines[line].from_day, columns.lines[line].until_day
    most, inverse = LIMIT // numerator, 1.0 / denominator
    draws, first_day = book.draws, columns.first_day
    for order in range(book.spans.order_from[parent], book.spans.order_to[parent]):
        start, quantity = np.int64(draws[order].start), draws[order].quantity
        if not from_day <= start < until_day:
            continue
        if quantity > most:
            return np.int64(-1)
        key = draws[order].urgency * days + first_day[max(start - safety, 0)]
        count = merge(key, drawn(quantity, numerator, denominator, inverse), turn, count, cells, touched)
        if count < 0:
            return np.int64(-1)
    return np.int64(count)


@fused
def _lone_line(item: int, line: int, n: int, columns: Any, book: Any, desk: Any, sheet: Any) -> Any:
    """What orders of one parent draw that are for a root, each by itself."""
    parent, safety, stock = columns.lines[line].parent, columns.items[item].safety, columns.rules.stock_root
    numerator, denominator = columns.lines[line].numerator, columns.lines[line].denominator
    place, most, inverse = columns.items[parent].place, LIMIT // numerator, 1.0 / denominator
    for order in range(book.spans.order_from[parent], book.spans.order_to[parent]):
        start, quantity = np.int64(book.draws[order].start), book.draws[order].quantity
        if book.orders[order].root == stock or not (
            columns.lines[line].from_day <= start < columns.lines[line].until_day
        ):
            continue
        if quantity > most:
            return np.int64(-1)
        day = columns.first_day[max(start - safety, 0)]
        _put(n, book.draws[order].urgency, day, book.orders[order].root, place, columns, desk, sheet)
        desk[n].raw_consumer, desk[n].raw_quantity = order, drawn(quantity, numerator, denominator, inverse)
        n += 1
    return np.int64(n)


@fused
def _stock_line(item: int, line: int, turn: int, count: int, columns: Any, book: Any, cells: Any, touched: Any) -> Any:
    """`merge_line` for the orders without a root."""
    parent, safety, stock = columns.lines[line].parent, columns.items[item].safety, columns.rules.stock_root
    numerator, denominator = columns.lines[line].numerator, columns.lines[line].denominator
    most, inverse = LIMIT // numerator, 1.0 / denominator
    for order in range(book.spans.order_from[parent], book.spans.order_to[parent]):
        start, quantity = np.int64(book.draws[order].start), book.draws[order].quantity
        if book.orders[order].root != stock or not (
            columns.lines[line].from_day <= start < columns.lines[line].until_day
        ):
            continue
        if quantity > most:
            return np.int64(-1)
        key = book.draws[order].urgency * columns.rules.days + columns.first_day[max(start - safety, 0)]
        count = merge(key, drawn(quantity, numerator, denominator, inverse), turn, count, cells, touched)
        if count < 0:
            return np.int64(-1)
    return np.int64(count)


@fused
def _pull_merged(item: int, turn: int, columns: Any, book: Any, desk: Any, sheet: Any, cells: Any) -> Any:
    """`pull_each`, with one raw need for all needs of one day and urgency that need not be told apart."""
    needs, fixed, stock, touched = columns.needs, columns.fixed, columns.rules.stock_root, sheet.spare_key
    everything = columns.items[item].merge == MERGE_ALL
    n: Any = np.int64(0)
    count: Any = np.int64(0)
    for row in range(columns.items[item].need_from, columns.items[item].need_to):
        who = needs[row].fixed
        if everything or fixed[who].root == stock:
            key = needs[row].urgency * columns.rules.days + needs[row].day
            count = merge(key, needs[row].quantity, turn, count, cells, touched)
            if count < 0:
                return count
        else:
            _put(n, needs[row].urgency, needs[row].day, fixed[who].root, fixed[who].place, columns, desk, sheet)
            desk[n].raw_consumer, desk[n].raw_quantity = -1 - who, needs[row].quantity
            n += 1
    for line in range(columns.items[item].line_from, columns.items[item + 1].line_from):
        if everything or not columns.items[columns.lines[line].parent].apart:
            count = merge_line(item, line, turn, count, columns, book, cells, touched)
        else:
            n = _lone_line(item, line, n, columns, book, desk, sheet)
            count = _stock_line(item, line, turn, count, columns, book, cells, touched) if n >= 0 else n
        if count < 0:
            return count
    return lay_out(n, turn, count, columns, desk, sheet, cells)


@fused
def lay_out(n: int, turn: int, count: int, columns: Any, desk: Any, sheet: Any, cells: Any) -> Any:
    """Write the cells in use as needs; where they are many, in rank order, so that nothing is left to sort."""
    days, stock, bucket, urgencies = columns.rules.days, columns.rules.stock_root, columns.rules.bucket, 0
    if count * SPARSE * bucket > columns.rules.urgencies * days:
        urgencies = columns.rules.urgencies
    for urgency in range(urgencies):
        for day in range(0, days, bucket):
            key = urgency * days + day
            if cells[key].turn == turn:
                _put(n, urgency, day, stock, 0, columns, desk, sheet)
                desk[n].raw_consumer, desk[n].raw_quantity = MERGED - key, cells[key].quantity
                n += 1
    if urgencies:
        return np.int64(n)
    for at in range(count):
        key = sheet.spare_key[at]
        _put(n, key // days, key % days, stock, 0, columns, desk, sheet)
        desk[n].raw_consumer, desk[n].raw_quantity = MERGED - key, cells[key].quantity
        n += 1
    return np.int64(n)


@fused
def pull(item: int, columns: Any, book: Any, bench: Any) -> Any:
    """Fill the raw needs of an item, merged where it allows that; as `pull_each`."""
    if columns.items[item].merge == MERGE_NONE:
        return pull_each(item, columns, book, bench.desk, bench.sheet)
    return _pull_merged(item, bench.room.used[1], columns, book, bench.desk, bench.sheet, bench.cells)


@fused
def _safety_need(item: int, merge: int, columns: Any) -> Any:
    """The consumer the item's safety stock counts as; a number that is nobody's where it has none."""
    for row in range(columns.items[item].need_from, columns.items[item].need_to):
        if columns.needs[row].fixed == columns.items[item].safety_consumer:
            key = columns.needs[row].urgency * columns.rules.days + columns.needs[row].day
            return np.int64(-1 - columns.needs[row].fixed if merge == MERGE_NONE else MERGED - key)
    return np.int64(2**40)


@fused
def fill_up(item: int, merge: int, n: int, columns: Any, shelf: Any, desk: Any) -> Any:
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
    for supply in range(columns.items[item].supply_from, columns.items[item].supply_to):
        there = min(there + shelf.rows[supply].quantity, LIMIT)
    for supply in range(shelf.arising[item, 0], shelf.arising[item, 1]):
        there = min(there + shelf.rows[supply].quantity, LIMIT)
    if there < needed:
        own = _safety_need(item, merge, columns)
        for at in range(n):
            if desk[at].raw_consumer == own:
                desk[at].raw_quantity += more
    return True


@fused
def _sub(consumer: int, columns: Any, orders: Any) -> Any:
    """Where a consumer stands among those of its root and place: by owner, then by number."""
    if consumer < 0:
        return np.int64(columns.fixed[-1 - consumer].sub)
    return np.int64(columns.root_rank[orders[consumer].owner] * OWNER_STEP + number_sub(orders[consumer].number))


@fused
def _sort_ties(desk: Any, sheet: Any, n: int, columns: Any, orders: Any, room: Any) -> None:
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
                sub[at - start] = _sub(desk[sheet.position[at]].raw_consumer, columns, orders)
            sort_positions(sub, positions, room)
            for at in range(start, end):
                sheet.position[at] = tied[positions[at - start]]
            room.used[0] = mark
        start = end


@fused
def rank(desk: Any, sheet: Any, n: int, columns: Any, orders: Any, room: Any) -> None:
    """Put the needs in rank order."""
    for at in range(n):
        sheet.position[at] = at
    sort(sheet.key, sheet.position, sheet.spare_key, sheet.spare_position, sheet.runs, n)
    _sort_ties(desk, sheet, n, columns, orders, room)
    for at in range(n):
        raw = sheet.position[at]
        desk[at].urgency, desk[at].day, desk[at].root = desk[raw].raw_urgency, desk[raw].raw_day, desk[raw].raw_root
        desk[at].consumer, desk[at].open = desk[raw].raw_consumer, desk[raw].raw_quantity
