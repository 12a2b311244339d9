"""What facts are derived from, and what their derivations share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from canonical.plan import Plan
from pipeline.settings import Connection, Planning
from pipeline.snapshot import Frames, Row
from store.tasks import Task

Decided = Mapping[str, Mapping[str, Row]]
"""Fact name → key → the row last decided."""


@dataclass(frozen=True, slots=True)
class FactSources:
    """What facts are derived from."""

    frames: Frames
    plan: Plan
    decided: Decided
    planning: Planning
    as_of: date
    held_orders: Mapping[str, str]
    """Sales orders that cannot be planned in full, with the reason."""
    tasks: Mapping[tuple[str, str], Mapping[str, Task]] = field(default_factory=dict)
    """(Kind, key) → owner → the newest task."""
    unoffered: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What is asked for and not offered → the sales orders that ask for it."""
    connections: Mapping[str, Connection] = field(default_factory=dict)
    """The connected systems by name."""
    transfers_by_hand: bool = False
    """Whether no connected system takes transfers between warehouses."""


def sales_order_of(work_order: Row, decided: Decided) -> str | None:
    """The sales order a work order is made for: as decided where it is ours, else as its system says."""
    known = decided.get("planned_order", {}).get(work_order["our_reference"] or "", work_order)
    order: str | None = known["sales_order"]
    return order
