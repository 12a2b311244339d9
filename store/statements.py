"""The few statements that SQLite and PostgreSQL spell through their own dialects, and bulk reading by key."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, Table
from sqlalchemy.dialects import postgresql, sqlite

Bulk = Mapping[str, Any]
T = TypeVar("T")
CHUNK = 1000
"""Keys in one IN list: few round trips, and far below every database's limit."""


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Lists of at most `size` values."""
    iterator = iter(values)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def select_in(tx: Connection, query: Select[Any], column: ColumnElement[Any], values: Iterable[Any]) -> list[Row[Any]]:
    """Rows of `query` whose `column` is one of `values`."""
    return [row for chunk in chunks(sorted(set(values))) for row in tx.execute(query.where(column.in_(chunk)))]


def insert_of(tx: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say ON CONFLICT."""
    return postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)


def insert_new(tx: Connection, table: Table, row: Bulk) -> bool:
    """Insert one row; False when its key stands already."""
    return tx.execute(insert_of(tx, table).values(**row).on_conflict_do_nothing()).rowcount == 1


def insert_missing(tx: Connection, table: Table, rows: Sequence[Bulk]) -> None:
    """Insert the rows whose key is new; the others stay as they are."""
    if rows:
        tx.execute(insert_of(tx, table).on_conflict_do_nothing(), list(rows))


def upsert(tx: Connection, table: Table, rows: Sequence[Bulk], update: Sequence[str]) -> None:
    """Insert rows, or set the columns named in `update` where the primary key stands already."""
    if not rows:
        return
    insert = insert_of(tx, table)
    changed = {name: insert.excluded[name] for name in update}
    tx.execute(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed), list(rows))
