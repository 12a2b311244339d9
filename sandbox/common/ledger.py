"""The independent witness: every write a simulated system accepted, stored beside the write itself.

`record` runs in the caller's transaction, so a business write and its ledger row commit together or
not at all. The ledger holds what changed; the attempts hold every accepted call, also the replayed
ones that changed nothing. Two runs with the same outcome therefore have equal ledgers, however
often the wire made the client ask again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import RLock
from typing import Any, Literal

Effect = Literal["created", "updated", "unchanged"]

_COLUMNS = ("seq", "at", "operation", "reference", "document", "content", "effect")


class Ledger:
    """Writes accepted by one system, in one SQLite database.

    `reference` is the client's own reference (or None), `document` the system's number, `content`
    what was written, JSON-safe but for Decimals and dates, which are stored as text.
    """

    def __init__(self, db: sqlite3.Connection, lock: RLock, now: Callable[[], datetime]) -> None:
        """Create the two tables when missing."""
        self._db, self._lock, self._now = db, lock, now
        for table in ("sandbox_ledger", "sandbox_attempts"):
            db.execute(
                f"CREATE TABLE IF NOT EXISTS {table} (seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT,"
                " operation TEXT, reference TEXT, document TEXT, content TEXT, effect TEXT)"
            )

    def record(
        self,
        operation: str,
        reference: str | None,
        document: str,
        content: Mapping[str, Any],
        effect: Effect,
    ) -> None:
        """Note one accepted write in the open transaction: an attempt, and a ledger row unless unchanged."""
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
        row = (self._now().isoformat(), operation, reference, document, text, effect)
        with self._lock:
            self._insert("sandbox_attempts", row)
            if effect != "unchanged":
                self._insert("sandbox_ledger", row)

    def rows(self) -> list[dict[str, Any]]:
        """Every change, oldest first: `{seq, at, operation, reference, document, content, effect}`."""
        return self._read("sandbox_ledger")

    def attempts(self) -> list[dict[str, Any]]:
        """Every accepted call, replays included, oldest first, in the same shape."""
        return self._read("sandbox_attempts")

    def _insert(self, table: str, row: tuple[str | None, ...]) -> None:
        columns = ", ".join(_COLUMNS[1:])
        self._db.execute(f"INSERT INTO {table} ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)

    def _read(self, table: str) -> list[dict[str, Any]]:
        with self._lock:
            found = self._db.execute(f"SELECT {', '.join(_COLUMNS)} FROM {table} ORDER BY seq").fetchall()
        rows = [dict(zip(_COLUMNS, row, strict=True)) for row in found]
        return [{**row, "content": json.loads(row["content"])} for row in rows]
