"""Puts many rows into a table at the speed of its database: COPY on PostgreSQL, plain tuples on SQLite.

SQLAlchemy makes a dictionary and a few calls of every row, which costs several times what the database takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from io import BytesIO
from operator import attrgetter
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, Boolean, Connection, Date, Integer, Table, insert

from store.database import is_postgresql, out_of_room

AT_ONCE = 100_000
"""Rows on their way at a time."""


def frame_of(table: Table, rows: Iterable[object], first: int = 0) -> pl.DataFrame:
    """Objects with the table's fields as a frame of it; `number` counts them from `first` on."""
    names = fields(table)
    found = list(map(attrgetter(*names), rows))
    columns = list(zip(*found, strict=True)) or [()] * len(names)
    numbered = {"number": range(first, first + len(found))}
    return pl.DataFrame(numbered | dict(zip(names, columns, strict=True)), schema=_schema(table))


def fields(table: Table) -> list[str]:
    """The columns of a table of numbered rows, without the number."""
    return [column.name for column in table.columns if column.name != "number"]


def fill(tx: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Insert the rows of a frame that has the table's columns."""
    frame = frame.select([column.name for column in table.columns])
    if is_postgresql(tx):
        for part in frame.iter_slices(AT_ONCE):
            _copy(tx, table, part)
        return
    plain = frame.with_columns(pl.col(pl.Date).dt.to_string("%Y-%m-%d"), pl.col(pl.Boolean).cast(pl.Int64))
    statement = str(insert(table).compile(dialect=tx.dialect))
    for part in plain.iter_slices(AT_ONCE):
        tx.exec_driver_sql(statement, part.rows())


def _copy(tx: Connection, table: Table, frame: pl.DataFrame) -> None:
    quote = tx.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in frame.columns)
    body = BytesIO()
    frame.write_csv(body, include_header=False)  # nothing is null, an empty text is quoted: as COPY reads it
    body.seek(0)
    cursor: Any = tx.connection.cursor()  # the driver's own, which knows COPY
    with closing(cursor):
        try:
            cursor.copy_expert(f"COPY {quote(table.name)} ({names}) FROM STDIN WITH (FORMAT csv)", body)
        except tx.dialect.loaded_dbapi.Error as error:  # which no listener of the engine hears of
            if failed := out_of_room(error):
                raise failed from error
            raise


def _schema(table: Table) -> dict[str, pl.DataType]:
    kinds: Sequence[tuple[type, pl.DataType]] = (
        (Boolean, pl.Boolean()), (BigInteger, pl.Int64()), (Integer, pl.Int64()), (Date, pl.Date()),
    )  # fmt: skip
    return {
        column.name: next((found for kind, found in kinds if isinstance(column.type, kind)), pl.String())
        for column in table.columns
    }
