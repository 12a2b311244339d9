"""Brings the rows of a plan that was changed in part into planning order, as if it had been planned at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planning.columns import Pages, Result, Shelf, Spans

if TYPE_CHECKING:
    from planning.columns import Columns, Ints, Table


def tidied(columns: Columns, result: Result) -> Result:
    """The same plan with its rows in planning order, nothing between them, and numbered so."""
    pages, shelf = result.pages, result.shelf
    spans, used = pages.spans, int(shelf.used[0])
    known = len(columns.supplies)
    orders_at, order_bounds = rows_in(spans.order_from, spans.order_to)
    pegs_at, peg_bounds = rows_in(spans.peg_from, spans.peg_to)
    shorts_at, short_bounds = rows_in(spans.short_from, spans.short_to)
    arising_at, arising_bounds = rows_in(shelf.arising[:, 0], shelf.arising[:, 1])
    supplies_at = np.concatenate([np.arange(known), arising_at])
    order_number, supply_number = _numbers(orders_at, int(pages.filled[0])), _numbers(supplies_at, used)
    pegs, shorts, rows = pages.pegs[pegs_at], pages.shorts[shorts_at], shelf.rows[supplies_at]
    planned = pegs["supply"] >= 0
    pegs["supply"][planned] = order_number[pegs["supply"][planned]]
    pegs["supply"][~planned] = -1 - supply_number[-1 - pegs["supply"][~planned]]
    for table, field in ((pegs, "consumer"), (shorts, "consumer"), (rows, "made")):
        _renumber(table, field, order_number)
    filled = np.array([len(orders_at), len(pegs_at), len(shorts_at)])
    where = Spans(*order_bounds, *peg_bounds, *short_bounds)
    arising = np.stack(arising_bounds, axis=1) + known
    return Result(
        ok=True,
        pages=Pages(pages.orders[orders_at], pages.draws[orders_at], pegs, shorts, filled, where),
        shelf=Shelf(rows, shelf.free[supplies_at], shelf.wanted[supplies_at], arising, np.array([len(rows)])),
    )


def rows_in(first: Ints, last: Ints) -> tuple[Ints, tuple[Ints, Ints]]:
    """The rows of all spans one after the other, and where each span begins and ends among them."""
    lengths = last - first
    ends = np.cumsum(lengths)
    starts = ends - lengths
    return np.repeat(first - starts, lengths) + np.arange(ends[-1] if len(ends) else 0), (starts, ends)


def _numbers(rows: Ints, count: int) -> Ints:
    found = np.full(count, -1)
    found[rows] = np.arange(len(rows))
    return found


def _renumber(table: Table, field: str, number: Ints) -> None:
    named = table[field] >= 0
    table[field][named] = number[table[field][named]]
