"""Webhook events, acknowledged only after they stand here, each once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Integer, bindparam, func, select, update

from store.prepared import Prepared
from store.statements import insert_new
from store.tables import inbox

InboxState = Literal["unread", "done", "failed"]


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """One event as a system sent it; `position` is its order of arrival."""

    position: int
    system: str
    event_id: str
    payload: Any
    received_at: datetime


def accept(tx: Connection, system: str, event_id: str, payload: object, received_at: datetime) -> bool:
    """Keep an event; False when this id came before (a replay)."""
    row = {
        "system": system, "event_id": event_id, "payload": payload, "received_at": received_at, "state": "unread",
    }  # fmt: skip
    return insert_new(tx, inbox, row)


def next_unread(tx: Connection, limit: int = 100, after: int = 0) -> list[InboxEvent]:
    """Unread events in the order they came, beyond position `after`."""
    rows = _UNREAD.rows(tx, {"after": after, "most": limit})
    return [InboxEvent(row.position, row.system, row.event_id, row.payload, row.received_at) for row in rows]


def mark(
    tx: Connection, system: str, event_id: str, state: InboxState, now: datetime, *, error: str | None = None
) -> bool:
    """Say how reading ended (`unread` puts it back); False when there is no such event."""
    said = {"ended": state, "at": None if state == "unread" else now, "why": error}
    return _MARK.write(tx, {"of": system, "event": event_id, **said}) == 1


def mark_done(tx: Connection, places: Collection[tuple[str, str]], now: datetime) -> None:
    """These events, (system, event id) each, are read."""
    done = {"ended": "done", "at": now, "why": None}
    _MARK.write(tx, *({"of": system, "event": event_id, **done} for system, event_id in places))


_UNREAD = Prepared(
    select(inbox)
    .where(inbox.c.state == "unread", inbox.c.position > bindparam("after"))
    .order_by(inbox.c.position)
    .limit(bindparam("most", type_=Integer))
)
_MARK = Prepared(
    update(inbox)
    .where(inbox.c.system == bindparam("of"), inbox.c.event_id == bindparam("event"))
    .values(state=bindparam("ended"), read_at=bindparam("at"), error=bindparam("why"))
)


def counts(tx: Connection) -> dict[str, int]:
    """State → events."""
    query = select(inbox.c.state, func.count().label("events")).group_by(inbox.c.state)
    return {row.state: row.events for row in tx.execute(query)}
