"""Who did it: every write, decision and command names its actor (a person, a rule, a run, a system)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What an actor may do; each role may do what the ones before it may."""

    VIEWER = "viewer"
    STEWARD = "steward"
    APPROVER = "approver"
    ENGINEER = "engineer"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Whether this role covers `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Scope(StrEnum):
    """What the token of a machine opens; it opens nothing else, and no role opens this."""

    MATCH = "match"
    """Ask whether something exists already, as JSON with the token in the `Authorization` header."""
    RECONCILE = "reconcile"
    """The same as a reconciliation service, with the token in its address: who asks cannot send headers."""


@dataclass(frozen=True, slots=True)
class Actor:
    """`person:li.wei`, `rule:urgent-order`, `run:20261102-1`, `system:mes`."""

    kind: Literal["person", "rule", "run", "system"]
    name: str
    role: Role = Role.VIEWER

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"
