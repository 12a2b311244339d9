"""The plant's own time: what deadlines and timers are measured against."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.hub import Hub


def plant_time(hub: Hub) -> datetime:
    """Now; where a planning day is set, the present time of day on that day.

    So a plant that is simulated, or replayed from the past, has no deadline run out by the calendar on the wall.
    """
    now = hub.now()
    if hub.settings.as_of is None:
        return now
    local = now.astimezone(ZoneInfo(hub.deployment.timezone))
    return datetime.combine(hub.settings.as_of, local.timetz())
