"""What must be started so that enough comes out good; each function is the twin of one in `planning.lot_sizing`."""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.columns import LIMIT
from planning.kernels.compiling import compiled, fused
from planning.lot_sizing import MILLION

TOO_MUCH = 2 * LIMIT


@compiled
def times(quantity: int, numerator: int, denominator: int) -> Any:
    """`quantity * numerator / denominator` rounded up; TOO_MUCH where that exceeds the limit."""
    if denominator == 1 and quantity <= LIMIT // numerator:
        return np.int64(quantity * numerator)
    whole = quantity // denominator
    if whole >= LIMIT // numerator:
        return np.int64(TOO_MUCH)
    return np.int64(whole * numerator - (-(quantity - whole * denominator) * numerator) // denominator)


@fused
def times_down(quantity: int, numerator: int, denominator: int) -> Any:
    """`quantity * numerator / denominator` rounded down; TOO_MUCH where that exceeds the limit."""
    whole = quantity // denominator
    if whole >= LIMIT // numerator:
        return np.int64(TOO_MUCH)
    return np.int64(whole * numerator + (quantity - whole * denominator) * numerator // denominator)


@compiled
def gross_of(good: Any, ppm: int, rule: int, scale: int) -> Any:
    """Twin of `gross_of`."""
    if ppm == 0 or good <= 0:
        return np.int64(good)
    if rule == 0:
        return times(good, MILLION + ppm, MILLION)
    if rule == 1:
        return times(good, MILLION, MILLION - ppm)
    if rule == 2:  # noqa: PLR2004 - numbers of SCRAP_RULES
        whole = times(good, ppm, MILLION * scale)
        return np.int64(good + whole * scale if whole <= LIMIT // scale else TOO_MUCH)
    root: Any = np.int64(np.ceil(np.sqrt(np.float64(good) * np.float64(scale))))
    return np.int64(min(good + times(root, ppm, MILLION), TOO_MUCH))


@compiled
def good_of(gross: int, ppm: int, rule: int, scale: int) -> Any:
    """Twin of `good_of`."""
    if ppm == 0 or gross <= 0:
        return np.int64(gross)
    if rule == 0:
        return times_down(gross, MILLION, MILLION + ppm)
    if rule == 1:
        return times_down(gross, MILLION - ppm, MILLION)
    low, high = np.int64(0), np.int64(gross)
    while low < high:
        middle = (low + high + 1) // 2
        if gross_of(middle, ppm, rule, scale) <= gross:
            low = middle
        else:
            high = middle - 1
    return low


@fused
def rate_on(item: int, day: int, columns: Any) -> Any:
    """Twin of `Sizing.rate_on`."""
    found = np.int64(0)
    for row in range(columns.items[item].scrap_from, columns.items[item + 1].scrap_from):
        if columns.scrap[row].day > day:
            break
        found = columns.scrap[row].ppm
    return found


@fused
def capacity(item: int, day: int, columns: Any) -> Any:
    """Twin of `Sizing.capacity`."""
    largest = columns.items[item].largest
    ppm = rate_on(item, day, columns)
    return good_of(largest, ppm, columns.rules.scrap_rule, columns.items[item].scale)


@fused
def started(item: int, good: int, day: int, columns: Any) -> Any:
    """Twin of `Sizing.started`."""
    items = columns.items
    gross = gross_of(good, rate_on(item, day, columns), columns.rules.scrap_rule, items[item].scale)
    if gross > LIMIT:
        return np.int64(TOO_MUCH)
    unit = items[item].unit
    return np.int64(max(items[item].smallest, (gross - 1) // unit * unit + unit))


@fused
def has_scrap(item: int, columns: Any) -> Any:
    return columns.items[item + 1].scrap_from > columns.items[item].scrap_from


@fused
def total(item: int, net: int, day: int, columns: Any) -> Any:
    """Twin of `Sizing.total`; TOO_MUCH where that exceeds the limit."""
    items = columns.items
    unit, smallest, largest = items[item].unit, items[item].smallest, items[item].largest
    if net <= 0:
        return np.int64(0)
    if not has_scrap(item, columns):
        full = (net - 1) // largest if largest else 0
        rest = net - full * largest
        return np.int64(full * largest + max(smallest, (rest - 1) // unit * unit + unit))
    most = capacity(item, day, columns)
    full = (net - 1) // most if most else 0
    gross = started(item, net - full * most, day, columns)
    if gross > LIMIT:
        return np.int64(TOO_MUCH)
    rest = good_of(gross, rate_on(item, day, columns), columns.rules.scrap_rule, items[item].scale)
    return np.int64(full * most + rest)
