from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canonical.commands import OutcomeKind
from canonical.errors import SystemUnavailable
from connectors.port import Connector, StepRequest
from connectors.registry import open_connector
from tests.unit.connectors.loopback import Answer, Asked, Server

SYSTEM = """
system: acme
role: erp
product: Acme
protocol: jsonrpc
timezone: UTC
base_url: {env: ACME_URL}
auth: {kind: none}
limits: {read_attempts: 2, requests_per_second: 1000}
errors:
  failed: "error != `null`"
  code: error[0]
  message: error[1][0]
  outcomes:
    - {code: ConcurrencyException, outcome: stale}
streams:
  parties:
    entity: partner
    request: {path: /db/rpc/, operation: model.party.search_read, body: ["{offset}", "{limit}", {}]}
    records: result
    paging: {kind: offset, limit: 2}
    complete: true
operations:
  make:
    entity: work_order
    steps:
      create:
        class: A
        request: {path: /db/rpc/, operation: model.production.create, body: [["{payload}"], {}]}
        fields: {reference: "{reference}"}
        reply: {native_id: "result[0]"}
    variants: {create: [create]}
"""


@pytest.fixture
def acme(server: Server, tmp_path: Path) -> Iterator[Connector]:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "system.yaml").write_text(SYSTEM)
    connector = open_connector("acme", {"ACME_URL": server.url}, folder=tmp_path)
    yield connector
    connector.close()


def _make(acme: Connector) -> Any:
    return acme.write([StepRequest("c", "make", "create", "create", "R1", {"quantity": 2})])[0]


def test_read__method_and_parameters(server: Server, acme: Connector) -> None:
    server.reply = lambda asked: Answer(body={"id": asked.json["id"], "result": [{"id": 1}]})
    assert [page.records for page in acme.read("parties")] == [[{"id": 1}]]
    assert server.asked[0].json["method"] == "model.party.search_read"
    assert server.asked[0].json["params"] == [0, 2, {}]


def test_write__applied(server: Server, acme: Connector) -> None:
    server.reply = lambda asked: Answer(body={"id": asked.json["id"], "result": [7]})
    outcome = _make(acme)
    assert (outcome.kind, outcome.receipt.native_id) == (OutcomeKind.APPLIED, "7")
    assert server.asked[0].json["params"] == [[{"quantity": 2, "reference": "R1"}], {}]


def _error(name: str) -> Any:
    return lambda asked: Answer(body={"id": asked.json["id"], "error": [name, ["why"]]})


def _another(_: Asked) -> Answer:
    return Answer(body={"id": -1, "result": [7]})


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (_error("UserError"), OutcomeKind.REJECTED),
        (_error("ConcurrencyException"), OutcomeKind.STALE),
        (_another, OutcomeKind.UNKNOWN),
    ],
)
def test_write__errors_and_another_calls_answer(server: Server, acme: Connector, reply: Any, kind: OutcomeKind) -> None:
    server.reply = reply
    assert _make(acme).kind is kind


def test_read__another_calls_answer(server: Server, acme: Connector) -> None:
    server.reply = _another
    with pytest.raises(SystemUnavailable):
        list(acme.read("parties"))
