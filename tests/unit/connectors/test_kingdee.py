"""What the ERP folder's own client adds: a changed document keeps its entry rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from canonical.commands import OutcomeKind
from connectors.port import Connector, FoundDocument, StepRequest
from connectors.registry import load_system, missing_variables, open_connector
from tests.unit.connectors.loopback import Answer, Server


@pytest.fixture
def erp(server: Server) -> Iterator[Connector]:
    names = [fault.message.split()[2] for fault in missing_variables(load_system("erp"), {})]
    connector = open_connector("erp", {**dict.fromkeys(names, "x"), "MILLSTREAM_ERP_URL": server.url})
    yield connector
    connector.close()


def _saved(reference: str = "R1", status_after: str = "C") -> Answer:
    status = {"IsSuccess": True, "MsgCode": 0, "SuccessEntitys": [{"Id": 7, "Number": "MO7"}]}
    returned = [{"F_MS_Ref": reference, "FDocumentStatus": status_after, "FTreeEntity": [{"FQty": "4.0"}]}]
    return Answer(body={"Result": {"ResponseStatus": status, "Id": 7, "Number": "MO7", "NeedReturnData": returned}})


def _refused(code: int, message: str) -> Answer:
    status = {"IsSuccess": False, "MsgCode": code, "Errors": [{"Message": message}], "SuccessEntitys": []}
    return Answer(body={"Result": {"ResponseStatus": status}})


def _save(
    erp: Connector, existing: FoundDocument | None = None, step: str = "save_and_audit", variant: Any = "change"
) -> Any:
    payload = {"FTreeEntity": [{"FQty": 4}, {"FQty": 5}]}
    request = StepRequest("c", "order_production", variant, step, "R1", payload, existing=existing)
    return erp.write([request])[0]


def test_save__new_document_has_neither_id_nor_entry_ids(server: Server, erp: Connector) -> None:
    server.script = [_saved()]
    assert _save(erp, variant="create").kind is OutcomeKind.APPLIED
    asked = server.asked[0].json
    assert asked["data"]["Model"] == {"FTreeEntity": [{"FQty": 4}, {"FQty": 5}], "F_MS_Ref": "R1"}
    assert asked["data"]["IsAutoSubmitAndAudit"] == "true"
    assert server.asked[0].headers["x-api-clientid"] == "x"


@pytest.mark.parametrize("status", ["A", "B"])
def test_save__what_is_not_audited_by_it_is_not_done(server: Server, erp: Connector, status: str) -> None:
    """A site where people approve orders answers that it saved: the order is looked up, never taken for audited."""
    server.script = [_saved(status_after=status)]
    outcome = _save(erp, variant="create")
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert "FDocumentStatus" in outcome.message


def test_save__changed_document_keeps_its_rows(server: Server, erp: Connector) -> None:
    server.script = [_saved(), _saved()]
    one_row = FoundDocument("R1", "7", "MO7", content={"FTreeEntity_FEntryId": 70})
    rows = [{"FTreeEntity_FEntryId": 70}, {"FTreeEntity_FEntryId": 71}]
    _save(erp, one_row)
    _save(erp, FoundDocument("R1", "7", "MO7", content={**rows[0], "rows": rows}))
    first, second = (asked.json["data"]["Model"] for asked in server.asked)
    assert first["FID"] == "7"
    assert first["FTreeEntity"] == [{"FQty": 4, "FEntryID": 70}, {"FQty": 5}]
    assert [row["FEntryID"] for row in second["FTreeEntity"]] == [70, 71]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_saved("R0"), OutcomeKind.UNKNOWN),
        (_refused(11, "字段[客户]是必录字段"), OutcomeKind.REJECTED),
        (_refused(1, "会话信息已丢失"), OutcomeKind.RETRY),
        (_refused(4, "未将对象引用设置到对象的实例"), OutcomeKind.UNKNOWN),
        (_refused(14, "调用超过限制"), OutcomeKind.RETRY),
        (_refused(12, "编号为[MO7]的生产订单已审核，不允许修改，请先反审核"), OutcomeKind.UNKNOWN),
        (_refused(12, "编号为[MO7]的生产订单审核中，不允许修改"), OutcomeKind.REJECTED),
    ],
)
def test_save__errors_inside_http_200(server: Server, erp: Connector, answer: Answer, kind: OutcomeKind) -> None:
    server.reply = lambda _: answer
    assert _save(erp).kind is kind


@pytest.mark.parametrize(("number", "kind"), [("MO7", OutcomeKind.UNCHANGED), ("MO8", OutcomeKind.REJECTED)])
def test_cancel__already_cancelled_counts_for_our_document_only(
    server: Server, erp: Connector, number: str, kind: OutcomeKind
) -> None:
    server.script = [_refused(12, f"编号为[{number}]的生产订单已作废，不允许操作")]
    assert _save(erp, FoundDocument("R1", "7", "MO7"), "cancel", "cancel").kind is kind


@pytest.mark.parametrize("operation", ["order_production", "request_purchase"])
def test_look_up__entry_rows_are_one_document(server: Server, erp: Connector, operation: str) -> None:
    columns = load_system("erp").system.operations[operation].look_up
    assert columns
    row = dict.fromkeys(columns.columns) | {"FID": 7, "FBillNo": "MO7", "F_MS_Ref": "R1", "FDocumentStatus": "B"}
    entity = next(name for name in columns.columns if name.endswith("_FEntryId"))
    server.script = [Answer(body=[list({**row, entity: entry}.values()) for entry in (70, 71)])]
    [document] = erp.look_up(operation, ["R1"])["R1"]
    assert document.native_id == "7"
    assert document.done_steps == (() if operation == "order_production" else ("save", "submit"))
    assert len(document.content["rows"]) == 2
    assert server.asked[0].json["data"]["FilterString"] == "F_MS_Ref='R1'"


def test_operations__a_bill_shows_what_opened_it(erp: Connector) -> None:
    """Else a change could not tell that somebody closed it again before it was written."""
    opening = [
        operation.variants["change"][0] for operation in erp.operations.values() if "cancel" in operation.variants
    ]
    assert [(step.name, step.shows) for step in opening] == [("unaudit", True)] * 3
