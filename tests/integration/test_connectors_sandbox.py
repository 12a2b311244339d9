"""The four connectors against the four simulated systems on loopback, in fair and in hostile weather.

The systems' own ledgers, which the hub cannot touch, say what really happened.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from canonical.commands import DeliveryClass, Outcome, OutcomeKind, StepReceipt
from canonical.errors import AuthenticationFailed, TransientError
from connectors import registry
from connectors.port import Connector, FoundDocument, StepRequest, Variant
from connectors.registry import open_connector

ROOT = Path(__file__).parents[2]
SYSTEMS = ("crm", "erp", "mes", "wms")
SETTLE_SECONDS = 1.2  # longer than the latest late commit of the hostile weather below
WEATHER = {"hang_seconds": 0.3, "late_seconds": 0.5, "slow_seconds": 0.2}
DONE = (OutcomeKind.APPLIED, OutcomeKind.UNCHANGED)


@dataclass
class Plant:
    """The running systems and a connector to each."""

    ready: Mapping[str, Any]
    connectors: Mapping[str, Connector]

    def control(self, system: str, name: str, body: object = None) -> Any:
        url = f"{self.ready['systems'][system]['url']}/_sandbox/{name}"
        headers = {"X-Sandbox-Token": self.ready["control_token"]}
        with requests.request("GET" if body is None else "POST", url, json=body, headers=headers, timeout=10) as reply:
            reply.raise_for_status()
            return reply.json()

    def created(self, system: str, references: Sequence[str]) -> Counter[str]:
        rows = self.control(system, "ledger")
        return Counter(
            row["reference"] for row in rows if row["effect"] == "created" and row["reference"] in references
        )


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    folder = tmp_path_factory.mktemp("plant")
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "up", "--dir", str(folder)], cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while not (folder / "sandbox.json").exists():
            assert process.poll() is None, "the sandbox did not come up"
            assert time.monotonic() < until, "the sandbox did not come up in time"
            time.sleep(0.05)
        ready = json.loads((folder / "sandbox.json").read_text())
        opened = {system: open_connector(system, ready["env"]) for system in SYSTEMS}
        yield Plant(ready, opened)
        for connector in opened.values():
            connector.close()
    finally:
        process.terminate()
        process.wait(20)


def _records(connector: Connector, stream: str, since: str | None = None) -> list[Mapping[str, Any]]:
    return [record for page in connector.read(stream, since) for record in page.records]


def _steps(connector: Connector, request: StepRequest) -> list[Outcome]:
    """Every step of a variant, one after the other, each sent once."""
    outcomes: list[Outcome] = []
    receipts: dict[str, StepReceipt] = {}
    for step in connector.operations[request.operation].variants[request.variant]:
        [outcome] = connector.write([replace(request, step=step.name, receipts=dict(receipts))])
        outcomes.append(outcome)
        if outcome.receipt:
            receipts[step.name] = outcome.receipt
    return outcomes


def _request(
    operation: str, reference: str, payload: Mapping[str, Any], *, variant: Variant = "create", command: str = "",
    existing: FoundDocument | None = None,
) -> StepRequest:  # fmt: skip
    return StepRequest(command or f"c-{reference}", operation, variant, "", reference, payload, existing=existing)


def _work_order(plant: Plant, quantity: str = "2") -> dict[str, Any]:
    known = _records(plant.connectors["mes"], "work_orders")[0]
    return {
        "erp_order_no": known["erp_order_no"], "material_code": known["material_code"], "unit": known["unit"],
        "quantity": Decimal(quantity), "priority": 5, "due_on": "2026-12-05",
    }  # fmt: skip


def _production(plant: Plant, quantity: str = "3") -> dict[str, Any]:
    known = _records(plant.connectors["erp"], "production_orders")[0]
    row = {
        "FMaterialId": {"FNumber": known["FMaterialId.FNumber"]}, "FUnitId": {"FNumber": known["FUnitId.FNumber"]},
        "FQty": Decimal(quantity), "FPlanStartDate": "2026-12-01", "FPlanFinishDate": "2026-12-05",
    }  # fmt: skip
    return {"FTreeEntity": [row]}


def _shipment(plant: Plant) -> dict[str, Any]:
    stock = next(row for row in _records(plant.connectors["wms"], "stock") if row.get("unitOfMeasure") == "EA")
    line = {"lineNumber": 1, "sku": stock["sku"], "quantity": Decimal(2), "unitOfMeasure": "EA"}
    return {"orderReference": "SO-1", "wantedOn": "2026-12-01", "priority": 1, "lines": {"line": [line]}}


def _progress(plant: Plant) -> dict[str, Any]:
    order = _records(plant.connectors["crm"], "orders")[0]
    return {"Order__c": order["Id"], "Stage__c": "In production", "Percent_Complete__c": Decimal(40)}


@pytest.mark.parametrize("system", SYSTEMS)
def test_probe__reaches_logs_in_and_reads(plant: Plant, system: str) -> None:
    result = plant.connectors[system].probe(datetime.now(UTC))
    assert result.reachable, result.message


@pytest.mark.parametrize("system", SYSTEMS)
def test_read__every_stream_and_again_from_its_watermark(plant: Plant, system: str) -> None:
    connector = plant.connectors[system]
    filled = 0
    for name, stream in connector.streams.items():
        pages = list(connector.read(name))
        records = [record for page in pages for record in page.records]
        filled += bool(records)
        marks = [page.watermark for page in pages if page.watermark]
        if stream.incremental and records:
            again = _records(connector, name, max(marks))
            assert 0 < len(again) <= len(records), name
    assert filled >= 3


def test_crm__dotted_parents_and_pages(plant: Plant) -> None:
    pages = list(plant.connectors["crm"].read("order_items"))
    assert len(pages) > 1
    first = pages[0].records[0]
    assert first["Order"]["OrderNumber"]
    assert "ProductCode" in first["Product2"]
    assert isinstance(first["UnitPrice"], Decimal)


def test_erp__rows_are_keyed_by_their_fields(plant: Plant) -> None:
    row = _records(plant.connectors["erp"], "boms")[0]
    assert {"FNumber", "FMATERIALID.FNumber", "FMATERIALIDCHILD.FNumber", "FNUMERATOR"} <= set(row)


def test_crm__progress_is_upserted_and_read_back(plant: Plant) -> None:
    crm, payload = plant.connectors["crm"], _progress(plant)
    [first] = _steps(crm, _request("update_order_progress", "P1", payload))
    [second] = _steps(
        crm, _request("update_order_progress", "P1", {**payload, "Percent_Complete__c": Decimal(80)}, variant="change")
    )
    assert (first.kind, second.kind) == (OutcomeKind.APPLIED, OutcomeKind.APPLIED)
    [found] = crm.look_up("update_order_progress", ["P1"])["P1"]
    assert found.content["Percent_Complete__c"] == 80


def _requisition(plant: Plant, quantity: str = "3") -> dict[str, Any]:
    known = _records(plant.connectors["erp"], "production_orders")[0]
    row = {
        "FMaterialId": {"FNumber": known["FMaterialId.FNumber"]}, "FUnitId": {"FNumber": known["FUnitId.FNumber"]},
        "FReqQty": Decimal(quantity), "FArrivalDate": "2026-12-05",
    }  # fmt: skip
    return {"FEntity": [row]}


@pytest.mark.parametrize(
    ("operation", "make", "names", "done"),
    [
        ("order_production", _production, ("FTreeEntity", "FQty"), ("save_and_audit",)),
        ("request_purchase", _requisition, ("FEntity", "FReqQty"), ("save", "submit", "audit")),
    ],
)
def test_erp__order_is_made_changed_and_cancelled(
    plant: Plant, operation: str, make: Any, names: tuple[str, str], done: tuple[str, ...]
) -> None:
    wanted = _request(operation, "M1", make(plant))
    _made_changed_and_cancelled(plant.connectors["erp"], wanted, make(plant, "5"), names, done)


def _made_changed_and_cancelled(
    erp: Connector, wanted: StepRequest, changed_to: Any, names: tuple[str, str], done: tuple[str, ...]
) -> None:
    """`names` are those of the rows and of their quantity, `done` the steps that make the document."""
    operation, key, (entity, quantity) = wanted.operation, wanted.reference, names
    made = _steps(erp, wanted)
    assert [outcome.kind for outcome in made] == [OutcomeKind.APPLIED] * len(done)
    [document] = erp.look_up(operation, [key])[key]
    assert document.done_steps == done
    changed = _steps(erp, _request(operation, key, changed_to, variant="change", existing=document))
    assert [outcome.kind for outcome in changed] == [OutcomeKind.APPLIED] * (1 + len(done))
    [after] = erp.look_up(operation, [key])[key]
    assert (after.content[quantity], after.content["FDocumentStatus"]) == (5, "C")
    assert after.content[f"{entity}_FEntryId"] == document.content[f"{entity}_FEntryId"]
    request = _request(operation, key, {}, variant="cancel", existing=after)
    kinds = [outcome.kind for outcome in (*_steps(erp, request), *_steps(erp, request))]
    assert kinds == [OutcomeKind.APPLIED, OutcomeKind.UNCHANGED]
    assert "cancel" in erp.look_up(operation, [key])[key][0].done_steps


def _as_the_readme_says(folder: Path, *, people_audit: bool) -> Path:
    """A folder of connectors, with the ERP's as its README changes it where people approve production orders."""
    shutil.copytree(ROOT / "connectors" / "erp", folder / "erp", ignore=shutil.ignore_patterns("__pycache__"))
    (block,) = re.findall(r"```yaml\n(.*?)```", (folder / "erp" / "README.md").read_text(), re.DOTALL)
    wanted = yaml.safe_load(block)["operations"]["order_production"]
    file = folder / "erp" / "system.yaml"
    system = yaml.safe_load(file.read_text())
    order = system["operations"]["order_production"]
    del order["steps"]["save_and_audit"], order["look_up"]["done_steps"]["save_and_audit"]
    for part, name in ((order, "steps"), (order, "variants"), (order["look_up"], "done_steps")):
        part[name] |= (wanted["look_up"] if name == "done_steps" else wanted)[name]
    if people_audit:
        for steps in order["variants"].values():
            steps[:] = [step for step in steps if step != "audit"]
    file.write_text(yaml.safe_dump(system, allow_unicode=True, sort_keys=False))
    return folder


@contextmanager
def _erp_of(plant: Plant, folder: Path) -> Iterator[Connector]:
    """A door to the ERP as a folder says, which stands in for the product's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "FOLDER", folder)
        with closing(open_connector("erp", plant.ready["env"], folder=folder)) as erp:
            yield erp


def test_erp__site_that_goes_back_to_single_steps_as_the_readme_says(plant: Plant, tmp_path: Path) -> None:
    wanted = _request("order_production", "own-steps", _production(plant))
    with _erp_of(plant, _as_the_readme_says(tmp_path, people_audit=False)) as erp:
        names, done = ("FTreeEntity", "FQty"), ("save", "submit", "audit")
        _made_changed_and_cancelled(erp, wanted, _production(plant, "5"), names, done)


def test_erp__order_people_have_to_approve(plant: Plant, tmp_path: Path) -> None:
    """One call does not pass for done, and makes no second order; single steps end with the submission."""
    shipped = plant.connectors["erp"]
    plant.control("erp", "edit", {"workflow": "PRD_MO", "on": True})
    try:
        [kept] = _steps(shipped, _request("order_production", "approval-1", _production(plant)))
        assert kept.kind is OutcomeKind.UNKNOWN
        [document] = shipped.look_up("order_production", ["approval-1"])["approval-1"]
        assert document.done_steps == ()
        [again] = _steps(shipped, _request("order_production", "approval-1", _production(plant), existing=document))
        assert (again.kind, "审核中" in (again.message or "")) == (OutcomeKind.REJECTED, True)
        with _erp_of(plant, _as_the_readme_says(tmp_path, people_audit=True)) as erp:
            made = _steps(erp, _request("order_production", "approval-2", _production(plant)))
        assert [outcome.kind for outcome in made] == [OutcomeKind.APPLIED] * 2
    finally:
        plant.control("erp", "edit", {"workflow": "PRD_MO", "on": False})
    assert plant.created("erp", ["approval-1", "approval-2"]) == Counter({"approval-1": 1, "approval-2": 1})


def test_mes__order_is_made_changed_and_cancelled(plant: Plant) -> None:
    mes = plant.connectors["mes"]
    [made] = _steps(mes, _request("order_work", "W1", _work_order(plant)))
    [replayed] = _steps(mes, _request("order_work", "W1", _work_order(plant)))
    assert made.receipt
    assert replayed.receipt
    assert made.receipt.native_id == replayed.receipt.native_id
    [document] = mes.look_up("order_work", ["W1"])["W1"]
    change = _request("order_work", "W1", _work_order(plant, "4"), variant="change", existing=document)
    [changed], [stale] = _steps(mes, change), _steps(mes, change)
    assert (changed.kind, stale.kind) == (OutcomeKind.APPLIED, OutcomeKind.STALE)
    [cancelled] = _steps(mes, _request("order_work", "W1", {}, variant="cancel", command="c2", existing=document))
    assert cancelled.kind is OutcomeKind.APPLIED


def test_wms__shipment_is_made_once_changed_and_cancelled(plant: Plant) -> None:
    wms, payload = plant.connectors["wms"], _shipment(plant)
    [made], [again] = (_steps(wms, _request("request_shipment", "S1", payload)) for _ in range(2))
    assert (made.kind, again.kind) == (OutcomeKind.APPLIED, OutcomeKind.UNCHANGED)
    assert again.receipt
    assert made.receipt
    assert again.receipt.native_number == made.receipt.native_number
    [found] = wms.look_up("request_shipment", ["S1"])["S1"]
    assert found.content["line"]["quantity"] == 2
    more = {**payload, "lines": {"line": [{**payload["lines"]["line"][0], "quantity": Decimal(5)}]}}
    changed, replayed = (_steps(wms, _request("request_shipment", "S1", more, variant="change"))[0] for _ in range(2))
    assert (changed.kind, replayed.kind) == (OutcomeKind.APPLIED, OutcomeKind.APPLIED)
    assert changed.receipt
    assert changed.receipt.native_number == made.receipt.native_number
    [found] = wms.look_up("request_shipment", ["S1"])["S1"]
    assert found.content["line"]["quantity"] == 5
    [cancelled] = _steps(wms, _request("request_shipment", "S1", {}, variant="cancel"))
    assert cancelled.kind is OutcomeKind.APPLIED
    [refused] = _steps(wms, _request("request_shipment", "S1", payload, variant="change"))
    assert refused.kind is OutcomeKind.REJECTED


@pytest.mark.parametrize(
    ("system", "operation", "payload"),
    [
        ("crm", "update_order_progress", {"Order__c": "nonsense"}),
        ("erp", "order_production", {"FTreeEntity": [{"FMaterialId": {"FNumber": "nonsense"}}]}),
        ("mes", "order_work", {"material_code": "nonsense", "quantity": 1, "unit": "pcs"}),
        ("wms", "request_shipment", {"nonsense": 1}),
        ("wms", "receive_goods", {"sku": "nonsense", "warehouse": "WH1", "quantity": 1, "unitOfMeasure": "EA"}),
    ],
)
def test_write__what_the_target_refuses_is_rejected(
    plant: Plant, system: str, operation: str, payload: Mapping[str, Any]
) -> None:
    first = _steps(plant.connectors[system], _request(operation, "X1", payload))[0]
    assert first.kind is OutcomeKind.REJECTED
    assert first.message


@pytest.mark.parametrize("system", SYSTEMS)
def test_read__wrong_credentials_halt(plant: Plant, system: str) -> None:
    wrong = {name: value if name.endswith("URL") else "wrong" for name, value in plant.ready["env"].items()}
    connector = open_connector(system, wrong)
    with pytest.raises(AuthenticationFailed):
        list(connector.read(next(iter(connector.streams))))
    connector.close()


# Hostile weather


def _deliver(connector: Connector, request: StepRequest) -> None:
    """As the relay does: look an unknown outcome up, wait, look up again, only then send again."""
    receipts: dict[str, StepReceipt] = {}
    for step in connector.operations[request.operation].variants[request.variant]:
        for _ in range(12):
            [outcome] = connector.write([replace(request, step=step.name, receipts=dict(receipts))])
            if outcome.kind in DONE:
                break
            assert outcome.kind in (OutcomeKind.UNKNOWN, OutcomeKind.RETRY), (step.name, outcome)
            if outcome.kind is OutcomeKind.RETRY:
                time.sleep(min(outcome.retry_after or 0.1, 1))
            elif step.delivery_class is DeliveryClass.LOOKED_UP and (found := _settled(connector, request, step.name)):
                receipt = StepReceipt(
                    step.name, found.native_id, found.native_number, found.reference, datetime.now(UTC)
                )
                outcome = Outcome(OutcomeKind.APPLIED, receipt)
                break
        assert outcome.kind in DONE, (step.name, outcome)
        if outcome.receipt:
            receipts[step.name] = outcome.receipt


def _settled(connector: Connector, request: StepRequest, step: str) -> FoundDocument | None:
    for _ in range(2):
        for document in _patiently(connector, request):
            if step in document.done_steps:
                return document
        time.sleep(SETTLE_SECONDS)
    return None


def _patiently(connector: Connector, request: StepRequest) -> Sequence[FoundDocument]:
    while True:
        try:
            return connector.look_up(request.operation, [request.reference])[request.reference]
        except (TransientError, AuthenticationFailed):
            time.sleep(0.1)


@pytest.mark.parametrize(
    ("system", "operation", "make"),
    [
        ("crm", "update_order_progress", _progress),
        ("erp", "order_production", _production),
        ("mes", "order_work", _work_order),
        ("wms", "request_shipment", _shipment),
    ],
)
def test_write__hostile_weather_makes_each_document_once(plant: Plant, system: str, operation: str, make: Any) -> None:
    connector, payload = plant.connectors[system], make(plant)
    references = [f"H-{operation}-{number}" for number in range(10)]
    plant.control(system, "hostile", {"seed": 11, "rate": 0.5, **WEATHER})
    try:
        for reference in references:
            _deliver(connector, _request(operation, reference, payload))
        faults = plant.control(system, "hostile")["faults"]
    finally:
        plant.control(system, "hostile", {"rate": 0})
    time.sleep(WEATHER["late_seconds"] + 0.2)
    assert sum(faults.values()) > 3, "the weather was fair"
    assert plant.created(system, references) == Counter(dict.fromkeys(references, 1))


@pytest.mark.parametrize("system", SYSTEMS)
def test_read__hostile_weather_loses_no_record(plant: Plant, system: str) -> None:
    connector = plant.connectors[system]
    stream = next(iter(connector.streams))
    calm = _records(connector, stream)
    plant.control(system, "hostile", {"seed": 5, "rate": 0.3, "kinds": [
        "error_before", "error_after", "hang", "reset", "rate_limited", "slow_body", "cut_body", "html",
    ], **WEATHER})  # fmt: skip
    try:
        for _ in range(3):
            assert _records(connector, stream) == calm
    finally:
        plant.control(system, "hostile", {"rate": 0})


CODED = {
    ("crm", "write_item_code"): ("products", "ProductCode", "Id", "Golden_Code__c"),
    ("crm", "write_partner_code"): ("accounts", "AccountNumber", "Id", "Golden_Code__c"),
    ("erp", "write_item_code"): ("materials", "FNumber", "FMATERIALID", "F_MS_GoldenCode"),
    ("mes", "write_item_code"): ("materials", "code", "id", "golden_code"),
    ("wms", "write_item_code"): ("items", "sku", "sku", "goldenCode"),
}
"""(System, operation) → stream of the records, their key, their technical id, and the field that takes the code."""


@pytest.mark.parametrize(("system", "operation"), sorted(CODED))
def test_golden_code__stands_on_the_record_and_again_changes_nothing(plant: Plant, system: str, operation: str) -> None:
    """In a batch where there is one, and alone; the ledger shows one change a record."""
    stream, key, native, field = CODED[system, operation]
    connector = plant.connectors[system]
    chosen = {str(row[key]): row[native] for row in _records(connector, stream) if row[key]}
    wanted = {code: chosen[code] for code in sorted(chosen)[:3]}
    step = connector.operations[operation].variants["create"][0].name
    requests_ = [
        replace(_request(operation, code, {native: id_, field: f"G-{code}"}), step=step) for code, id_ in wanted.items()
    ]
    before = len(plant.control(system, "ledger"))
    outcomes = [*connector.write(requests_), *connector.write(requests_[:1])]
    assert all(outcome.kind in DONE for outcome in outcomes), outcomes
    assert len(plant.control(system, "ledger")) == before + len(wanted)
    if system in ("mes", "wms"):  # the others show the fields they are asked for, and the hub maps none of these
        shown = {str(row[key]): row.get(field) for row in _records(connector, stream)}
        assert {code: shown[code] for code in wanted} == {code: f"G-{code}" for code in wanted}


@pytest.mark.parametrize("system", ["erp", "mes", "wms"])
def test_golden_code__of_a_record_that_is_not_there_is_refused(plant: Plant, system: str) -> None:
    _, _, native, field = CODED[system, "write_item_code"]
    connector = plant.connectors[system]
    step = connector.operations["write_item_code"].variants["create"][0].name
    request = _request("write_item_code", "NONE-1", {native: "999999999", field: "G-1"})
    [outcome] = connector.write([replace(request, step=step)])
    assert outcome.kind is OutcomeKind.REJECTED, outcome
