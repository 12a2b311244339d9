"""The needs of an item of which a plan stands, from that plan's pegs and from what its parents draw otherwise.

All an item needs is pegged, so the pegs of its runs say what its needs were; parents whose orders are as they were
need not be asked. That is three times as fast as asking all of them, and holds for items whose needs are all merged,
whose own needs are as they were, and whose safety stock asks for the same whatever the others do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planning.columns import MERGE_ALL, MERGED
from planning.kernels.compiling import fused
from planning.kernels.ranking import drawn, lay_out, merge, merge_line, most_needs, pull


@fused
def pull_again(item: int, touched: int, columns: Any, old: Any, book: Any, bench: Any) -> Any:
    """As `ranking.pull`; `old` are the spans of the plan that stands, `touched` says that own needs changed."""
    pegs = old.peg_to[item] - old.peg_from[item]
    told = not touched and columns.items[item].merge == MERGE_ALL and columns.items[item].top_up <= 0
    if told and pegs + most_needs(item, columns, book.spans) <= len(bench.desk):
        return _pull_changes(item, columns, old, book, bench)
    return pull(item, columns, book, bench)


@fused
def _differs(item: int, old: Any, spans: Any) -> Any:
    """Whether orders of an item are not as they were; those of one that had none may begin where it had none."""
    return spans.order_from[item] != old.order_from[item] or spans.order_to[item] != old.order_to[item]


@fused
def _pull_changes(item: int, columns: Any, old: Any, book: Any, bench: Any) -> Any:
    turn, cells, used = bench.room.used[1], bench.cells, bench.sheet.spare_key
    count: Any = np.int64(0)
    for peg in range(old.peg_from[item], old.peg_to[item]):
        count = merge(MERGED - np.int64(book.pegs[peg].consumer), book.pegs[peg].quantity, turn, count, cells, used)
    for line in range(columns.items[item].line_from, columns.items[item + 1].line_from):
        if _differs(columns.lines[line].parent, old, book.spans):
            _take_line(item, line, columns, old, book, cells)
    for line in range(columns.items[item].line_from, columns.items[item + 1].line_from):
        if _differs(columns.lines[line].parent, old, book.spans):
            count = merge_line(item, line, turn, count, columns, book, cells, used)
            if count < 0:
                return count
    n: Any = np.int64(0)
    return lay_out(n, turn, _without_empty(count, cells, used), columns, bench.desk, bench.sheet, cells)


@fused
def _take_line(item: int, line: int, columns: Any, old: Any, book: Any, cells: Any) -> None:
    """Take out what the orders drew that this parent had; twin of `merge_line`."""
    parent, safety, days = columns.lines[line].parent, columns.items[item].safety, columns.rules.days
    numerator, denominator = columns.lines[line].numerator, columns.lines[line].denominator
    from_day, until_day, inverse = columns.lines[line].from_day, columns.lines[line].until_day, 1.0 / denominator
    for order in range(old.order_from[parent], old.order_to[parent]):
        start = np.int64(book.draws[order].start)
        if from_day <= start < until_day:
            key = book.draws[order].urgency * days + columns.first_day[max(start - safety, 0)]
            cells[key].quantity -= drawn(book.draws[order].quantity, numerator, denominator, inverse)


@fused
def _without_empty(count: int, cells: Any, used: Any) -> Any:
    """Leave out cells in which nothing is needed any more; returns how many are left."""
    left: Any = np.int64(0)
    for at in range(count):
        if cells[used[at]].quantity > 0:
            used[left] = used[at]
            left += 1
        else:
            cells[used[at]].turn = 0
    return left
