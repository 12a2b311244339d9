"""From the JSON of a Save to the values of a document, with the checks the vendor makes on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from sandbox.erp.envelope import BAD_PARAMETER, INVALID, NOT_FOUND, Refused
from sandbox.erp.filters import local_time
from sandbox.erp.forms import Field, Form, common_fields
from sandbox.erp.tables import Values, is_active

# Heads and rows name their own identity this way; it is read by the Save itself.
_ROW_ID = ("fentryid",)


def lowered(given: object, what: str) -> dict[str, object]:
    """The object with lower-case keys, as the vendor reads them. Raises Refused when it is none."""
    if not isinstance(given, Mapping):
        raise Refused(f"{what}格式不正确，应为JSON对象", BAD_PARAMETER, what)
    return {str(key).lower(): value for key, value in given.items()}


def head_values(db: sqlite3.Connection, form: Form, model: Mapping[str, object]) -> Values:
    """The head fields that `model` (lower-case keys) gives."""
    own = ("fid", form.id_key.lower(), form.number_key.lower(), form.entity.lower())
    return _values(db, form.head, model, (*own, *(one.key.lower() for one in common_fields(form))))


def row_values(db: sqlite3.Connection, form: Form, row: Mapping[str, object]) -> Values:
    """The fields that one entry row (lower-case keys) gives."""
    return _values(db, form.rows, row, _ROW_ID)


def _values(db: sqlite3.Connection, fields: Iterable[Field], given: Mapping[str, object], own: Iterable[str]) -> Values:
    known = {field.key.lower(): field for field in fields}
    for key in given:
        if key not in known and key not in own:
            raise Refused(f"元数据中标识为{key}的字段不存在", NOT_FOUND, key)
    return {
        field.key: _value(db, field, given[key]) for key, field in known.items() if key in given and not field.read_only
    }


def with_defaults(fields: Iterable[Field], values: Mapping[str, object]) -> Values:
    """A complete set of values for a new head or row."""
    return {field.key: values.get(field.key, field.default) for field in fields}


def check_required(fields: Iterable[Field], values: Mapping[str, object]) -> None:
    """Raise the vendor's refusal for the first mandatory field without a value."""
    for field in fields:
        if field.required and values.get(field.key) in (None, ""):
            raise Refused(f"字段[{field.title}]是必录字段", INVALID, field.key)


def _value(db: sqlite3.Connection, field: Field, given: object) -> object:
    if given is None or (isinstance(given, str) and not given.strip()):
        return None
    if field.kind == "base":
        return _base_number(db, field, given)
    if field.kind == "flag":
        return "1" if str(given).lower() in ("1", "true") else "0"
    if isinstance(given, (dict, list, bool)):
        raise Refused(f"字段[{field.title}]的值格式不正确", BAD_PARAMETER, field.key)
    try:
        return _scalar(field, str(given))
    except (ValueError, InvalidOperation):
        raise Refused(f"字段[{field.title}]的值[{given}]格式不正确", BAD_PARAMETER, field.key) from None


def _scalar(field: Field, text: str) -> object:
    if field.kind == "number":
        return _quantity(field, Decimal(text))
    if field.kind == "integer":
        return int(text)
    if field.kind == "date":
        return local_time(text)[:10] + "T00:00:00"
    return local_time(text) if field.kind == "time" else text


def _quantity(field: Field, number: Decimal) -> str:
    if not number.is_finite():
        raise InvalidOperation
    if field.positive and number <= 0:
        raise Refused(f"字段[{field.title}]的值必须大于0", INVALID, field.key)
    text = format(number, "f")  # 12.50 and 12.5 are one quantity and must not look like a change
    return text.rstrip("0").rstrip(".") if "." in text else text


def _base_number(db: sqlite3.Connection, field: Field, given: object) -> str | None:
    number = lowered(given, field.key).get("fnumber")
    if number is None or not str(number).strip():
        return None
    if field.base == "BOS_BillType":  # bill types are the site's own; any code is taken
        return str(number)
    active = is_active(db, field.base, str(number))
    if active is None:
        raise Refused(f"字段[{field.title}]录入的编码[{number}]不存在", NOT_FOUND, field.key)
    if not active:
        raise Refused(f"字段[{field.title}]录入的编码[{number}]已被禁用", INVALID, field.key)
    return str(number)
