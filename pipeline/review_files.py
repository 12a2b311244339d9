"""What-if scenarios of a demand review, written down: a YAML file of named lists of changes, each fault with its place.

```yaml
maintenance:                       # holds for all of them
  - {work_centre: ASM2, from: 2026-12-07, to: 2026-12-13, hours: 16}
scenarios:
  weekend shift:
    - {change: capacity, work_centre: ASM2, from: 2026-12-07, to: 2026-12-20, hours: 16}
  battery a week earlier:
    - {change: part, item: BATTERY, weeks: -1}
  one customer less:
    - {change: demand, item: FORKLIFT, month: 2026-12, quantity: 800}
```
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, Path_, load_document, suggest
from planning.sop import ChangeAsked, ChangeCapacity, Delta, MovePart, Review

MINUTES = 60
WEEK = 7


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Maintenance(_Closed):
    """Hours a work centre stands still in each week that has a day within the span."""

    work_centre: str
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    hours: Decimal = Field(gt=0)


class CapacityChange(_Closed):
    """Hours more (or less, below zero) in each week that has a day within the span."""

    change: Literal["capacity"]
    work_centre: str
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    hours: Decimal


class DemandChange(_Closed):
    """Another quantity asked for in a month."""

    change: Literal["demand"]
    item: str
    month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    quantity: Decimal = Field(ge=0)


class PartChange(_Closed):
    """What is on order of a part comes so many weeks later, or earlier (below zero)."""

    change: Literal["part"]
    item: str
    weeks: int = Field(ge=-52, le=52)


class ReviewFile(_Closed):
    """Maintenance that holds in any case, and scenarios by name."""

    maintenance: tuple[Maintenance, ...] = ()
    scenarios: dict[
        str, tuple[Annotated[CapacityChange | DemandChange | PartChange, Field(discriminator="change")], ...]
    ] = Field(default_factory=dict)


Golden = Callable[[str], str | None]
"""An item or work centre by any of its names → its golden id."""


def load_review(path: Path, of: Review, golden: Golden) -> tuple[tuple[Delta, ...], dict[str, tuple[Delta, ...]]]:
    """Maintenance, and scenarios by name; raises `ConfigurationError` with every fault and its place.

    What the review does not know cannot be changed: a part that never runs short limits nothing.
    """
    file, document = load_document(path, ReviewFile)
    reading = _Reading(of, golden, document)
    always = tuple(
        reading.capacity(one, -one.hours, ("maintenance", number)) for number, one in enumerate(file.maintenance)
    )
    scenarios = {
        name: tuple(reading.change(one, ("scenarios", name, number)) for number, one in enumerate(changes))
        for name, changes in file.scenarios.items()
    }
    if reading.faults:
        raise ConfigurationError(faults=tuple(reading.faults))
    return always, scenarios


class _Reading:
    def __init__(self, of: Review, golden: Golden, document: Document) -> None:
        self.of, self.golden, self.document = of, golden, document
        self.faults: list[Fault] = []

    def change(self, spec: CapacityChange | DemandChange | PartChange, path: Path_) -> Delta:
        if isinstance(spec, CapacityChange):
            return self.capacity(spec, spec.hours, path)
        if isinstance(spec, PartChange):
            return MovePart(self._resource(spec.item, "supply", (*path, "item")), spec.weeks)
        items = [product.item for product in self.of.products]
        item = self._known(spec.item, items, (*path, "item"), "nothing is asked for of")
        return ChangeAsked(item, date.fromisoformat(f"{spec.month}-01"), float(spec.quantity))

    def capacity(self, spec: CapacityChange | Maintenance, hours: Decimal, path: Path_) -> ChangeCapacity:
        name = self._resource(spec.work_centre, "capacity", (*path, "work_centre"))
        first = spec.first - timedelta(WEEK - 1)
        return ChangeCapacity(name, first, spec.last, float(hours) * MINUTES)

    def _resource(self, named: str, kind: str, path: Path_) -> str:
        known = [one.name for one in self.of.resources if one.kind == kind]
        return self._known(named, known, path, "the plan is not limited by")

    def _known(self, named: str, known: list[str], path: Path_, said: str) -> str:
        found = named if named in known else self.golden(named)
        if found not in known:
            self.faults.append(self.document.fault(path, f"{said} {named!r}", suggest(named, known)))
        return found or named
