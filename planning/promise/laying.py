"""The compiled side of putting work into free time; each function is the twin of one in `planning.promise.attempt`."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.kernels.compiling import compiled
from planning.kernels.scrap import times
from planning.promise.tables import ENDLESS, HORIZON, MOST_TRIES, SOON


@compiled
def _time(node: Any, step: Any, desk: Any) -> Any:
    """Twin of `Step.time` with its limit."""
    found, nodes = np.int64(0), desk.nodes
    if nodes[node].full:
        each = step.setup + (times(nodes[node].whole, step.numerator, step.denominator) if step.numerator else 0)
        found += nodes[node].full * min(each, ENDLESS)
    if nodes[node].rest:
        each = step.setup + (times(nodes[node].rest, step.numerator, step.denominator) if step.numerator else 0)
        found += min(each, ENDLESS)
    return min(found, np.int64(ENDLESS))


@compiled
def unbook(keep: int, room: Any, desk: Any) -> None:
    """Give back the time of all slots but the first few."""
    for at in range(keep, desk.counts[2]):
        room[desk.slots[at].centre, desk.slots[at].day] += desk.slots[at].time
    desk.counts[2] = keep


@compiled
def _fit(node: int, item: int, first: Any, day: Any, room: Any, book: Any, desk: Any) -> Any:
    """Twin of `Attempt._fit`, which books in any room: (node, or -1 where it fits, centre, time, first, last)."""
    keep = desk.counts[2]
    for at in range(book.items[item + 1].step_from - 1, book.items[item].step_from - 1, -1):
        step = book.steps[at]
        left, last = _time(node, step, desk), day
        while left and day >= first:
            taken = min(room[step.centre, day], left)
            if taken:
                slot = desk.counts[2]
                if slot >= len(desk.slots):
                    desk.counts[4] = 1
                    return (-1, 0, 0, 0, 0)
                desk.counts[2] += 1
                desk.slots[slot].node, desk.slots[slot].centre = node, step.centre
                desk.slots[slot].day, desk.slots[slot].time = day, taken
                room[step.centre, day] -= taken
                left -= taken
            if left:
                day -= 1
        if left:
            unbook(keep, room, desk)
            return (node, np.int64(step.centre), _time(node, step, desk), first, last)
    return (-1, 0, 0, 0, 0)


@compiled
def _is_too_long(node: int, item: int, first: Any, last: Any, book: Any, desk: Any) -> Any:
    """Twin of `Attempt._is_too_long`."""
    keep = desk.counts[2]
    for day in range(last, min(last + SOON, HORIZON) + 1):
        misfit = _fit(node, item, first + day - last, np.int64(day), book.room, book, desk)
        unbook(keep, book.room, desk)
        if misfit[0] < 0:
            return False
    return True


@compiled
def lay(later: Any, book: Any, product: Any, desk: Any) -> None:
    """Twin of `Attempt.lay`."""
    nodes = desk.nodes
    desk.counts[5] = 0
    for node in range(len(product.items)):
        item = product.items[node]
        if not nodes[node].grouped or book.items[item].step_from == book.items[item + 1].step_from:
            continue
        slides = 1
        first = np.int64(nodes[node].start + later)
        last = np.int64(max(max(nodes[node].due, book.items[item].frozen) - 1, nodes[node].start) + later)
        misfit = _fit(node, item, first, last, book.free, book, desk)
        if misfit[0] >= 0 and _is_too_long(node, item, first, last, book, desk):
            first = np.int64(min(nodes[node].startable, nodes[node].start))
            misfit, slides = _fit(node, item, first, last, book.free, book, desk), 0
        if misfit[0] >= 0:
            at = desk.counts[5]
            desk.counts[5] += 1
            desk.misfits[at].node, desk.misfits[at].centre, desk.misfits[at].time = node, misfit[1], misfit[2]
            desk.misfits[at].first, desk.misfits[at].last, desk.misfits[at].slides = misfit[3], misfit[4], slides


@compiled
def room_after(day: Any, book: Any, product: Any, desk: Any) -> Any:
    """Twin of `Attempt.room_after`: the days, and node, centre and last day of the step that holds it up (or -1)."""
    days, node, centre, last = np.int64(0), np.int64(-1), np.int64(0), np.int64(0)
    for _ in range(MOST_TRIES):
        lay(days, book, product, desk)
        if desk.counts[5] or days:
            unbook(0, book.free, desk)
        if desk.counts[5] == 0 or desk.counts[4]:
            break
        which, wait = _longest_wait(book, desk)
        node, centre = np.int64(desk.misfits[which].node), np.int64(desk.misfits[which].centre)
        last = np.int64(desk.misfits[which].last)
        days += wait
        if day + days > HORIZON:
            break
    return days, node, centre, last


@compiled
def _longest_wait(book: Any, desk: Any) -> Any:
    """Twin of `Attempt.longest_wait`: the place of the misfit that waits longest, and how many days."""
    which, most = np.int64(0), np.int64(0)
    for at in range(desk.counts[5]):
        days = _wait(at, book, desk)
        if days > most:
            which, most = np.int64(at), days
    return which, most


@compiled
def _wait(at: int, book: Any, desk: Any) -> Any:
    """Twin of `Attempt.wait`."""
    centre, first, last = desk.misfits[at].centre, desk.misfits[at].first, desk.misfits[at].last
    there = np.int64(0)
    for day in range(first, last + 1):
        there += book.free[centre, day]
    for days in range(1, HORIZON + 2):
        if last + days > HORIZON:
            return np.int64(days)
        there += book.free[centre, last + days]
        if desk.misfits[at].slides:
            there -= book.free[centre, first + days - 1]
        if there >= desk.misfits[at].time:
            return np.int64(days)
    return np.int64(HORIZON + 1)
