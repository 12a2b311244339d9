"""The compiled book of promises; each function is the twin of the one in `planning.promise.attempt` it names."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.columns import LIMIT
from planning.kernels.compiling import compiled
from planning.kernels.scrap import capacity, has_scrap, started, times, total
from planning.lot_sizing import MAX_LOTS
from planning.promise.laying import room_after, unbook
from planning.promise.tables import (
    BEYOND,
    CENTRE_LINK,
    MOST_LINKS,
    ON_SHELF,
    ORDER_LINK,
    OVER,
    OVER_LINK,
    SUPPLY_LINK,
)


@compiled
def _end(item: int, start: int, book: Any) -> Any:
    """Twin of `Opening.end`."""
    lead, calendar = book.items[item].lead, book.items[item].calendar
    if lead == 0 or calendar == 0:
        return np.int64(min(start + lead, BEYOND))
    number = book.work_number[calendar - 1, start] + lead
    return np.int64(min(book.work_day[calendar - 1, number], BEYOND) if number <= BEYOND else BEYOND)


@compiled
def _start(item: int, due: int, book: Any) -> Any:
    """Twin of `Opening.start`, no earlier than today."""
    lead, calendar = book.items[item].lead, book.items[item].calendar
    if lead == 0 or calendar == 0:
        return np.int64(max(due - lead, 0))
    number = book.work_number[calendar - 1, due] - lead
    return np.int64(book.work_day[calendar - 1, number] if number >= 0 else 0)


# -- back ------------------------------------------------------------------------------------------------------------


@compiled
def _add_need(node: int, item: int, parent: int, day: int, quantity: int, book: Any, desk: Any) -> None:
    """Twin of `Attempt._need`; the list stays in order of day."""
    needs, at = desk.needs, desk.counts[0]
    desk.counts[0] += 1
    day = max(day - book.items[item].safety, 0)
    needs[at].node, needs[at].parent, needs[at].day, needs[at].open = node, parent, day, quantity
    needs[at].there = needs[at].kind = needs[at].own = 0
    before, after = -1, desk.nodes[node].head
    while after >= 0 and needs[after].day <= day:
        before, after = after, needs[after].next
    needs[at].next = after
    if before < 0:
        desk.nodes[node].head = at
    else:
        needs[before].next = at


@compiled
def _take(
    need: int, kind: int, source: int, item: int, there: int, quantity: int, covered: int, book: Any, desk: Any
) -> None:
    """Twin of `Attempt._take`."""
    if covered <= 0:
        return
    at = desk.counts[1]
    if at >= len(desk.takes):
        desk.counts[4] = 1
        return
    desk.counts[1] += 1
    if kind == ON_SHELF:
        book.supplies[source].quantity -= quantity
    else:
        book.lots[source].quantity -= quantity
    desk.needs[need].open -= covered
    if there > desk.needs[need].there:
        desk.needs[need].there, desk.needs[need].kind = there, kind
        desk.needs[need].last, desk.needs[need].item = source, item
    desk.takes[at].kind, desk.takes[at].source, desk.takes[at].need = kind, source, need
    desk.takes[at].quantity, desk.takes[at].covered = quantity, covered


@compiled
def _take_free(item: int, need: int, book: Any, desk: Any) -> None:
    """Twin of `Attempt._take_free`."""
    first, until = book.items[item].supply_from, book.items[item + 1].supply_from
    for source in range(first, until):
        if desk.needs[need].open == 0:
            return
        day = book.supplies[source].day
        if day <= desk.needs[need].day:
            quantity = min(desk.needs[need].open, book.supplies[source].quantity)
            _take(need, ON_SHELF, source, item, day, quantity, quantity, book, desk)
    for at in range(first, until):
        source = book.supplies[at].late
        day = book.supplies[source].day
        if desk.needs[need].day < day <= book.items[item].late_until:
            quantity = min(desk.needs[need].open, book.supplies[source].quantity)
            _take(need, ON_SHELF, source, item, day, quantity, quantity, book, desk)


@compiled
def _substitute(node: int, item: int, before_own: int, who: Any, book: Any, product: Any, desk: Any) -> None:
    """Twin of `Attempt._substitute` and `Attempt._stand_in`."""
    first, until = book.items[item].substitute_from, book.items[item + 1].substitute_from
    if first == until or book.items[item].apart:
        return
    need = desk.nodes[node].head
    while need >= 0:
        for at in range(first, until):
            row = book.substitutes[at]
            if row.before_own == before_own and _allows(row, need, who, book, product, desk):
                for source in range(book.items[row.item].supply_from, book.items[row.item + 1].supply_from):
                    free, day = book.supplies[source].quantity, book.supplies[source].day
                    covered = min(desk.needs[need].open, free // row.numerator * row.denominator
                                  + free % row.numerator * row.denominator // row.numerator)  # fmt: skip
                    if day <= desk.needs[need].day and covered > 0:
                        taken = times(covered, row.numerator, row.denominator)
                        _take(need, ON_SHELF, source, row.item, day, taken, covered, book, desk)
        need = desk.needs[need].next


@compiled
def _allows(row: Any, need: int, who: Any, book: Any, product: Any, desk: Any) -> Any:
    """Twin of `Attempt._allows`; `who` is (product, customer) of the root."""
    parent, day = desk.needs[need].parent, desk.needs[need].day
    above = -1 if parent < 0 else product.items[parent]
    if above >= 0 and book.items[above].phantom:
        above = -1
    if (row.parent >= 0 and row.parent != above) or (row.product >= 0 and row.product != who[0]):
        return False
    return (row.customer < 0 or row.customer == who[1]) and row.from_day <= day < row.until_day


@compiled
def _give(node: int, need: int, quantity: int, desk: Any) -> None:
    """Twin of `Attempt._give`."""
    desk.nodes[node].total += quantity
    desk.needs[need].open -= quantity
    if quantity > 0:
        desk.needs[need].own = 1


@compiled
def _begin_group(node: int, need: int, due: int, desk: Any) -> None:
    desk.nodes[node].grouped, desk.nodes[node].need, desk.nodes[node].due = 1, need, due


@compiled
def _order(node: int, item: int, need: int, book: Any, desk: Any) -> None:
    """Twin of `Attempt._order`."""
    nodes, needs = desk.nodes, desk.needs
    if nodes[node].grouped:
        _give(node, need, min(needs[need].open, nodes[node].sized - nodes[node].total), desk)
    lot = book.first_lot[item]
    while lot >= 0 and needs[need].open:
        if book.lots[lot].due <= needs[need].day:
            quantity = min(needs[need].open, book.lots[lot].quantity)
            _take(need, OVER, lot, item, book.lots[lot].there, quantity, quantity, book, desk)
        lot = book.lots[lot].next
    if needs[need].open:
        if not nodes[node].grouped:
            _begin_group(node, need, needs[need].day, desk)
        _give(node, need, needs[need].open, desk)
        plain = book.items[item].unit == 1 and book.items[item].smallest == 1 and book.items[item].largest == 0
        if plain and not has_scrap(item, book):
            nodes[node].sized = nodes[node].total
        else:
            nodes[node].sized = total(item, nodes[node].total, nodes[node].due, book)


@compiled
def _size(node: int, item: int, book: Any, desk: Any) -> Any:
    """Twin of `Attempt._size`; whether it can be."""
    nodes, due = desk.nodes, desk.nodes[node].due
    sized: Any = nodes[node].sized
    most: Any = np.int64(0)
    if sized > LIMIT:
        return False
    if book.items[item].largest:
        most = capacity(item, due, book)
    full, rest = (sized // most, sized % most) if most > 0 else (0, sized)
    first: Any = most if full else rest
    if sized > MAX_LOTS * first:
        return False
    scrap = has_scrap(item, book)
    if scrap and started(item, first, due, book) > LIMIT:
        return False
    nodes[node].full = full
    nodes[node].whole = started(item, most, due, book) if scrap and full else most
    nodes[node].rest = started(item, rest, due, book) if scrap and rest else rest
    nodes[node].start = _start(item, max(due, book.items[item].frozen), book)
    return True


@compiled
def _draw(node: int, book: Any, product: Any, desk: Any) -> Any:
    """Twin of `Attempt._draw`; whether all of it can be."""
    nodes = desk.nodes
    nodes[node].draw_from = desk.counts[0]
    sound = True
    for at in range(product.line_from[node], product.line_from[node + 1]):
        line = product.lines[at]
        if not line.from_day <= nodes[node].start < line.until_day:
            continue
        each = times(nodes[node].whole, line.numerator, line.denominator) if nodes[node].full else 0
        quantity = times(nodes[node].rest, line.numerator, line.denominator) if nodes[node].rest else 0
        if each > LIMIT or quantity > LIMIT or nodes[node].full * (each // MAX_LOTS) > LIMIT // MAX_LOTS:
            nodes[line.node].missing, sound = 1, False
            continue
        quantity += nodes[node].full * each
        if quantity > LIMIT:
            nodes[line.node].missing, sound = 1, False
            continue
        _add_need(line.node, product.items[line.node], node, nodes[node].start, quantity, book, desk)
    nodes[node].draw_until = desk.counts[0]
    return sound


@compiled
def _clear(product: Any, desk: Any) -> None:
    desk.counts[0] = desk.counts[1] = desk.counts[2] = 0
    for node in range(len(product.items)):
        desk.nodes[node].head = desk.nodes[node].decides = -1
        desk.nodes[node].total = desk.nodes[node].sized = desk.nodes[node].startable = desk.nodes[node].grouped = 0
        desk.nodes[node].draw_from = desk.nodes[node].draw_until = desk.nodes[node].missing = 0


@compiled
def _net(day: int, quantity: int, who: Any, book: Any, product: Any, desk: Any) -> Any:
    """Twin of `Attempt.net`; whether everything can be planned."""
    _clear(product, desk)
    _add_need(0, product.items[0], -1, day, quantity, book, desk)
    sound, nodes = True, desk.nodes
    for node in range(len(product.items)):
        item = product.items[node]
        if nodes[node].head < 0:
            continue
        if book.items[item].phantom:
            need = nodes[node].head
            _begin_group(node, need, desk.needs[need].day, desk)
            _give(node, need, quantity, desk)
            nodes[node].sized = nodes[node].rest = quantity
            nodes[node].full, nodes[node].start = 0, nodes[node].due
            sound &= _draw(node, book, product, desk)
            continue
        sound &= _serve(node, item, who, book, product, desk)
    return sound


@compiled
def _serve(node: int, item: int, who: Any, book: Any, product: Any, desk: Any) -> Any:
    """Twin of `Attempt._serve`."""
    nodes, needs = desk.nodes, desk.needs
    _substitute(node, item, 1, who, book, product, desk)
    need = nodes[node].head
    while need >= 0:
        _take_free(item, need, book, desk)
        need = needs[need].next
    _substitute(node, item, 0, who, book, product, desk)
    need = nodes[node].head
    while need >= 0:
        if needs[need].open:
            if book.items[item].blocked:
                nodes[node].missing = 1
                return False
            _order(node, item, need, book, desk)
        need = needs[need].next
    if not nodes[node].grouped:
        return True
    if not _size(node, item, book, desk):
        nodes[node].missing = 1
    return nodes[node].missing == 0 and _draw(node, book, product, desk)


# -- forward ---------------------------------------------------------------------------------------------------------


@compiled
def _from(need: int, book: Any, product: Any, desk: Any) -> Any:
    """Twin of `Attempt._from`."""
    there, node = desk.needs[need].there, desk.needs[need].node
    if desk.needs[need].own:
        there = max(there, desk.nodes[node].ready)
    return np.int64(min(there + book.items[product.items[node]].safety, BEYOND) if there else 0)


@compiled
def _forward(book: Any, product: Any, desk: Any) -> Any:
    """Twin of `Attempt.forward`."""
    nodes = desk.nodes
    for node in range(len(product.items) - 1, -1, -1):
        if not nodes[node].grouped:
            continue
        item = product.items[node]
        for need in range(nodes[node].draw_from, nodes[node].draw_until):
            day = _from(need, book, product, desk)
            if day > nodes[node].startable:
                nodes[node].startable, nodes[node].decides = day, need
        done = nodes[node].startable
        if not book.items[item].phantom:
            done = max(_end(item, done, book), book.items[item].frozen)
        nodes[node].ready = done
    return _from(0, book, product, desk)


# -- what came of it -------------------------------------------------------------------------------------------------


@compiled
def _give_back(book: Any, desk: Any) -> None:
    """Twin of `Attempt.give_back`."""
    for at in range(desk.counts[1]):
        take = desk.takes[at]
        if take.kind == ON_SHELF:
            book.supplies[take.source].quantity += take.quantity
        else:
            book.lots[take.source].quantity += take.quantity
    unbook(0, book.free, desk)
    desk.counts[1] = 0


@compiled
def _leave_over(book: Any, product: Any, desk: Any) -> None:
    """Twin of `Attempt.leave_over`."""
    lots = book.lots
    for node in range(len(product.items)):
        item = product.items[node]
        over = desk.nodes[node].sized - desk.nodes[node].total
        if not desk.nodes[node].grouped or over <= 0 or book.items[item].apart:
            continue
        at, due = book.lot_count[0], desk.nodes[node].due
        book.lot_count[0] += 1
        lots[at].quantity, lots[at].due, lots[at].there = over, due, max(due, book.items[item].frozen)
        before, after = -1, book.first_lot[item]
        while after >= 0 and lots[after].due > due:
            before, after = after, lots[after].next
        lots[at].next = after
        if before < 0:
            book.first_lot[item] = at
        else:
            lots[before].next = at


@compiled
def _link(kind: int, item: int, by: Any, day: Any, desk: Any) -> None:
    at = desk.counts[3]
    if at < MOST_LINKS:
        desk.links[at].kind, desk.links[at].item, desk.links[at].by, desk.links[at].day = kind, item, by, day
        desk.counts[3] += 1


@compiled
def _chain(book: Any, product: Any, desk: Any) -> None:
    """Twin of `Attempt.chain`."""
    desk.counts[3] = need = 0
    while need >= 0:
        node = desk.needs[need].node
        item = product.items[node]
        if not desk.needs[need].own or desk.needs[need].there > desk.nodes[node].ready:
            kind = SUPPLY_LINK if desk.needs[need].kind == ON_SHELF else OVER_LINK
            if desk.needs[need].kind:
                _link(kind, desk.needs[need].item, desk.needs[need].last, desk.needs[need].there, desk)
            return
        if not book.items[item].phantom:
            _link(ORDER_LINK, item, 0, desk.nodes[node].ready, desk)
        need = desk.nodes[node].decides


@compiled
def _way_to(node: Any, centre: Any, last: Any, book: Any, product: Any, desk: Any) -> None:
    """Twin of `Attempt.way_to`."""
    desk.counts[3] = 0
    _link(CENTRE_LINK, product.items[node], centre, last, desk)
    while node >= 0:
        item = product.items[node]
        if not book.items[item].phantom:
            _link(ORDER_LINK, item, 0, desk.nodes[node].due, desk)
        node = desk.needs[desk.nodes[node].need].parent
    links, many = desk.links, desk.counts[3]
    for at in range(many // 2):
        other = many - 1 - at
        kind, item, by, day = links[at].kind, links[at].item, links[at].by, links[at].day
        links[at].kind, links[at].item = links[other].kind, links[other].item
        links[at].by, links[at].day = links[other].by, links[other].day
        links[other].kind, links[other].item, links[other].by, links[other].day = kind, item, by, day


@compiled
def promise_one(day: Any, quantity: int, who: Any, book: Any, product: Any, desk: Any) -> Any:
    """Twin of `PlainBook._found`: the day; -1 for never, -2 where something is missing, -3 where a table is short."""
    desk.counts[3] = desk.counts[4] = 0
    for _ in range(book.rules.tries):
        if day > book.rules.horizon:
            break
        sound = _net(day, quantity, who, book, product, desk)
        later = _forward(book, product, desk) if sound else day
        wait, node, centre, last = np.int64(0), np.int64(-1), np.int64(0), np.int64(0)
        if sound and later <= day:
            wait, node, centre, last = room_after(day, book, product, desk)
        if desk.counts[4] or not sound:
            _give_back(book, desk)
            return -3 if desk.counts[4] else -2
        if later <= day and wait == 0:
            _leave_over(book, product, desk)
            return day
        if later > day:
            _chain(book, product, desk)
        else:
            _way_to(node, centre, last, book, product, desk)
        _give_back(book, desk)
        day = later if later > day else day + wait
    return -1
