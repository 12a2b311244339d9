"""The few statements that SQLite and PostgreSQL spell through their own dialects, and bulk reading by key."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningUpdate

Bulk = Mapping[str, Any]
T = TypeVar("T")
CHUNK = 1000
"""Keys in one IN list: few round trips, and far below every database's limit."""


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Lists of at most `size` values."""
    iterator = iter(values)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


class Keyed:
    """Rows of a query, or of an update that returns some, whose column is one of some values.

    It is put together once, for that takes several times as long as looking a few rows up: the values come as one
    list, however many they are, and what else the query asks for comes by name (`bindparam`).
    """

    def __init__(self, query: Select[Any] | ReturningUpdate[Any], column: ColumnElement[Any]) -> None:
        listed = func.json_each(bindparam("one_of", type_=Text)).table_valued("value")
        self._sqlite = query.where(column.in_(select(listed.c.value)))
        self._postgresql = query.where(column == any_(bindparam("one_of", type_=ARRAY(column.type))))

    def rows(self, tx: Connection, values: Iterable[Any], **given: object) -> list[Row[Any]]:
        """The rows of these values, which JSON can say."""
        arrays = tx.dialect.name == "postgresql"
        query = self._postgresql if arrays else self._sqlite
        found = list[Row[Any]]()
        for chunk in chunks(sorted(set(values))):
            found += tx.execute(query, {**given, "one_of": chunk if arrays else json.dumps(chunk)})
        return found


def one_of(column: ColumnElement[str], words: Collection[str]) -> ColumnElement[bool]:
    """Whether a column holds one of our own words, written into the statement: a list of values is put in each time."""
    return column.in_([literal_column(f"'{word}'", Text) for word in sorted(words)])


def is_one_of(column: ColumnElement[str], words: Collection[str]) -> ColumnElement[bool]:
    """The same of rows that are found by something else: no index of this column is to be used."""
    return one_of(column.op("||")(literal_column("''", Text)), words)


def select_in(tx: Connection, query: Select[Any], column: ColumnElement[Any], values: Iterable[Any]) -> list[Row[Any]]:
    """Rows of `query` whose `column` is one of `values`."""
    return [row for chunk in chunks(sorted(set(values))) for row in tx.execute(query.where(column.in_(chunk)))]


def insert_into(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say ON CONFLICT, in the words of a dialect."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@lru_cache(maxsize=256)
def _insert_new(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


@lru_cache(maxsize=256)
def _upsert(dialect: str, table: Table, update: tuple[str, ...]) -> sqlite.Insert | postgresql.Insert:
    insert = insert_into(dialect, table)
    changed = {name: insert.excluded[name] for name in update}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


def insert_new(tx: Connection, table: Table, row: Bulk) -> bool:
    """Insert one row; False when its key stands already."""
    return tx.execute(_insert_new(tx.dialect.name, table), dict(row)).rowcount == 1


def insert_missing(tx: Connection, table: Table, rows: Sequence[Bulk]) -> None:
    """Insert the rows whose key is new; the others stay as they are."""
    if rows:
        tx.execute(_insert_new(tx.dialect.name, table), list(rows))


def upsert(tx: Connection, table: Table, rows: Sequence[Bulk], update: Sequence[str]) -> None:
    """Insert rows, or set the columns named in `update` where the primary key stands already."""
    if rows:
        tx.execute(_upsert(tx.dialect.name, table, tuple(update)), list(rows))


def insert_plainly(
    tx: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[int | str | None, ...]]
) -> None:
    """Insert many rows of plain numbers and text, values in the order of `names`.

    On SQLite past SQLAlchemy's look at each value, which takes most of the time; so columns whose type turns values
    into others are not for it. On PostgreSQL the driver sends many rows in one statement.
    """
    if not rows:
        return
    if tx.dialect.name != "sqlite":
        tx.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])
        return
    quoted = tx.dialect.identifier_preparer.quote
    columns, marks = ", ".join(map(quoted, names)), ", ".join("?" * len(names))
    tx.exec_driver_sql(f"INSERT INTO {quoted(table.name)} ({columns}) VALUES ({marks})", list(rows))  # noqa: S608
