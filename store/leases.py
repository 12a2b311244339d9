"""One at a time, by name: a pass of the stream, the relay. A lease is a hint; updates check the owner token."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select

from store.statements import insert_of
from store.tables import leases


def acquire(tx: Connection, name: str, owner: str, now: datetime, seconds: float) -> bool:
    """Take a lease that is free or has run out, or prolong one's own; False while another holds it."""
    row = {"name": name, "owner": owner, "until": now + timedelta(seconds=seconds)}
    insert = insert_of(tx, leases).values(**row)
    taken = insert.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"owner": insert.excluded.owner, "until": insert.excluded.until},
        where=or_(leases.c.until <= now, leases.c.owner == owner),
    )
    return tx.execute(taken).rowcount == 1


def release(tx: Connection, name: str, owner: str) -> bool:
    """Give a lease back; False when it was not one's own any more."""
    return tx.execute(delete(leases).where(leases.c.name == name, leases.c.owner == owner)).rowcount == 1


def holder(tx: Connection, name: str, now: datetime) -> str | None:
    """Who holds a lease now."""
    row = tx.execute(select(leases).where(leases.c.name == name, leases.c.until > now)).one_or_none()
    return row.owner if row else None
