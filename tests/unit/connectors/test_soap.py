"""A small SOAP service with one list, one write and one typed fault."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from canonical.commands import OutcomeKind
from canonical.errors import AuthenticationFailed, ConfigurationError, StreamHalted
from connectors.port import Connector, StepRequest
from connectors.registry import open_connector
from tests.unit.connectors.loopback import Answer, Asked, Server

NS = "urn:acme"
WSDL = f"""<?xml version="1.0"?>
<wsdl:definitions targetNamespace="{NS}" xmlns:tns="{NS}" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
    xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <wsdl:types><xsd:schema targetNamespace="{NS}" elementFormDefault="qualified">
    <xsd:element name="List"><xsd:complexType><xsd:sequence>
      <xsd:element name="since" type="xsd:dateTime" minOccurs="0"/>
      <xsd:element name="token" type="xsd:string" minOccurs="0"/></xsd:sequence></xsd:complexType></xsd:element>
    <xsd:complexType name="Row"><xsd:sequence>
      <xsd:element name="sku" type="xsd:string"/><xsd:element name="lot" type="xsd:string" minOccurs="0"/>
      <xsd:element name="quantity" type="xsd:decimal"/><xsd:element name="at" type="xsd:dateTime"/>
    </xsd:sequence></xsd:complexType>
    <xsd:element name="ListResponse"><xsd:complexType><xsd:sequence>
      <xsd:element name="row" type="tns:Row" minOccurs="0" maxOccurs="unbounded"/>
      <xsd:element name="next" type="xsd:string" minOccurs="0"/></xsd:sequence></xsd:complexType></xsd:element>
    <xsd:element name="Book"><xsd:complexType><xsd:sequence>
      <xsd:element name="reference" type="xsd:string"/><xsd:element name="quantity" type="xsd:decimal"/>
    </xsd:sequence></xsd:complexType></xsd:element>
    <xsd:element name="BookResponse"><xsd:complexType><xsd:sequence>
      <xsd:element name="number" type="xsd:string"/><xsd:element name="reference" type="xsd:string"/>
    </xsd:sequence></xsd:complexType></xsd:element>
  </xsd:schema></wsdl:types>
  <wsdl:message name="ListIn"><wsdl:part name="p" element="tns:List"/></wsdl:message>
  <wsdl:message name="ListOut"><wsdl:part name="p" element="tns:ListResponse"/></wsdl:message>
  <wsdl:message name="BookIn"><wsdl:part name="p" element="tns:Book"/></wsdl:message>
  <wsdl:message name="BookOut"><wsdl:part name="p" element="tns:BookResponse"/></wsdl:message>
  <wsdl:portType name="P">
    <wsdl:operation name="List"><wsdl:input message="tns:ListIn"/><wsdl:output message="tns:ListOut"/></wsdl:operation>
    <wsdl:operation name="Book"><wsdl:input message="tns:BookIn"/><wsdl:output message="tns:BookOut"/></wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="B" type="tns:P">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="List"><soap:operation soapAction="urn:list"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
    <wsdl:operation name="Book"><soap:operation soapAction="urn:book"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="S"><wsdl:port name="Port" binding="tns:B">
    <soap:address location="http://elsewhere.example/acme"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""
SYSTEM = """
system: acme
role: wms
product: Acme
protocol: soap
timezone: UTC
base_url: {env: ACME_URL}
wsdl: acme.wsdl
soap_path: /acme
auth: {kind: ws_security_username, user: {env: ACME_USER}, password: {env: ACME_PASSWORD}}
limits: {read_attempts: 2, requests_per_second: 1000}
errors:
  code: "fault.detail.code || fault.code"
  message: fault.message
  outcomes:
    - {code: DUPLICATE, outcome: unchanged}
    - {code: FailedAuthentication, outcome: expired}
    - {code: Client, outcome: rejected}
streams:
  rows:
    entity: stock
    request: {operation: List, body: {since: "{since?}", token: "{cursor?}"}}
    records: "row || `[]`"
    paging: {kind: cursor, at: next}
    watermark: {field: at}
operations:
  book:
    entity: goods_receipt
    steps:
      book:
        class: A
        request: {operation: Book, body: "{payload}"}
        fields: {reference: "{reference}"}
        reply:
          native_number: "number || fault.detail.existing"
          reference: "reference || fault.detail.reference"
    variants: {create: [book]}
"""
ENV = {"ACME_USER": "hub", "ACME_PASSWORD": "canary"}


def _write(tmp_path: Path, *, wsdl: str | None = WSDL, system: str = SYSTEM) -> Path:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "system.yaml").write_text(system)
    if wsdl is not None:
        (tmp_path / "acme" / "acme.wsdl").write_text(wsdl)
    return tmp_path


@pytest.fixture
def acme(server: Server, tmp_path: Path) -> Iterator[Connector]:
    connector = open_connector("acme", {**ENV, "ACME_URL": server.url}, folder=_write(tmp_path))
    yield connector
    connector.close()


def _soap(body: str, status: int = 200) -> Answer:
    envelope = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<s:Body xmlns:a="{NS}">{body}</s:Body></s:Envelope>'
    )
    return Answer(status, envelope.encode(), kind="text/xml; charset=utf-8")


def _fault(code: str, detail: str = "", status: int = 500) -> Answer:
    return _soap(
        f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>no</faultstring><detail>{detail}</detail></s:Fault>",
        status,
    )


def _booked(reference: str) -> Answer:
    return _soap(f"<a:BookResponse><a:number>N1</a:number><a:reference>{reference}</a:reference></a:BookResponse>")


def _duplicate(reference: str) -> Answer:
    return _fault("Server", f"<f><code>DUPLICATE</code><reference>{reference}</reference><existing>N1</existing></f>")


BOOKED = _booked("R1")


def _book(acme: Connector, **payload: object) -> tuple[OutcomeKind, str | None]:
    given = payload or {"quantity": Decimal("1.5")}
    [outcome] = acme.write([StepRequest("c1", "book", "create", "book", "R1", given)])
    return outcome.kind, outcome.receipt.native_number if outcome.receipt else outcome.message


def test_read__plain_values_page_by_page(server: Server, acme: Connector) -> None:
    row = "<a:row><a:sku>x</a:sku><a:quantity>1.50</a:quantity><a:at>2026-01-01T00:00:00Z</a:at></a:row>"
    server.script = [
        _soap(f"<a:ListResponse>{row}<a:next>2</a:next></a:ListResponse>"), _soap("<a:ListResponse/>"),
    ]  # fmt: skip
    first, second = acme.read("rows", "2026-01-01T00:00:00+00:00")
    assert first.records == [{"sku": "x", "quantity": Decimal("1.50"), "at": "2026-01-01T00:00:00+00:00"}]
    assert first.watermark == "2026-01-01T00:00:00+00:00"
    assert second.records == []
    assert server.asked[0].headers["soapaction"] == '"urn:list"'
    sent = etree.fromstring(server.asked[1].body)
    assert sent.findtext(f".//{{{NS}}}token") == "2"
    assert sent.findtext(f".//{{{NS}}}since") == "2026-01-01T00:00:00+00:00"
    assert b"UsernameToken" in server.asked[0].body


def test_write__address_comes_from_the_connection_not_from_the_wsdl(server: Server, acme: Connector) -> None:
    server.script = [BOOKED]
    assert _book(acme) == (OutcomeKind.APPLIED, "N1")
    assert server.asked[0].path == "/acme"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_duplicate("R1"), OutcomeKind.UNCHANGED),
        (_duplicate("R2"), OutcomeKind.UNKNOWN),
        (_fault("Server"), OutcomeKind.UNKNOWN),
        (_fault("Client"), OutcomeKind.REJECTED),
        (_fault("FailedAuthentication"), OutcomeKind.RETRY),
        (_booked("R2"), OutcomeKind.UNKNOWN),
        (_soap("<a:Surprise/>"), OutcomeKind.UNKNOWN),
        (_soap(""), OutcomeKind.UNKNOWN),
        (Answer(200, b"<s:Envelope", kind="text/xml"), OutcomeKind.UNKNOWN),
        (Answer(200, b"<html></html>", kind="text/html"), OutcomeKind.UNKNOWN),
        (Answer(500, b"oops", kind="text/plain"), OutcomeKind.UNKNOWN),
        (Answer(drop=True), OutcomeKind.UNKNOWN),
        (Answer(429, None, kind="text/plain"), OutcomeKind.RETRY),
    ],
)  # fmt: skip
def test_write__every_answer_has_its_outcome(
    server: Server, acme: Connector, answer: Answer, kind: OutcomeKind
) -> None:
    server.reply = lambda _: answer
    found, _ = _book(acme)
    assert found is kind


def test_write__document_type_and_entities_are_forbidden(server: Server, acme: Connector) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + BOOKED.content().replace(b"N1", b"&e;")
    server.script = [Answer(200, bomb, kind="text/xml")]
    kind, message = _book(acme)
    assert kind is OutcomeKind.UNKNOWN
    assert "root:" not in (message or "")


@pytest.mark.parametrize("payload", [{"quantity": 1, "colour": "red"}, {"amount": 1}])
def test_write__payload_that_does_not_fit_is_rejected_unsent(
    server: Server, acme: Connector, payload: dict[str, object]
) -> None:
    kind, message = _book(acme, **payload)
    assert kind is OutcomeKind.REJECTED
    assert "canary" not in (message or "")
    assert server.asked == []


def test_read__refused_credentials(server: Server, acme: Connector) -> None:
    server.reply = lambda _: _fault("FailedAuthentication")
    with pytest.raises(AuthenticationFailed):
        list(acme.read("rows"))


def test_open__wsdl_may_not_import(server: Server, tmp_path: Path) -> None:
    imported = f'<xsd:import namespace="urn:other" schemaLocation="{server.url}/other.xsd"/>'
    wsdl = WSDL.replace('elementFormDefault="qualified">', f'elementFormDefault="qualified">{imported}', 1)
    with pytest.raises(ConfigurationError, match="WSDL"):
        open_connector("acme", {**ENV, "ACME_URL": server.url}, folder=_write(tmp_path, wsdl=wsdl))
    assert server.asked == []


def test_open__vendored_wsdl_is_missing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"acme\.wsdl"):
        open_connector("acme", {**ENV, "ACME_URL": server.url}, folder=_write(tmp_path, wsdl=None))


def test_read__wsdl_is_fetched_where_none_is_vendored(server: Server, tmp_path: Path) -> None:
    folder = _write(tmp_path, wsdl=None, system=SYSTEM.replace("wsdl: acme.wsdl\n", ""))
    connector = open_connector("acme", {**ENV, "ACME_URL": server.url}, folder=folder)
    server.script = [Answer(404, None, kind="text/plain")]
    with pytest.raises(StreamHalted, match="gone"):
        list(connector.read("rows"))
    server.script = [Answer(200, WSDL.encode(), kind="text/xml"), _soap("<a:ListResponse/>")]
    assert len(list(connector.read("rows"))) == 1
    assert server.asked[1].path == "/acme?wsdl"
    connector.close()


def test_write__several_threads_share_one_client(server: Server, acme: Connector) -> None:
    def reply(asked: Asked) -> Answer:
        return _booked(etree.fromstring(asked.body).findtext(f".//{{{NS}}}reference") or "")

    server.reply = reply
    requests = [StepRequest("c", "book", "create", "book", f"R{each}", {"quantity": 1}) for each in range(40)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda request: acme.write([request])[0], requests))
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.APPLIED}
