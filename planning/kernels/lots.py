"""Planned orders of one item in the making; each function is the twin of the one its docstring names."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.columns import LIMIT
from planning.kernels.compiling import fused
from planning.kernels.scrap import capacity, has_scrap, started, total
from planning.kernels.sorting import borrow, first_at_least, sort_positions
from planning.lot_sizing import MAX_LOTS

FAR = 10**9


@fused
def _group(owner: int, groups: Any, marks: Any) -> Any:
    """Twin of `Ordering._group`."""
    turn = groups.count[4]
    if marks[owner].group_turn == turn:
        return np.int64(marks[owner].group)
    group = groups.count[0]
    groups.count[0] += 1
    groups.rows[group].owner, groups.rows[group].day, groups.rows[group].urgency = owner, FAR, FAR
    groups.rows[group].total = groups.rows[group].sized = 0
    groups.rows[group].first = groups.rows[group].last = -1
    marks[owner].group_turn, marks[owner].group = turn, group
    return np.int64(group)


@fused
def _give(group: int, need: int, most: int, desk: Any, groups: Any) -> None:
    """Twin of `Group.give`."""
    quantity = min(most, desk[need].open)
    if quantity <= 0:
        return
    desk[need].open -= quantity
    groups.rows[group].total += quantity
    if groups.rows[group].total > LIMIT:
        groups.count[3] = 1
    groups.rows[group].day = min(groups.rows[group].day, desk[need].day)
    groups.rows[group].urgency = min(groups.rows[group].urgency, desk[need].urgency)
    last = groups.rows[group].last
    if last >= 0 and groups.shares[last].need == need:
        groups.shares[last].quantity += quantity
        return
    at = groups.count[1]
    groups.count[1] += 1
    groups.shares[at].need, groups.shares[at].quantity, groups.shares[at].next = need, quantity, -1
    if last < 0:
        groups.rows[group].first = at
    else:
        groups.shares[last].next = at
    groups.rows[group].last = at


@fused
def _resize(item: int, group: int, columns: Any, groups: Any) -> None:
    """Twin of `Group.resize`."""
    size = total(item, groups.rows[group].total, groups.rows[group].day, columns)
    groups.rows[group].sized = size
    if size > LIMIT:
        groups.count[3] = 1


@fused
def settle(item: int, columns: Any, groups: Any) -> None:
    """Size every lot for its final day, and flag what passes a limit. Twin of `Ordering.absurd`."""
    scrap, largest = has_scrap(item, columns), columns.items[item].largest
    for group in range(groups.count[0]):
        if scrap:
            _resize(item, group, columns, groups)
        size, day = groups.rows[group].sized, groups.rows[group].day
        lot = min(capacity(item, day, columns), size) if largest else size
        if size > LIMIT or size > MAX_LOTS * lot or (scrap and started(item, lot, day, columns) > LIMIT):
            groups.count[3] = 1


@fused
def _note_surplus(group: int, columns: Any, groups: Any) -> None:
    """Twin of `Ordering._note_surplus`: keeps the lots with something over sorted by (day, owner)."""
    if groups.rows[group].sized <= groups.rows[group].total:
        return
    key = groups.rows[group].day * columns.rules.roots + columns.root_rank[groups.rows[group].owner]
    at = groups.count[2]
    while at > 0 and groups.over[at - 1].key > key:
        groups.over[at].key, groups.over[at].group = groups.over[at - 1].key, groups.over[at - 1].group
        at -= 1
    groups.over[at].key, groups.over[at].group = key, group
    groups.count[2] += 1


@fused
def _forget_over(at: int, groups: Any) -> None:
    for later in range(at, groups.count[2] - 1):
        groups.over[later].key, groups.over[later].group = groups.over[later + 1].key, groups.over[later + 1].group
    groups.count[2] -= 1


@fused
def _take_surplus(need: int, roots: int, desk: Any, groups: Any) -> None:
    """Twin of `Ordering._take_surplus`."""
    bound = (desk[need].day + 1) * roots
    at = groups.count[2] - 1
    while at >= 0 and groups.over[at].key >= bound:
        at -= 1
    while desk[need].open and at >= 0:
        group = groups.over[at].group
        current = groups.rows[group].day == groups.over[at].key // roots
        if current:
            _give(group, need, groups.rows[group].sized - groups.rows[group].total, desk, groups)
        if not current or groups.rows[group].sized == groups.rows[group].total:
            _forget_over(at, groups)
        at -= 1


@fused
def owner_of(need: int, item: int, columns: Any, desk: Any) -> Any:
    """Twin of `PlanningRun._owner_of`."""
    by_date = columns.rules.by_date and not columns.items[item].apart
    root = columns.date_root[desk[need].day] if by_date else desk[need].root
    return np.int64(root)


@fused
def keep(item: int, columns: Any, desk: Any, groups: Any, marks: Any, taken: Any) -> None:
    """Twin of `Ordering.keep`."""
    for at in range(taken.count[2]):
        if columns.items[item].apart and taken.planned[at].owner != owner_of(
            taken.planned[at].need, item, columns, desk
        ):
            continue
        group = _group(taken.planned[at].owner, groups, marks)
        _give(group, taken.planned[at].need, taken.planned[at].quantity, desk, groups)
    for group in range(groups.count[0]):
        _resize(item, group, columns, groups)
        _note_surplus(group, columns, groups)


@fused
def _line_up(item: int, n: int, stamp: int, columns: Any, desk: Any, marks: Any, owners: Any) -> Any:
    """Chain the open needs of each owner; returns how many owners there are, in the order of their first need."""
    count = 0
    for need in range(n):
        desk[need].next = -1
        if not desk[need].open:
            continue
        owner = owner_of(need, item, columns, desk)
        if marks[owner].list_turn == stamp:
            desk[marks[owner].tail].next = need
        else:
            marks[owner].list_turn, marks[owner].head = stamp, need
            owners[count] = owner
            count += 1
        marks[owner].tail = need
    return count


@fused
def order_lots(
    item: int, n: int, stamp: int, columns: Any, desk: Any, groups: Any, marks: Any, owners: Any, room: Any
) -> None:
    """Twin of `Ordering.order`."""
    roots = columns.rules.roots
    days = borrow(room, n if columns.items[item].period else 0)
    for at in range(len(days)):
        days[at] = desk[at].day
    by_day = borrow(room, len(days))
    sort_positions(days, by_day, room)
    for at in range(_line_up(item, n, stamp, columns, desk, marks, owners)):
        owner = owners[at]
        need = marks[owner].head
        while need >= 0:
            if desk[need].open and marks[owner].group_turn == groups.count[4]:
                group = marks[owner].group
                before = groups.rows[group].day
                _give(group, need, groups.rows[group].sized - groups.rows[group].total, desk, groups)
                if groups.rows[group].day != before:
                    _note_surplus(group, columns, groups)
            if desk[need].open and groups.count[2] and not columns.items[item].apart:
                _take_surplus(need, roots, desk, groups)
            if desk[need].open:
                _grow(item, _group(owner, groups, marks), need, days, by_day, columns, desk, groups)
            need = desk[need].next


@fused
def _grow(item: int, group: int, need: int, days: Any, by_day: Any, columns: Any, desk: Any, groups: Any) -> None:
    """Twin of `Ordering._grow`."""
    _give(group, need, desk[need].open, desk, groups)
    if columns.items[item].period:
        apart, owner = columns.items[item].apart, groups.rows[group].owner
        day = groups.rows[group].day
        at = first_at_least(days, day)
        while at < len(days) and days[at] < day + columns.items[item].period:
            if not apart or owner_of(by_day[at], item, columns, desk) == owner:
                _give(group, by_day[at], desk[by_day[at]].open, desk, groups)
            at += 1
    _resize(item, group, columns, groups)
    _note_surplus(group, columns, groups)
