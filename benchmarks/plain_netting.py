"""The peer of the compiled planner: time-phased netting in plain Python, as short and as fast as that gets.

It does less: one need for each item and bucket, lot for lot or by a multiple and a minimum, whole buckets of lead time;
no pegs, no priorities, no substitutes, no calendars, no scrap, no lots that split or span periods.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planning.columns import Columns


def seconds(columns: Columns, bucket_days: int) -> tuple[float, int]:
    """Seconds for one plan over lists, and the orders it makes; making the lists is not counted."""
    lots, needs, supplies, lines = _lists(columns, bucket_days)
    start = time.perf_counter()
    made = _net(lots, needs, supplies, lines, columns.rules.days // bucket_days + 1)
    return time.perf_counter() - start, made


def _lists(columns: Columns, bucket_days: int) -> tuple[Any, ...]:
    count = len(columns.items) - 1
    items = columns.items[:count]
    lots = list(
        zip(
            items["unit"].tolist(),
            items["smallest"].tolist(),
            (-(-items["lead"] // bucket_days)).tolist(),
            strict=True,
        )
    )
    needs: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for item, (first, last) in enumerate(zip(items["need_from"], items["need_to"], strict=True)):
        rows = columns.needs[first:last]
        needs[item] = list(zip((rows["day"] // bucket_days).tolist(), rows["quantity"].tolist(), strict=True))
    supplies: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for item, day, quantity in zip(
        columns.supplies["item"].tolist(), columns.supplies["day"].tolist(), columns.supplies["quantity"].tolist(),
        strict=True,
    ):  # fmt: skip
        supplies[item].append((day // bucket_days, quantity))
    lines: list[list[tuple[int, int, int]]] = [[] for _ in range(count)]
    bounds = columns.items["line_from"].tolist()
    drawn = list(
        zip(
            columns.lines["parent"].tolist(),
            columns.lines["numerator"].tolist(),
            columns.lines["denominator"].tolist(),
            strict=True,
        )
    )
    for item in range(count):
        lines[item] = drawn[bounds[item] : bounds[item + 1]]
    return lots, needs, supplies, lines


def _net(lots: Any, needs: Any, supplies: Any, lines: Any, buckets: int) -> int:  # noqa: ANN401 - lists of tuples
    orders: list[list[tuple[int, int]]] = []
    made = 0
    for (unit, smallest, lead), own, there, drawn in zip(lots, needs, supplies, lines, strict=True):
        gross, receipts = [0] * buckets, [0] * buckets
        for bucket, quantity in own:
            gross[bucket] += quantity
        for parent, numerator, denominator in drawn:
            for bucket, quantity in orders[parent]:
                gross[bucket] -= -quantity * numerator // denominator
        for bucket, quantity in there:
            if bucket < buckets:
                receipts[bucket] += quantity
        left, planned = 0, []
        for bucket, (asked, coming) in enumerate(zip(gross, receipts, strict=True)):
            left += coming - asked
            if left < 0:
                quantity = max(smallest, -(left // unit) * unit)
                left += quantity
                planned.append((max(bucket - lead, 0), quantity))
        orders.append(planned)
        made += len(planned)
    return made
