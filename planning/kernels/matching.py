"""Existing supply for the needs of one item; each function is the twin of the one its docstring names."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.kernels.compiling import fused
from planning.kernels.sorting import borrow, sort_positions


@fused
def _take(supply: int, need: int, most: int, desk: Any, shelf: Any, taken: Any) -> Any:
    """Twin of `Matching.take`."""
    quantity = min(most, desk[need].open, shelf.free[supply])
    if quantity > 0:
        shelf.free[supply] -= quantity
        desk[need].open -= quantity
        at = taken.count[0]
        taken.rows[at].supply, taken.rows[at].need, taken.rows[at].quantity = supply, need, quantity
        taken.count[0] += 1
    return quantity


@fused
def _consumer_code(consumer: int, rules: Any, orders: Any) -> Any:
    """The code a claim carries for this consumer; -2**62 where no claim can."""
    if consumer < 0:
        return np.int64(consumer)
    if orders[consumer].number >= rules.claim_numbers:
        return np.int64(-(2**62))
    owner = np.int64(orders[consumer].item) * rules.roots + orders[consumer].owner
    return np.int64(owner * rules.claim_numbers + orders[consumer].number)


@fused
def _first_claim(low: int, high: int, code: int, claims: Any) -> Any:
    while low < high:
        middle = (low + high) // 2
        if claims[middle].consumer < code:
            low = middle + 1
        else:
            high = middle
    return low


@fused
def honour(item: int, n: int, columns: Any, orders: Any, desk: Any, shelf: Any, taken: Any) -> None:
    """Twin of `Matching.honour`."""
    claims = columns.claims
    low, high = columns.items[item].claim_from, columns.items[item + 1].claim_from
    for need in range(n):
        code = _consumer_code(desk[need].consumer, columns.rules, orders)
        claim = _first_claim(low, high, code, claims)
        while claim < high and claims[claim].consumer == code:
            _honour_one(item, claim, need, columns, orders, desk, shelf, taken)
            claim += 1
    for at in range(taken.count[1]):
        missing = taken.arrived[at].quantity
        for supply in range(columns.items[item].supply_from, columns.items[item].supply_to):
            if shelf.rows[supply].on_hand:
                missing -= _take(supply, taken.arrived[at].need, missing, desk, shelf, taken)


@fused
def _honour_one(item: int, claim: int, need: int, columns: Any, orders: Any, desk: Any, shelf: Any, taken: Any) -> None:
    claims = columns.claims
    if claims[claim].owner >= 0:
        at = taken.count[2]
        taken.planned[at].need, taken.planned[at].owner = need, claims[claim].owner
        taken.planned[at].quantity = claims[claim].quantity
        taken.count[2] += 1
        return
    kept = 0
    for target in range(claims[claim].first, claims[claim].last):
        kept += _take(columns.targets[target], need, claims[claim].quantity - kept, desk, shelf, taken)
    if claims[claim].made >= 0:
        for supply in range(shelf.arising[item, 0], shelf.arising[item, 1]):
            if _consumer_code(shelf.rows[supply].made, columns.rules, orders) == claims[claim].made:
                kept += _take(supply, need, claims[claim].quantity - kept, desk, shelf, taken)
    if not claims[claim].stays and kept < claims[claim].quantity and desk[need].open:
        at = taken.count[1]
        taken.arrived[at].need, taken.arrived[at].quantity = need, claims[claim].quantity - kept
        taken.count[1] += 1


@fused
def supplies_of(item: int, columns: Any, shelf: Any) -> Any:
    """How many supplies an item has."""
    known = columns.items[item].supply_to - columns.items[item].supply_from
    return known + shelf.arising[item, 1] - shelf.arising[item, 0]


@fused
def by_day(item: int, order: Any, columns: Any, shelf: Any, room: Any) -> None:
    """Fill in an item's supplies by (day, place): those known stand by key, by-products come after them."""
    low, known = columns.items[item].supply_from, columns.items[item].supply_to - columns.items[item].supply_from
    first, count = shelf.arising[item, 0], len(order)
    found, day, position = borrow(room, count), borrow(room, count), borrow(room, count)
    for at in range(count):
        found[at] = low + at if at < known else first + at - known
        day[at] = shelf.rows[found[at]].day
    sort_positions(day, position, room)
    for at in range(count):
        order[at] = found[position[at]]


@fused
def reserve(
    traced: int, n: int, order: Any, stamp: int, desk: Any, shelf: Any, taken: Any, marks: Any, room: Any
) -> None:
    """Twin of `Matching.reserve`: the reserved supplies of each root as a list, walked by its needs."""
    following = borrow(room, len(order))
    found = False
    for at in range(len(order)):
        following[at] = -1
        supply = order[at]
        root = shelf.rows[supply].reserved
        if root < 0 or shelf.free[supply] == 0 or shelf.rows[supply].traced != traced:
            continue
        found = True
        if marks[root].list_turn == stamp:
            following[marks[root].tail] = at
        else:
            marks[root].list_turn, marks[root].head = stamp, at
        marks[root].tail = at
    if not found:
        return
    for need in range(n):
        if desk[need].open and marks[desk[need].root].list_turn == stamp:
            at = marks[desk[need].root].head
            while at >= 0 and desk[need].open:
                _take(order[at], need, desk[need].open, desk, shelf, taken)
                at = following[at]


@fused
def in_order(order: Any, ranked: Any, columns: Any, shelf: Any, room: Any) -> None:
    """Fill in supplies that stand by (day, place), as free ones are taken; twin of `in_order`."""
    sign = -1 if columns.rules.latest_first else 1
    key, position = borrow(room, len(order)), borrow(room, len(order))
    for at in range(len(order)):
        row = order[at]
        key[at] = sign * shelf.rows[row].day * 2 + (0 if shelf.rows[row].on_hand else 1)
    sort_positions(key, position, room)
    for at in range(len(order)):
        ranked[at] = order[position[at]]


@fused
def _given(item: int, order: Any, found: Any, columns: Any, shelf: Any) -> Any:
    """Fill in the supplies `Keeping.gives`; returns how many there are."""
    kept = columns.items[item].apart or columns.rules.reserved_waits
    count = 0
    for at in range(len(order)):
        supply = order[at]
        if shelf.free[supply] > 0 and (shelf.rows[supply].reserved < 0 or not kept):
            found[count] = supply
            count += 1
    return count


@fused
def _take_late(need: int, until: int, order: Any, ranked: Any, alive: int, desk: Any, shelf: Any, taken: Any) -> Any:
    """Twin of `Matching._take_late`; returns how many supplies are left."""
    for at in range(len(order)):
        supply = order[at]
        if shelf.free[supply] and desk[need].day < shelf.rows[supply].day <= until:
            _take(supply, need, desk[need].open, desk, shelf, taken)
    kept = 0
    for at in range(alive):
        if shelf.free[ranked[at]] > 0:
            ranked[kept] = ranked[at]
            kept += 1
    return kept


@fused
def allocate(item: int, n: int, order: Any, columns: Any, desk: Any, shelf: Any, taken: Any, room: Any) -> None:
    """Twin of `Matching.allocate`."""
    rules, apart = columns.rules, columns.items[item].apart
    given = borrow(room, len(order))
    given = given[: _given(item, order, given, columns, shelf)]
    ranked = borrow(room, len(given))
    in_order(given, ranked, columns, shelf, room)
    alive = len(ranked)
    for need in range(n):
        if alive == 0:
            return
        if not desk[need].open or (apart and desk[need].root != rules.stock_root):
            continue
        at = 0
        if rules.latest_first:
            while at < alive and shelf.rows[ranked[at]].day > desk[need].day:
                at += 1
        while desk[need].open and at < alive and shelf.rows[ranked[at]].day <= desk[need].day:
            _take(ranked[at], need, desk[need].open, desk, shelf, taken)
            if shelf.free[ranked[at]]:
                at += 1
            else:
                for later in range(at, alive - 1):
                    ranked[later] = ranked[later + 1]
                alive -= 1
        if desk[need].open and rules.take_late:
            until = max(desk[need].day, columns.items[item].arrival)
            alive = _take_late(need, until, given, ranked, alive, desk, shelf, taken)
