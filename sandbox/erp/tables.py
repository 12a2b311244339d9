"""The ERP's own database: one table a form, and one for its entry rows.

Quantities are kept as exact decimal text, times as `2026-01-02T00:00:00` in the server's zone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.erp.forms import FORMS, Field, Form, common_fields

FIRST_ID = 100001
Values = dict[str, object]


@dataclass(slots=True)
class Row:
    """One entry row; `id` is 0 until it is stored."""

    id: int
    values: Values


@dataclass(slots=True)
class Document:
    """One document of a form as it stands; `id` is 0 until it is stored."""

    id: int
    number: str
    head: Values
    rows: list[Row] = field(default_factory=list)

    def text(self, key: str) -> str:
        """The head field as text, empty when it has no value."""
        return str(self.head.get(key) or "")


def create_tables(db: sqlite3.Connection) -> None:
    """Make every table that is not there yet."""
    for form in FORMS.values():
        columns = _declared(form.head + common_fields(form))
        db.execute(
            f'CREATE TABLE IF NOT EXISTS "{form.form_id}" '
            f"(id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL UNIQUE, {columns})"
        )
        _index(db, form.form_id, "FModifyDate")
        if any(one.key == "F_MS_Ref" for one in form.head):
            _index(db, form.form_id, "F_MS_Ref")
        if form.entity:
            _create_rows(db, form)
    db.execute("CREATE TABLE IF NOT EXISTS repeat_json (digest TEXT PRIMARY KEY, number TEXT NOT NULL)")


def _create_rows(db: sqlite3.Connection, form: Form) -> None:
    db.execute(
        f'CREATE TABLE IF NOT EXISTS "{form.form_id}_rows" (id INTEGER PRIMARY KEY AUTOINCREMENT, '
        f"head_id INTEGER NOT NULL, seq INTEGER NOT NULL, {_declared(form.rows)})"
    )
    _index(db, f"{form.form_id}_rows", "head_id")


def _index(db: sqlite3.Connection, table: str, column: str) -> None:
    db.execute(f'CREATE INDEX IF NOT EXISTS "{table}_{column}" ON "{table}" ("{column}")')


def _declared(fields: Iterable[Field]) -> str:
    return ", ".join(f'"{one.key}" {"INTEGER" if one.kind == "integer" else "TEXT"}' for one in fields)


def store_document(db: sqlite3.Connection, form: Form, document: Document) -> None:
    """Insert or replace `document` with exactly its rows; fills in the ids it is given."""
    if document.id:
        _update(db, form.form_id, document.id, {"number": document.number, **document.head})
    else:
        document.id = _insert(db, form.form_id, {"number": document.number, **document.head})
    if form.entity:
        _store_rows(db, form, document)


def _store_rows(db: sqlite3.Connection, form: Form, document: Document) -> None:
    table = f"{form.form_id}_rows"
    kept = [row.id for row in document.rows if row.id]
    places = ",".join("?" * len(kept))
    db.execute(f'DELETE FROM "{table}" WHERE head_id = ? AND id NOT IN ({places})', (document.id, *kept))
    for seq, row in enumerate(document.rows, start=1):
        values = {"head_id": document.id, "seq": seq, **row.values}
        if row.id:
            _update(db, table, row.id, values)
        else:
            row.id = _insert(db, table, values)


def _insert(db: sqlite3.Connection, table: str, values: Mapping[str, object]) -> int:
    if not db.execute("SELECT 1 FROM sqlite_sequence WHERE name = ?", (table,)).fetchone():
        values = {"id": FIRST_ID, **values}
    names = ",".join(f'"{name}"' for name in values)
    places = ",".join("?" * len(values))
    cursor = db.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places})', tuple(values.values()))
    return int(cursor.lastrowid or 0)


def _update(db: sqlite3.Connection, table: str, row_id: int, values: Mapping[str, object]) -> None:
    pairs = ",".join(f'"{name}" = ?' for name in values)
    db.execute(f'UPDATE "{table}" SET {pairs} WHERE id = ?', (*values.values(), row_id))


def remove_document(db: sqlite3.Connection, form: Form, fid: int) -> None:
    """Delete the document and its rows; ids are never given out again."""
    if form.entity:
        db.execute(f'DELETE FROM "{form.form_id}_rows" WHERE head_id = ?', (fid,))
    db.execute(f'DELETE FROM "{form.form_id}" WHERE id = ?', (fid,))


def document_by_id(db: sqlite3.Connection, form: Form, fid: int) -> Document | None:
    return _read(db, form, "id", fid)


def document_by_number(db: sqlite3.Connection, form: Form, number: str) -> Document | None:
    return _read(db, form, "number", number)


def _read(db: sqlite3.Connection, form: Form, column: str, value: object) -> Document | None:
    keys = [one.key for one in form.head + common_fields(form)]
    names = ",".join(f'"{key}"' for key in keys)
    found = db.execute(f'SELECT id, number, {names} FROM "{form.form_id}" WHERE {column} = ?', (value,)).fetchone()
    if found is None:
        return None
    head = dict(zip(keys, tuple(found)[2:], strict=True))
    return Document(int(found[0]), str(found[1]), head, _read_rows(db, form, int(found[0])))


def _read_rows(db: sqlite3.Connection, form: Form, head_id: int) -> list[Row]:
    if not form.entity:
        return []
    keys = [one.key for one in form.rows]
    names = ",".join(f'"{key}"' for key in keys)
    found = db.execute(f'SELECT id, {names} FROM "{form.form_id}_rows" WHERE head_id = ? ORDER BY seq', (head_id,))
    return [Row(int(row[0]), dict(zip(keys, tuple(row)[1:], strict=True))) for row in found.fetchall()]


def is_active(db: sqlite3.Connection, form_id: str, number: str) -> bool | None:
    """Whether the base record may be used; None when there is none of that number."""
    found = db.execute(f'SELECT "FForbidStatus" FROM "{form_id}" WHERE number = ?', (number,)).fetchone()
    return None if found is None else found[0] == "A"
