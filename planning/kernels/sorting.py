"""Sorting and searching int64 arrays, compiled once for every use: numba's own sorts are compiled for each."""

from __future__ import annotations

from typing import Any

from planning.kernels.compiling import compiled, fused, inlined


@fused
def _merge(key: Any, position: Any, to_key: Any, to_position: Any, low: int, middle: int, high: int) -> None:
    left, right = low, middle
    for at in range(low, high):
        if left < middle and (right >= high or key[left] <= key[right]):
            to_key[at], to_position[at] = key[left], position[left]
            left += 1
        else:
            to_key[at], to_position[at] = key[right], position[right]
            right += 1


@fused
def _find_runs(key: Any, runs: Any, n: int) -> Any:
    count = 0
    for at in range(n):
        if at == 0 or key[at] < key[at - 1]:
            runs[count] = at
            count += 1
    runs[count] = n
    return count


@compiled
def sort(key: Any, position: Any, spare_key: Any, spare_position: Any, runs: Any, n: int) -> None:
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
        for at in range(n):
            key[at], position[at] = spare_key[at], spare_position[at]


@fused
def _ascending(key: Any) -> Any:
    for at in range(1, len(key)):  # noqa: SIM110 - numba knows no generator in all()
        if key[at] < key[at - 1]:
            return False
    return True


@inlined
def borrow(room: Any, n: int) -> Any:
    """`n` ints of the room, until the next item is planned."""
    room.used[0] += n
    return room.ints[room.used[0] - n : room.used[0]]


@compiled
def sort_positions(key: Any, position: Any, room: Any) -> None:
    """Fill in the positions that sort `key`, stable; `key` itself comes out sorted."""
    n = len(key)
    for at in range(n):
        position[at] = at
    if not _ascending(key):
        mark = room.used[0]
        spare_key, spare_position, runs = borrow(room, n), borrow(room, n), borrow(room, n + 2)
        sort(key, position, spare_key, spare_position, runs, n)
        room.used[0] = mark


@fused
def number_sub(number: int) -> Any:
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


@fused
def first_at_least(ascending: Any, wanted: int) -> Any:
    """The first position whose value is at least `wanted`."""
    low, high = 0, len(ascending)
    while low < high:
        middle = (low + high) // 2
        if ascending[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low
