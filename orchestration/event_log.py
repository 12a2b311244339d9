"""Dagster's event log in one SQLite file that stays open.

Dagster's own SQLite logs open a file, wait for the disk and close it again for each event, and ask the file which
tables it has before each: that costs a pass more than its work. Here the file stays open, an event is one transaction,
and a commit does not wait for the disk: killing the process loses nothing, a power cut at most the last moments of the
log, and never the hub's own records.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.sql import create_engine

if TYPE_CHECKING:
    from dagster._core.events.log import EventLogEntry

BUSY_SECONDS = 30


class _Connection(sqlite3.Connection):
    """A connection that does not wait for the disk."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - whatever sqlite3 takes
        super().__init__(*args, **options)
        self.execute("PRAGMA synchronous=NORMAL")


class EventLog(ConsolidatedSqliteEventLogStorage):
    """Named in `dagster.yaml` under `event_log_storage`."""

    @cached_property
    def _engine(self) -> Any:  # noqa: ANN401 - SQLAlchemy is known to the store alone
        options = {"timeout": BUSY_SECONDS, "factory": _Connection}
        return create_engine(self._conn_string, connect_args=options)

    @cached_property
    def _open(self) -> threading.local:
        """Each thread's transaction, while it stores an event."""
        return threading.local()

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        standing = getattr(self._open, "connection", None)
        if standing is not None:
            yield standing
            return
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _together(self) -> Iterator[None]:
        with self._connect() as connection:
            outermost = getattr(self._open, "connection", None) is None
            self._open.connection = connection
            try:
                yield
            finally:
                if outermost:
                    self._open.connection = None

    def store_event(self, event: EventLogEntry) -> None:
        """One event with all that hangs on it, in one transaction."""
        with self._together():
            super().store_event(event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Several events in one transaction."""
        with self._together():
            super().store_event_batch(events)

    @cached_property
    def _tables(self) -> set[str]:
        """Tables that are known to be there: they do not go away."""
        return set()

    def has_table(self, table_name: str) -> bool:
        """Whether the log has it, asked of the file until it has."""
        if table_name not in self._tables:
            with self._connect() as connection:
                if not self._engine.dialect.has_table(connection, table_name):
                    return False
            self._tables.add(table_name)
        return True

    @cached_property
    def _columns(self) -> set[str]:
        """Columns of the assets' table that are known to be there."""
        return set()

    def _has_asset_key_col_on_connection(self, conn: Any, column_name: str) -> bool:  # noqa: ANN401 - SQLAlchemy's
        if column_name not in self._columns:
            if not super()._has_asset_key_col_on_connection(conn, column_name):
                return False
            self._columns.add(column_name)
        return True

    def dispose(self) -> None:
        """Close the file."""
        self._engine.dispose()
        super().dispose()  # type: ignore[no-untyped-call]
