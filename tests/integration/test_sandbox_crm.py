"""The simulated CRM as a client meets it: its own process, real HTTP, Salesforce's dialect."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.factory.generate import generate
from sandbox.factory.views import dirt, material_views, partner_views

ROOT = Path(__file__).parents[2]
SECRETS = {
    "MILLSTREAM_CRM_CLIENT_ID": "hub",
    "MILLSTREAM_CRM_CLIENT_SECRET": "s3cret:with colon",
    "MILLSTREAM_SANDBOX_TOKEN": "control",
}
BASE = "/services/data/v59.0"


@dataclass
class Crm:
    url: str
    token: str = ""

    def login(self, secret: str = SECRETS["MILLSTREAM_CRM_CLIENT_SECRET"]) -> requests.Response:
        answer = requests.post(
            f"{self.url}/services/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=("hub", secret),
            timeout=10,
        )
        self.token = answer.json().get("access_token", "")
        return answer

    def call(self, method: str, path: str, **given: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **given.pop("headers", {})}
        path = path if path.startswith("/services") else f"{BASE}/{path}"
        return requests.request(method, self.url + path, headers=headers, timeout=10, **given)

    def ask(self, soql: str, **given: Any) -> dict[str, Any]:
        answer = self.call("GET", "query", params={"q": soql}, **given)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def all(self, soql: str) -> list[dict[str, Any]]:
        page = self.ask(soql)
        records = page["records"]
        while not page["done"]:
            page = self.call("GET", page["nextRecordsUrl"]).json()
            records += page["records"]
        return list(records)

    def control(self, name: str, body: dict[str, Any] | None = None) -> Any:
        method = "GET" if body is None else "POST"
        headers = {"X-Sandbox-Token": "control"}
        return requests.request(method, f"{self.url}/_sandbox/{name}", json=body, headers=headers, timeout=10).json()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("crm")
    (folder / "secrets.json").write_text(json.dumps(SECRETS))
    command = [sys.executable, "-m", "sandbox.crm", "--db", str(folder / "crm.sqlite")]
    command += ["--secrets-file", str(folder / "secrets.json"), "--parent-pid", str(os.getpid())]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["url"]
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
def crm(server: str) -> Crm:
    client = Crm(server)
    assert client.login().status_code == 200
    return client


def _error(answer: requests.Response) -> tuple[int, str]:
    body = answer.json()
    assert isinstance(body, list)
    return answer.status_code, body[0]["errorCode"]


def test_token__wrong_secret_and_no_session(server: str) -> None:
    client = Crm(server)
    assert client.login("wrong").json()["error"] == "invalid_client"
    assert _error(client.call("GET", "query", params={"q": "SELECT Id FROM Account"})) == (401, "INVALID_SESSION_ID")


def test_query__walks_all_pages_and_sees_the_factory(crm: Crm) -> None:
    plant = generate(7, 1)
    accounts = crm.all("SELECT Id, Name, AccountNumber, Tax_Number__c FROM Account ORDER BY Id")
    assert [each["AccountNumber"] for each in accounts] == [view.code for view in partner_views(plant, "crm")]
    products = crm.all("SELECT Id, ProductCode, StockKeepingUnit FROM Product2")
    assert len(products) == len(material_views(plant, "crm"))
    without = {each["ProductCode"] for each in products if each["StockKeepingUnit"] is None}
    assert without == set(dirt(plant).of("crm", "missing_drawing"))
    items = crm.all("SELECT Id, Order.OrderNumber, LineNumber__c, Quantity FROM OrderItem")
    assert len(items) == sum(len(order.lines) for order in plant.orders)
    assert crm.ask("SELECT COUNT() FROM Order")["totalSize"] == 500


def test_query__ids_nested_parents_and_usage_header(crm: Crm) -> None:
    answer = crm.call(
        "GET",
        "query/",
        params={
            "q": "SELECT Id, Order.OrderNumber, Order.Account.Name, Product2.ProductCode, Quantity FROM OrderItem "
            "WHERE Order.OrderNumber = 'SO-26-00001' AND LineNumber__c = 1"
        },
    )
    (found,) = answer.json()["records"]
    assert found["Order"]["OrderNumber"] == "SO-26-00001"
    assert found["Order"]["Account"]["Name"]
    assert found["Order"]["Account"]["attributes"] == {"type": "Account"}
    assert len(found["Id"]) == 18
    assert found["Id"].startswith("802")
    assert isinstance(found["Quantity"], float)
    assert answer.headers["Sforce-Limit-Info"].endswith("/100000")


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account; DROP TABLE x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nope__c FROM Account", "INVALID_FIELD"),
        ("SELECT Owner.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM OrderItem WHERE Quantity = 'two'", "INVALID_FIELD"),
    ],
)
def test_query__clear_errors(crm: Crm, soql: str, code: str) -> None:
    assert _error(crm.call("GET", "query", params={"q": soql})) == (400, code)


def test_query__conditions(crm: Crm) -> None:
    urgent = crm.ask("SELECT OrderNumber FROM Order WHERE Urgent__c = true AND Status != 'Cancelled'")
    truth = [order.number for order in generate(7, 1).orders if order.urgent]
    assert set(truth) <= {each["OrderNumber"] for each in urgent["records"]}
    both = "SELECT OrderNumber FROM Order WHERE (OrderNumber = 'SO-26-00002' OR OrderNumber IN ('SO-26-00003')) "
    assert [each["OrderNumber"] for each in crm.ask(both + "ORDER BY OrderNumber DESC LIMIT 5")["records"]] == [
        "SO-26-00003",
        "SO-26-00002",
    ]
    assert crm.ask("SELECT Id FROM Account WHERE Tax_Number__c = null")["totalSize"] == 1
    assert crm.ask("SELECT Id FROM Account WHERE AccountNumber = 'it\\'s'")["totalSize"] == 0
    assert crm.ask("SELECT Id FROM Order WHERE SystemModstamp >= 2030-01-01T00:00:00+08:00")["totalSize"] == 0


def test_query_more__wrong_locator(crm: Crm) -> None:
    assert _error(crm.call("GET", "query/01gNOPE-200")) == (400, "INVALID_QUERY_LOCATOR")


def test_upsert__created_then_updated_then_unchanged(crm: Crm) -> None:
    (order,) = crm.ask("SELECT Id FROM Order WHERE OrderNumber = 'SO-26-00007'")["records"]
    path = "sobjects/Order_Progress__c/Order_Ref__c/SO-26-00007"
    body = {"Order__c": order["Id"], "Stage__c": "Planned", "Percent_Complete__c": 0, "Promised_Date__c": "2026-11-20"}
    first = crm.call("PATCH", path, json=body)
    assert (first.status_code, first.json()["created"]) == (201, True)
    again = crm.call("PATCH", path, json=body)
    assert (again.status_code, again.json()) == (200, {**first.json(), "created": False})
    later = crm.call("PATCH", path, json={"Percent_Complete__c": 50.5})
    assert later.status_code == 200
    shown = crm.call("GET", path).json()
    assert (shown["Percent_Complete__c"], shown["Stage__c"]) == (50.5, "Planned")
    rows = [row for row in crm.control("ledger") if row["reference"] == "SO-26-00007"]
    assert [row["effect"] for row in rows] == ["created", "updated"]
    attempts = [row for row in crm.control("attempts") if row["reference"] == "SO-26-00007"]
    assert [row["effect"] for row in attempts] == ["created", "unchanged", "updated"]


def test_upsert__refusals(crm: Crm) -> None:
    path = "sobjects/Order_Progress__c/Order_Ref__c/X-1"
    assert _error(crm.call("PATCH", path, json={"Order_Ref__c": "X-1"})) == (400, "INVALID_FIELD")
    assert _error(crm.call("PATCH", path, json={"Nope": 1})) == (400, "INVALID_FIELD")
    assert _error(crm.call("PATCH", path, json={"Promised_Date__c": "soon"})) == (400, "JSON_PARSER_ERROR")
    wrong = {"Order__c": "801000000000000AAA"}
    assert _error(crm.call("PATCH", path, json=wrong)) == (400, "INVALID_CROSS_REFERENCE_KEY")
    assert _error(crm.call("PATCH", path, data="{")) == (400, "JSON_PARSER_ERROR")
    assert _error(crm.call("PATCH", "sobjects/Account/Name/x", json={})) == (400, "INVALID_FIELD")
    assert _error(crm.call("GET", path)) == (404, "NOT_FOUND")
    assert _error(crm.call("PUT", path, json={})) == (405, "METHOD_NOT_ALLOWED")
    assert _error(crm.call("POST", "sobjects/Lead", json={"Company": "A"})) == (400, "REQUIRED_FIELD_MISSING")


def test_collections__some_fail_and_all_or_none(crm: Crm) -> None:
    path = "composite/sobjects/Order_Progress__c/Order_Ref__c"
    good = {"attributes": {"type": "Order_Progress__c"}, "Order_Ref__c": "C-1", "Stage__c": "Planned"}
    bad = {**good, "Order_Ref__c": "C-2", "Promised_Date__c": "x"}
    rolled = crm.call("PATCH", path, json={"allOrNone": True, "records": [good, bad]}).json()
    assert [each["success"] for each in rolled] == [False, False]
    assert crm.call("GET", "sobjects/Order_Progress__c/Order_Ref__c/C-1").status_code == 404
    partly = crm.call("PATCH", path, json={"allOrNone": False, "records": [good, bad]}).json()
    assert [each["success"] for each in partly] == [True, False]
    assert partly[1]["errors"][0]["statusCode"] == "JSON_PARSER_ERROR"
    many = {"records": [good] * 201}
    assert _error(crm.call("PATCH", path, json=many)) == (400, "EXCEEDED_ID_LIMIT")


def test_record__stale_update_and_deletion(crm: Crm) -> None:
    new = crm.call("POST", "sobjects/Lead", json={"Company": "示例厂", "LastName": "王"}).json()["id"]
    stale = {"If-Unmodified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"}
    assert crm.call("PATCH", f"sobjects/Lead/{new}", json={"Status": "x"}, headers=stale).status_code == 412
    assert crm.call("PATCH", f"sobjects/Lead/{new[:15]}", json={"Status": "Working"}).status_code == 204
    assert crm.call("DELETE", f"sobjects/Lead/{new}").status_code == 204
    span = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-30T00:00:00Z"}
    gone = crm.call("GET", "sobjects/Lead/deleted/", params=span).json()["deletedRecords"]
    assert [each["id"] for each in gone] == [new]


def test_work__one_urgent_one_changed_and_an_edit_moves_the_modstamp(crm: Crm) -> None:
    before = crm.ask("SELECT SystemModstamp FROM Order ORDER BY SystemModstamp DESC LIMIT 1")["records"][0]
    done = crm.control("work", {"round": 1})
    assert crm.control("work", {"round": 1}) == done
    since = before["SystemModstamp"]
    changed = crm.ask(f"SELECT OrderNumber, Urgent__c FROM Order WHERE SystemModstamp > {since}")["records"]
    assert {each["OrderNumber"] for each in changed} == {done["urgent"], done["changed"]["order"]}
    assert {each["OrderNumber"]: each["Urgent__c"] for each in changed}[done["urgent"]] is True
    answer = crm.control("edit", {"order": "SO-26-00010", "line": 1, "quantity": "120", "status": "Cancelled"})
    assert answer["Status"] == "Cancelled"
    soql = "SELECT Quantity, Order.Status FROM OrderItem WHERE Order.OrderNumber = 'SO-26-00010' AND LineNumber__c = 1"
    (line,) = crm.ask(soql)["records"]
    assert (line["Quantity"], line["Order"]["Status"]) == (120.0, "Cancelled")
    assert "error" in crm.control("edit", {"order": "SO-26-00010", "status": "Lost"})


def test_sessions__expire_on_demand(server: str) -> None:
    client = Crm(server)
    client.login()
    assert client.control("expire", {})["ended"] is True
    assert _error(client.call("GET", "limits")) == (401, "INVALID_SESSION_ID")


def test_hostile__a_patient_client_gets_through_and_nothing_is_doubled(crm: Crm) -> None:
    weather = {"seed": 5, "rate": 0.6, "hang_seconds": 0.1, "late_seconds": 0.1, "slow_seconds": 0.1}
    assert crm.control("hostile", weather)["rate"] == 0.6
    seen: Counter[str] = Counter()
    try:
        for number in range(20):
            assert _patiently(crm, f"H-{number}", seen)
    finally:
        faults = crm.control("hostile", {"seed": 5, "rate": 0})["faults"]
    assert len(faults) >= 6, faults
    created = [row["reference"] for row in crm.control("ledger") if row["effect"] == "created"]
    assert sorted(row for row in created if str(row).startswith("H-")) == sorted(f"H-{number}" for number in range(20))


def _patiently(crm: Crm, reference: str, seen: Counter[str]) -> bool:
    path = f"sobjects/Order_Progress__c/Order_Ref__c/{reference}"
    for _ in range(8):
        try:
            answer = crm.call("PATCH", path, json={"Stage__c": "Planned"})
            seen[str(answer.status_code)] += 1
            if answer.status_code in (200, 201) and answer.json()["success"]:
                return True
        except (requests.RequestException, ValueError) as error:
            seen[type(error).__name__] += 1
    return False


def test_control__needs_the_token(server: str) -> None:
    assert requests.get(f"{server}/_sandbox/ledger", timeout=10).status_code == 403
