"""Existing supply for the needs of one item; each function is the twin of the one its docstring names."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.kernels.compiling import compiled
from planning.kernels.sorting import sorted_positions


@compiled
def _take(supply: int, need: int, most: int, desk: Any, free: Any, taken: Any) -> Any:
    """Twin of `Matching.take`."""
    quantity = min(most, desk[need].open, free[supply])
    if quantity > 0:
        free[supply] -= quantity
        desk[need].open -= quantity
        at = taken.count[0]
        taken.rows[at].supply, taken.rows[at].need, taken.rows[at].quantity = supply, need, quantity
        taken.count[0] += 1
    return quantity


@compiled
def _consumer_code(consumer: int, rules: Any, orders: Any) -> Any:
    """The code a claim carries for this consumer; -2**62 where no claim can."""
    if consumer < 0:
        return np.int64(consumer)
    if orders[consumer].number >= rules.claim_numbers:
        return np.int64(-(2**62))
    owner = np.int64(orders[consumer].item) * rules.roots + orders[consumer].root
    return np.int64(owner * rules.claim_numbers + orders[consumer].number)


@compiled
def _first_claim(low: int, high: int, code: int, claims: Any) -> Any:
    while low < high:
        middle = (low + high) // 2
        if claims[middle].consumer < code:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def honour(item: int, n: int, columns: Any, orders: Any, desk: Any, free: Any, taken: Any) -> None:
    """Twin of `Matching.honour`."""
    claims = columns.claims
    low, high = columns.items[item].claim_from, columns.items[item + 1].claim_from
    for need in range(n):
        code = _consumer_code(desk[need].consumer, columns.rules, orders)
        claim = _first_claim(low, high, code, claims)
        while claim < high and claims[claim].consumer == code:
            _honour_one(claim, need, claims, columns.targets, desk, free, taken)
            claim += 1
    supplies = columns.supplies
    for at in range(taken.count[1]):
        missing = taken.arrived[at].quantity
        for supply in range(columns.items[item].supply_from, columns.items[item + 1].supply_from):
            if supplies[supply].on_hand:
                missing -= _take(supply, taken.arrived[at].need, missing, desk, free, taken)


@compiled
def _honour_one(claim: int, need: int, claims: Any, targets: Any, desk: Any, free: Any, taken: Any) -> None:
    if claims[claim].owner >= 0:
        at = taken.count[2]
        taken.planned[at].need, taken.planned[at].owner = need, claims[claim].owner
        taken.planned[at].quantity = claims[claim].quantity
        taken.count[2] += 1
        return
    kept = 0
    for target in range(claims[claim].first, claims[claim].last):
        kept += _take(targets[target], need, claims[claim].quantity - kept, desk, free, taken)
    if not claims[claim].stays and kept < claims[claim].quantity and desk[need].open:
        at = taken.count[1]
        taken.arrived[at].need, taken.arrived[at].quantity = need, claims[claim].quantity - kept
        taken.count[1] += 1


@compiled
def by_day(low: int, high: int, supplies: Any) -> Any:
    """Supplies by (day, key); they stand in the order of their keys."""
    return low + sorted_positions(supplies.day[low:high].copy())


@compiled
def reserve(
    traced: int, n: int, order: Any, stamp: int, columns: Any, desk: Any, free: Any, taken: Any, marks: Any
) -> None:
    """Twin of `Matching.reserve`: the reserved supplies of each root as a list, walked by its needs."""
    supplies = columns.supplies
    following = np.full(len(order), -1, np.int64)
    found = False
    for at in range(len(order)):
        supply = order[at]
        root = supplies[supply].reserved
        if root < 0 or free[supply] == 0 or supplies[supply].traced != traced:
            continue
        found = True
        if marks[root].list_item == stamp:
            following[marks[root].tail] = at
        else:
            marks[root].list_item, marks[root].head = stamp, at
        marks[root].tail = at
    if not found:
        return
    for need in range(n):
        if desk[need].open and marks[desk[need].root].list_item == stamp:
            at = marks[desk[need].root].head
            while at >= 0 and desk[need].open:
                _take(order[at], need, desk[need].open, desk, free, taken)
                at = following[at]


@compiled
def _free_order(order: Any, columns: Any, free: Any) -> Any:
    """Free supplies as `Matching.allocate` sorts them: by day (or latest first), stock before receipts, then key."""
    supplies = columns.supplies
    alive = order[free[order] > 0]
    sign = -1 if columns.rules.latest_first else 1
    key = np.empty(len(alive), np.int64)
    for at in range(len(alive)):
        key[at] = sign * supplies[alive[at]].day * 2 + (0 if supplies[alive[at]].on_hand else 1)
    return alive[sorted_positions(key)]


@compiled
def _take_late(
    need: int, until: int, order: Any, ranked: Any, alive: int, days: Any, desk: Any, free: Any, taken: Any
) -> Any:
    """Twin of `Matching._take_late`; returns how many supplies are left."""
    for supply in order:
        if free[supply] and desk[need].day < days[supply] <= until:
            _take(supply, need, desk[need].open, desk, free, taken)
    kept = ranked[:alive][free[ranked[:alive]] > 0]
    ranked[: len(kept)] = kept
    return len(kept)


@compiled
def allocate(item: int, n: int, order: Any, columns: Any, desk: Any, free: Any, taken: Any) -> None:
    """Twin of `Matching.allocate`."""
    days, rules = columns.supplies.day, columns.rules
    ranked = _free_order(order, columns, free)
    alive = len(ranked)
    for need in range(n):
        if alive == 0:
            return
        if not desk[need].open:
            continue
        at = 0
        if rules.latest_first:
            while at < alive and days[ranked[at]] > desk[need].day:
                at += 1
        while desk[need].open and at < alive and days[ranked[at]] <= desk[need].day:
            _take(ranked[at], need, desk[need].open, desk, free, taken)
            if free[ranked[at]]:
                at += 1
            else:
                ranked[at : alive - 1] = ranked[at + 1 : alive].copy()
                alive -= 1
        if desk[need].open and rules.take_late:
            until = max(desk[need].day, columns.items[item].lead)
            alive = _take_late(need, until, order, ranked, alive, days, desk, free, taken)
