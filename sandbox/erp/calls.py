"""The methods of DynamicFormService: each takes the decoded body and gives the reply's JSON.

Whatever a call changes is committed with its ledger rows in one transaction, one savepoint a document,
so that a document that is refused in a batch takes nothing with it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.common.ledger import Effect
from sandbox.common.state import SystemState
from sandbox.erp import production, transitions, workflow
from sandbox.erp.envelope import (
    BAD_PARAMETER,
    NO_RECORD,
    NOT_OPERABLE,
    Failure,
    Json,
    Refused,
    Success,
    failed,
    refusal,
    status,
)
from sandbox.erp.forms import Field, Form, common_fields, form_named
from sandbox.erp.model import lowered
from sandbox.erp.query import query_objects, query_rows
from sandbox.erp.saving import Saved, SaveOptions, save
from sandbox.erp.tables import Document, document_by_id, document_by_number
from sandbox.erp.view import view

SERVER_ZONE = ZoneInfo("Asia/Shanghai")
NO_OPERATION = 3
Body = Mapping[str, object]
Call = Callable[[SystemState, Body], object]
_Act = Callable[[sqlite3.Connection, Document, str], None]


def local_now(state: SystemState) -> str:
    """The plant's time as the ERP writes it: server-local, without a zone, whole seconds."""
    return state.now().astimezone(SERVER_ZONE).strftime("%Y-%m-%dT%H:%M:%S")


def execute_bill_query(state: SystemState, body: Body) -> object:
    """A list of lists; a refusal too comes wrapped in two lists."""
    try:
        with state.lock:
            return query_rows(state.db, _details(body))
    except Refused as error:
        return [[refusal(error)]]


def bill_query(state: SystemState, body: Body) -> object:
    """The same query as a list of objects."""
    with state.lock:
        return query_objects(state.db, _details(body))


def view_bill(state: SystemState, body: Body) -> object:
    """One whole document."""
    with state.lock:
        return view(state.db, _form(body), lowered(_details(body), "data"))


def save_bill(state: SystemState, body: Body) -> object:
    """One document made or changed."""
    form, request = _form(body), lowered(_details(body), "data")
    saved, failures = _save_all(state, form, request, [request.get("model")])
    answer: Json = {"ResponseStatus": status([success for success, _ in saved], failures)}
    if saved:
        success = saved[0][0]
        answer |= {"Id": success.id, "Number": success.number}
    answer["NeedReturnData"] = [_returned(form, document, request) for _, document in saved] or [{}]
    return {"Result": answer}


def batch_save(state: SystemState, body: Body) -> object:
    """Several documents; those that are refused do not hold up the others."""
    form, request = _form(body), lowered(_details(body), "data")
    models = request.get("model")
    if not isinstance(models, list):
        raise Refused("批量保存的Model必须是数组", BAD_PARAMETER, "Model")
    saved, failures = _save_all(state, form, request, models)
    returned = [_returned(form, document, request) for _, document in saved]
    return {
        "Result": {"ResponseStatus": status([success for success, _ in saved], failures), "NeedReturnData": returned}
    }


def _save_all(
    state: SystemState, form: Form, request: Body, models: Sequence[object]
) -> tuple[list[tuple[Success, Document]], list[Failure]]:
    options, saved, failures = SaveOptions.of(request), [], []
    with state.transaction() as db:
        for index, model in enumerate(models):
            try:
                with _savepoint(db):
                    result = save(db, form, model, options, local_now(state))
                    _record(state, form, "Save", result.document, result.effect)
                    if options.and_audit and form.bill:
                        _submit_and_audit(state, form, result.document)
                saved.append((_success(result, index), result.document))
            except Refused as error:
                failures.append(failed(error, index))
    return saved, failures


def _submit_and_audit(state: SystemState, form: Form, document: Document) -> None:
    """What IsAutoSubmitAndAudit adds to a Save; where people approve the form's documents, it is left with them."""
    for name in ("Submit",) if workflow.approves(state, form) else ("Submit", "Audit"):
        transitions.step(state.db, form, name, document, local_now(state))
        _record(state, form, name, document, "updated")


def _success(saved: Saved, index: int) -> Success:
    return Success(saved.document.id, saved.document.number, index)


def _returned(form: Form, document: Document, request: Body) -> Json:
    """What NeedReturnFields asks for: head fields, and rows for keys like `FEntity.FEntryID`."""
    keys = request.get("needreturnfields")
    asked = {str(key).lower() for key in keys} if isinstance(keys, list) else set()
    heads = {field.key: document.head[field.key] for field in form.head + common_fields(form)}
    known = {"FID": document.id, form.number_key: document.number, **heads}
    shown: Json = {key: value for key, value in known.items() if key.lower() in asked}
    prefix = form.entity.lower() + "."
    if form.entity and any(key.startswith(prefix) for key in asked):
        shown[form.entity] = [
            {key: value for key, value in {"FEntryID": row.id, **row.values}.items() if prefix + key.lower() in asked}
            for row in document.rows
        ]
    return shown


def stepping(name: str) -> Call:
    """The call Submit, Audit, UnAudit or Delete (`name`)."""

    def call(state: SystemState, body: Body) -> object:
        form = _form(body)

        def act(db: sqlite3.Connection, document: Document, at: str) -> None:
            if name == "Audit":
                workflow.check_audit(state, form, document)
            transitions.step(db, form, name, document, at)

        return _each(state, form, name, lowered(_details(body), "data"), act)

    return call


def execute_operation(state: SystemState, body: Body) -> object:
    """An operation named by the top-level `opNumber`; this ERP knows Cancel and Uncancel."""
    form, name = _form(body), lowered(body, "body").get("opnumber")
    if not name:
        raise Refused("操作编码opNumber不能为空", NO_OPERATION, "opNumber")
    if name not in ("Cancel", "Uncancel"):
        raise Refused(f"{form.title}不支持操作[{name}]", NOT_OPERABLE, "opNumber")
    return _each(
        state,
        form,
        str(name),
        lowered(_details(body), "data"),
        lambda db, document, at: transitions.cancel(db, form, str(name), document, at),
    )


def _each(state: SystemState, form: Form, name: str, request: Body, act: _Act) -> Json:
    successes, failures = [], []
    with state.transaction() as db:
        for index, (column, value) in enumerate(_selected(request)):
            try:
                with _savepoint(db):
                    document = _found(db, form, column, value)
                    act(db, document, local_now(state))
                    _record(state, form, name, document, "updated")
                successes.append(Success(document.id, document.number, index))
            except Refused as error:
                failures.append(failed(error, index))
    return {"Result": {"ResponseStatus": status(successes, failures)}}


def _selected(request: Body) -> list[tuple[str, str]]:
    chosen = [("id", value) for value in _listed(request.get("ids"))]
    chosen += [("number", value) for value in _listed(request.get("numbers"))]
    if not chosen:
        raise Refused("参数Numbers和Ids不能同时为空", BAD_PARAMETER, "Numbers")
    return chosen


def _listed(given: object) -> list[str]:
    values = given if isinstance(given, list) else str(given or "").split(",")
    return [str(value).strip() for value in values if str(value).strip()]


def _found(db: sqlite3.Connection, form: Form, column: str, value: str) -> Document:
    if column == "number":
        found = document_by_number(db, form, value)
    else:
        found = document_by_id(db, form, int(value)) if value.isdigit() else None
    if found is None:
        raise Refused(f"编号或内码为[{value}]的{form.title}不存在", NO_RECORD, column)
    return found


@contextmanager
def _savepoint(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("SAVEPOINT one")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK TO one")
        db.execute("RELEASE one")
        raise
    db.execute("RELEASE one")


def _record(state: SystemState, form: Form, name: str, document: Document, effect: Effect) -> None:
    content = business_content(form, document)
    if form.form_id == "PRD_MORPT" and name in ("Save", "Audit", "UnAudit"):
        order, row = production.reported_order(state.db, document)
        content["Order"] = {
            "FBillNo": order.number,
            "F_MS_Ref": order.head["F_MS_Ref"],
            "FFinishQty": row.values["FFinishQty"],
            "FStatus": row.values["FStatus"],
        }
    operation = f"{form.form_id}.{name}"
    state.ledger.record(operation, document.text("F_MS_Ref") or None, document.number, content, effect)


def business_content(form: Form, document: Document) -> Json:
    """What a document says, without ids and times of the ERP's own, for the ledger."""
    own_times = ("FCreateDate", "FModifyDate")
    content: Json = {form.number_key: document.number}
    content |= {key: value for key, value in document.head.items() if key not in own_times and value is not None}
    if form.entity:
        content[form.entity] = [
            {key: value for key, value in row.values.items() if value is not None} for row in document.rows
        ]
    return content


def query_business_info(state: SystemState, body: Body) -> object:  # noqa: ARG001 - as every call
    """The form's metadata: its fields by entity."""
    form = form_named(_details(body).get("FormId"))
    head = [_described(field) for field in form.head]
    entities = [{"Key": "FBillHead", "Fields": head}]
    if form.entity:
        rows = [_described(field) for field in form.rows]
        entities.append({"Key": form.entity, "Fields": rows})
    info = {"Id": form.form_id, "Name": form.title, "PkFieldName": form.id_key, "Entrys": entities}
    return {"Result": {"ResponseStatus": status((), ()), "NeedReturnData": info}}


def _described(field: Field) -> Json:
    return {"Key": field.key, "Name": field.title, "MustInput": int(field.required)}


def _form(body: Body) -> Form:
    return form_named(lowered(body, "body").get("formid"))


def _details(body: Body) -> dict[str, Any]:
    """The `data` object; the vendor takes it as an object or as its JSON text."""
    given = lowered(body, "body").get("data")
    try:
        details = json.loads(given, parse_float=Decimal) if isinstance(given, str) else given
    except ValueError:
        details = None
    if not isinstance(details, dict):
        raise Refused("参数data格式不正确", BAD_PARAMETER, "data")
    return details


READS: Mapping[str, Call] = {
    "ExecuteBillQuery": execute_bill_query,
    "BillQuery": bill_query,
    "View": view_bill,
    "QueryBusinessInfo": query_business_info,
}
WRITES: Mapping[str, Call] = {
    "Save": save_bill,
    "BatchSave": batch_save,
    "Submit": stepping("Submit"),
    "Audit": stepping("Audit"),
    "UnAudit": stepping("UnAudit"),
    "Delete": stepping("Delete"),
    "ExecuteOperation": execute_operation,
}
