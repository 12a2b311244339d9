"""Reading and writing CRM records: every write bumps SystemModstamp and stands in the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sandbox.common.state import SystemState
from sandbox.crm.errors import CrmError
from sandbox.crm.schema import OBJECTS, Field, SObject, long_id, record_id, shown, stamp, stored
from sandbox.crm.soql import Path, Statement

Effect = Literal["created", "updated", "unchanged"]


def create_tables(db: sqlite3.Connection) -> None:
    """One table per object, and one for what was deleted."""
    for each in OBJECTS.values():
        columns = ", ".join(f"{field.name} {_column_type(field)}" for field in each.fields.values())
        db.execute(f'CREATE TABLE "{each.name}" ({columns})')
        for field in each.fields.values():
            if field.type in ("reference", "datetime") or field.external_id:
                db.execute(f'CREATE INDEX "{each.name}_{field.name}" ON "{each.name}" ({field.name})')
    db.execute("CREATE TABLE deleted (object TEXT, id TEXT, at TEXT)")


def _column_type(field: Field) -> str:
    if field.type == "id":
        return "TEXT PRIMARY KEY"
    return {"boolean": "INTEGER", "string": "TEXT COLLATE NOCASE"}.get(field.type, "TEXT")


def insert(db: sqlite3.Connection, kind: SObject, values: Mapping[str, Any], modified: datetime) -> str:
    """Insert one record with values as `stored` gives them; answers its new id."""
    number = db.execute(f'SELECT COALESCE(MAX(rowid), 0) + 1 FROM "{kind.name}"').fetchone()[0]
    new = record_id(kind.prefix, number)
    row = {**values, "Id": new, "SystemModstamp": stamp(modified)}
    marks = ", ".join("?" * len(row))
    db.execute(f'INSERT INTO "{kind.name}" ({", ".join(row)}) VALUES ({marks})', tuple(row.values()))
    return new


def select(state: SystemState, statement: Statement, version: str) -> list[dict[str, Any]]:
    """Run a compiled query; records as Salesforce shows them, with `attributes` and nested parents."""
    with state.lock:
        rows = state.db.execute(statement.sql, statement.parameters).fetchall()
    return [_record(statement, row, version) for row in rows]


def count(state: SystemState, statement: Statement) -> int:
    """The number of records a `SELECT COUNT()` finds."""
    with state.lock:
        return int(state.db.execute(statement.sql, statement.parameters).fetchone()[0])


def _record(statement: Statement, row: tuple[Any, ...], version: str) -> dict[str, Any]:
    record: dict[str, Any] = {"attributes": {"type": statement.sobject.name}}
    for path, value in zip(statement.columns, row, strict=True):
        _place(record, statement.sobject, path, shown(path.field, value))
    if "Id" in record:
        record["attributes"]["url"] = f"/services/data/{version}/sobjects/{statement.sobject.name}/{record['Id']}"
    return record


def _place(record: dict[str, Any], kind: SObject, path: Path, value: Any) -> None:  # noqa: ANN401 - a JSON value
    at, current = record, kind
    for name in path.relations:
        reference = current.relation(name)
        assert reference is not None
        assert reference.target is not None
        current = OBJECTS[reference.target]
        at = at.setdefault(name, {"attributes": {"type": current.name}})
    at[path.field.name] = value


def fetch(state: SystemState, kind: SObject, key: Field, value: str) -> dict[str, Any] | None:
    """The stored row whose key field has this value, or None."""
    wanted = long_id(value) if key.type == "id" else value
    with state.lock:
        found = state.db.execute(f'SELECT * FROM "{kind.name}" WHERE {key.name} = ?', (wanted,)).fetchone()
    return None if found is None else dict(zip(kind.fields, found, strict=True))


def written(kind: SObject, body: Mapping[str, Any], *, creating: bool) -> dict[str, Any]:
    """The body's fields as stored; CrmError for unknown, read-only or missing fields and wrong values."""
    values: dict[str, Any] = {}
    for name, value in body.items():
        if name == "attributes":
            continue
        field = kind.field(name)
        if field.name in ("Id", "SystemModstamp"):
            text = f"Unable to create/update fields: {field.name}. Please check the security settings of this field."
            raise CrmError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, (field.name,))
        values[field.name] = stored(field, value)
    required = [field.name for field in kind.own if field.required]
    missing = [name for name in required if (creating or name in values) and values.get(name) is None]
    if missing:
        text = f"Required fields are missing: [{', '.join(missing)}]"
        raise CrmError(400, "REQUIRED_FIELD_MISSING", text, tuple(missing))
    return values


def create(state: SystemState, kind: SObject, body: Mapping[str, Any]) -> str:
    """Create one record; answers its id."""
    values = written(kind, body, creating=True)
    with state.transaction() as db:
        _check_references(state, kind, values)
        _check_unique(state, kind, values)
        new = insert(db, kind, values, state.now())
        state.ledger.record(f"create {kind.name}", _reference(kind, values), new, values, "created")
    return new


def update(state: SystemState, kind: SObject, row: Mapping[str, Any], body: Mapping[str, Any]) -> Effect:
    """Change one record for a client of the API, and note it in the ledger."""
    with state.transaction():
        values, effect = change(state, kind, row, body)
        reference = _reference(kind, {**row, **values})
        state.ledger.record(f"update {kind.name}", reference, str(row["Id"]), values, effect)
    return effect


def change(
    state: SystemState, kind: SObject, row: Mapping[str, Any], body: Mapping[str, Any]
) -> tuple[dict[str, Any], Effect]:
    """Change one record; a body that changes nothing leaves its SystemModstamp alone."""
    values = written(kind, body, creating=False)
    with state.transaction() as db:
        _check_references(state, kind, values)
        changed = {name: value for name, value in values.items() if row[name] != value}
        effect: Effect = "updated" if changed else "unchanged"
        if changed:
            changed["SystemModstamp"] = stamp(state.now())
            assignments = ", ".join(f"{name} = ?" for name in changed)
            db.execute(f'UPDATE "{kind.name}" SET {assignments} WHERE Id = ?', (*changed.values(), row["Id"]))
    return values, effect


def touch(state: SystemState, kind: SObject, row: Mapping[str, Any]) -> None:
    """Give a record a new SystemModstamp, as a change of its lines does."""
    with state.transaction() as db:
        db.execute(f'UPDATE "{kind.name}" SET SystemModstamp = ? WHERE Id = ?', (stamp(state.now()), row["Id"]))


def upsert(state: SystemState, kind: SObject, key: Field, value: str, body: Mapping[str, Any]) -> tuple[str, Effect]:
    """Create or change the record whose external id has this value; answers its id and what happened."""
    if any(name.lower() == key.name.lower() for name in body):
        text = f"The {key.name} field should not be specified in the sobject data."
        raise CrmError(400, "INVALID_FIELD", text, (key.name,))
    with state.transaction():
        row = fetch(state, kind, key, value)
        if row is None:
            return create(state, kind, {**body, key.name: value}), "created"
        return str(row["Id"]), update(state, kind, row, body)


def delete(state: SystemState, kind: SObject, row: Mapping[str, Any]) -> None:
    """Remove one record and remember that it stood there."""
    with state.transaction() as db:
        db.execute(f'DELETE FROM "{kind.name}" WHERE Id = ?', (row["Id"],))
        db.execute("INSERT INTO deleted VALUES (?, ?, ?)", (kind.name, row["Id"], stamp(state.now())))
        state.ledger.record(f"delete {kind.name}", _reference(kind, row), str(row["Id"]), {}, "updated")


def _reference(kind: SObject, values: Mapping[str, Any]) -> str | None:
    """The client's own reference: the external id where the object has one."""
    for field in kind.own:
        if field.external_id:
            found = values.get(field.name)
            return None if found is None else str(found)
    return None


def _check_references(state: SystemState, kind: SObject, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        field = kind.fields[name]
        if field.target is None or value is None:
            continue
        target = OBJECTS[field.target]
        if fetch(state, target, target.fields["Id"], value) is None:
            text = f"{name}: id value of incorrect type or unknown: {value}"
            raise CrmError(400, "INVALID_CROSS_REFERENCE_KEY", text, (name,))


def _check_unique(state: SystemState, kind: SObject, values: Mapping[str, Any]) -> None:
    for field in kind.own:
        value = values.get(field.name)
        if field.external_id and value is not None and fetch(state, kind, field, value) is not None:
            text = f"duplicate value found: {field.name} duplicates value on record"
            raise CrmError(400, "DUPLICATE_VALUE", text, (field.name,))
