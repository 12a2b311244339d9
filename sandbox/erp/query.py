"""Reading: ExecuteBillQuery (a list of lists) and BillQuery (a list of objects).

Any entry field makes the reply one row per entry with the head repeated. `TopRowCount` is the absolute
number of the last row a query may reach, whatever page is asked for; 0 means no such end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from sandbox.erp.columns import Column, column_named, columns
from sandbox.erp.envelope import BAD_PARAMETER, Refused
from sandbox.erp.filters import Condition, parse_filter
from sandbox.erp.forms import Form, form_named

MAX_ROWS = 2000


@dataclass(frozen=True, slots=True)
class _Asked:
    form: Form
    fields: tuple[Column, ...]
    condition: Condition
    order: str
    start: int
    count: int


def query_rows(db: sqlite3.Connection, parameters: Mapping[str, object]) -> list[list[object]]:
    """Rows in the order of FieldKeys. Raises Refused."""
    return _rows(db, _asked(parameters))


def query_objects(db: sqlite3.Connection, parameters: Mapping[str, object]) -> list[dict[str, object]]:
    """The same rows as objects keyed by the field keys as they were asked for."""
    keys = _field_keys(parameters)
    return [dict(zip(keys, row, strict=True)) for row in _rows(db, _asked(parameters))]


def _asked(parameters: Mapping[str, object]) -> _Asked:
    form = form_named(parameters.get("FormId"))
    find = partial(column_named, columns(form))
    fields = tuple(find(key) for key in _field_keys(parameters))
    condition = parse_filter(parameters.get("FilterString"), find)
    ordering = [_order_term(term, find(term.split()[0])) for term in _order_terms(parameters)]
    rows = any(column.in_rows for column in fields) or condition.in_rows
    rows = rows or any(in_rows for _, in_rows in ordering)
    order = [sql for sql, _ in ordering] + ["h.id"] + (["e.seq"] if rows else [])
    start, count = _window(parameters)
    return _Asked(form, fields, Condition(condition.sql, condition.values, rows), ", ".join(order), start, count)


def _field_keys(parameters: Mapping[str, object]) -> list[str]:
    keys = [key.strip() for key in str(parameters.get("FieldKeys") or "").split(",") if key.strip()]
    if not keys:
        raise Refused("查询字段FieldKeys不能为空", BAD_PARAMETER, "FieldKeys")
    return keys


def _order_terms(parameters: Mapping[str, object]) -> list[str]:
    return [term for term in str(parameters.get("OrderString") or "").split(",") if term.strip()]


def _order_term(term: str, column: Column) -> tuple[str, bool]:
    direction = term.strip().partition(" ")[2].strip().upper() or "ASC"
    if direction not in ("ASC", "DESC"):
        raise Refused(f"排序条件语法错误：{term.strip()}", BAD_PARAMETER, "OrderString")
    sql = f"CAST({column.sql} AS REAL)" if column.kind == "number" else column.sql
    return f"{sql} {direction}", column.in_rows


def _window(parameters: Mapping[str, object]) -> tuple[int, int]:
    start = max(0, _whole(parameters, "StartRow"))
    limit = _whole(parameters, "Limit")
    count = min(limit, MAX_ROWS) if limit > 0 else MAX_ROWS
    top = _whole(parameters, "TopRowCount")
    return start, max(0, min(count, top - start)) if top > 0 else count


def _whole(parameters: Mapping[str, object], name: str) -> int:
    try:
        return int(str(parameters.get(name) or 0))
    except ValueError:
        raise Refused(f"参数{name}必须是整数", BAD_PARAMETER, name) from None


def _rows(db: sqlite3.Connection, asked: _Asked) -> list[list[object]]:
    chosen = ", ".join(column.sql for column in asked.fields)
    table = f'"{asked.form.form_id}"'
    joined = f"{table} h" + (
        f' JOIN "{asked.form.form_id}_rows" e ON e.head_id = h.id' if asked.condition.in_rows else ""
    )
    found = db.execute(
        f"SELECT {chosen} FROM {joined} WHERE {asked.condition.sql} ORDER BY {asked.order} LIMIT ? OFFSET ?",
        (*asked.condition.values, asked.count, asked.start),
    )
    return [
        [on_the_wire(value, column.kind) for value, column in zip(tuple(row), asked.fields, strict=True)]
        for row in found.fetchall()
    ]


def on_the_wire(value: object, kind: str) -> object:
    """A stored value as the vendor sends it: numbers as JSON numbers."""
    if value is None:
        return None
    if kind == "flag":
        return value == "1"
    # A float of at most 15 digits prints as the decimal it came from, so nothing is lost on the wire.
    return float(Decimal(str(value))) if kind == "number" else value
