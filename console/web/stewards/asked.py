"""Which part of the queue a steward works through: the filters of its address, carried from item to item."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import get_args

from console.web.visit import Visit
from pipeline.stewardship import ItemKind, QueueFilter

KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
PAGE = 25


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters as the address writes them, empty where nothing is narrowed; `blind` hides what the model thinks."""

    entity: str = ""
    kind: str = ""
    who: str = ""
    text: str = ""
    late: str = ""
    blind: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The parameters that say so."""
        return {name: value for name, value in asdict(self).items() if value}

    def but(self, **changes: str) -> dict[str, str]:
        """The parameters with some of them changed."""
        return {name: value for name, value in {**self.query, **changes}.items() if value}


def asked(visit: Visit) -> Asked:
    """What the address asks for."""
    kind = visit.asked("kind") or ""
    return Asked(
        visit.asked("entity") or "", kind if kind in KINDS else "", visit.asked("who") or "", visit.asked("text") or "",
        "1" if visit.asked("late") else "", "1" if visit.asked("blind") else "",
    )  # fmt: skip


def wanted(visit: Visit, given: Asked) -> QueueFilter:
    """The same as the queue understands it; `me` is who asks."""
    mine = visit.person.name if visit.person else None
    who = mine if given.who == "me" else given.who or None
    kind = next((one for one in KINDS if one == given.kind), None)
    return QueueFilter(given.entity or None, kind, who, given.text or None, visit.now if given.late else None)
