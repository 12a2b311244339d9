"""One transaction for what belongs together: every function of the store takes the connection of a unit of work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine

from store.database import BUSY_SECONDS, WRITES, open_engine, unsynced
from store.migrations import upgrade
from store.write_gate import WriteGate

Row = TypeVar("Row")
Transaction = Connection
"""What every function of the store takes first; other rooms know it by this name only."""
_Waiting = dict[Callable[[Connection, Sequence[Any]], None], list[Any]]
"""Rows that were left `beside`, by what writes them."""


class Store:
    """A migrated database. Safe to share between threads; each unit of work has its own connection."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(**{WRITES: True})
        self._turn = threading.Lock()
        self._gate = WriteGate(Path(f"{engine.url.database}-gate")) if engine.dialect.name == "sqlite" else None
        self._own = threading.local()

    @classmethod
    def open(cls, url: str) -> Self:
        """Open and bring the schema up to date."""
        engine = open_engine(url)
        upgrade(engine)
        return cls(engine)

    @property
    def one_writer(self) -> bool:
        """Whether whoever writes keeps all others from writing, to whatever."""
        return self._gate is not None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything this thread begins or reads meanwhile is one transaction: all of it stands, or none.

        It keeps other writers waiting, so nothing slow belongs in it; and an exception has to leave it.
        """
        with self._taken_along() as waited, self.begin() as tx:
            for write, rows in waited.items():
                write(tx, rows)
            self._own.tx = tx
            try:
                yield
            finally:
                self._own.tx = None

    @contextmanager
    def steadily(self) -> Iterator[None]:
        """What this thread reads meanwhile goes through one connection, which spares most of what a short look costs.

        It looks afresh after each of this thread's own writes. What is written `beside` waits for its end, or for what
        this thread writes `together`.
        """
        with self._reading() as connection:
            self._own.reading, self._own.waiting = connection, {}
            try:
                yield
                if self._own.waiting:
                    with self.together():
                        pass
            finally:
                self._own.reading, self._own.waiting = None, None

    @contextmanager
    def provisionally(self) -> Iterator[None]:
        """What this thread commits meanwhile stands for all at once, and outlives a power cut by the next commit.

        That is any commit that is not provisional, of whomever: it makes last what was committed before it, and
        nothing that was committed later can stand without it. So this is for what a power cut may take because it is
        made again from what was acknowledged, and never for what somebody is told of.
        """
        self._own.provisional = True
        try:
            yield
        finally:
            self._own.provisional = False

    def beside(self, write: Callable[[Connection, Sequence[Row]], None], *rows: Row) -> None:
        """Write rows nobody waits for: at once, or while this thread reads steadily with what it writes `together`.

        Rows for the same writer go in as one.
        """
        if (waiting := self._waiting) is not None:
            waiting.setdefault(write, []).extend(rows)
            return
        with self.begin() as tx:
            write(tx, rows)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(  # noqa: PLW2901 - the same connection, read only
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield connection

    @property
    def _together(self) -> Connection | None:
        tx: Connection | None = getattr(self._own, "tx", None)
        return tx

    @property
    def _waiting(self) -> _Waiting | None:
        waiting: _Waiting | None = getattr(self._own, "waiting", None)
        return waiting

    @property
    def _steady(self) -> Connection | None:
        reading: Connection | None = getattr(self._own, "reading", None)
        return reading

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: commits at the end, rolls back on any exception."""
        if (together := self._together) is not None:
            yield together
            return
        try:
            with (
                self._alone(),
                self._writing.connect() as connection,
                unsynced(connection) if getattr(self._own, "provisional", False) else connection.begin(),
            ):
                yield connection
        finally:
            if (reading := self._steady) is not None:
                reading.rollback()

    @contextmanager
    def _taken_along(self) -> Iterator[_Waiting]:
        """What was left `beside` is to be written now; where this comes to nothing, it waits again."""
        if not (waited := self._waiting):
            yield {}
            return
        self._own.waiting = {}
        try:
            yield waited
        except BaseException:
            for write, rows in self._own.waiting.items():
                waited.setdefault(write, []).extend(rows)
            self._own.waiting = waited
            raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """SQLite lets one write at a time and has the others ask again after ever longer naps: ours queue instead."""
        if self._gate is None:
            yield
            return
        until = time.monotonic() + BUSY_SECONDS
        waited_for = self._turn.acquire(timeout=BUSY_SECONDS)
        try:
            with self._gate.open_until(until):
                yield  # whoever waited too long is told so by SQLite
        finally:
            if waited_for:
                self._turn.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view that never waits for writers; what it might write is rolled back."""
        if (together := self._together) is not None:
            yield together
            return
        if (reading := self._steady) is not None:
            yield reading
            return
        with self._reading() as connection:
            yield connection

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
        if self._gate is not None:
            self._gate.close()
