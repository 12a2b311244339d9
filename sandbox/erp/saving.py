"""Save: a document with FID makes a change, one without makes a new document each time it is sent.

There is no idempotency here, as in the vendor's product: the caller's own reference is only stored.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.erp import production
from sandbox.erp.envelope import BAD_PARAMETER, INVALID, NO_RECORD, NOT_OPERABLE, Refused
from sandbox.erp.forms import Form, common_fields
from sandbox.erp.model import check_required, head_values, lowered, row_values, with_defaults
from sandbox.erp.tables import Document, Row, Values, document_by_id, document_by_number, store_document


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """What a Save asks for beside its model."""

    delete_rows: bool = True
    only_fields: frozenset[str] = frozenset()
    refuse_repeat: bool = False
    and_audit: bool = False
    """Submit and audit it too, all or nothing."""

    @classmethod
    def of(cls, request: Mapping[str, object]) -> SaveOptions:
        """Read from the lower-case keys of a Save's data; flags may be booleans or their text."""
        only = request.get("needupdatefields") or []
        if not isinstance(only, list):
            raise Refused("参数NeedUpDateFields格式不正确", BAD_PARAMETER, "NeedUpDateFields")
        return cls(
            _flag(request.get("isdeleteentry"), otherwise=True),
            frozenset(str(key).lower() for key in only),
            _flag(request.get("validaterepeatjson"), otherwise=False),
            _flag(request.get("isautosubmitandaudit"), otherwise=False),
        )


@dataclass(frozen=True, slots=True)
class Saved:
    """The document as it now stands, and what the Save did to it."""

    document: Document
    effect: Literal["created", "updated", "unchanged"]


def _flag(given: object, *, otherwise: bool) -> bool:
    return otherwise if given in (None, "") else str(given).lower() == "true"


def save(db: sqlite3.Connection, form: Form, given: object, options: SaveOptions, at: str) -> Saved:
    """Store `given` (a Save's Model) at local time `at`, inside the open transaction. Raises Refused."""
    model = lowered(given, "Model")
    fid = _identity(model.get("fid", model.get(form.id_key.lower())))
    digest = _repeat_digest(form, given)
    if options.refuse_repeat and _is_repeat(db, digest):
        raise Refused("相同的数据已存在，不允许重复提交", INVALID, "Model")
    before = _existing(db, form, fid) if fid else None
    document = _changed(db, form, model, options, before) if before else _new(db, form, model, at)
    _check(db, form, document)
    effect = _effect(db, form, document, before_id=fid)
    if effect != "unchanged":
        document.head["FModifyDate"] = at
        store_document(db, form, document)
        if not before:
            _number_it(db, form, document)
        db.execute("INSERT OR IGNORE INTO repeat_json VALUES (?, ?)", (digest, document.number))
    return Saved(document, effect)


def _identity(given: object) -> int:
    try:
        return int(str(given or 0))
    except ValueError:
        raise Refused(f"单据内码[{given}]格式不正确", BAD_PARAMETER, "FID") from None


def _existing(db: sqlite3.Connection, form: Form, fid: int) -> Document:
    found = document_by_id(db, form, fid)
    if found is None:
        raise Refused(f"内码为[{fid}]的{form.title}不存在或已被删除", NO_RECORD, "FID")
    check_editable(form, found)
    return found


def check_editable(form: Form, document: Document) -> None:
    """Raise Refused where the document's state forbids a change of its content."""
    if document.text("FCancelStatus") == "B":
        raise Refused(f"编号为[{document.number}]的{form.title}已作废，不允许修改", NOT_OPERABLE)
    status = document.text("FDocumentStatus")
    if form.bill and status == "B":
        raise Refused(f"编号为[{document.number}]的{form.title}审核中，不允许修改", NOT_OPERABLE)
    if form.bill and status == "C":
        raise Refused(f"编号为[{document.number}]的{form.title}已审核，不允许修改，请先反审核", NOT_OPERABLE)


def _new(db: sqlite3.Connection, form: Form, model: Mapping[str, object], at: str) -> Document:
    head = with_defaults(form.head + common_fields(form), head_values(db, form, model))
    head.update({"FCreateDate": at, "FDocumentStatus": "A" if form.bill else "C"})
    for date_key in ("FDate", "FApplicationDate"):
        if date_key in head and head[date_key] is None:
            head[date_key] = at[:10] + "T00:00:00"
    rows = [_new_row(db, form, row) for row in _given_rows(form, model) or ()]
    number = model.get(form.number_key.lower())
    return Document(0, str(number) if number else "", head, rows)


def _new_row(db: sqlite3.Connection, form: Form, row: Mapping[str, object]) -> Row:
    if _identity(row.get("fentryid")):
        raise Refused(f"分录内码[{row['fentryid']}]不存在", NO_RECORD, "FEntryID")
    return Row(0, with_defaults(form.rows, row_values(db, form, row)))


def _given_rows(form: Form, model: Mapping[str, object]) -> list[dict[str, object]] | None:
    given = model.get(form.entity.lower()) if form.entity else None
    if given is None:
        return None
    if not isinstance(given, list):
        raise Refused(f"单据体[{form.entity}]格式不正确", BAD_PARAMETER, form.entity)
    return [lowered(row, form.entity) for row in given]


def _changed(
    db: sqlite3.Connection, form: Form, model: Mapping[str, object], options: SaveOptions, before: Document
) -> Document:
    head = {**before.head, **_wanted(head_values(db, form, model), options)}
    number = str(model.get(form.number_key.lower()) or before.number)
    given = _given_rows(form, model)
    rows = before.rows if given is None else _changed_rows(db, form, given, options, before.rows)
    return Document(before.id, number, head, rows)


def _changed_rows(
    db: sqlite3.Connection,
    form: Form,
    given: Sequence[Mapping[str, object]],
    options: SaveOptions,
    before: Iterable[Row],
) -> list[Row]:
    standing = {row.id: row for row in before}
    rows = []
    for row in given:
        old = standing.pop(_identity(row.get("fentryid")), None)
        if old is None:
            rows.append(_new_row(db, form, row))
        else:
            rows.append(Row(old.id, {**old.values, **_wanted(row_values(db, form, row), options)}))
    return rows if options.delete_rows else [*standing.values(), *rows]


def _wanted(values: Values, options: SaveOptions) -> Values:
    if not options.only_fields:
        return values
    return {key: value for key, value in values.items() if key.lower() in options.only_fields}


def _check(db: sqlite3.Connection, form: Form, document: Document) -> None:
    check_required(form.head, document.head)
    if form.entity and not document.rows:
        raise Refused(f"{form.title}的单据体[{form.entity}]至少要有一行分录", INVALID, form.entity)
    for row in document.rows:
        check_required(form.rows, row.values)
    other = document_by_number(db, form, document.number) if document.number else None
    if other and other.id != document.id:
        raise Refused(f"编号[{document.number}]已存在", INVALID, form.number_key)
    if form.form_id == "PRD_MORPT":
        production.check_report(db, document)


def _effect(
    db: sqlite3.Connection, form: Form, document: Document, before_id: int
) -> Literal["created", "updated", "unchanged"]:
    if not before_id:
        return "created"
    return "unchanged" if document_by_id(db, form, before_id) == document else "updated"


def _number_it(db: sqlite3.Connection, form: Form, document: Document) -> None:
    """Give a new document its number, made from its id, where the caller gave none."""
    if document.number:
        return
    number = f"{form.prefix}{document.id:06d}"
    while document_by_number(db, form, number):
        number += "X"
    document.number = number
    store_document(db, form, document)


def _repeat_digest(form: Form, given: object) -> str:
    text = json.dumps([form.form_id, given], ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _is_repeat(db: sqlite3.Connection, digest: str) -> bool:
    return db.execute("SELECT 1 FROM repeat_json WHERE digest = ?", (digest,)).fetchone() is not None
