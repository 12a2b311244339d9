"""Forecast consumption: an order stands for what was forecast around its day, and only the rest is planned on top."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from canonical.plan import PlanDemand, PlanForecast, PlanPolicies


def remaining(
    forecasts: Iterable[PlanForecast], demands: Iterable[PlanDemand], policies: PlanPolicies
) -> list[PlanForecast]:
    """What is left of each forecast; those used up are gone.

    The demands of an item, by due day and key, each consume its forecasts: that of their own day first, then those up
    to `forecast_backward_days` before, the nearest first, then those up to `forecast_forward_days` after.
    """
    by_item: dict[str, list[PlanForecast]] = {}
    for forecast in sorted(forecasts, key=lambda row: (row.due, row.key)):
        by_item.setdefault(forecast.item, []).append(forecast)
    if not by_item:
        return []
    left = {row.key: row.quantity for rows in by_item.values() for row in rows}
    asked = [demand for demand in demands if demand.item in by_item]
    for demand in sorted(asked, key=lambda row: (row.due, row.key)):
        _consume(demand, by_item[demand.item], left, policies)
    rows = (replace(row, quantity=left[row.key]) for rows in by_item.values() for row in rows if left[row.key])
    return sorted(rows, key=lambda row: row.key)


def _consume(demand: PlanDemand, forecasts: list[PlanForecast], left: dict[str, int], policies: PlanPolicies) -> None:
    back, ahead = policies.forecast_backward_days, policies.forecast_forward_days
    near = [(row, (row.due - demand.due).days) for row in forecasts]
    reach = [(row, off) for row, off in near if -back <= off <= ahead]
    wanted = demand.quantity
    for row, _ in sorted(reach, key=lambda pair: (pair[1] > 0, abs(pair[1]), pair[0].key)):
        taken = min(wanted, left[row.key])
        left[row.key] -= taken
        wanted -= taken
