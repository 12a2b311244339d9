"""The simulated ERP as a client meets it: its own process, real HTTP, signed by the vendor's scheme.

The signature is computed here from the vendor's description, without the simulator's own code.
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

ROOT = Path(__file__).parents[2]
CLIENT_SECRET = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"
SECRETS = {
    "MILLSTREAM_ERP_ACCOUNT": "65f0a1b2c3d4e5",
    "MILLSTREAM_ERP_USER": "integ01",
    "MILLSTREAM_ERP_APP_ID": "100001_MTI2MGM1Pj9qPDk/OT04KHMiKnd0IXMr",
    "MILLSTREAM_ERP_APP_SECRET": "0123456789abcdef0123456789abcdef",
    "MILLSTREAM_SANDBOX_TOKEN": "control",
}
FORMS = {
    "BD_MATERIAL": "FMATERIALID,FNumber,FName,FSpecification,FBaseUnitId.FNumber,FErpClsID,F_MS_DrawingNo,"
    "FFixLeadTime,FSafeStock,FMinPOQty,FIncreaseQty,FForbidStatus,FModifyDate",
    "BD_Customer": "FCUSTID,FNumber,FName,FTaxRegisterCode,FCity,FTel,FModifyDate",
    "BD_Supplier": "FSupplierId,FNumber,FName,FTaxRegisterCode,FCity,FTel,FModifyDate",
    "PUR_PriceCategory": "FID,FSupplierID.FNumber,FMaterialId.FNumber,FPrice,FCurrencyId.FNumber,F_MS_LeadTime,"
    "F_MS_MinQty,F_MS_Multiple,F_MS_Priority,FModifyDate",
    "ENG_BOM": "FID,FNumber,FMATERIALID.FNumber,FTreeEntity_FEntryId,FTreeEntity_FSeq,FMATERIALIDCHILD.FNumber,"
    "FNUMERATOR,FDENOMINATOR,FCHILDUNITID.FNumber,FSCRAPRATE,FDocumentStatus,FModifyDate",
    "ENG_Route": "FID,FNumber,FMATERIALID.FNumber,FSubEntity_FEntryId,FOperNumber,FWorkCenterId.FNumber,"
    "FOperDescription,FSetupMinutes,FRunMinutes,FOutside,FModifyDate",
    "PUR_PurchaseOrder": "FID,FBillNo,FSupplierId.FNumber,FPOOrderEntry_FEntryId,FMaterialId.FNumber,"
    "FUnitId.FNumber,FQty,FReceiveQty,FDeliveryDate,FDocumentStatus,FCloseStatus,FModifyDate",
    "PRD_MO": "FID,FBillNo,FTreeEntity_FEntryId,FMaterialId.FNumber,FUnitId.FNumber,FQty,FFinishQty,"
    "FPlanStartDate,FPlanFinishDate,FStatus,FSaleOrderNo,F_MS_Ref,FDocumentStatus,FCancelStatus,FModifyDate",
    "PUR_Requisition": "FID,FBillNo,FEntity_FEntryId,FMaterialId.FNumber,FUnitId.FNumber,FReqQty,FArrivalDate,"
    "FSuggestSupplierId.FNumber,F_MS_Ref,FDocumentStatus,FCancelStatus,FModifyDate",
    "SUB_SUBREQORDER": "FID,FBillNo,FTreeEntity_FEntryId,FMaterialId.FNumber,FUnitId.FNumber,FQty,"
    "FPlanFinishDate,FSupplierId.FNumber,F_MS_Ref,FDocumentStatus,FCancelStatus,FModifyDate",
    "PRD_MORPT": "FID,FBillNo,FMoBillNo,FMaterialId.FNumber,FFinishQty,FScrapQty,FReportDate,F_MS_Ref,"
    "FDocumentStatus,FModifyDate",
}
FILLED = [form for form in FORMS if form not in ("PUR_Requisition", "SUB_SUBREQORDER", "PRD_MORPT")]


def _signature(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest().encode()).decode()


@dataclass(frozen=True)
class Client:
    url: str

    def headers(self, path: str, timestamp: int) -> dict[str, str]:
        app_id, line = SECRETS["MILLSTREAM_ERP_APP_ID"], "65f0a1b2c3d4e5,integ01,2052,100"
        text = f"POST\n{quote(path, safe='')}\n\nx-api-nonce:{timestamp}\nx-api-timestamp:{timestamp}\n"
        return {
            "X-Api-ClientID": "100001",
            "X-Api-Auth-Version": "2.0",
            "x-api-timestamp": str(timestamp),
            "x-api-nonce": str(timestamp),
            "x-api-signheaders": "x-api-timestamp,x-api-nonce",
            "X-Api-Signature": _signature(CLIENT_SECRET, text),
            "X-Kd-Appkey": app_id,
            "X-Kd-Appdata": base64.b64encode(line.encode()).decode(),
            "X-Kd-Signature": _signature(SECRETS["MILLSTREAM_ERP_APP_SECRET"], app_id + line),
        }

    def post(self, method: str, body: object, **headers: str) -> requests.Response:
        service = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService"
        url = f"{self.url}/k3cloud/{service}.{method}.common.kdsvc"
        signed = self.headers(urlsplit(url).path, int(time.time())) | headers
        return requests.post(url, json=body, headers=signed, timeout=20)

    def call(self, method: str, **body: object) -> Any:
        reply = self.post(method, body)
        assert reply.status_code == 200
        return json.loads(reply.text)

    def query(self, form_id: str, keys: str, **more: object) -> Any:
        return self.call("ExecuteBillQuery", data={"FormId": form_id, "FieldKeys": keys, **more})

    def sandbox(self, name: str, body: object = None) -> Any:
        verb = "GET" if body is None else "POST"
        url, headers = f"{self.url}/_sandbox/{name}", {"X-Sandbox-Token": "control"}
        reply = requests.request(verb, url, json=body, headers=headers, timeout=20)
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture(scope="module")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    database = tmp_path_factory.mktemp("erp") / "erp.db"
    command = [sys.executable, "-m", "sandbox.erp", "--db", str(database), "--parent-pid", str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | SECRETS) as process:
        assert process.stdout is not None
        yield Client(json.loads(process.stdout.readline())["url"])
        process.terminate()


def _order(erp: Client, reference: str) -> Any:
    material = erp.query("BD_MATERIAL", "FNumber", FilterString="FErpClsID='2' and FForbidStatus='A'", Limit=1)
    row = {
        "FMaterialId": {"FNumber": material[0][0]},
        "FQty": 10,
        "FUnitId": {"FNumber": "Pcs"},
        "FPlanStartDate": "2026-11-03",
        "FPlanFinishDate": "2026-11-10",
    }
    model = {"F_MS_Ref": reference, "FTreeEntity": [row]}
    return erp.call("Save", formid="PRD_MO", data={"Model": model})["Result"]


@pytest.mark.parametrize("form_id", FORMS)
def test_query__every_documented_field_answers(erp: Client, form_id: str) -> None:
    rows = erp.query(form_id, FORMS[form_id], OrderString="FModifyDate ASC,FID ASC", Limit=5)
    if form_id in FILLED:
        assert len(rows) == 5
    assert all(len(row) == FORMS[form_id].count(",") + 1 for row in rows)


def test_query__pages_through_everything_once(erp: Client) -> None:
    seen: list[int] = []
    while True:
        page = erp.query("BD_MATERIAL", "FMATERIALID", OrderString="FModifyDate,FID", StartRow=len(seen), Limit=700)
        seen += [row[0] for row in page]
        if len(page) < 700:
            break
    assert len(seen) == len(set(seen)) > 2000


@pytest.mark.parametrize("header", ["X-Api-Signature", "X-Kd-Signature", "x-api-timestamp", "x-api-nonce"])
def test_signature__wrong_one_loses_the_session_in_http_200(erp: Client, header: str) -> None:
    body = {"data": {"FormId": "BD_MATERIAL", "FieldKeys": "FNumber"}}
    reply = erp.post("ExecuteBillQuery", body, **{header: "1700000000"})
    assert reply.status_code == 200
    status = reply.json()[0][0]["Result"]["ResponseStatus"]
    assert status["MsgCode"] == 1
    assert "会话信息已丢失" in status["Errors"][0]["Message"]


def test_reply__hands_out_a_session_and_keeps_it(erp: Client) -> None:
    body = {"data": {"FormId": "BD_UNIT", "FieldKeys": "FNumber"}}
    first = erp.post("ExecuteBillQuery", body)
    session = first.headers["kdservice-sessionid"]
    assert first.cookies["kdservice-sessionid"] == session
    again = erp.post("ExecuteBillQuery", body, **{"kdservice-sessionid": session})
    assert again.headers["kdservice-sessionid"] == session


def test_order__from_save_to_completed_with_a_ledger_of_each_step(erp: Client) -> None:
    made = _order(erp, "T-1")
    number = made["Number"]
    for step in ("Submit", "Audit"):
        status = erp.call(step, formid="PRD_MO", data={"Numbers": [number]})["Result"]["ResponseStatus"]
        assert status["IsSuccess"], status
    keys = "FMaterialId.FNumber,FFinishQty,FStatus,FDocumentStatus"
    found = erp.query("PRD_MO", keys, FilterString="F_MS_Ref='T-1'")
    assert [row[1:] for row in found] == [[0.0, "3", "C"]]
    report = {
        "F_MS_Ref": "T-1-R",
        "FMoBillNo": number,
        "FMaterialId": {"FNumber": found[0][0]},
        "FFinishQty": 10,
        "FScrapQty": 1,
        "FReportDate": "2026-11-04 10:00:00",
    }
    saved = erp.call("Save", formid="PRD_MORPT", data={"Model": report})["Result"]
    for step in ("Submit", "Audit"):
        erp.call(step, formid="PRD_MORPT", data={"Ids": str(saved["Id"])})
    assert erp.query("PRD_MO", "FFinishQty,FStatus", FilterString="F_MS_Ref='T-1'") == [[10.0, "5"]]
    ledger = [row for row in erp.sandbox("ledger") if (row["reference"] or "").startswith("T-1")]
    assert [row["operation"] for row in ledger] == [
        f"{form}.{step}" for form in ("PRD_MO", "PRD_MORPT") for step in ("Save", "Submit", "Audit")
    ]
    assert ledger[-1]["content"]["Order"]["FStatus"] == "5"


def test_save__many_at_once_make_as_many_documents(erp: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: _order(erp, "T-2"), range(24)))
    assert len({one["Number"] for one in made}) == 24
    assert len(erp.query("PRD_MO", "FID", FilterString="F_MS_Ref='T-2'")) == 24


def test_form_body__is_taken_like_json(erp: Client) -> None:
    service = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc"
    form = {"data": json.dumps({"FormId": "BD_UNIT", "FieldKeys": "FNumber"})}
    headers = erp.headers(f"/k3cloud/{service}", int(time.time()))
    reply = requests.post(f"{erp.url}/k3cloud/{service}", data=form, headers=headers, timeout=20)
    assert ["Pcs"] in reply.json()


def test_work__leaves_the_erp_alone(erp: Client) -> None:
    before = len(erp.sandbox("ledger"))
    assert erp.sandbox("work", {"round": 1}) == {}
    assert len(erp.sandbox("ledger")) == before


def test_hostile__reads_are_told_from_writes_and_expiry_speaks_the_dialect(erp: Client) -> None:
    erp.sandbox("hostile", {"seed": 1, "rate": 1.0, "kinds": ["expired"]})
    try:
        answers = [erp.query("BD_UNIT", "FNumber") for _ in range(4)]
        codes = [answer[0][0]["Result"]["ResponseStatus"]["MsgCode"] for answer in answers[:3]]
        assert codes == [1, 1, 1]
        assert ["Pcs"] in answers[3]
    finally:
        erp.sandbox("hostile", {"rate": 0})


def test_hostile__whatever_the_client_saw_documents_and_ledger_agree(erp: Client) -> None:
    brief = {"hang_seconds": 0.2, "late_seconds": 0.1, "slow_seconds": 0.1}
    erp.sandbox("hostile", {"seed": 5, "rate": 0.7, **brief})
    row = {"FMaterialId": {"FNumber": "02.00.901"}, "FQty": 1, "FUnitId": {"FNumber": "Pcs"}}
    model = {
        "F_MS_Ref": "T-3",
        "FTreeEntity": [{**row, "FPlanStartDate": "2026-11-03", "FPlanFinishDate": "2026-11-04"}],
    }
    answers = 0
    for _ in range(40):
        try:
            reply = erp.post("Save", {"formid": "PRD_MO", "data": {"Model": model}})
            answers += "Number" in reply.json()["Result"]
        except (requests.RequestException, ValueError):
            continue
    erp.sandbox("hostile", {"rate": 0})
    time.sleep(0.5)  # the last late commit
    stored = erp.query("PRD_MO", "FBillNo", FilterString="F_MS_Ref='T-3'")
    ledger = [line["document"] for line in erp.sandbox("ledger") if line["reference"] == "T-3"]
    assert sorted(number for [number] in stored) == sorted(ledger)
    assert 0 < answers < 40
