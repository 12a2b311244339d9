"""Golden codes of our own making: given once, never again to anything else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from store.statements import select_in
from store.tables import golden_codes


def allocate(
    tx: Connection, entity: str, wanted: Sequence[str], form: tuple[str, int], now: datetime
) -> dict[str, str]:
    """The code of each name, given here where it has none yet, in the order of the names.

    `form`: prefix and digits; a number that needs more digits gets them.
    """
    query = select(golden_codes).where(golden_codes.c.entity == entity)
    found = {row.name: row.code for row in select_in(tx, query, golden_codes.c.name, wanted)}
    fresh = list(dict.fromkeys(name for name in wanted if name not in found))
    if fresh:
        last = tx.execute(select(func.count()).where(golden_codes.c.entity == entity)).scalar_one()
        prefix, digits = form
        given = {name: f"{prefix}{last + place:0{digits}d}" for place, name in enumerate(fresh, 1)}
        rows = [{"entity": entity, "name": name, "code": code, "allocated_at": now} for name, code in given.items()]
        tx.execute(insert(golden_codes), rows)
        found |= given
    return found


def codes(tx: Connection, entity: str) -> dict[str, str]:
    """Name → code, of every code that was ever given."""
    query = select(golden_codes.c.name, golden_codes.c.code).where(golden_codes.c.entity == entity)
    return {row.name: row.code for row in tx.execute(query)}


def names(tx: Connection, entity: str) -> dict[str, str]:
    """Code → name."""
    return {code: name for name, code in codes(tx, entity).items()}
