"""A counter by name, advanced in the transaction that changes what it stands for.

Whoever keeps a copy of a table in memory compares its counter instead of reading the table again.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from store.statements import insert_of, upsert
from store.tables import ticks


def advance(tx: Connection, name: str) -> None:
    """What `name` stands for has changed."""
    insert = insert_of(tx, ticks).values(name=name, value=1)
    tx.execute(insert.on_conflict_do_update(index_elements=[ticks.c.name], set_={"value": ticks.c.value + 1}))


def value(tx: Connection, name: str) -> int | None:
    """The counter as it stands; None where it was never advanced or put."""
    return tx.execute(select(ticks.c.value).where(ticks.c.name == name)).scalar_one_or_none()


def put(tx: Connection, name: str, value: int) -> None:
    """Set a counter: a mark of what somebody has seen of another."""
    upsert(tx, ticks, [{"name": name, "value": value}], ["value"])


def hold(tx: Connection, name: str) -> int:
    """The counter as it stands, which nobody else advances before this transaction ends."""
    return tx.execute(select(ticks.c.value).where(ticks.c.name == name).with_for_update()).scalar_one_or_none() or 0


def raise_to(tx: Connection, name: str, value: int) -> None:
    """The counter goes on from here; for one that was set back."""
    insert = insert_of(tx, ticks).values(name=name, value=value)
    tx.execute(insert.on_conflict_do_update(index_elements=[ticks.c.name], set_={"value": value}))
