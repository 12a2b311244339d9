"""Many rows into a table and out of it at the speed of its database: COPY on PostgreSQL, plain tuples on SQLite.

SQLAlchemy makes a dictionary and a few calls of every row, which costs several times what the database takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from io import BytesIO
from itertools import chain
from operator import attrgetter
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, Boolean, Connection, Date, Integer, Table, insert, select

from store.database import is_postgresql, out_of_room

AT_ONCE = 100_000
"""Rows on their way at a time."""
REBUILT_FROM = 200_000
"""Rows from which indexes are dropped and built again."""
SLICE = 4096
SORTED_IN = -64_000
"""SQLite's cache while it builds an index: kibibytes, which it wants said below zero."""
_HELD: dict[pl.DataType, pl.DataType] = {pl.Boolean(): pl.Int64(), pl.Date(): pl.String()}
"""What SQLite gives instead."""


def frame_of(schema: Mapping[str, pl.DataType], rows: Iterable[object], first: int = 0) -> pl.DataFrame:
    """Objects with these fields as a frame; the column `number` counts them from `first` on."""
    names = [name for name in schema if name != "number"]
    found = list(map(attrgetter(*names), rows))
    columns = list(zip(*found, strict=True)) or [()] * len(names)
    numbered = {"number": range(first, first + len(found))}
    return pl.DataFrame(numbered | dict(zip(names, columns, strict=True)), schema=dict(schema))


def fill(tx: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Insert the rows of a frame that has the table's columns."""
    frame = frame.select([column.name for column in table.columns])
    put = _copy if is_postgresql(tx) else _insert
    with _indexed_after(tx, table) if frame.height >= REBUILT_FROM else nullcontext():
        put(tx, table, frame)


def whole(tx: Connection, table: Table) -> pl.DataFrame:
    """All rows of a table, in no order: texts, whole numbers, flags and dates; null stays null."""
    return _copied(tx, table) if is_postgresql(tx) else _fetched(tx, table)


@contextmanager
def _indexed_after(tx: Connection, table: Table) -> Iterator[None]:
    """Sort once instead of row by row; who reads the table waits meanwhile for the transaction's end."""
    for index in table.indexes:
        index.drop(tx)
    yield
    with nullcontext() if is_postgresql(tx) else _room_to_sort(tx):
        for index in table.indexes:
            index.create(tx)


@contextmanager
def _room_to_sort(tx: Connection) -> Iterator[None]:
    """SQLite sorts in as much memory as its cache may take."""
    usual = tx.exec_driver_sql("PRAGMA cache_size").scalar()
    tx.exec_driver_sql(f"PRAGMA cache_size = {SORTED_IN}")
    try:
        yield
    finally:
        tx.exec_driver_sql(f"PRAGMA cache_size = {usual}")


def _insert(tx: Connection, table: Table, frame: pl.DataFrame) -> None:
    plain = frame.with_columns(pl.col(pl.Date).dt.to_string("%Y-%m-%d"), pl.col(pl.Boolean).cast(pl.Int64))
    statement = str(insert(table).compile(dialect=tx.dialect))
    # A slice at a time, small enough for the processor's cache, becomes tuples twice as fast as row by row.
    rows = (
        zip(*(column.to_list() for column in part.iter_columns()), strict=True) for part in plain.iter_slices(SLICE)
    )
    cursor: Any = tx.connection.cursor()  # the driver's own, which takes rows as they come
    with closing(cursor), _said(tx):
        cursor.executemany(statement, chain.from_iterable(rows))


def _fetched(tx: Connection, table: Table) -> pl.DataFrame:
    kinds = schema_of(table)
    held = {name: _HELD.get(kind, kind) for name, kind in kinds.items()}
    parts = [pl.DataFrame(schema=held)]
    with closing(tx.connection.cursor()) as cursor:
        cursor.execute(str(select(*table.columns).compile(dialect=tx.dialect)))
        while rows := cursor.fetchmany(AT_ONCE):
            columns = zip(held, zip(*rows, strict=True), strict=True)
            parts.append(pl.DataFrame(dict(columns), schema=held))
    dated = [name for name, kind in kinds.items() if kind == pl.Date]
    return pl.concat(parts).with_columns(pl.col(dated).str.to_date("%Y-%m-%d")).cast(pl.Schema(kinds))


def _copy(tx: Connection, table: Table, frame: pl.DataFrame) -> None:
    quote = tx.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in frame.columns)
    for part in frame.iter_slices(AT_ONCE):
        body = BytesIO()
        part.write_csv(
            body, include_header=False
        )  # what is null stays empty, an empty text is quoted, as COPY reads it
        body.seek(0)
        _told(tx, f"COPY {quote(table.name)} ({names}) FROM STDIN WITH (FORMAT csv)", body)


def _copied(tx: Connection, table: Table) -> pl.DataFrame:
    quote, kinds = tx.dialect.identifier_preparer.quote, schema_of(table)
    names = ", ".join(f"{quote(name)}{'::int' if kind == pl.Boolean else ''}" for name, kind in kinds.items())
    body = BytesIO()
    _told(tx, f"COPY (SELECT {names} FROM {quote(table.name)}) TO STDOUT WITH (FORMAT csv)", body)  # noqa: S608 - our own names, quoted
    if not body.tell():
        return pl.DataFrame(schema=kinds)
    body.seek(0)
    held = {name: pl.Int64() if kind == pl.Boolean else kind for name, kind in kinds.items()}
    return pl.read_csv(body, has_header=False, schema=held).cast(pl.Schema(kinds))


def _told(tx: Connection, statement: str, body: BytesIO) -> None:
    cursor: Any = tx.connection.cursor()  # the driver's own, which knows COPY
    with closing(cursor), _said(tx):
        cursor.copy_expert(statement, body)


@contextmanager
def _said(tx: Connection) -> Iterator[None]:
    """A full disk is named, though no listener of the engine hears of what the driver is asked directly."""
    try:
        yield
    except tx.dialect.loaded_dbapi.Error as error:
        if failed := out_of_room(error):
            raise failed from error
        raise


def schema_of(table: Table) -> dict[str, pl.DataType]:
    """What a frame of the rows of a table holds."""
    kinds: Sequence[tuple[type, pl.DataType]] = (
        (Boolean, pl.Boolean()), (BigInteger, pl.Int64()), (Integer, pl.Int64()), (Date, pl.Date()),
    )  # fmt: skip
    return {
        column.name: next((found for kind, found in kinds if isinstance(column.type, kind)), pl.String())
        for column in table.columns
    }
