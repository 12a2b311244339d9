"""The few statements that SQLite and PostgreSQL spell through their own dialects, and bulk reading by key."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BindParameter,
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

from store.prepared import Prepared

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
    list, however many they are, and what else the query asks for comes by name (`bindparam`). `lists` are further
    columns whose values come as lists, by the names these are given under.
    """

    def __init__(
        self, query: Select[Any] | ReturningUpdate[Any], column: ColumnElement[Any], **lists: ColumnElement[Any]
    ) -> None:
        listed = {"one_of": column, **lists}
        self._lists = frozenset(lists)
        self._sqlite = Prepared(query.where(*(one.in_(_json(name)) for name, one in listed.items())))
        self._postgresql = Prepared(query.where(*(one == any_(_array(name, one)) for name, one in listed.items())))

    def rows(self, tx: Connection, values: Iterable[Any], **given: Any) -> list[Row[Any]]:  # noqa: ANN401 - column values
        """The rows of these values, which JSON can say."""
        arrays = tx.dialect.name == "postgresql"
        query = self._postgresql if arrays else self._sqlite
        said = {name: _list(one, arrays=arrays) if name in self._lists else one for name, one in given.items()}
        found = list[Row[Any]]()
        for chunk in chunks(sorted(set(values))):
            found += query.rows(tx, {**said, "one_of": _list(chunk, arrays=arrays)})
        return found


def _json(name: str) -> Select[Any]:
    return select(func.json_each(bindparam(name, type_=Text)).table_valued("value").c.value)


def _array(name: str, column: ColumnElement[Any]) -> BindParameter[Any]:
    return bindparam(name, type_=ARRAY(column.type))


def _list(values: Iterable[Any], *, arrays: bool) -> object:
    found = list(values)
    return found if arrays else json.dumps(found)


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
def _insert_new(dialect: str, table: Table) -> Prepared:
    return Prepared(insert_into(dialect, table).on_conflict_do_nothing())


@lru_cache(maxsize=256)
def _upsert(dialect: str, table: Table, update: tuple[str, ...]) -> Prepared:
    insert = insert_into(dialect, table)
    changed = {name: insert.excluded[name] for name in update}
    return Prepared(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed))


def insert_new(tx: Connection, table: Table, row: Bulk) -> bool:
    """Insert one row; False when its key stands already."""
    return _insert_new(tx.dialect.name, table).write(tx, row) == 1


def insert_missing(tx: Connection, table: Table, rows: Sequence[Bulk]) -> None:
    """Insert the rows whose key is new; the others stay as they are."""
    _insert_new(tx.dialect.name, table).write(tx, *rows)


def upsert(tx: Connection, table: Table, rows: Sequence[Bulk], update: Sequence[str]) -> None:
    """Insert rows, or set the columns named in `update` where the primary key stands already."""
    _upsert(tx.dialect.name, table, tuple(update)).write(tx, *rows)


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
