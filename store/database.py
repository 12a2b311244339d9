"""Opens SQLite or PostgreSQL so that what was acknowledged is durable.

SQLite runs in WAL with `synchronous=FULL` (NORMAL loses acknowledged rows at a power cut); a write
transaction begins IMMEDIATE, so that it waits for its turn instead of failing half way.
PostgreSQL runs with `synchronous_commit=on`. What is committed provisionally alone does without (`unsynced`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from canonical.errors import ConfigurationError, StoreFailed

BUSY_SECONDS = 30
_FULL = ("disk is full", "no space left on device", "disk quota exceeded")
_NORMAL = 1
WRITES = "millstream_writes"
"""Execution option of a connection that is going to write."""


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///<file>` or `postgresql+psycopg2://…`; raises `ConfigurationError` for anything else."""
    parsed = make_url(url)
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _sqlite(parsed)
    if parsed.drivername == "postgresql+psycopg2":
        return _postgresql(parsed)
    raise ConfigurationError(
        f"the store cannot run on {parsed.drivername}",
        hint="use sqlite:///path/to/file or postgresql+psycopg2://user@host/database",
    )


def no_room(error: BaseException) -> StoreFailed:
    """What a full disk means, in words a person can act on."""
    hint = "free space, then run again: what was acknowledged stands, the rest is done again"
    return StoreFailed(f"no room on the hub's disk ({error})", hint=hint)


def out_of_room(error: BaseException) -> StoreFailed | None:
    """What a driver's error means where it says that the disk is full."""
    said = str(error).lower()
    return no_room(error) if any(full in said for full in _FULL) else None


def _in_words(context: ExceptionContext) -> None:
    """A store that is full or away says so, and not by the driver's exception."""
    if failed := out_of_room(context.original_exception):
        raise failed from context.original_exception
    if context.is_disconnect:
        hint = "see that it runs, then run again: what was acknowledged stands"
        raise StoreFailed("the database is away", hint=hint) from context.original_exception


def _sqlite(url: URL) -> Engine:
    if url.database in {None, "", ":memory:"}:
        raise ConfigurationError("the store needs a file: a database in memory forgets", hint="sqlite:///path/to/file")
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "handle_error", _in_words)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
    connection.isolation_level = None  # we begin transactions ourselves; the driver would begin them late
    for pragma in (
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    carry_out(connection, connection.connection.cursor().execute, "BEGIN IMMEDIATE" if writes else "BEGIN")


def carry_out(connection: Connection, execute: Callable[..., object], text: str, *values: object) -> None:
    """Have the driver do something past SQLAlchemy; what goes wrong is said as it says it, a full disk in our words."""
    driver = connection.dialect.loaded_dbapi
    try:
        execute(text, *values)
    except driver.Error as error:
        if failed := out_of_room(error):
            raise failed from error
        raise DBAPIError.instance(text, None, error, driver.Error, dialect=connection.dialect) from error


@contextmanager
def unsynced(connection: Connection) -> Iterator[None]:
    """A transaction whose commit does not wait for the disk; the next commit that does brings it along.

    SQLite then runs with `synchronous=NORMAL`: it writes its log in the same order, and syncs it later.
    """
    if is_postgresql(connection):
        with connection.begin():
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield
        return
    driver: Any = connection.connection.driver_connection
    level = _level_of(driver)
    _set_level(driver, min(level, _NORMAL))
    try:
        with connection.begin():
            yield
    finally:
        try:
            _set_level(driver, level)
        except BaseException:
            connection.invalidate()  # nobody else may take it for one that waits
            raise


def _level_of(driver: Any) -> int:  # noqa: ANN401 - the driver's own connection
    return int(driver.execute("PRAGMA synchronous").fetchone()[0])


def _set_level(driver: Any, level: int) -> None:  # noqa: ANN401 - as above
    driver.execute(f"PRAGMA synchronous={level}")


def _postgresql(url: URL) -> Engine:
    engine = create_engine(url, executemany_mode="values_plus_batch", pool_pre_ping=True)
    event.listen(engine, "handle_error", _in_words)
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:  # noqa: ANN401
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION synchronous_commit = on")
        cursor.execute("SET SESSION TIME ZONE 'UTC'")
    connection.commit()


def is_postgresql(connection: Connection) -> bool:
    """Whether rows can be locked one by one."""
    return connection.dialect.name == "postgresql"
