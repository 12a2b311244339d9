"""How partners and items hang together: parents and branches, who pays and who receives, what replaces what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

RelationKind = Literal[
    "parent", "branch_of", "bill_to", "ship_to", "contact", "supersedes", "replaces", "variant_of", "package_of"
]  # fmt: skip
KINDS: Mapping[str, tuple[RelationKind, ...]] = {
    "partner": ("parent", "branch_of", "bill_to", "ship_to", "contact"),
    "item": ("supersedes", "replaces", "variant_of", "package_of"),
}
"""Entity → the relations its golden records may have.

`parent`: the other is its parent company. `branch_of`: it is a branch of the other. `bill_to`, `ship_to`: the other
pays for it, receives for it. `contact`: who is spoken to, another partner or a text. `supersedes`: it is made or bought
instead of the other from now on. `replaces`: it may be taken where the other is asked for. `variant_of`: the other is
the template it is a variant of. `package_of`: it is the other in a pack, a box or a set.
"""
HIERARCHIES: tuple[frozenset[RelationKind], ...] = (
    frozenset({"parent", "branch_of"}),
    frozenset({"supersedes"}),
    frozenset({"variant_of"}),
    frozenset({"package_of"}),
)
"""Relations that together never lead back to where they began."""
ONE_AT_A_TIME: tuple[frozenset[RelationKind], ...] = (frozenset({"parent", "branch_of"}), frozenset({"variant_of"}))
"""Of each of these a golden record has one at a time."""
AS_TEXT: frozenset[RelationKind] = frozenset({"contact"})


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation `of` a golden record `to` another (or to a `text`), in the world from one day to before another.

    One that leads neither to a record nor to a text says that there is none of its kind.

    `origin`: who said so (`person:li.wei`, `system:crm`); `said_at`: since when we believe it; `number`: the decision,
    None where a system tells it.
    """

    entity: str
    kind: RelationKind
    of: str
    to: str | None
    text: str | None
    valid_from: date | None
    valid_to: date | None
    origin: str
    said_at: datetime
    number: int | None
    reason: str = ""

    @property
    def denies(self) -> bool:
        """Whether it says that there is none of its kind."""
        return self.to is None and self.text is None

    def overlaps(self, valid_from: date | None, valid_to: date | None) -> bool:
        """Whether both hold on some day."""
        begins_late = self.valid_from is not None and valid_to is not None and self.valid_from >= valid_to
        ended_before = self.valid_to is not None and valid_from is not None and self.valid_to <= valid_from
        return not (begins_late or ended_before)

    def holds_on(self, day: date) -> bool:
        """Whether it holds on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


def exclude(one: RelationKind, other: RelationKind) -> bool:
    """Whether a golden record has only one of the two kinds at a time."""
    return any({one, other} <= kinds for kinds in ONE_AT_A_TIME)
