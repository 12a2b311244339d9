"""Dagster's event log in one SQLite file that stays open.

Dagster's own SQLite logs open a file, wait for the disk and close it again for each event, which costs a
pass more than its work. Here the file stays open and a commit does not wait for the disk: killing the
process loses nothing, a power cut at most the last moments of the log, and never the hub's own records.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.sql import create_engine

BUSY_SECONDS = 30


class EventLog(ConsolidatedSqliteEventLogStorage):
    """Named in `dagster.yaml` under `event_log_storage`."""

    @cached_property
    def _engine(self) -> Any:  # noqa: ANN401 - SQLAlchemy is known to the store alone
        return create_engine(self._conn_string, connect_args={"timeout": BUSY_SECONDS})

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
            connection.commit()
            with connection.begin():
                yield connection

    def dispose(self) -> None:
        """Close the file."""
        self._engine.dispose()
        super().dispose()  # type: ignore[no-untyped-call]
