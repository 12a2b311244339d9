"""Says of each item which of its needs the compiled planner may take as one, and which items' substitutes are coupled.

Needs of one day and urgency may be one where nothing tells them apart: orders are by need date, no earlier peg names
one of them, no supply is kept for a root, and no substitute is for some parents only or counts by another measure (it
would be rounded once, not once for each need).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planning.columns import MERGE_ALL, MERGE_NONE, MERGE_STOCK, MOST_MERGED

if TYPE_CHECKING:
    from planning.columns import Columns, Ints


def set_merging(columns: Columns) -> None:
    """Fill in `merge` and `pool` of the items."""
    items = columns.items
    count = len(items) - 1
    items["pool"][:count] = _pools(columns, count)
    merge = np.full(count, MERGE_NONE)
    if columns.rules.by_date and columns.rules.urgencies * columns.rules.days <= MOST_MERGED:
        merge[:] = MERGE_ALL
        rows = columns.substitutes
        replaced = np.repeat(np.arange(count), np.diff(items["substitute_from"]))
        merge[items["apart"][:count] != 0] = MERGE_STOCK
        merge[columns.supplies["item"][columns.supplies["reserved"] >= 0]] = MERGE_STOCK
        merge[replaced] = MERGE_STOCK
        merge[replaced[(rows["parent"] >= 0) | (rows["numerator"] != rows["denominator"])]] = MERGE_NONE
        merge[np.diff(items["claim_from"]) > 0] = MERGE_NONE
        merge[items["blocked"][:count] != 0] = MERGE_NONE
    items["merge"][:count] = merge


def _pools(columns: Columns, count: int) -> Ints:
    """The least item of those coupled by substitutes; -1 for items that have none."""
    replaced = np.repeat(np.arange(count), np.diff(columns.items["substitute_from"]))
    pools = np.full(count, -1)
    pools[replaced] = coupled(columns, count)[replaced]
    return pools


def coupled(columns: Columns, count: int) -> Ints:
    """By item the least one of those it is coupled with by substitutes, through any number of them; itself at least."""
    least = np.arange(count)
    replaced = np.repeat(least, np.diff(columns.items["substitute_from"]))
    others = columns.substitutes["item"]
    while True:
        before = least.copy()
        low = np.minimum(least[replaced], least[others])
        np.minimum.at(least, replaced, low)
        np.minimum.at(least, others, low)
        least = least[least]
        if np.array_equal(before, least):
            return least
