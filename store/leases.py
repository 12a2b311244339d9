"""One at a time, by name: a pass of the stream, the relay. A lease is a hint; updates check the owner token."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import Connection, Insert, bindparam, delete, or_, select

from store.statements import insert_into
from store.tables import leases

_OWN = delete(leases).where(leases.c.name == bindparam("of"), leases.c.owner == bindparam("mine"))
_HOLDER = select(leases.c.owner).where(leases.c.name == bindparam("of"), leases.c.until > bindparam("now"))


def acquire(tx: Connection, name: str, owner: str, now: datetime, seconds: float) -> bool:
    """Take a lease that is free or has run out, or prolong one's own; False while another holds it."""
    row = {"name": name, "owner": owner, "until": now + timedelta(seconds=seconds)}
    return tx.execute(_taken(tx.dialect.name), {**row, "now": now}).rowcount == 1


@lru_cache
def _taken(dialect: str) -> Insert:
    insert = insert_into(dialect, leases).values({name: bindparam(name) for name in ("name", "owner", "until")})
    free = leases.c.until <= bindparam("now", type_=leases.c.until.type)
    return insert.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"owner": insert.excluded.owner, "until": insert.excluded.until},
        where=or_(free, leases.c.owner == insert.excluded.owner),
    )


def release(tx: Connection, name: str, owner: str) -> bool:
    """Give a lease back; False when it was not one's own any more."""
    return tx.execute(_OWN, {"of": name, "mine": owner}).rowcount == 1


def holder(tx: Connection, name: str, now: datetime) -> str | None:
    """Who holds a lease now."""
    owner: str | None = tx.execute(_HOLDER, {"of": name, "now": now}).scalar_one_or_none()
    return owner
