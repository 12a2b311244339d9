"""One simulated system's state: its database, its plant, its secrets, its ledger, its clock.

The clock starts at the plant's `today` when the database is seeded and runs on from there, so the
time stamps of seeded and later records are in one order on any machine, whatever its own date.
Token lifetimes and webhook signatures use the machine's real clock, not this one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from threading import RLock

from sandbox.common.ledger import Ledger
from sandbox.factory.model import Plant, SystemName

TODAY = date(2026, 11, 2)
SHIFT_START_HOUR = 9  # UTC hour of `today` at which the simulated systems open


class SystemState:
    """Everything one system's handlers need. Safe to use from several threads through `transaction`."""

    def __init__(self, system: SystemName, path: Path, seed: int, scale: int, secrets: Mapping[str, str]) -> None:
        """Open (or create) the database file; `secrets` maps environment names to values."""
        self.system: SystemName = system
        self.seed, self.scale = seed, scale
        self.secrets = dict(secrets)
        self.lock = RLock()
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self.db.execute("CREATE TABLE IF NOT EXISTS sandbox_meta (name TEXT PRIMARY KEY, value TEXT)")
        self._opened = float(self.meta("opened") or time.time())
        self.ledger = Ledger(self.db, self.lock, self.now)

    @cached_property
    def plant(self) -> Plant:
        """The true plant, generated on first use: needed to seed and to work, not to answer."""
        from sandbox.factory.generate import generate  # noqa: PLC0415 - not every process needs the plant

        return generate(self.seed, self.scale, today=TODAY)

    def now(self) -> datetime:
        """The plant's time, aware UTC, running since the database was seeded."""
        start = datetime(TODAY.year, TODAY.month, TODAY.day, SHIFT_START_HOUR, tzinfo=UTC)
        return start + timedelta(seconds=max(0.0, time.time() - self._opened))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock and commit at the end, or roll back on any exception. May be nested."""
        with self.lock:
            if self.db.in_transaction:
                yield self.db
                return
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
            except BaseException:
                self.db.rollback()
                raise
            self.db.commit()

    def meta(self, name: str) -> str | None:
        """A small durable value of this system, or None."""
        with self.lock:
            row = self.db.execute("SELECT value FROM sandbox_meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        """Keep a small durable value; joins the open transaction if there is one."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO sandbox_meta VALUES (?, ?)", (name, value))

    @property
    def seeded(self) -> bool:
        """True once the plant stands in the database."""
        return self.meta("opened") is not None

    def mark_seeded(self) -> None:
        """Start the clock; called once, in the transaction that seeds."""
        self.set_meta("opened", repr(self._opened))
