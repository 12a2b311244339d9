"""What-if scenarios a planner writes down: a YAML file of named lists of changes, each fault named with its place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from canonical.errors import MillstreamError
from canonical.strict_yaml import load
from pipeline.plan_desk import Desk
from pipeline.snapshot import scaled
from planning.scenario import AddDemand, Change, ChangeDemand, ChangeLeadTime, ChangeStock, DelayReceipts

Kind = Literal["add_demand", "change_demand", "delay_receipts", "change_stock", "change_lead_time"]
NEEDS: dict[Kind, tuple[str, ...]] = {
    "add_demand": ("item", "quantity", "due"),
    "change_demand": ("key",),
    "delay_receipts": ("item", "days"),
    "change_stock": ("item", "quantity"),
    "change_lead_time": ("item", "days"),
}


class ChangeSpec(BaseModel):
    """One change; which other fields it needs, its kind says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    change: Kind
    key: str | None = None
    item: str | None = None
    quantity: Decimal | None = None
    due: date | None = None
    days: int | None = Field(default=None, ge=-3650, le=3650)

    @model_validator(mode="after")
    def _complete(self) -> ChangeSpec:
        missing = [name for name in NEEDS[self.change] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{self.change} needs {', '.join(missing)}")
        return self


class ScenarioFile(BaseModel):
    """Scenarios by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenarios: dict[str, list[ChangeSpec]]


def load_scenarios(path: Path, desk: Desk) -> list[tuple[str, tuple[Change, ...]]]:
    """The scenarios of a file; raises `ConfigurationError`, or `MillstreamError` for an item nobody knows."""
    file = load(path, ScenarioFile)
    return [
        (name, tuple(_change(spec, desk, f"scenario|{name}|{number}") for number, spec in enumerate(specs, start=1)))
        for name, specs in file.scenarios.items()
    ]


def _change(spec: ChangeSpec, desk: Desk, key: str) -> Change:
    item = "" if spec.item is None else desk.item(spec.item)
    if item is None:
        raise MillstreamError(f"item {spec.item!r} is not known (yet)")
    quantity = None if spec.quantity is None else scaled(spec.quantity)
    if spec.change == "change_demand":
        if spec.key not in {row.key for row in desk.picture.demands}:
            raise MillstreamError(f"no demand {spec.key!r} is planned")
        return ChangeDemand(str(spec.key), quantity, spec.due)
    if spec.change == "add_demand":
        assert spec.due is not None
        return AddDemand(key, item, quantity or 0, spec.due)
    if spec.change == "change_stock":
        return ChangeStock(item, quantity or 0)
    if spec.change == "delay_receipts":
        return DelayReceipts(item, spec.days or 0)
    return ChangeLeadTime(item, spec.days or 0)
