"""View: one whole document, in the vendor's property names rather than its field keys.

Properties drop the leading F (custom fields `F_…` keep theirs), base data is an object, and names are
lists by language.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from sandbox.erp.envelope import NO_RECORD, Json, Refused
from sandbox.erp.forms import Field, Form, common_fields
from sandbox.erp.query import on_the_wire
from sandbox.erp.tables import Document, document_by_id, document_by_number

_CHINESE = 2052


def view(db: sqlite3.Connection, form: Form, request: Mapping[str, object]) -> Json:
    """The reply to a View by `id` or `number` (lower-case keys). Raises Refused."""
    document = _wanted(db, form, request)
    shown: Json = {"Id": document.id, _property(form.number_key): document.number}
    shown.update(_shown(db, form.head + common_fields(form), document.head))
    if form.entity:
        shown[_property(form.entity)] = [
            {"Id": row.id, "Seq": seq, **_shown(db, form.rows, row.values)}
            for seq, row in enumerate(document.rows, start=1)
        ]
    return {"Result": {"ResponseStatus": None, "Result": shown}}


def _wanted(db: sqlite3.Connection, form: Form, request: Mapping[str, object]) -> Document:
    fid, number = str(request.get("id") or ""), str(request.get("number") or "")
    found = document_by_id(db, form, int(fid)) if fid.isdigit() else None
    found = found or (document_by_number(db, form, number) if number else None)
    if found is None:
        raise Refused(f"编码为[{number or fid}]的{form.title}不存在", NO_RECORD, form.number_key)
    return found


def _shown(db: sqlite3.Connection, fields: Iterable[Field], values: Mapping[str, object]) -> Json:
    return {_property(field.key): _value(db, field, values[field.key]) for field in fields}


def _value(db: sqlite3.Connection, field: Field, value: object) -> object:
    if field.kind == "base":
        return None if value is None else _base(db, field, str(value))
    if field.key == "FName":
        return [{"Key": _CHINESE, "Value": value}]
    return on_the_wire(value, field.kind)


def _base(db: sqlite3.Connection, field: Field, number: str) -> Json:
    found = db.execute(f'SELECT id, "FName" FROM "{field.base}" WHERE number = ?', (number,)).fetchone()
    base_id, name = (found[0], found[1]) if found else (0, None)
    return {"Id": base_id, "Number": number, "Name": [{"Key": _CHINESE, "Value": name}]}


def _property(key: str) -> str:
    return key if key.startswith("F_") else key.removeprefix("F")
