"""The brake of each connection: shadow (decide, never send), live or paused; and when it adopted what stood there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select, update

from canonical.actors import Actor
from store import audit
from store.prepared import Prepared
from store.statements import upsert
from store.tables import connections


class ConnectionState(StrEnum):
    """`SHADOW` decides and never sends, `LIVE` sends, `PAUSED` neither sends nor forgets."""

    SHADOW = "shadow"
    LIVE = "live"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class ConnectionBrake:
    """How a connection stands; `adopted_at` is None until its existing documents were adopted."""

    system: str
    state: ConnectionState
    adopted_at: datetime | None
    changed_at: datetime
    changed_by: str


def listed(tx: Connection) -> dict[str, ConnectionBrake]:
    """System → its brake, for the systems that have one."""
    return {
        row.system: ConnectionBrake(
            row.system, ConnectionState(row.state), row.adopted_at, row.changed_at, row.changed_by
        )
        for row in _LISTED.rows(tx)
    }


_LISTED = Prepared(select(connections).order_by(connections.c.system))


def set_state(tx: Connection, system: str, state: ConnectionState, actor: Actor | str, now: datetime) -> bool:
    """Set the brake and write it to the audit trail; False when it stood so already."""
    standing = listed(tx).get(system)
    if standing is not None and standing.state is state:
        return False
    row = {"system": system, "state": state, "changed_at": now, "changed_by": str(actor)}
    upsert(tx, connections, [row], ["state", "changed_at", "changed_by"])
    was = standing.state if standing else None
    audit.append(tx, now, actor, "connection state set", f"connection/{system}", detail={"from": was, "to": state})
    return True


def mark_adopted(tx: Connection, system: str, now: datetime) -> bool:
    """The documents that stood in the system are adopted; False without a brake, or when adopted before."""
    result = tx.execute(
        update(connections)
        .where(connections.c.system == system, connections.c.adopted_at.is_(None))
        .values(adopted_at=now)
    )
    return result.rowcount == 1
