"""Saving, the states a bill goes through, queries, and the ledger behind them."""

import json
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.common.state import SystemState
from sandbox.erp import transitions, work
from sandbox.erp.app import _result
from sandbox.erp.calls import local_now
from sandbox.erp.envelope import NOT_OPERABLE, Refused
from sandbox.erp.forms import FORMS
from sandbox.erp.saving import SaveOptions, save
from sandbox.erp.tables import Document, create_tables

Json = dict[str, Any]
MASTERS: dict[str, list[Json]] = {
    "BD_UNIT": [{"FNumber": "Pcs", "FName": "件"}],
    "BD_MATERIAL": [
        {"FNumber": number, "FName": f"轴 {number}", "FBaseUnitId": {"FNumber": "Pcs"}, "FErpClsID": "2"}
        for number in ("M1", "M2", "OLD")
    ],
    "BD_Supplier": [{"FNumber": "V1", "FName": "供应商一"}],
}
ROW: Json = {
    "FMaterialId": {"FNumber": "M1"},
    "FQty": 10,
    "FUnitId": {"FNumber": "Pcs"},
    "FPlanStartDate": "2026-11-03",
    "FPlanFinishDate": "2026-11-10",
    "FSaleOrderNo": "SO-1",
}


@pytest.fixture
def erp(tmp_path: Path) -> Iterator[SystemState]:
    state = SystemState("erp", tmp_path / "erp.db", 7, 1, {})
    create_tables(state.db)
    with state.transaction() as db:
        for form_id, models in MASTERS.items():
            for model in models:
                save(db, FORMS[form_id], model, SaveOptions(), local_now(state))
        db.execute("UPDATE BD_MATERIAL SET FForbidStatus = 'B' WHERE number = 'OLD'")
    yield state
    state.db.close()


def _call(state: SystemState, method: str, **body: Any) -> Any:
    return _result(state, method, json.dumps(body, default=str).encode())


def _save(state: SystemState, form_id: str, model: Json, **options: Any) -> Json:
    answer: Json = _call(state, "Save", formid=form_id, data={"Model": model, **options})["Result"]
    return answer


def _order(state: SystemState, **head: Any) -> Json:
    return _save(state, "PRD_MO", {"F_MS_Ref": "R1", "FTreeEntity": [ROW], **head})


def _step(state: SystemState, form_id: str, method: str, number: str) -> Json:
    answer = _call(state, method, formid=form_id, data={"Numbers": [number]})
    status: Json = answer["Result"]["ResponseStatus"]
    return status


def _audit(state: SystemState, form_id: str, number: str) -> None:
    assert _step(state, form_id, "Submit", number)["IsSuccess"]
    answer = _step(state, form_id, "Audit", number)
    assert answer["IsSuccess"], answer


def _query(state: SystemState, form_id: str, keys: str, **more: Any) -> Any:
    return _call(state, "ExecuteBillQuery", data={"FormId": form_id, "FieldKeys": keys, **more})


def _cancel(state: SystemState, form_id: str, number: str) -> Json:
    answer = _call(state, "ExecuteOperation", formid=form_id, opNumber="Cancel", data={"Numbers": [number]})
    status: Json = answer["Result"]["ResponseStatus"]
    return status


def _report(state: SystemState, order: str, quantity: object, **more: Any) -> Json:
    model = {
        "F_MS_Ref": "P1",
        "FMoBillNo": order,
        "FMaterialId": {"FNumber": "M1"},
        "FFinishQty": quantity,
        "FScrapQty": 0,
        "FReportDate": "2026-11-04 10:00:00",
    }
    return _save(state, "PRD_MORPT", {**model, **more})


def _refused(answer: Json, text: str, msg_code: int) -> None:
    status = answer.get("ResponseStatus", answer)
    assert status["IsSuccess"] is False
    assert text in status["Errors"][0]["Message"]
    assert status["MsgCode"] == msg_code


def test_save__makes_a_new_bill_each_time(erp: SystemState) -> None:
    first, second = _order(erp), _order(erp)
    assert first["ResponseStatus"]["IsSuccess"]
    assert first["Number"] != second["Number"]
    assert first["Id"] != second["Id"]
    assert [row["effect"] for row in erp.ledger.rows()] == ["created", "created"]


def test_save__validate_repeat_json_refuses_the_same_model(erp: SystemState) -> None:
    _order(erp)
    model = {"F_MS_Ref": "R1", "FTreeEntity": [ROW]}
    _refused(_save(erp, "PRD_MO", model, ValidateRepeatJson="true"), "已存在", 11)


def test_save__required_field(erp: SystemState) -> None:
    row = {key: value for key, value in ROW.items() if key != "FQty"}
    _refused(_order(erp, FTreeEntity=[row]), "字段[数量]是必录字段", 11)


@pytest.mark.parametrize(
    ("row", "text", "code"),
    [
        ({**ROW, "FMaterialId": {"FNumber": "NOPE"}}, "字段[物料编码]录入的编码[NOPE]不存在", 9),
        ({**ROW, "FMaterialId": {"FNumber": "OLD"}}, "已被禁用", 11),
        ({**ROW, "FMaterialId": "M1"}, "格式不正确", 8),
        ({**ROW, "FQty": 0}, "必须大于0", 11),
        ({**ROW, "FQty": "many"}, "格式不正确", 8),
        ({**ROW, "FPlanStartDate": "03/11/2026"}, "格式不正确", 8),
        ({**ROW, "FNope": 1}, "元数据中标识为fnope的字段不存在", 9),
        ({**ROW, "FEntryID": 5}, "分录内码[5]不存在", 10),
    ],
)
def test_save__refuses_a_bad_row_and_stores_nothing(erp: SystemState, row: Json, text: str, code: int) -> None:
    _refused(_order(erp, FTreeEntity=[row]), text, code)
    assert _query(erp, "PRD_MO", "FID") == []
    assert erp.ledger.rows() == []


def test_save__bill_number_taken(erp: SystemState) -> None:
    _order(erp, FBillNo="MO-1")
    _refused(_order(erp, FBillNo="MO-1"), "编号[MO-1]已存在", 11)


def test_save__omitted_rows_are_deleted_unless_told_otherwise(erp: SystemState) -> None:
    second = {**ROW, "FMaterialId": {"FNumber": "M2"}}
    made = _order(erp, FTreeEntity=[ROW, second])
    entries = [row[0] for row in _query(erp, "PRD_MO", "FTreeEntity_FEntryId")]
    change = {"FID": made["Id"], "FTreeEntity": [{"FEntryID": entries[1], "FQty": "12.50"}]}
    assert _save(erp, "PRD_MO", change, IsDeleteEntry="false")["ResponseStatus"]["IsSuccess"]
    assert sorted(_query(erp, "PRD_MO", "FMaterialId.FNumber,FQty")) == [["M1", 10.0], ["M2", 12.5]]
    assert _save(erp, "PRD_MO", change)["ResponseStatus"]["IsSuccess"]
    assert _query(erp, "PRD_MO", "FMaterialId.FNumber,FQty") == [["M2", 12.5]]


def test_save__same_content_again_is_unchanged(erp: SystemState) -> None:
    made = _order(erp)
    entry = _query(erp, "PRD_MO", "FTreeEntity_FEntryId")[0][0]
    _save(erp, "PRD_MO", {"FID": made["Id"], "FTreeEntity": [{**ROW, "FEntryID": entry, "FQty": "10.00"}]})
    assert len(erp.ledger.rows()) == 1
    assert [row["effect"] for row in erp.ledger.attempts()] == ["created", "unchanged"]


def test_save__need_update_and_return_fields(erp: SystemState) -> None:
    made = _order(erp)
    model = {"FID": made["Id"], "F_MS_Ref": "R2", "FDate": "2026-12-01"}
    answer = _save(erp, "PRD_MO", model, NeedUpDateFields=["F_MS_Ref"],
                   NeedReturnFields=["FBillNo", "FTreeEntity.FEntryID"])  # fmt: skip
    assert answer["NeedReturnData"][0]["FBillNo"] == made["Number"]
    assert answer["NeedReturnData"][0]["FTreeEntity"][0]["FEntryID"] > 0
    assert _query(erp, "PRD_MO", "F_MS_Ref,FDate") == [["R2", "2026-11-02T00:00:00"]]


@pytest.mark.parametrize("flag", ["true", True])
def test_save__is_submitted_and_audited_in_the_same_call(erp: SystemState, flag: object) -> None:
    answer = _save(
        erp, "PRD_MO", {"F_MS_Ref": "R1", "FTreeEntity": [ROW]}, IsAutoSubmitAndAudit=flag,
        NeedReturnFields=["FDocumentStatus"],
    )  # fmt: skip
    assert answer["NeedReturnData"] == [{"FDocumentStatus": "C"}]
    assert _query(erp, "PRD_MO", "FDocumentStatus,FStatus") == [["C", "3"]]
    names = [(row["operation"], row["effect"]) for row in erp.ledger.rows()]
    assert names == [("PRD_MO.Save", "created"), ("PRD_MO.Submit", "updated"), ("PRD_MO.Audit", "updated")]


def test_save__refused_at_audit_leaves_everything_as_it_was(erp: SystemState, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_many(db: sqlite3.Connection, document: Document, at: str) -> None:
        transitions._release(db, document, at)
        if Decimal(str(document.rows[0].values["FQty"])) > 50:
            raise Refused("产能不足", NOT_OPERABLE)

    monkeypatch.setattr(transitions, "_CONSEQUENCES", {("PRD_MO", "Audit"): refuse_many})
    stands, at_once = _order(erp), {"IsAutoSubmitAndAudit": "true"}
    new = [{"F_MS_Ref": f"N{quantity}", "FTreeEntity": [{**ROW, "FQty": quantity}]} for quantity in (60, 5)]
    change = {"FID": stands["Id"], "FTreeEntity": [{**ROW, "FQty": 70}]}
    _refused(_save(erp, "PRD_MO", change, **at_once), "产能不足", 12)
    answer = _call(erp, "BatchSave", formid="PRD_MO", data={"Model": [*new, change], **at_once})["Result"]
    assert [one["DIndex"] for one in answer["ResponseStatus"]["Errors"]] == [0, 2]
    assert [one["DIndex"] for one in answer["ResponseStatus"]["SuccessEntitys"]] == [1]
    orders = _query(erp, "PRD_MO", "F_MS_Ref,FQty,FDocumentStatus", OrderString="FID ASC")
    assert orders == [["R1", 10.0, "A"], ["N5", 5.0, "C"]]
    assert [row["reference"] for row in erp.ledger.rows()] == ["R1", "N5", "N5", "N5"]


def test_save__of_a_form_with_a_workflow_stays_in_approval_until_people_approve(erp: SystemState) -> None:
    work.edit(erp, {"workflow": "PRD_MO", "on": True})
    made = _save(erp, "PRD_MO", {"F_MS_Ref": "R1", "FTreeEntity": [ROW]}, IsAutoSubmitAndAudit="true")
    assert made["ResponseStatus"]["IsSuccess"]
    assert _query(erp, "PRD_MO", "FDocumentStatus") == [["B"]]
    _refused(_step(erp, "PRD_MO", "Audit", made["Number"]), "在审批流程中", 12)
    work.edit(erp, {"approve": made["Number"], "form": "PRD_MO"})
    assert _query(erp, "PRD_MO", "FDocumentStatus,FStatus") == [["C", "3"]]
    with pytest.raises(ValueError, match="只能审核审核中状态"):
        work.edit(erp, {"approve": made["Number"], "form": "PRD_MO"})
    with pytest.raises(ValueError, match="no PRD_MO"):
        work.edit(erp, {"approve": "MO9", "form": "PRD_MO"})
    work.edit(erp, {"workflow": "PRD_MO", "on": False})
    _audit(erp, "PRD_MO", _order(erp)["Number"])


def test_save__audited_bill_is_closed_to_change_until_unaudited(erp: SystemState) -> None:
    made = _order(erp)
    _audit(erp, "PRD_MO", made["Number"])
    change = {"FID": made["Id"], "F_MS_Ref": "R2"}
    _refused(_save(erp, "PRD_MO", change), "已审核，不允许修改", 12)
    assert _step(erp, "PRD_MO", "UnAudit", made["Number"])["IsSuccess"]
    assert _save(erp, "PRD_MO", change)["ResponseStatus"]["IsSuccess"]
    assert _query(erp, "PRD_MO", "FDocumentStatus,FStatus,F_MS_Ref") == [["D", "1", "R2"]]


def test_batch_save__good_ones_stand_beside_the_refused(erp: SystemState) -> None:
    models = [{"FTreeEntity": [ROW]}, {"FTreeEntity": []}, {"FTreeEntity": [ROW]}]
    status = _call(erp, "BatchSave", formid="PRD_MO", data={"Model": models})["Result"]["ResponseStatus"]
    assert [one["DIndex"] for one in status["SuccessEntitys"]] == [0, 2]
    assert [one["DIndex"] for one in status["Errors"]] == [1]


def test_steps__each_only_from_its_state(erp: SystemState) -> None:
    number = _order(erp)["Number"]
    _refused(_step(erp, "PRD_MO", "Audit", number), "只能审核审核中状态的数据", 12)
    assert _step(erp, "PRD_MO", "Submit", number)["IsSuccess"]
    _refused(_step(erp, "PRD_MO", "Submit", number), "只能提交创建，暂存，重新审核状态的数据", 12)
    _refused(_step(erp, "PRD_MO", "Delete", number), "只能删除创建，暂存，重新审核状态的数据", 12)
    assert _step(erp, "PRD_MO", "Audit", number)["IsSuccess"]
    assert _query(erp, "PRD_MO", "FDocumentStatus,FStatus") == [["C", "3"]]
    assert _step(erp, "PRD_MO", "UnAudit", number)["IsSuccess"]
    assert _step(erp, "PRD_MO", "Delete", number)["IsSuccess"]
    assert _query(erp, "PRD_MO", "FID") == []
    names = [row["operation"] for row in erp.ledger.rows()]
    assert names == [f"PRD_MO.{name}" for name in ("Save", "Submit", "Audit", "UnAudit", "Delete")]
    assert {row["reference"] for row in erp.ledger.rows()} == {"R1"}


def test_steps__unknown_number_and_none_at_all(erp: SystemState) -> None:
    _refused(_step(erp, "PRD_MO", "Submit", "NOPE"), "不存在", 10)
    _refused(_call(erp, "Submit", formid="PRD_MO", data={})["Result"], "不能同时为空", 8)


def test_cancel__ends_a_bill_whatever_its_state_but_not_twice(erp: SystemState) -> None:
    model = {"F_MS_Ref": "Q1", "FEntity": [{
        "FMaterialId": {"FNumber": "M1"}, "FReqQty": 5, "FUnitId": {"FNumber": "Pcs"},
        "FArrivalDate": "2026-11-20", "FSuggestSupplierId": {"FNumber": "V1"}}]}  # fmt: skip
    number = _save(erp, "PUR_Requisition", model)["Number"]
    _audit(erp, "PUR_Requisition", number)
    assert _cancel(erp, "PUR_Requisition", number)["IsSuccess"]
    assert _query(erp, "PUR_Requisition", "FCancelStatus,FReqQty,FSuggestSupplierId.FName") == [["B", 5.0, "供应商一"]]
    _refused(_cancel(erp, "PUR_Requisition", number), "已作废", 12)
    _refused(_cancel(erp, "PRD_MORPT", "x"), "不存在", 10)


def test_report__raises_its_order_and_completes_it(erp: SystemState) -> None:
    order = _order(erp)["Number"]
    _refused(_report(erp, order, 4), "未下达", 12)
    _audit(erp, "PRD_MO", order)
    first = _report(erp, order, 4)["Number"]
    assert _query(erp, "PRD_MO", "FFinishQty,FStatus") == [[0.0, "3"]]
    _audit(erp, "PRD_MORPT", first)
    assert _query(erp, "PRD_MO", "FFinishQty,FStatus") == [[4.0, "4"]]
    _audit(erp, "PRD_MORPT", _report(erp, order, Decimal("6.5"))["Number"])
    assert _query(erp, "PRD_MO", "FFinishQty,FStatus") == [[10.5, "5"]]
    assert erp.ledger.rows()[-1]["content"]["Order"]["F_MS_Ref"] == "R1"
    _refused(_report(erp, order, 1), "110%", 11)
    _refused(_cancel(erp, "PRD_MO", order), "已开工", 12)
    _refused(_step(erp, "PRD_MO", "UnAudit", order), "已开工", 12)


def test_report__two_drafts_cannot_pass_the_limit_together(erp: SystemState) -> None:
    order = _order(erp)["Number"]
    _audit(erp, "PRD_MO", order)
    first, second = _report(erp, order, 8)["Number"], _report(erp, order, 8)["Number"]
    _audit(erp, "PRD_MORPT", first)
    _step(erp, "PRD_MORPT", "Submit", second)
    _refused(_step(erp, "PRD_MORPT", "Audit", second), "110%", 11)
    assert _query(erp, "PRD_MORPT", "FDocumentStatus", OrderString="FID") == [["C"], ["B"]]


def test_report__unaudited_gives_the_quantity_back(erp: SystemState) -> None:
    order = _order(erp)["Number"]
    _audit(erp, "PRD_MO", order)
    report = _report(erp, order, 10)["Number"]
    _audit(erp, "PRD_MORPT", report)
    assert _step(erp, "PRD_MORPT", "UnAudit", report)["IsSuccess"]
    assert _query(erp, "PRD_MO", "FFinishQty,FStatus") == [[0.0, "3"]]


def test_report__unknown_order_and_material(erp: SystemState) -> None:
    _refused(_report(erp, "NOPE", 1), "生产订单[NOPE]不存在", 10)
    order = _order(erp)["Number"]
    _refused(_report(erp, order, 1, FMaterialId={"FNumber": "M2"}), "中没有物料[M2]", 10)


def test_query__rows_flatten_and_head_repeats(erp: SystemState) -> None:
    made = _order(erp, FTreeEntity=[ROW, {**ROW, "FMaterialId": {"FNumber": "M2"}}])
    assert _query(erp, "PRD_MO", "FBillNo,FTreeEntity_FSeq,FMaterialId.FNumber,FPlanStartDate") == [
        [made["Number"], 1, "M1", "2026-11-03T00:00:00"],
        [made["Number"], 2, "M2", "2026-11-03T00:00:00"],
    ]
    assert _query(erp, "PRD_MO", "FBillNo") == [[made["Number"]]]


def test_query__paging_and_the_absolute_end_row(erp: SystemState) -> None:
    for _ in range(5):
        _order(erp)
    ids = [row[0] for row in _query(erp, "PRD_MO", "FID", OrderString="FID DESC", Limit=99999)]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 5
    page = {"OrderString": "FID DESC", "StartRow": 2, "Limit": 2}
    assert _query(erp, "PRD_MO", "FID", **page) == [[ids[2]], [ids[3]]]
    assert _query(erp, "PRD_MO", "FID", **page, TopRowCount=3) == [[ids[2]]]
    assert _query(erp, "PRD_MO", "FID", **page, TopRowCount=2) == []


def test_query__errors_wear_the_vendors_wrapping(erp: SystemState) -> None:
    answer = _query(erp, "PRD_MO", "FID,FNope")
    _refused(answer[0][0]["Result"], "元数据中标识为FNope的字段不存在", 9)
    _refused(_query(erp, "NO_FORM", "FID")[0][0]["Result"], "不存在", 4)
    _refused(_call(erp, "BillQuery", data={"FieldKeys": "FID"})["Result"], "不能为空", 5)
    _refused(_call(erp, "View", formid="PRD_MO", data={"Number": "NOPE"})["Result"], "不存在", 10)
    answer = _result(erp, "View", b"<xml>")
    assert isinstance(answer, dict)
    _refused(answer["Result"], "JSON", 8)


def test_bill_query__objects_by_key(erp: SystemState) -> None:
    _order(erp)
    data = {"FormId": "PRD_MO", "FieldKeys": "F_MS_Ref, FMaterialId.FName"}
    assert _call(erp, "BillQuery", data=data) == [{"F_MS_Ref": "R1", "FMaterialId.FName": "轴 M1"}]


def test_view__whole_document_in_property_names(erp: SystemState) -> None:
    made = _order(erp)
    for data in ({"Number": made["Number"]}, {"Id": made["Id"]}):
        shown = _call(erp, "View", formid="PRD_MO", data=data)["Result"]["Result"]
        assert shown["BillNo"] == made["Number"]
        assert shown["F_MS_Ref"] == "R1"
        row = shown["TreeEntity"][0]
        assert row["MaterialId"]["Number"] == "M1"
        assert row["Qty"] == 10.0
        assert row["MaterialId"]["Name"] == [{"Key": 2052, "Value": "轴 M1"}]


def test_query_business_info__names_the_fields(erp: SystemState) -> None:
    info = _call(erp, "QueryBusinessInfo", data={"FormId": "PRD_MORPT"})["Result"]["NeedReturnData"]
    assert {"Key": "FMoBillNo", "Name": "生产订单编号", "MustInput": 1} in info["Entrys"][0]["Fields"]
