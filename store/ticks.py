"""A counter by name, advanced in the transaction that changes what it stands for.

Whoever keeps a copy of a table in memory compares its counter instead of reading the table again.
"""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Connection, bindparam, select

from store.prepared import Prepared
from store.statements import insert_into, upsert
from store.tables import ticks

_OF = select(ticks.c.value).where(ticks.c.name == bindparam("of"))
_VALUE, _HELD = Prepared(_OF), Prepared(_OF.with_for_update())


def advance(tx: Connection, name: str) -> int:
    """What `name` stands for has changed; the counter as it stands now."""
    return int(_advance(tx.dialect.name).value(tx, {"name": name, "value": 1}))


@lru_cache
def _advance(dialect: str) -> Prepared:
    further = {"value": ticks.c.value + 1}
    advanced = insert_into(dialect, ticks).on_conflict_do_update(index_elements=[ticks.c.name], set_=further)
    return Prepared(advanced.returning(ticks.c.value))


def value(tx: Connection, name: str) -> int | None:
    """The counter as it stands; None where it was never advanced or put."""
    found: int | None = _VALUE.value(tx, {"of": name})
    return found


def under(tx: Connection, prefix: str) -> dict[str, int]:
    """The counters whose names begin so, by the rest of their name."""
    return {row.name.removeprefix(prefix): row.value for row in _UNDER.rows(tx, {"prefix": prefix})}


_UNDER = Prepared(
    select(ticks.c.name, ticks.c.value).where(ticks.c.name.startswith(bindparam("prefix"), autoescape=False))
)


def put(tx: Connection, name: str, value: int) -> None:
    """Set a counter: a mark of what somebody has seen of another."""
    upsert(tx, ticks, [{"name": name, "value": value}], ["value"])


def hold(tx: Connection, name: str) -> int:
    """The counter as it stands, which nobody else advances before this transaction ends."""
    return int(_HELD.value(tx, {"of": name}) or 0)


def raise_to(tx: Connection, name: str, value: int) -> None:
    """The counter goes on from here; for one that was set back."""
    put(tx, name, value)
