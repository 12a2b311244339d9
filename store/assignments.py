"""Who looks after which item of the stewards' queue, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from store.statements import select_in, upsert
from store.tables import queue_assignments


@dataclass(frozen=True, slots=True)
class Assignment:
    """An item of the queue, the person it is given to, and the moment by which it should be settled."""

    item: str
    assignee: str | None
    due_at: datetime | None


def assign(tx: Connection, rows: Iterable[Assignment], by: str, now: datetime) -> None:
    """Give items to people; what stood for an item is replaced."""
    upsert(
        tx,
        queue_assignments,
        [
            {"item": row.item, "assignee": row.assignee, "due_at": row.due_at, "changed_at": now, "changed_by": by}
            for row in rows
        ],
        ["assignee", "due_at", "changed_at", "changed_by"],
    )


def of_items(tx: Connection, items: Iterable[str]) -> dict[str, Assignment]:
    """Item → its assignment, for those that have one."""
    rows = select_in(tx, select(queue_assignments), queue_assignments.c.item, items)
    return {row.item: Assignment(row.item, row.assignee, row.due_at) for row in rows}
