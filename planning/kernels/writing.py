"""Writes the orders and pegs of one item, in the order the plain planner makes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.columns import MERGE_NONE
from planning.kernels.compiling import either_way, fused
from planning.kernels.lots import owner_of
from planning.kernels.scrap import capacity, has_scrap, started
from planning.kernels.sorting import borrow, sort_positions


@either_way
def longer(values: Any, least: int) -> Any:
    if len(values) >= least:
        return values
    longer = np.empty(max(least, 2 * len(values)), values.dtype)
    longer[: len(values)] = values
    return longer


@fused
def peg_existing(n: int, merge: int, peg: int, desk: Any, shelf: Any, taken: Any, pegs: Any, room: Any) -> Any:
    """Twin of `PlanningRun._peg_existing`; returns the number of pegs so far.

    By (supply, need); runs take each supply once, and stand as they took them, which tells how to part them.
    """
    count = taken.count[0]
    if count == 0:
        return peg
    key = borrow(room, count)
    for at in range(count):
        key[at] = at if merge < MERGE_NONE else taken.rows[at].supply * n + taken.rows[at].need
    before, wanted = -1, shelf.wanted
    positions = borrow(room, count)
    sort_positions(key, positions, room)
    for place in range(count):
        at = positions[place]
        supply, need = taken.rows[at].supply, taken.rows[at].need
        if wanted[supply] < 0 or desk[need].day < wanted[supply]:
            wanted[supply] = desk[need].day
        if key[place] == before:
            pegs[peg - 1].quantity += taken.rows[at].quantity
            continue
        before = key[place]
        pegs[peg].supply, pegs[peg].consumer = -1 - supply, desk[need].consumer
        pegs[peg].quantity = taken.rows[at].quantity
        peg += 1
    return peg


@fused
def lot_count(item: int, columns: Any, groups: Any) -> Any:
    count = 0
    for group in range(groups.count[0]):
        most = 0
        if columns.items[item].largest:
            most = capacity(item, groups.rows[group].day, columns)
        count += (groups.rows[group].sized - 1) // most + 1 if most else 1
    return count


@fused
def _rank_groups(ranked: Any, columns: Any, groups: Any, room: Any) -> Any:
    """Fill in the groups with something to order, by (day, owner); returns how many there are."""
    count, n = groups.count[0], 0
    sized, key, positions = borrow(room, count), borrow(room, count), borrow(room, count)
    for group in range(count):
        if groups.rows[group].sized > 0:
            owner = columns.root_rank[groups.rows[group].owner]
            sized[n], key[n] = group, groups.rows[group].day * columns.rules.roots + owner
            n += 1
    sort_positions(key[:n], positions, room)
    for at in range(n):
        ranked[at] = sized[positions[at]]
    return n


@fused
def _share_count(group: int, groups: Any) -> Any:
    count, at = 0, groups.rows[group].first
    while at >= 0:
        count += 1
        at = groups.shares[at].next
    return count


@fused
def _rank_shares(ranked: Any, item: int, n: int, group: int, columns: Any, desk: Any, groups: Any, room: Any) -> None:
    """Fill in the group's shares as `distribute` gives them out: its owner's needs first, each in rank order."""
    count = len(ranked)
    shares, key, positions = borrow(room, count), borrow(room, count), borrow(room, count)
    at = groups.rows[group].first
    for place in range(count):
        need = groups.shares[at].need
        own = owner_of(need, item, columns, desk) == groups.rows[group].owner
        shares[place], key[place] = at, need if own else need + n
        at = groups.shares[at].next
    sort_positions(key, positions, room)
    for place in range(count):
        ranked[place] = shares[positions[place]]


@fused
def _number_after(number: int, item: int, owner: int, columns: Any) -> Any:
    """Twin of `PlanningRun._next_number`."""
    number += 1
    for row in range(columns.items[item].document_from, columns.items[item + 1].document_from):
        if columns.documents[row].root == owner and columns.documents[row].number == number:
            number += 1
    return number


@fused
def _peg_planned(order: int, share: int, quantity: int, peg: int, desk: Any, groups: Any, pegs: Any) -> Any:
    """Peg to an order; two shares of one need stand side by side and become one peg."""
    consumer = desk[groups.shares[share].need].consumer
    if peg and pegs[peg - 1].supply == order and pegs[peg - 1].consumer == consumer:
        pegs[peg - 1].quantity += quantity
        return peg
    pegs[peg].supply, pegs[peg].consumer, pegs[peg].quantity = order, consumer, quantity
    return peg + 1


@fused
def release_of(item: int, due: int, columns: Any) -> Any:
    """The day an order due on this day is released, -1 before the planning day; twin of `_planned_order`."""
    aim, lead = np.int64(max(due, columns.items[item].frozen)), columns.items[item].lead
    calendar = columns.items[item].calendar
    if calendar == 0 or lead == 0:
        return np.int64(max(aim - lead, -1))
    number = columns.work_number[calendar * columns.rules.days + aim] - lead
    return np.int64(columns.work_day[calendar * columns.rules.days + number] if number >= 0 else -1)


@fused
def _write_order(
    order: int, item: int, group: int, number: int, quantity: int, columns: Any, groups: Any, orders: Any, draws: Any
) -> None:
    owner, due = groups.rows[group].owner, groups.rows[group].day
    by_date = columns.rules.by_date and not columns.items[item].apart
    orders[order].item, orders[order].owner, orders[order].number = item, owner, number
    orders[order].root = columns.rules.stock_root if by_date else owner
    release = release_of(item, due, columns)
    orders[order].due, orders[order].overdue, orders[order].quantity = due, release < 0, quantity
    draws[order].start, draws[order].urgency, draws[order].quantity = (
        max(release, 0),
        groups.rows[group].urgency,
        quantity,
    )
    if has_scrap(item, columns):
        draws[order].quantity = started(item, quantity, due, columns)


@fused
def _write_group(
    item: int,
    n: int,
    group: int,
    order: int,
    peg: int,
    columns: Any,
    desk: Any,
    groups: Any,
    orders: Any,
    draws: Any,
    pegs: Any,
    room: Any,
) -> Any:
    """Twin of `PlanningRun._orders_of` and `distribute`; returns the number of orders and pegs so far."""
    most = capacity(item, groups.rows[group].day, columns) if columns.items[item].largest else 0
    mark = room.used[0]
    left, number, at = groups.rows[group].sized, 0, 0
    shares = borrow(room, _share_count(group, groups))
    _rank_shares(shares, item, n, group, columns, desk, groups, room)
    while left > 0:
        quantity = min(left, most) if most else left
        number = _number_after(number, item, groups.rows[group].owner, columns)
        _write_order(order, item, group, number, quantity, columns, groups, orders, draws)
        space = quantity
        while at < len(shares) and space > 0:
            given = min(groups.shares[shares[at]].quantity, space)
            peg = _peg_planned(order, shares[at], given, peg, desk, groups, pegs)
            groups.shares[shares[at]].quantity -= given
            space -= given
            if groups.shares[shares[at]].quantity == 0:
                at += 1
        orders[order].surplus = space
        left -= quantity
        order += 1
    room.used[0] = mark
    return order, peg


@fused
def _write_single(
    item: int,
    group: int,
    order: int,
    peg: int,
    columns: Any,
    desk: Any,
    groups: Any,
    orders: Any,
    draws: Any,
    pegs: Any,
) -> None:
    """`_write_group` for the plain case: one share, one order."""
    share = groups.rows[group].first
    number = _number_after(0, item, groups.rows[group].owner, columns)
    _write_order(order, item, group, number, groups.rows[group].sized, columns, groups, orders, draws)
    orders[order].surplus = groups.rows[group].sized - groups.rows[group].total
    pegs[peg].supply, pegs[peg].consumer = order, desk[groups.shares[share].need].consumer
    pegs[peg].quantity = groups.rows[group].total


@fused
def write_groups(
    item: int,
    n: int,
    order: int,
    peg: int,
    columns: Any,
    desk: Any,
    groups: Any,
    orders: Any,
    draws: Any,
    pegs: Any,
    room: Any,
) -> Any:
    largest = columns.items[item].largest
    ranked = borrow(room, groups.count[0])
    for place in range(_rank_groups(ranked, columns, groups, room)):
        group = ranked[place]
        alone = groups.rows[group].first == groups.rows[group].last
        if alone and (largest == 0 or groups.rows[group].sized <= capacity(item, groups.rows[group].day, columns)):
            _write_single(item, group, order, peg, columns, desk, groups, orders, draws, pegs)
            order += 1
            peg += 1
        else:
            order, peg = _write_group(item, n, group, order, peg, columns, desk, groups, orders, draws, pegs, room)
    return order, peg


@fused
def write_shorts(item: int, n: int, short: int, desk: Any, shorts: Any) -> Any:
    for need in range(n):
        if desk[need].open:
            shorts[short].item, shorts[short].consumer = item, desk[need].consumer
            shorts[short].day, shorts[short].quantity = desk[need].day, desk[need].open
            short += 1
    return short
