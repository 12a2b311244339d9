"""One at a time, by name: a pass of the stream, the relay. A lease is a hint; updates check the owner token."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import Connection, bindparam, delete, or_, select

from store.prepared import Prepared
from store.statements import insert_into
from store.tables import leases

_OWN = Prepared(delete(leases).where(leases.c.name == bindparam("of"), leases.c.owner == bindparam("mine")))
_HOLDER = Prepared(select(leases.c.owner).where(leases.c.name == bindparam("of"), leases.c.until > bindparam("now")))


def acquire(tx: Connection, name: str, owner: str, now: datetime, seconds: float) -> bool:
    """Take a lease that is free or has run out, or prolong one's own; False while another holds it."""
    row = {"name": name, "owner": owner, "until": now + timedelta(seconds=seconds)}
    return _taken(tx.dialect.name).write(tx, {**row, "now": now}) == 1


@lru_cache
def _taken(dialect: str) -> Prepared:
    insert = insert_into(dialect, leases).values({name: bindparam(name) for name in ("name", "owner", "until")})
    free = leases.c.until <= bindparam("now", type_=leases.c.until.type)
    taken = insert.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"owner": insert.excluded.owner, "until": insert.excluded.until},
        where=or_(free, leases.c.owner == insert.excluded.owner),
    )
    return Prepared(taken)


def release(tx: Connection, name: str, owner: str) -> bool:
    """Give a lease back; False when it was not one's own any more."""
    return _OWN.write(tx, {"of": name, "mine": owner}) == 1


def holder(tx: Connection, name: str, now: datetime) -> str | None:
    """Who holds a lease now."""
    owner: str | None = _HOLDER.value(tx, {"of": name, "now": now})
    return owner
