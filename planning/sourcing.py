"""Who delivers a planned order, and how long that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from canonical.plan import PlanItem


def source(item: PlanItem, days_left: int) -> tuple[str | None, int]:
    """Supplier and lead time for an order due in `days_left` days.

    The supplier with the lowest priority who delivers in time, of several the fastest; else the fastest of all.
    """
    if not item.suppliers or item.sourcing != "buy":
        return None, item.lead_time_days or 0
    in_time = [one for one in item.suppliers if one.lead_time_days <= days_left]
    if in_time:
        chosen = min(in_time, key=lambda one: (one.priority, one.lead_time_days, one.name))
    else:
        chosen = min(item.suppliers, key=lambda one: (one.lead_time_days, one.priority, one.name))
    return chosen.name, chosen.lead_time_days


def shortest_lead(item: PlanItem) -> int:
    """The days a new order takes at best."""
    if not item.suppliers or item.sourcing != "buy":
        return item.lead_time_days or 0
    return min(one.lead_time_days for one in item.suppliers)
