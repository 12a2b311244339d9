"""What stewards decide about source records: the values that mastering computes with and the store keeps.

Decisions are only ever added. One is taken back by another one about it; which of them hold at a moment is computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Kind = Literal["same", "different", "split", "pin", "relate", "revoke", "approve", "reject"]


@dataclass(frozen=True, slots=True, order=True)
class SourceRef:
    """One record of one system, written `system:source_key`."""

    system: str
    source_key: str

    def __str__(self) -> str:
        return f"{self.system}:{self.source_key}"

    @classmethod
    def parse(cls, text: str) -> SourceRef:
        """The reference `system:source_key` names; raises `ValueError` without a system."""
        system, colon, key = text.partition(":")
        if not colon or not system or not key:
            raise ValueError(f"{text!r} does not name a record as system:source_key")
        return cls(system, key)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision, numbered in the order in which decisions were taken.

    `same`: `members` are one thing. `different`: none of `members` is one of `others`. `split`: `members` leave
    `others` together. `pin`: `attribute` of the golden record of `members` is `value` until `expires_at`.
    `relate`: the golden record of `members` has the relation `attribute` to that of `others`; `value`: since when,
    until when, and the text where it leads to no record.
    `revoke`, `approve`, `reject`: of the decision numbered `about`.
    """

    number: int
    entity: str
    kind: Kind
    members: tuple[SourceRef, ...]
    actor: str
    at: datetime
    reason: str = ""
    others: tuple[SourceRef, ...] = ()
    attribute: str | None = None
    value: Any = None
    expires_at: datetime | None = None
    about: int | None = None
    needs_approval: bool = False
    batch: str | None = None


def in_force(decisions: Iterable[Decision], now: datetime) -> list[Decision]:
    """Decisions that hold at `now`, oldest first: not taken back, approved where that is needed, not expired.

    A decision that is taken back holds again when the taking back is itself taken back.
    """
    known = sorted(decisions, key=lambda decision: decision.number)
    revoked: set[int | None] = set()
    approved: set[int | None] = set()
    refused: set[int | None] = set()
    for decision in reversed(known):
        if decision.number in revoked:
            continue
        if decision.kind == "revoke":
            revoked.add(decision.about)
        elif decision.kind == "approve":
            approved.add(decision.about)
        elif decision.kind == "reject":
            refused.add(decision.about)

    def holds(decision: Decision) -> bool:
        if decision.number in revoked or decision.number in refused:
            return False
        if decision.needs_approval and decision.number not in approved:
            return False
        return decision.expires_at is None or decision.expires_at > now

    return [decision for decision in known if decision.kind not in {"revoke", "approve", "reject"} and holds(decision)]


def waiting(decisions: Iterable[Decision]) -> list[Decision]:
    """Decisions that need a second person and have been neither approved, refused nor taken back."""
    known = sorted(decisions, key=lambda decision: decision.number)
    answered = {decision.about for decision in known if decision.about is not None}
    return [decision for decision in known if decision.needs_approval and decision.number not in answered]
