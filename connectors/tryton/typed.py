"""Tryton's typed JSON: decimals, times and durations as objects, related records under keys that end in a point."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

Json = Any


def typed(value: Decimal | date | datetime) -> dict[str, Any]:
    """The wire form of a value: `{"__class__": "date", "year": 2026, …}`."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": format(value, "f")}
    day = {"year": value.year, "month": value.month, "day": value.day}
    if not isinstance(value, datetime):
        return {"__class__": "date", **day}
    moment = value.astimezone(UTC)
    day = {"year": moment.year, "month": moment.month, "day": moment.day}
    clock = {"hour": moment.hour, "minute": moment.minute, "second": moment.second}
    return {"__class__": "datetime", **day, **clock, "microsecond": moment.microsecond}


def plain(value: Json) -> Json:
    """A reply as ordinary JSON: dates as ISO text, durations as days and seconds, `"party."` merged into `"party"`."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    if "__class__" in value:
        return _untyped(value)
    names = [name for name in value if f"{name}." not in value]
    return {name.removesuffix("."): _related(value, name) for name in names}


def _related(value: dict[str, Any], name: str) -> Json:
    """A field, or the related record behind it, which always has its id."""
    found = plain(value[name])
    if name.endswith(".") and isinstance(found, dict):
        return {"id": value.get(name.removesuffix(".")), **found}
    return found


def _untyped(value: dict[str, Any]) -> Json:
    kind = value["__class__"]
    if kind == "Decimal":
        return Decimal(value["decimal"])
    if kind == "date":
        return date(value["year"], value["month"], value["day"]).isoformat()
    if kind == "datetime":
        clock = timedelta(**{f"{name}s": int(value[name]) for name in ("hour", "minute", "second", "microsecond")})
        moment = datetime(value["year"], value["month"], value["day"]) + clock  # noqa: DTZ001 - UTC, but unsaid
        return moment.isoformat(timespec="microseconds")
    if kind == "timedelta":
        lasts = timedelta(seconds=float(value["seconds"]))
        return {"days": lasts.days, "seconds": lasts.seconds}
    return {name: part for name, part in value.items() if name != "__class__"}
