"""The WMS's contract: one WSDL, typed both ways, guarded by WS-Security."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zeep
from lxml import etree
from zeep.wsse.username import UsernameToken

from sandbox.wms.contract import TNS, WSDL_FILE, Application, Guard, WmsFault, definition, fault_bytes, wsdl

ROOT = Path(__file__).parents[3]
STRICT = zeep.Settings(strict=True, forbid_external=True, forbid_entities=True, forbid_dtd=True)
OPERATIONS = (
    "ListItems", "ListWarehouses", "ListStock", "ListShipments", "ListReceipts", "CreateShipment", "ChangeShipment",
    "CancelShipment", "CreateReceipt", "SetItemCode", "ExpeditePicking", "ListTransfers", "CreateTransfer",
    "ChangeTransfer", "CancelTransfer",
)  # fmt: skip


class Door:
    """A zeep client whose transport is the application itself."""

    def __init__(self, user: str | None = "hub", password: str = "pw") -> None:
        self.answer: dict[str, Any] = {}
        self.asked: dict[str, Any] = {}
        self.raw = b""
        self._application = Application(Guard("hub", "pw"), dict.fromkeys(OPERATIONS, self._operation))
        token = UsernameToken(user, password) if user else None
        self.client = zeep.Client(str(WSDL_FILE), wsse=token, settings=STRICT, transport=self)
        self.session = self.cache = None
        self.operation_timeout = None

    def _operation(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return self.answer

    def load(self, url: str) -> bytes:
        return Path(url).read_bytes()

    def post_xml(self, address: str, envelope: etree._Element, headers: dict[str, str]) -> Any:
        answered = self._application.answer(etree.tostring(envelope), headers["SOAPAction"].strip('"'), "text/xml")
        self.raw = answered[2]
        return Reply(*answered)


class Reply:
    def __init__(self, status: int, kind: str, body: bytes) -> None:
        self.status_code, self.headers, self.content = status, {"Content-Type": kind}, body
        self.encoding = "utf-8"


def test_wsdl__copy_of_the_hub_is_the_served_one() -> None:
    assert (ROOT / "connectors/wms/wms.wsdl").read_bytes() == WSDL_FILE.read_bytes()
    assert b'location="http://127.0.0.1:81/wms"' in wsdl("http://127.0.0.1:81/wms")


def test_wsdl__offers_every_operation_with_a_typed_fault() -> None:
    door = Door()
    binding = next(iter(door.client.wsdl.bindings.values()))
    assert set(binding.all()) == set(OPERATIONS)
    assert all(set(operation.faults) == {"WmsFault"} for operation in binding.all().values())


def test_definition__arrays_hold_the_type_the_wsdl_names() -> None:
    types = definition().complex_types
    assert dict(types["Shipments"].fields)["shipment"].element_type is types["Shipment"]  # type: ignore[attr-defined]


def test_answer__nested_arrays_come_back_as_typed_objects() -> None:
    door, at = Door(), "2026-11-02T09:00:00.000001Z"
    line = {"sku": "A", "quantity": Decimal("1E+2"), "unitOfMeasure": "EA", "quantityShipped": Decimal(0)}
    lines = [{"lineNumber": number, **line} for number in (1, 2)]
    shipment = {
        "number": "S1", "externalReference": "R", "orderReference": "SO", "status": "REQUESTED", "shippedAt": None,
        "changedAt": at, "lines": {"line": lines},
    }  # fmt: skip
    door.answer = {"shipments": {"shipment": [shipment]}, "nextPageToken": None}
    page = door.client.service.ListShipments(pageToken="t", pageSize=5)
    (read,) = page.shipments.shipment
    assert [line.lineNumber for line in read.lines.line] == [1, 2]
    assert read.lines.line[0].quantity == Decimal(100)
    assert read.changedAt == datetime(2026, 11, 2, 9, 0, 0, 1, tzinfo=UTC)
    assert (read.shippedAt, page.nextPageToken) == (None, None)
    assert door.asked == {"pageToken": "t", "pageSize": 5}
    assert b"nil" not in door.raw
    assert b"shippedAt" not in door.raw


def test_answer__empty_list_is_an_empty_element() -> None:
    door = Door()
    door.answer = {"items": {"item": []}, "nextPageToken": None}
    page = door.client.service.ListItems()
    assert page.items is None  # zeep's reading of an empty element
    assert b":items/>" in door.raw


@pytest.mark.parametrize(("user", "password"), [(None, ""), ("hub", "no"), ("eve", "pw"), ("", "")])
def test_answer__missing_or_wrong_token_is_failed_authentication(user: str | None, password: str) -> None:
    door = Door(user, password)
    with pytest.raises(zeep.exceptions.Fault) as refused:
        door.client.service.ListItems()
    assert refused.value.code == "wsse:FailedAuthentication"
    fault = etree.fromstring(door.raw).find(".//faultcode")
    assert fault is not None
    assert "oasis" in fault.nsmap["wsse"]
    assert door.asked == {}


def test_answer__digest_is_accepted_once() -> None:
    door = Door()
    door.client.wsse = UsernameToken("hub", "pw", use_digest=True)
    door.answer = {"accepted": True}
    assert door.client.service.ExpeditePicking(orderReference="SO") is True


def test_answer__body_that_breaks_the_schema_is_refused() -> None:
    door = Door()
    message = door.client.create_message(door.client.service, "CancelShipment", externalReference="R")
    body = message.find(f".//{{{TNS}}}CancelShipment")
    assert body is not None
    body.clear()
    status, _, answer = door._application.answer(etree.tostring(message), "", "text/xml")
    assert status == 500
    assert b"Schema validation failed" in answer


def test_wms_fault__detail_is_the_contracts_element() -> None:
    door = Door()
    fault = WmsFault("BUSY", "later", reference="R", existing="S1", retryable=True)
    detail = etree.fromstring(fault_bytes(fault)).find(".//detail")
    assert detail is not None
    read = door.client.wsdl.types.deserialize(detail[0])
    assert (read.code, read.retryable, read.reference, read.existingNumber) == ("BUSY", True, "R", "S1")
