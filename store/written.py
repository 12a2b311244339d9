"""What the hub last told other systems about a record, and which event made it do so: how echoes are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, or_, select

from canonical.commands import State
from store.statements import Keyed
from store.tables import outbox, outbox_steps

CARRIED_OUT = (State.APPLIED, State.UNCHANGED)


@dataclass(frozen=True, slots=True)
class LastWritten:
    """One command as it was written down; `cause` is the event behind it."""

    command_id: str
    system: str
    business_key: str
    revision: int
    body: Mapping[str, Any]
    cancelled: bool
    cause: str
    kind: str
    state: str
    decided_at: datetime


_BEGUN = exists(select(1).where(outbox_steps.c.command_id == outbox.c.id).correlate(outbox))
_LAST = Keyed(
    select(outbox).where(
        outbox.c.entity == bindparam("of"),
        outbox.c.state != State.REJECTED,
        or_(outbox.c.state.in_(CARRIED_OUT), _BEGUN),
    ),
    outbox.c.business_key,
)
_CAUSES = Keyed(select(outbox.c.id, outbox.c.cause), outbox.c.id)


def last_written(tx: Connection, entity: str, keys: Iterable[str]) -> dict[str, list[LastWritten]]:
    """Business key → what was last written under it, one for each system and kind of command."""
    rows = sorted(_LAST.rows(tx, keys, of=entity), key=lambda row: row.position)
    newest = {(row.system, row.kind, row.business_key): row for row in rows}
    found: dict[str, list[LastWritten]] = {}
    for row in newest.values():
        found.setdefault(row.business_key, []).append(_written(row))
    return found


def commands_of(tx: Connection, event_id: str) -> list[LastWritten]:
    """The commands an event led to, in the order they were decided."""
    query = select(outbox).where(outbox.c.cause == event_id).order_by(outbox.c.position)
    return [_written(row) for row in tx.execute(query)]


def _written(row: Row[Any]) -> LastWritten:
    return LastWritten(
        row.id, row.system, row.business_key, row.revision, row.body, row.cancelled, row.cause, row.kind, row.state,
        row.created_at,
    )  # fmt: skip


def causes(tx: Connection, command_ids: Iterable[str]) -> dict[str, str]:
    """Command id → the event that led to it."""
    return {row.id: row.cause for row in _CAUSES.rows(tx, command_ids)}
