"""How the circuit of each connection stands, for people to see: closed, open or half-open, and since when.

The circuit itself lives with the connection; what stands here is its last word, and nothing reads it to decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from store.statements import upsert
from store.tables import circuits


@dataclass(frozen=True, slots=True)
class CircuitRow:
    """The last word on one circuit. `until`: when an open one is tried again; `said`: what went wrong last."""

    system: str
    state: str
    since: datetime
    until: datetime | None
    said: str


def listed(tx: Connection) -> dict[str, CircuitRow]:
    """System → its circuit, for the systems that were ever called."""
    rows = tx.execute(select(circuits).order_by(circuits.c.system))
    return {row.system: CircuitRow(row.system, row.state, row.since, row.until, row.said) for row in rows}


def note(tx: Connection, row: CircuitRow) -> None:
    """Write down how a circuit stands; `since` moves only when the state is another."""
    standing = listed(tx).get(row.system)
    since = standing.since if standing and standing.state == row.state else row.since
    values = {"system": row.system, "state": row.state, "since": since, "until": row.until, "said": row.said}
    upsert(tx, circuits, [values], ["state", "since", "until", "said"])
