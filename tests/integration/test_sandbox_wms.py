"""The WMS as a process of its own, met through zeep as any client would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
from zeep.wsse.username import UsernameToken

ROOT = Path(__file__).parents[2]
STRICT = zeep.Settings(strict=True, forbid_external=True, forbid_entities=True, forbid_dtd=True)
SECRETS = {"MILLSTREAM_WMS_USER": "hub", "MILLSTREAM_WMS_PASSWORD": "secret", "MILLSTREAM_SANDBOX_TOKEN": "control"}
CONTROL = {"X-Sandbox-Token": "control"}
STILL: dict[str, list[str]] = {"received": [], "sent": []}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("wms")
    secrets = folder / "secrets.json"
    secrets.write_text(json.dumps(SECRETS))
    command = [sys.executable, "-m", "sandbox.wms", "--db", str(folder / "wms.db"), "--secrets-file", str(secrets)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[zeep.Client]:
    client = zeep.Client(f"{url}/wms?wsdl", wsse=UsernameToken("hub", "secret"), settings=STRICT)
    yield client
    client.transport.session.close()


def control(url: str, name: str, **body: Any) -> Any:
    reply = requests.post(f"{url}/_sandbox/{name}", json=body, headers=CONTROL, timeout=30)
    reply.raise_for_status()
    return reply.json()


def everything(client: zeep.Client, operation: str, outer: str, inner: str, **query: Any) -> list[Any]:
    rows: list[Any] = []
    while True:
        page = client.service[operation](**query)
        rows += getattr(page[outer], inner, None) or []
        if page.nextPageToken is None:
            return rows
        query = {"pageToken": page.nextPageToken}


def ship(client: zeep.Client, reference: str, sku: str, quantity: object, unit: str) -> Any:
    line = {"lineNumber": 1, "sku": sku, "quantity": quantity, "unitOfMeasure": unit}
    return client.service.CreateShipment(
        externalReference=reference, orderReference="SO-1", shipTo="上海", wantedOn="2026-11-20", lines={"line": [line]}
    )


def detail(client: zeep.Client, fault: zeep.exceptions.Fault) -> Any:
    return client.wsdl.types.deserialize(fault.detail[0])


def test_wsdl__served_with_its_own_address(client: zeep.Client, url: str) -> None:
    assert client.service._binding_options["address"] == f"{url}/wms"
    vendored = zeep.Client(str(ROOT / "connectors/wms/wms.wsdl"), wsse=client.wsse, settings=STRICT)
    service = vendored.create_service("{urn:warehouse:services:v2}WarehouseBinding", f"{url}/wms")
    assert service.ListWarehouses().warehouses.warehouse[0].code == "WH1"
    vendored.transport.session.close()


def test_plant__is_seeded_and_paged_without_a_gap(client: zeep.Client) -> None:
    items = everything(client, "ListItems", "items", "item")
    assert len({item.sku for item in items}) == len(items) > 1500
    assert {"EA", "BX", "KG", "dozenish"} <= {item.unitOfMeasure for item in items}
    assert all(item.piecesPerBox for item in items if item.unitOfMeasure == "BX")
    rows = everything(client, "ListStock", "rows", "row")
    keys = {(row.warehouse, row.sku, row.lot, row.status) for row in rows}
    assert len(keys) == len(rows)
    assert {row.warehouse for row in rows} == {"WH1", "WH2", "WH3"}
    assert {row.status for row in rows} >= {"AVAILABLE", "BLOCKED"}
    assert any(row.quantity < 0 for row in rows)
    assert all(isinstance(row.quantity, Decimal) for row in rows)


@pytest.mark.parametrize("wsse", [None, UsernameToken("hub", "wrong")])
def test_token__missing_or_wrong_is_a_fault(url: str, wsse: UsernameToken | None) -> None:
    stranger = zeep.Client(f"{url}/wms?wsdl", wsse=wsse, settings=STRICT)
    with pytest.raises(zeep.exceptions.Fault) as refused:
        stranger.service.ListItems()
    assert refused.value.code == "wsse:FailedAuthentication"
    stranger.transport.session.close()


def test_create_shipment__faults_are_typed(client: zeep.Client) -> None:
    item = next(x for x in everything(client, "ListItems", "items", "item") if x.unitOfMeasure == "BX")
    made = ship(client, "IT-1", item.sku, Decimal("1.5"), "BX")
    assert made.externalReference == "IT-1"
    with pytest.raises(zeep.exceptions.Fault) as refused:
        ship(client, "IT-1", item.sku, 1, "BX")
    fault = detail(client, refused.value)
    assert (fault.code, fault.retryable) == ("DUPLICATE_REFERENCE", False)
    assert (fault.reference, fault.existingNumber) == ("IT-1", made.number)
    with pytest.raises(zeep.exceptions.Fault) as refused:
        ship(client, "IT-2", "no such", 1, "EA")
    assert detail(client, refused.value).code == "UNKNOWN_SKU"
    cancelled = [client.service.CancelShipment(externalReference="IT-1") for _ in range(2)]
    assert [state.status for state in cancelled] == ["CANCELLED", "CANCELLED"]


def test_change_shipment__by_reference_then_cancelled(client: zeep.Client) -> None:
    item = next(x for x in everything(client, "ListItems", "items", "item") if x.unitOfMeasure == "BX")
    made = ship(client, "CH-1", item.sku, 2, "BX")
    line = {"lineNumber": 1, "sku": item.sku, "quantity": Decimal("3.5"), "unitOfMeasure": "BX"}
    asked = {"externalReference": "CH-1", "wantedOn": "2026-11-21", "priority": 1, "lines": {"line": [line]}}
    answers = [client.service.ChangeShipment(**asked) for _ in range(2)]
    assert [(x.number, x.status) for x in answers] == [(made.number, "REQUESTED")] * 2
    shipments = everything(client, "ListShipments", "shipments", "shipment")
    (standing,) = [x for x in shipments if x.externalReference == "CH-1"]
    assert [x.quantity for x in standing.lines.line] == [Decimal("3.5")]
    assert client.service.CancelShipment(externalReference="CH-1").status == "CANCELLED"
    for reference, code in (("CH-1", "NOT_CHANGEABLE"), ("CH-9", "UNKNOWN_REFERENCE")):
        with pytest.raises(zeep.exceptions.Fault) as refused:
            client.service.ChangeShipment(**{**asked, "externalReference": reference})
        fault = detail(client, refused.value)
        assert (fault.code, fault.reference) == (code, reference)


def test_work__ships_and_stock_falls(client: zeep.Client, url: str) -> None:
    row = next(x for x in everything(client, "ListStock", "rows", "row") if x.status == "AVAILABLE" and x.quantity >= 3)
    for reference in ("W-2", "W-1"):
        ship(client, reference, row.sku, 1, row.unitOfMeasure)
    before = client.service.ListShipments(pageSize=1000).shipments.shipment[-1].changedAt
    assert control(url, "work", round=2) == {
        "shipped": ["W-1"],
        "picking": ["W-2"],
        "waiting": [],
        "issued": 0,
        "transfers": STILL,
    }
    changed = everything(client, "ListShipments", "shipments", "shipment", changedSince=before)
    states = {shipment.externalReference: shipment for shipment in changed}
    assert (states["W-1"].status, states["W-2"].status) == ("SHIPPED", "PICKING")
    assert states["W-1"].lines.line[0].quantityShipped == 1
    assert states["W-1"].shippedAt is not None
    with pytest.raises(zeep.exceptions.Fault) as refused:
        client.service.CancelShipment(externalReference="W-2")
    assert detail(client, refused.value).code == "NOT_CANCELLABLE"


def test_create_receipt__stock_rises(client: zeep.Client, url: str) -> None:
    item = next(x for x in everything(client, "ListItems", "items", "item") if x.unitOfMeasure == "BX")
    client.service.CreateReceipt(
        externalReference="G-1", sku=item.sku, warehouse="WH1", quantity=2, unitOfMeasure="BX", lot="NEW", source="MO-1"
    )
    (row,) = [row for row in control(url, "stock")["stock"] if row["lot"] == "NEW"]
    assert (row["sku"], Decimal(row["quantity"])) == (item.sku, 2 * item.piecesPerBox)


def test_expedite_picking__is_written_each_time(client: zeep.Client, url: str) -> None:
    assert [client.service.ExpeditePicking(orderReference="SO-1", reason="urgent") for _ in range(2)] == [True, True]
    rows = requests.get(f"{url}/_sandbox/ledger", headers=CONTROL, timeout=30).json()
    assert [row["effect"] for row in rows if row["operation"] == "ExpeditePicking"] == ["created", "created"]


def test_hostile__expired_session_is_a_retryable_typed_fault(client: zeep.Client, url: str) -> None:
    control(url, "hostile", seed=1, rate=1.0, kinds=["expired"])
    try:
        with pytest.raises(zeep.exceptions.Fault) as refused:
            client.service.ListWarehouses()
    finally:
        control(url, "hostile", rate=0.0)
    fault = detail(client, refused.value)
    assert (fault.code, fault.retryable) == ("SESSION_EXPIRED", True)
