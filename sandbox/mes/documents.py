"""The MES keeps every collection as JSON documents in one table; the stored body is the body on the wire.

Each change gives a document the next change number (`seq`), and lists are read in that order. A page
therefore never skips a record: what is inserted or changed while a client pages comes later in the
same walk, and a walk from `updated_since` starts at the first change at or after that time.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

Body = dict[str, Any]

SCHEMA: Final = (
    (
        "CREATE TABLE IF NOT EXISTS documents (collection TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL UNIQUE,"
        " version INTEGER NOT NULL, updated_at TEXT NOT NULL, external_ref TEXT, body TEXT NOT NULL,"
        " PRIMARY KEY (collection, id))"
    ),
    "CREATE UNIQUE INDEX IF NOT EXISTS documents_reference ON documents (collection, external_ref)",
    "CREATE INDEX IF NOT EXISTS documents_order ON documents (collection, seq)",
    "CREATE INDEX IF NOT EXISTS documents_code ON documents (collection, json_extract(body, '$.code'))",
    "CREATE INDEX IF NOT EXISTS documents_number ON documents (collection, json_extract(body, '$.number'))",
    "CREATE INDEX IF NOT EXISTS documents_erp ON documents (collection, json_extract(body, '$.erp_order_no'))",
)


@dataclass(frozen=True, slots=True)
class Document:
    """One stored record; `version` counts its changes from 1."""

    id: str
    seq: int
    version: int
    body: Body

    @property
    def etag(self) -> str:
        """The strong entity tag of this version."""
        return f'"{self.id}-{self.version}"'


class Documents:
    """Reads and writes documents within the caller's transaction; `now` stamps `updated_at`."""

    def __init__(self, db: sqlite3.Connection, now: datetime) -> None:
        """Bind to an open transaction and the time at which it happens."""
        self._db, self._now = db, rfc3339(now)

    @property
    def at(self) -> str:
        """The time of this transaction, RFC 3339."""
        return self._now

    def insert(self, collection: str, body: Body) -> Document:
        """Add a document; `body` must carry a fresh `id` and, if any, its unique `external_ref`."""
        stamped = {**body, "updated_at": self._now}
        seq = self._next_seq()
        self._db.execute(
            "INSERT INTO documents VALUES (?, ?, ?, 1, ?, ?, ?)",
            (collection, body["id"], seq, self._now, body.get("external_ref"), _text(stamped)),
        )
        return Document(body["id"], seq, 1, stamped)

    def replace(self, collection: str, old: Document, changes: Mapping[str, Any]) -> Document:
        """Store changed fields as the next version."""
        stamped = {**old.body, **changes, "updated_at": self._now}
        new = Document(old.id, self._next_seq(), old.version + 1, stamped)
        self._db.execute(
            "UPDATE documents SET seq = ?, version = ?, updated_at = ?, body = ? WHERE collection = ? AND id = ?",
            (new.seq, new.version, self._now, _text(stamped), collection, old.id),
        )
        return new

    def get(self, collection: str, id_: str) -> Document | None:
        """The document of that id, or None."""
        return self._one(collection, "id = ?", id_)

    def find(self, collection: str, field: str, value: str) -> Document | None:
        """The first document whose `field` equals `value`, or None. `field` is one of the code's own names."""
        return self._one(collection, f"{_place(field)} = ?", value)

    def by_reference(self, collection: str, external_ref: str) -> Document | None:
        """The document created under the client's own reference, or None."""
        return self._one(collection, "external_ref = ?", external_ref)

    def page(
        self, collection: str, after: int, limit: int, since: str | None, equal: Mapping[str, str]
    ) -> list[Document]:
        """At most `limit` documents after change number `after`, oldest change first; `since` is inclusive."""
        wanted = "".join(f" AND {_place(field)} = ?" for field in equal)
        seq = "+seq" if equal else "seq"  # with a filter its own index serves, not the order's
        rows = self._db.execute(
            f"SELECT id, seq, version, body FROM documents WHERE collection = ? AND {seq} > ? AND updated_at >= ?"
            f"{wanted} ORDER BY {seq} LIMIT ?",
            (collection, after, since or "", *equal.values(), limit),
        )
        return [_document(row) for row in rows]

    def _one(self, collection: str, condition: str, value: str) -> Document | None:
        row = self._db.execute(
            f"SELECT id, seq, version, body FROM documents WHERE collection = ? AND {condition} ORDER BY +seq LIMIT 1",
            (collection, value),
        ).fetchone()
        return None if row is None else _document(row)

    def _next_seq(self) -> int:
        return int(self._db.execute("SELECT COALESCE(MAX(seq), 0) + 1 FROM documents").fetchone()[0])


def _document(row: tuple[str, int, int, str]) -> Document:
    return Document(row[0], row[1], row[2], json.loads(row[3]))


def _place(field: str) -> str:
    """Where a field is indexed."""
    return field if field == "external_ref" else f"json_extract(body, '$.{field}')"


def _text(body: Body) -> str:
    return json.dumps(body, ensure_ascii=False)


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and `Z`: a fixed width, so that text order is time order."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def number(quantity: Decimal) -> int | float:
    """A quantity as a JSON number: whole ones without a fraction."""
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


def quantity(value: float) -> Decimal:
    """A stored JSON number as the exact decimal it was written as."""
    return Decimal(str(value))


def stable_id(prefix: str, key: str) -> str:
    """An id derived from a business key, so that runs with equal documents have equal ids."""
    return f"{prefix}{hashlib.sha256(key.encode()).hexdigest()[:12]}"
