"""Commands: what the hub wants another system to do, and how each attempt ended.

A command's id comes from its business key and a revision, a counter per key that advances when the
desired content differs from the last decided one. A command is delivered as a declared sequence of
steps (save, submit, audit); each step has a receipt.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from canonical.keys import command_id


class DeliveryClass(StrEnum):
    """What a target operation lets us promise."""

    KEYED = "A"
    """Takes an idempotency key or a unique reference of ours: exactly one effect."""
    LOOKED_UP = "B"
    """Can be looked up by our reference: one effect."""
    BLIND = "C"
    """Neither: at most one automatic attempt; an unknown outcome is parked for a person."""


class State(StrEnum):
    """Where a command stands. The first four are open, the others final until a person acts."""

    PENDING = "pending"
    AWAITING = "awaiting"
    IN_DOUBT = "in_doubt"
    HELD = "held"  # connection in shadow or paused, or approval missing
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    PARKED = "parked"
    REJECTED = "rejected"


OPEN_STATES = frozenset({State.PENDING, State.AWAITING, State.IN_DOUBT, State.HELD})


@dataclass(frozen=True, slots=True)
class Command:
    """One intent towards one system, decided by a rule because of a change.

    It states the whole desired document, so a newer revision supersedes an older undelivered one.
    """

    kind: str  # order_production, request_shipment, …: the operation in the target's system.yaml
    system: str
    entity: str  # canonical entity of the document it makes or changes
    business_key: str  # also `our_reference` in the target
    revision: int
    body: dict[str, Any]  # canonical content, JSON values; references are golden ids
    actor: str  # rule:<name> or person:<name>
    cause: str  # id of the event that led to it
    cancelled: bool = False  # the document should not (or no longer) stand in the target
    sales_orders: tuple[str, ...] = ()  # golden ids of the orders it is pegged to
    after: tuple[str, ...] = ()  # "system/entity/business_key" documents that must exist first

    @property
    def id(self) -> str:
        """Deterministic: the same key and revision give the same command."""
        return command_id(self.kind, self.system, self.business_key, self.revision)


@dataclass(frozen=True, slots=True)
class StepReceipt:
    """What a target answered to one step of one command."""

    step: str
    native_id: str | None
    native_number: str | None
    echoed_reference: str | None
    received_at: datetime
    reply: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one step ended: exactly one of applied, unchanged, rejected, stale, unknown or retry."""

    kind: OutcomeKind
    receipt: StepReceipt | None = None
    message: str | None = None
    retry_after: float | None = None


class OutcomeKind(StrEnum):
    """`UNKNOWN` means sent but unanswered; `RETRY` means surely not carried out."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    STALE = "stale"
    UNKNOWN = "unknown"
    RETRY = "retry"
