"""The compiled planner: nets, sizes, offsets and pegs item by item over int arrays, exactly as `planning.mrp` says.

Children pull: an item's needs are its independent ones and what the orders of its parents, which are planned by
then, draw of it. Each function below is the twin of the one named in its docstring, on positions instead of objects.
Compiled at first use and kept in `__pycache__` (or numba's own folder, where that cannot be written).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from planning.columns import LIMIT, Columns, Orders, Pegs, Result, Shorts
from planning.lot_sizing import MAX_LOTS

FAR = 10**9
GROWTH = 2
compiled: Any = njit(nogil=True)


class Desk(NamedTuple):
    """The needs of one item in rank order, and room to sort them."""

    key: Any
    position: Any
    spare_key: Any
    spare_position: Any
    runs: Any
    raw_consumer: Any
    raw_quantity: Any
    urgency: Any
    day: Any
    root: Any
    consumer: Any
    open: Any
    next: Any
    by_day: Any


class Taken(NamedTuple):
    """What existing supply gives, and what is left of prior pegs; `count` is (taken, arrived, planned)."""

    supply: Any
    need: Any
    quantity: Any
    arrived_need: Any
    arrived_quantity: Any
    planned_need: Any
    planned_owner: Any
    planned_quantity: Any
    count: Any


class Groups(NamedTuple):
    """The planned orders of one item in the making: groups, their shares as linked lists, lots with something over."""

    owner: Any
    day: Any
    total: Any
    sized: Any
    urgency: Any
    first: Any
    last: Any
    share_need: Any
    share_quantity: Any
    share_next: Any
    over_key: Any
    over_group: Any
    count: Any  # groups, shares, lots over, 1 where a quantity passed LIMIT


class Marks(NamedTuple):
    """By root: the item that last used the entry, and what it stored there."""

    group_item: Any
    group: Any
    list_item: Any
    head: Any
    tail: Any


# -- sorting ---------------------------------------------------------------------------------------------------


@compiled
def _merge(key: Any, position: Any, to_key: Any, to_position: Any, low: int, middle: int, high: int) -> None:
    left, right = low, middle
    for at in range(low, high):
        if left < middle and (right >= high or key[left] <= key[right]):
            to_key[at], to_position[at] = key[left], position[left]
            left += 1
        else:
            to_key[at], to_position[at] = key[right], position[right]
            right += 1


@compiled
def _find_runs(key: Any, runs: Any, n: int) -> int:
    count = 0
    for at in range(n):
        if at == 0 or key[at] < key[at - 1]:
            runs[count] = at
            count += 1
    runs[count] = n
    return count


@compiled
def _sort(key: Any, position: Any, spare_key: Any, spare_position: Any, runs: Any, n: int) -> None:
    """Sort both arrays by key, stable: merges the ascending runs that stand, and orders mostly come in runs."""
    count = _find_runs(key, runs, n)
    source, source_position, target, target_position = key, position, spare_key, spare_position
    swapped = False
    while count > 1:
        for at in range(0, count, 2):
            low, high = runs[at], runs[min(at + 2, count)]
            middle = runs[min(at + 1, count)]
            _merge(source, source_position, target, target_position, low, middle, high)
            runs[at // 2] = low
        count = (count + 1) // 2
        runs[count] = n
        source, target = target, source
        source_position, target_position = target_position, source_position
        swapped = not swapped
    if swapped:
        key[:n] = spare_key[:n]
        position[:n] = spare_position[:n]


@compiled
def _number_sub(number: int) -> int:
    """Order numbers as text sorts them ("10" before "2"): digits from the left, in base 11."""
    power = 1
    while power * 10 <= number:
        power *= 10
    code, weight = 0, 19487171
    while power:
        code += (number // power % 10 + 1) * weight
        weight //= 11
        power //= 10
    return code


# -- the needs of one item -------------------------------------------------------------------------------------


@compiled
def _count_needs(item: int, columns: Any, order_start: Any) -> int:
    lines = columns.lines
    count = columns.needs.start[item + 1] - columns.needs.start[item]
    for line in range(lines.start[item], lines.start[item + 1]):
        parent = lines.parent[line]
        count += order_start[parent + 1] - order_start[parent]
    return count


@compiled
def _pull(item: int, columns: Any, orders: Any, order_start: Any, desk: Any) -> bool:
    """Fill the raw needs with their packed rank; False where a quantity passes LIMIT. Twin of `_gather_needs`."""
    rules, needs, lines, fixed = columns.rules, columns.needs, columns.lines, columns.fixed
    days, roots, places, stock = rules.days, rules.roots + 1, rules.places, rules.stock_root
    n = 0
    for row in range(needs.start[item], needs.start[item + 1]):
        who = needs.fixed[row]
        root = 0 if fixed.root[who] == stock else fixed.root[who] + 1
        desk.key[n] = ((needs.urgency[row] * days + needs.day[row]) * roots + root) * places + fixed.place[who]
        desk.raw_consumer[n] = -1 - who
        desk.raw_quantity[n] = needs.quantity[row]
        n += 1
    for line in range(lines.start[item], lines.start[item + 1]):
        parent = lines.parent[line]
        lead, place = columns.items.lead[parent], columns.items.place[parent]
        numerator, denominator = lines.numerator[line], lines.denominator[line]
        most = LIMIT // numerator
        for order in range(order_start[parent], order_start[parent + 1]):
            quantity = orders.quantity[order]
            if quantity > most:
                return False
            root = 0 if orders.root[order] == stock else orders.root[order] + 1
            day = max(orders.due[order] - lead, 0)
            desk.key[n] = ((orders.urgency[order] * days + day) * roots + root) * places + place
            desk.raw_consumer[n] = order
            drawn = quantity * numerator
            desk.raw_quantity[n] = drawn if denominator == 1 else (drawn - 1) // denominator + 1
            n += 1
    return True


@compiled
def _sub(consumer: int, orders: Any, fixed: Any) -> int:
    sub = _number_sub(orders.number[consumer]) if consumer >= 0 else fixed.sub[-1 - consumer]
    return np.int64(sub)


@compiled
def _sort_ties(desk: Any, n: int, orders: Any, fixed: Any) -> None:
    """Order the consumers that the packed rank cannot tell apart: parts of one split lot, mostly."""
    start = 0
    while start < n:
        end = start + 1
        while end < n and desk.key[end] == desk.key[start]:
            end += 1
        if end > start + 1:
            sub = np.empty(end - start, np.int64)
            for at in range(start, end):
                sub[at - start] = _sub(desk.raw_consumer[desk.position[at]], orders, fixed)
            desk.position[start:end] = desk.position[start:end][np.argsort(sub, kind="mergesort")]
        start = end


@compiled
def _rank(desk: Any, n: int, columns: Any, orders: Any) -> None:
    """Put the needs in rank order and unpack them."""
    rules = columns.rules
    for at in range(n):
        desk.position[at] = at
    _sort(desk.key, desk.position, desk.spare_key, desk.spare_position, desk.runs, n)
    _sort_ties(desk, n, orders, columns.fixed)
    for at in range(n):
        rest = desk.key[at] // rules.places
        root = rest % (rules.roots + 1)
        rest //= rules.roots + 1
        desk.root[at] = rules.stock_root if root == 0 else root - 1
        desk.day[at] = rest % rules.days
        desk.urgency[at] = rest // rules.days
        desk.consumer[at] = desk.raw_consumer[desk.position[at]]
        desk.open[at] = desk.raw_quantity[desk.position[at]]


# -- existing supply -------------------------------------------------------------------------------------------


@compiled
def _take(supply: int, need: int, most: int, desk: Any, free: Any, taken: Any) -> int:
    """Twin of `Matching.take`."""
    quantity = min(most, desk.open[need], free[supply])
    if quantity > 0:
        free[supply] -= quantity
        desk.open[need] -= quantity
        at = taken.count[0]
        taken.supply[at], taken.need[at], taken.quantity[at] = supply, need, quantity
        taken.count[0] += 1
    return quantity


@compiled
def _consumer_code(consumer: int, rules: Any, orders: Any) -> int:
    """The code a claim carries for this consumer; -2**62 where no claim can."""
    if consumer < 0:
        return np.int64(consumer)
    if orders.number[consumer] >= rules.claim_numbers:
        return np.int64(-(2**62))
    owner = np.int64(orders.item[consumer]) * rules.roots + orders.root[consumer]
    return np.int64(owner * rules.claim_numbers + orders.number[consumer])


@compiled
def _honour(item: int, n: int, columns: Any, orders: Any, desk: Any, free: Any, taken: Any) -> None:
    """Twin of `Matching.honour`."""
    claims = columns.claims
    low, high = claims.start[item], claims.start[item + 1]
    for need in range(n):
        code = _consumer_code(desk.consumer[need], columns.rules, orders)
        claim = low + np.searchsorted(claims.consumer[low:high], code)
        while claim < high and claims.consumer[claim] == code:
            _honour_one(claim, need, claims, desk, free, taken)
            claim += 1
    supplies = columns.supplies
    for at in range(taken.count[1]):
        missing = taken.arrived_quantity[at]
        for supply in range(supplies.start[item], supplies.start[item + 1]):
            if supplies.on_hand[supply]:
                missing -= _take(supply, taken.arrived_need[at], missing, desk, free, taken)


@compiled
def _honour_one(claim: int, need: int, claims: Any, desk: Any, free: Any, taken: Any) -> None:
    if claims.owner[claim] >= 0:
        at = taken.count[2]
        taken.planned_need[at], taken.planned_owner[at] = need, claims.owner[claim]
        taken.planned_quantity[at] = claims.quantity[claim]
        taken.count[2] += 1
        return
    kept = 0
    for target in range(claims.first[claim], claims.last[claim]):
        kept += _take(claims.targets[target], need, claims.quantity[claim] - kept, desk, free, taken)
    if not claims.stays[claim] and kept < claims.quantity[claim] and desk.open[need]:
        at = taken.count[1]
        taken.arrived_need[at], taken.arrived_quantity[at] = need, claims.quantity[claim] - kept
        taken.count[1] += 1


@compiled
def _by_day(low: int, high: int, supplies: Any) -> Any:
    """Supplies by (day, key); they stand in the order of their keys."""
    return low + np.argsort(supplies.day[low:high], kind="mergesort")


@compiled
def _reserve(
    traced: int, n: int, order: Any, stamp: int, columns: Any, desk: Any, free: Any, taken: Any, marks: Any
) -> None:
    """Twin of `Matching.reserve`: the reserved supplies of each root as a list, walked by its needs."""
    supplies = columns.supplies
    following = np.full(len(order), -1, np.int64)
    found = False
    for at in range(len(order)):
        supply = order[at]
        root = supplies.reserved[supply]
        if root < 0 or free[supply] == 0 or supplies.traced[supply] != traced:
            continue
        found = True
        if marks.list_item[root] == stamp:
            following[marks.tail[root]] = at
        else:
            marks.list_item[root], marks.head[root] = stamp, at
        marks.tail[root] = at
    if not found:
        return
    for need in range(n):
        if desk.open[need] and marks.list_item[desk.root[need]] == stamp:
            at = marks.head[desk.root[need]]
            while at >= 0 and desk.open[need]:
                _take(order[at], need, desk.open[need], desk, free, taken)
                at = following[at]


@compiled
def _free_order(order: Any, columns: Any, free: Any) -> Any:
    """Free supplies as `Matching.allocate` sorts them: by day (or latest first), stock before receipts, then key."""
    supplies = columns.supplies
    alive = order[free[order] > 0]
    sign = -1 if columns.rules.latest_first else 1
    key = np.empty(len(alive), np.int64)
    for at in range(len(alive)):
        key[at] = sign * supplies.day[alive[at]] * 2 + (0 if supplies.on_hand[alive[at]] else 1)
    return alive[np.argsort(key, kind="mergesort")]


@compiled
def _allocate(item: int, n: int, order: Any, columns: Any, desk: Any, free: Any, taken: Any) -> None:
    """Twin of `Matching.allocate`."""
    days, rules = columns.supplies.day, columns.rules
    ranked = _free_order(order, columns, free)
    alive = len(ranked)
    for need in range(n):
        if alive == 0:
            return
        if not desk.open[need]:
            continue
        at = 0
        if rules.latest_first:
            while at < alive and days[ranked[at]] > desk.day[need]:
                at += 1
        while desk.open[need] and at < alive and days[ranked[at]] <= desk.day[need]:
            _take(ranked[at], need, desk.open[need], desk, free, taken)
            if free[ranked[at]]:
                at += 1
            else:
                ranked[at : alive - 1] = ranked[at + 1 : alive].copy()
                alive -= 1
        if desk.open[need] and rules.take_late:
            until = max(desk.day[need], columns.items.lead[item])
            for supply in order:
                if free[supply] and desk.day[need] < days[supply] <= until:
                    _take(supply, need, desk.open[need], desk, free, taken)
            kept = ranked[:alive][free[ranked[:alive]] > 0]
            alive = len(kept)
            ranked[:alive] = kept


# -- planned orders --------------------------------------------------------------------------------------------


@compiled
def _group(owner: int, stamp: int, groups: Any, marks: Any) -> int:
    """Twin of `Ordering._group`."""
    if marks.group_item[owner] == stamp:
        return np.int64(marks.group[owner])
    group = groups.count[0]
    groups.count[0] += 1
    groups.owner[group], groups.day[group], groups.urgency[group] = owner, FAR, FAR
    groups.total[group] = groups.sized[group] = 0
    groups.first[group] = groups.last[group] = -1
    marks.group_item[owner], marks.group[owner] = stamp, group
    return np.int64(group)


@compiled
def _give(group: int, need: int, most: int, desk: Any, groups: Any) -> None:
    """Twin of `Group.give`."""
    quantity = min(most, desk.open[need])
    if quantity <= 0:
        return
    desk.open[need] -= quantity
    groups.total[group] += quantity
    if groups.total[group] > LIMIT:
        groups.count[3] = 1
    groups.day[group] = min(groups.day[group], desk.day[need])
    groups.urgency[group] = min(groups.urgency[group], desk.urgency[need])
    last = groups.last[group]
    if last >= 0 and groups.share_need[last] == need:
        groups.share_quantity[last] += quantity
        return
    at = groups.count[1]
    groups.count[1] += 1
    groups.share_need[at], groups.share_quantity[at], groups.share_next[at] = need, quantity, -1
    if last < 0:
        groups.first[group] = at
    else:
        groups.share_next[last] = at
    groups.last[group] = at


@compiled
def _resize(item: int, group: int, items: Any, groups: Any) -> None:
    """Twin of `lot_size`."""
    net = groups.total[group]
    if net <= 0:
        groups.sized[group] = 0
        return
    unit, smallest, largest = items.unit[item], items.smallest[item], items.largest[item]
    full = (net - 1) // largest if largest else 0
    rest = net - full * largest
    size = full * largest + max(smallest, (rest - 1) // unit * unit + unit)
    groups.sized[group] = size
    if size > LIMIT or (largest and size > MAX_LOTS * largest):
        groups.count[3] = 1


@compiled
def _note_surplus(group: int, roots: int, groups: Any) -> None:
    """Twin of `Ordering._note_surplus`: keeps the lots with something over sorted by (day, owner)."""
    if groups.sized[group] <= groups.total[group]:
        return
    key = groups.day[group] * roots + groups.owner[group]
    at = groups.count[2]
    while at > 0 and groups.over_key[at - 1] > key:
        groups.over_key[at], groups.over_group[at] = groups.over_key[at - 1], groups.over_group[at - 1]
        at -= 1
    groups.over_key[at], groups.over_group[at] = key, group
    groups.count[2] += 1


@compiled
def _forget_over(at: int, groups: Any) -> None:
    for later in range(at, groups.count[2] - 1):
        groups.over_key[later], groups.over_group[later] = groups.over_key[later + 1], groups.over_group[later + 1]
    groups.count[2] -= 1


@compiled
def _take_surplus(need: int, roots: int, desk: Any, groups: Any) -> None:
    """Twin of `Ordering._take_surplus`."""
    bound = (desk.day[need] + 1) * roots
    at = np.searchsorted(groups.over_key[: groups.count[2]], bound) - 1
    while desk.open[need] and at >= 0:
        group = groups.over_group[at]
        current = groups.day[group] == groups.over_key[at] // roots
        if current:
            _give(group, need, groups.sized[group] - groups.total[group], desk, groups)
        if not current or groups.sized[group] == groups.total[group]:
            _forget_over(at, groups)
        at -= 1


@compiled
def _keep(item: int, stamp: int, columns: Any, desk: Any, groups: Any, marks: Any, taken: Any) -> None:
    """Twin of `Ordering.keep`."""
    for at in range(taken.count[2]):
        group = _group(taken.planned_owner[at], stamp, groups, marks)
        _give(group, taken.planned_need[at], taken.planned_quantity[at], desk, groups)
    for group in range(groups.count[0]):
        _resize(item, group, columns.items, groups)
        _note_surplus(group, columns.rules.roots, groups)


@compiled
def _owner(need: int, columns: Any, desk: Any) -> int:
    """Twin of `_Run._owner_of`."""
    root = columns.date_root[desk.day[need]] if columns.rules.by_date else desk.root[need]
    return np.int64(root)


@compiled
def _line_up(n: int, stamp: int, columns: Any, desk: Any, marks: Any, owners: Any) -> int:
    """Chain the open needs of each owner; returns how many owners there are, in the order of their first need."""
    count = 0
    for need in range(n):
        desk.next[need] = -1
        if not desk.open[need]:
            continue
        owner = _owner(need, columns, desk)
        if marks.list_item[owner] == stamp:
            desk.next[marks.tail[owner]] = need
        else:
            marks.list_item[owner], marks.head[owner] = stamp, need
            owners[count] = owner
            count += 1
        marks.tail[owner] = need
    return count


@compiled
def _order(item: int, n: int, stamp: int, columns: Any, desk: Any, groups: Any, marks: Any, owners: Any) -> None:
    """Twin of `Ordering.order`."""
    roots = columns.rules.roots
    by_day = desk.by_day[:0]
    if columns.items.period[item]:
        by_day = np.argsort(desk.day[:n], kind="mergesort")
    for at in range(_line_up(n, stamp, columns, desk, marks, owners)):
        owner = owners[at]
        need = marks.head[owner]
        while need >= 0:
            if desk.open[need] and marks.group_item[owner] == stamp:
                group = marks.group[owner]
                before = groups.day[group]
                _give(group, need, groups.sized[group] - groups.total[group], desk, groups)
                if groups.day[group] != before:
                    _note_surplus(group, roots, groups)
            if desk.open[need] and groups.count[2]:
                _take_surplus(need, roots, desk, groups)
            if desk.open[need]:
                _grow(item, _group(owner, stamp, groups, marks), need, by_day, columns, desk, groups)
            need = desk.next[need]


@compiled
def _grow(item: int, group: int, need: int, by_day: Any, columns: Any, desk: Any, groups: Any) -> None:
    """Twin of `Ordering._grow`."""
    _give(group, need, desk.open[need], desk, groups)
    if columns.items.period[item]:
        day = groups.day[group]
        at = np.searchsorted(desk.day[by_day], day)
        while at < len(by_day) and desk.day[by_day[at]] < day + columns.items.period[item]:
            _give(group, by_day[at], desk.open[by_day[at]], desk, groups)
            at += 1
    _resize(item, group, columns.items, groups)
    _note_surplus(group, columns.rules.roots, groups)


# -- output ----------------------------------------------------------------------------------------------------


@compiled
def _longer(values: Any, least: int) -> Any:
    if len(values) >= least:
        return values
    longer = np.empty(max(least, GROWTH * len(values)), values.dtype)
    longer[: len(values)] = values
    return longer


@compiled
def _more_orders(orders: Any, least: int) -> Any:
    return Orders(
        _longer(orders.item, least),
        _longer(orders.root, least),
        _longer(orders.number, least),
        _longer(orders.due, least),
        _longer(orders.urgency, least),
        _longer(orders.quantity, least),
        _longer(orders.surplus, least),
    )


@compiled
def _more_pegs(pegs: Any, least: int) -> Any:
    return Pegs(_longer(pegs.supply, least), _longer(pegs.consumer, least), _longer(pegs.quantity, least))


@compiled
def _more_shorts(shorts: Any, least: int) -> Any:
    return Shorts(
        _longer(shorts.item, least),
        _longer(shorts.consumer, least),
        _longer(shorts.day, least),
        _longer(shorts.quantity, least),
    )


@compiled
def _peg_existing(n: int, peg: int, desk: Any, taken: Any, pegs: Any, wanted: Any) -> int:
    """Twin of `_Run._peg_existing`, by (supply, need); returns the number of pegs so far."""
    count = taken.count[0]
    if count == 0:
        return peg
    key = taken.supply[:count] * n + taken.need[:count]
    before = -1
    for at in np.argsort(key, kind="mergesort"):
        supply, need = taken.supply[at], taken.need[at]
        if wanted[supply] < 0 or desk.day[need] < wanted[supply]:
            wanted[supply] = desk.day[need]
        if key[at] == before:
            pegs.quantity[peg - 1] += taken.quantity[at]
            continue
        before = key[at]
        pegs.supply[peg], pegs.consumer[peg] = -1 - supply, desk.consumer[need]
        pegs.quantity[peg] = taken.quantity[at]
        peg += 1
    return peg


@compiled
def _lot_count(item: int, items: Any, groups: Any) -> int:
    count = 0
    for group in range(groups.count[0]):
        largest = items.largest[item]
        count += (groups.sized[group] - 1) // largest + 1 if largest else 1
    return count


@compiled
def _ranked_groups(roots: int, groups: Any) -> Any:
    """The groups with something to order, by (day, owner)."""
    count = groups.count[0]
    sized = np.flatnonzero(groups.sized[:count] > 0)
    key = np.empty(len(sized), np.int64)
    ascending = True
    for at in range(len(sized)):
        key[at] = groups.day[sized[at]] * roots + groups.owner[sized[at]]
        if at and key[at] < key[at - 1]:
            ascending = False
    return sized if ascending else sized[np.argsort(key, kind="mergesort")]


@compiled
def _ranked_shares(n: int, group: int, columns: Any, desk: Any, groups: Any) -> Any:
    """The group's shares as `distribute` gives them out: its owner's needs first, each in rank order."""
    count, at = 0, groups.first[group]
    while at >= 0:
        count += 1
        at = groups.share_next[at]
    shares, key = np.empty(count, np.int64), np.empty(count, np.int64)
    at = groups.first[group]
    for place in range(count):
        need = groups.share_need[at]
        own = _owner(need, columns, desk) == groups.owner[group]
        shares[place], key[place] = at, need if own else need + n
        at = groups.share_next[at]
    return shares[np.argsort(key, kind="mergesort")]


@compiled
def _number_after(number: int, item: int, owner: int, documents: Any) -> int:
    """Twin of `_Run._next_number`."""
    number += 1
    for row in range(documents.start[item], documents.start[item + 1]):
        if documents.root[row] == owner and documents.number[row] == number:
            number += 1
    return number


@compiled
def _peg_planned(order: int, share: int, quantity: int, peg: int, desk: Any, groups: Any, pegs: Any) -> int:
    """Peg to an order; two shares of one need stand side by side and become one peg."""
    consumer = desk.consumer[groups.share_need[share]]
    if peg and pegs.supply[peg - 1] == order and pegs.consumer[peg - 1] == consumer:
        pegs.quantity[peg - 1] += quantity
        return peg
    pegs.supply[peg], pegs.consumer[peg], pegs.quantity[peg] = order, consumer, quantity
    return peg + 1


@compiled
def _write_order(order: int, item: int, group: int, number: int, quantity: int, groups: Any, orders: Any) -> None:
    orders.item[order], orders.root[order], orders.number[order] = item, groups.owner[group], number
    orders.due[order], orders.urgency[order] = groups.day[group], groups.urgency[group]
    orders.quantity[order] = quantity


@compiled
def _write_group(
    item: int, n: int, group: int, order: int, peg: int, columns: Any, desk: Any, groups: Any, orders: Any, pegs: Any
) -> Any:
    """Twin of `_Run._orders_of` and `distribute`; returns the number of orders and pegs so far."""
    largest = columns.items.largest[item]
    left, number, at = groups.sized[group], 0, 0
    shares = _ranked_shares(n, group, columns, desk, groups)
    while left > 0:
        quantity = min(left, largest) if largest else left
        number = _number_after(number, item, groups.owner[group], columns.documents)
        _write_order(order, item, group, number, quantity, groups, orders)
        room = quantity
        while at < len(shares) and room > 0:
            given = min(groups.share_quantity[shares[at]], room)
            peg = _peg_planned(order, shares[at], given, peg, desk, groups, pegs)
            groups.share_quantity[shares[at]] -= given
            room -= given
            if groups.share_quantity[shares[at]] == 0:
                at += 1
        orders.surplus[order] = room
        left -= quantity
        order += 1
    return order, peg


@compiled
def _write_single(
    item: int, group: int, order: int, peg: int, columns: Any, desk: Any, groups: Any, orders: Any, pegs: Any
) -> None:
    """`_write_group` for the plain case: one share, one order."""
    share = groups.first[group]
    number = _number_after(0, item, groups.owner[group], columns.documents)
    _write_order(order, item, group, number, groups.sized[group], groups, orders)
    orders.surplus[order] = groups.sized[group] - groups.total[group]
    pegs.supply[peg], pegs.consumer[peg] = order, desk.consumer[groups.share_need[share]]
    pegs.quantity[peg] = groups.total[group]


@compiled
def _write_groups(
    item: int, n: int, order: int, peg: int, columns: Any, desk: Any, groups: Any, orders: Any, pegs: Any
) -> Any:
    largest = columns.items.largest[item]
    for group in _ranked_groups(columns.rules.roots, groups):
        alone = groups.first[group] == groups.last[group]
        if alone and (largest == 0 or groups.sized[group] <= largest):
            _write_single(item, group, order, peg, columns, desk, groups, orders, pegs)
            order += 1
            peg += 1
        else:
            order, peg = _write_group(item, n, group, order, peg, columns, desk, groups, orders, pegs)
    return order, peg


@compiled
def _write_shorts(item: int, n: int, short: int, desk: Any, shorts: Any) -> int:
    for need in range(n):
        if desk.open[need]:
            shorts.item[short], shorts.consumer[short] = item, desk.consumer[need]
            shorts.day[short], shorts.quantity[short] = desk.day[need], desk.open[need]
            short += 1
    return short


# -- the run ---------------------------------------------------------------------------------------------------


@compiled
def _ints(n: int) -> Any:
    return np.empty(n, np.int64)


@compiled
def _new_desk(n: int) -> Any:
    return Desk(
        _ints(n), _ints(n), _ints(n), _ints(n), _ints(n + 2), _ints(n), _ints(n),
        _ints(n), _ints(n), _ints(n), _ints(n), _ints(n), _ints(n), _ints(n),
    )  # fmt: skip


@compiled
def _new_taken(n: int, claims: int) -> Any:
    return Taken(
        _ints(n), _ints(n), _ints(n), _ints(claims), _ints(claims), _ints(claims), _ints(claims), _ints(claims),
        np.zeros(3, np.int64),
    )  # fmt: skip


@compiled
def _new_groups(n: int, claims: int) -> Any:
    groups, shares = n + claims, 3 * n + 2 * claims + 8
    return Groups(
        _ints(groups), _ints(groups), _ints(groups), _ints(groups), _ints(groups), _ints(groups), _ints(groups),
        _ints(shares), _ints(shares), _ints(shares), _ints(shares), _ints(shares), np.zeros(4, np.int64),
    )  # fmt: skip


@compiled
def _new_marks(roots: int) -> Any:
    return Marks(np.full(roots, -1, np.int64), _ints(roots), np.full(roots, -1, np.int64), _ints(roots), _ints(roots))


@compiled
def _new_orders(n: int) -> Any:
    return Orders(
        np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32),
        np.empty(n, np.int32), _ints(n), _ints(n),
    )  # fmt: skip


@compiled
def _cut_orders(orders: Any, n: int) -> Any:
    return Orders(
        orders.item[:n], orders.root[:n], orders.number[:n], orders.due[:n], orders.urgency[:n],
        orders.quantity[:n], orders.surplus[:n],
    )  # fmt: skip


@compiled
def _match(
    item: int, n: int, columns: Any, orders: Any, desk: Any, free: Any, taken: Any, groups: Any, marks: Any
) -> None:
    """The first half of `_Run.plan_item`: what existing supply and earlier planned orders give."""
    supplies, claims = columns.supplies, columns.claims
    taken.count[:] = 0
    groups.count[:] = 0
    if claims.start[item] < claims.start[item + 1]:
        _honour(item, n, columns, orders, desk, free, taken)
    low, high = supplies.start[item], supplies.start[item + 1]
    order = _by_day(low, high, supplies)
    if low < high:
        _reserve(0, n, order, 3 * item, columns, desk, free, taken, marks)
    if not columns.items.blocked[item]:
        _keep(item, item, columns, desk, groups, marks, taken)
    if low < high:
        _reserve(1, n, order, 3 * item + 1, columns, desk, free, taken, marks)
        _allocate(item, n, order, columns, desk, free, taken)


@compiled
def solve(columns: Columns) -> Result:
    """Plan every item; twin of `planning.mrp.plan_plainly`, on columns."""
    count = len(columns.items.lead)
    rules, supplies, claims = columns.rules, columns.supplies, columns.claims
    room = max(len(columns.needs.day) * 2, 1024)
    orders = _new_orders(room)
    pegs = Pegs(np.empty(room, np.int32), np.empty(room, np.int32), _ints(room))
    shorts = Shorts(_ints(0), _ints(0), _ints(0), _ints(0))
    order_start, peg_start = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    free, wanted = supplies.quantity.copy(), np.full(len(supplies.day), -1, np.int64)
    marks, owners = _new_marks(rules.roots), _ints(rules.roots)
    most_claims = 0
    most_supplies = 0
    for item in range(count):
        most_claims = max(most_claims, claims.start[item + 1] - claims.start[item])
        most_supplies = max(most_supplies, supplies.start[item + 1] - supplies.start[item])
    size = 256
    desk, groups = _new_desk(size), _new_groups(size, most_claims)
    taken = _new_taken(size + most_supplies + 2 * most_claims, most_claims)
    order = peg = short = 0
    ok = True
    for item in range(count):
        order_start[item + 1], peg_start[item + 1] = order, peg
        n = _count_needs(item, columns, order_start)
        if n > size:
            size = 2 * n
            desk, groups = _new_desk(size), _new_groups(size, most_claims)
            taken = _new_taken(size + most_supplies + 2 * most_claims, most_claims)
        if n == 0:
            continue
        ok = ok and _pull(item, columns, orders, order_start, desk)
        if not ok:
            break
        _rank(desk, n, columns, orders)
        _match(item, n, columns, orders, desk, free, taken, groups, marks)
        if columns.items.blocked[item]:
            shorts = _more_shorts(shorts, short + n)
            short = _write_shorts(item, n, short, desk, shorts)
        else:
            _order(item, n, 3 * item + 2, columns, desk, groups, marks, owners)
        ok = groups.count[3] == 0
        if not ok:
            break
        lots = _lot_count(item, columns.items, groups)
        orders = _more_orders(orders, order + lots)
        pegs = _more_pegs(pegs, peg + taken.count[0] + groups.count[1] + lots)
        peg = _peg_existing(n, peg, desk, taken, pegs, wanted)
        order, peg = _write_groups(item, n, order, peg, columns, desk, groups, orders, pegs)
        order_start[item + 1], peg_start[item + 1] = order, peg
    return Result(
        ok,
        _cut_orders(orders, order),
        order_start,
        Pegs(pegs.supply[:peg], pegs.consumer[:peg], pegs.quantity[:peg]),
        peg_start,
        Shorts(shorts.item[:short], shorts.consumer[:short], shorts.day[:short], shorts.quantity[:short]),
        free,
        wanted,
    )
