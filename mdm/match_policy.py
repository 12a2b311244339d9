"""What a match run compares, and how: one policy per pair of tables, written by hand or made from the columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from canonical.strict_yaml import load

Kind = Literal["name", "company", "person", "people", "text", "category", "number", "date", "code", "address", "ignore"]
Matcher = Literal["items", "partners"]
Record = Mapping[str, str]


class Column(BaseModel):
    """One compared attribute: its column on either side and what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    left: str
    right: str
    kind: Kind


class MatchPolicy(BaseModel):
    """How two tables are matched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    matcher: Matcher = "items"
    columns: tuple[Column, ...]
    one_to_one: tuple[Literal["left", "right"], ...] = ()
    """Sides declared free of duplicates: a record of the other side is bound to at most one of theirs."""
    candidates: int = Field(default=10, ge=1, le=100)
    """Nearest records kept per record and index when blocking."""
    auto_precision: float = Field(default=0.998, gt=0.5, lt=1)
    """Expected precision that a merge without a steward needs."""
    review: float = Field(default=0.1, gt=0, lt=1)
    """Posterior from which a pair is worth a steward's time."""
    cluster_cap: int = Field(default=20, ge=2)
    seed: int = 7

    def of_kind(self, *kinds: str) -> tuple[Column, ...]:
        """Columns that hold one of the kinds."""
        return tuple(column for column in self.columns if column.kind in kinds)


def load_match_policy(path: Path) -> MatchPolicy:
    """Read a policy; raises `ConfigurationError` with every fault placed."""
    return load(path, MatchPolicy)


def amount(value: str) -> float | None:
    """The number a price or quantity states; None without one."""
    cleaned = "".join(c for c in value if c.isdigit() or c in ".-")
    try:
        return float(cleaned)
    except ValueError:
        return None
