"""The keys a query may use on a form, and where each one is found.

A base field answers three keys: itself (the base record's id), `.FNumber` and `.FName`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.erp.envelope import NOT_FOUND, Refused
from sandbox.erp.forms import Field, Form, Kind, common_fields


@dataclass(frozen=True, slots=True)
class Column:
    """Where a query key is found: an SQL expression over `h` (head) and `e` (entry row)."""

    key: str
    sql: str
    kind: Kind
    in_rows: bool


def columns(form: Form) -> dict[str, Column]:
    """Every query key of the form, in lower case, and where it is found."""
    found = {
        "fid": Column("FID", "h.id", "integer", in_rows=False),
        form.id_key.lower(): Column(form.id_key, "h.id", "integer", in_rows=False),
        form.number_key.lower(): Column(form.number_key, "h.number", "text", in_rows=False),
    }
    for field in form.head + common_fields(form):
        found.update(_columns_of(field, "h"))
    if form.entity:
        entity = form.entity
        found[f"{entity}_fentryid".lower()] = Column(f"{entity}_FEntryId", "e.id", "integer", in_rows=True)
        found[f"{entity}_fseq".lower()] = Column(f"{entity}_FSeq", "e.seq", "integer", in_rows=True)
        for field in form.rows:
            found.update(_columns_of(field, "e"))
    return found


def column_named(known: dict[str, Column], key: str) -> Column:
    """The column a key means, or the vendor's refusal of an unknown field."""
    column = known.get(key.strip().lower())
    if column is None:
        raise Refused(f"元数据中标识为{key.strip()}的字段不存在", NOT_FOUND, key.strip())
    return column


def _columns_of(field: Field, side: str) -> dict[str, Column]:
    in_rows = side == "e"
    own = f'{side}."{field.key}"'
    if field.kind != "base":
        return {field.key.lower(): Column(field.key, own, field.kind, in_rows)}
    lookup = f'(SELECT {{}} FROM "{field.base}" b WHERE b.number = {own})'
    by_suffix: dict[str, tuple[str, Kind]] = {
        "": (lookup.format("b.id"), "integer"),
        ".FNumber": (own, "text"),
        ".FName": (lookup.format('b."FName"'), "text"),
    }
    return {
        (field.key + suffix).lower(): Column(field.key + suffix, sql, kind, in_rows)
        for suffix, (sql, kind) in by_suffix.items()
    }
