"""A counter by name, advanced in the transaction that changes what it stands for.

Whoever keeps a copy of a table in memory compares its counter instead of reading the table again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.sql.dml import ReturningInsert

from store.statements import insert_into, upsert
from store.tables import ticks

_VALUE = select(ticks.c.value).where(ticks.c.name == bindparam("of"))
_HELD = _VALUE.with_for_update()


def advance(tx: Connection, name: str) -> int:
    """What `name` stands for has changed; the counter as it stands now."""
    return int(tx.execute(_advance(tx.dialect.name), {"name": name, "value": 1}).scalar_one())


@lru_cache
def _advance(dialect: str) -> ReturningInsert[Any]:
    further = {"value": ticks.c.value + 1}
    advanced = insert_into(dialect, ticks).on_conflict_do_update(index_elements=[ticks.c.name], set_=further)
    return advanced.returning(ticks.c.value)


def value(tx: Connection, name: str) -> int | None:
    """The counter as it stands; None where it was never advanced or put."""
    return tx.execute(_VALUE, {"of": name}).scalar_one_or_none()


def under(tx: Connection, prefix: str) -> dict[str, int]:
    """The counters whose names begin so, by the rest of their name."""
    rows = tx.execute(_UNDER, {"prefix": prefix})
    return {row.name.removeprefix(prefix): row.value for row in rows}


_UNDER = select(ticks.c.name, ticks.c.value).where(ticks.c.name.startswith(bindparam("prefix"), autoescape=False))


def put(tx: Connection, name: str, value: int) -> None:
    """Set a counter: a mark of what somebody has seen of another."""
    upsert(tx, ticks, [{"name": name, "value": value}], ["value"])


def hold(tx: Connection, name: str) -> int:
    """The counter as it stands, which nobody else advances before this transaction ends."""
    return tx.execute(_HELD, {"of": name}).scalar_one_or_none() or 0


def raise_to(tx: Connection, name: str, value: int) -> None:
    """The counter goes on from here; for one that was set back."""
    put(tx, name, value)
