"""The match doors answer what they are asked and refuse what they cannot read."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import uvicorn
from starlette.applications import Starlette

from console.web.match import match_routes
from tests.unit.pipeline.mastered import mastered_plant


@dataclass(frozen=True)
class Client:
    """Asks a server on loopback."""

    address: str

    def get(self, path: str, **given: Any) -> requests.Response:
        return requests.get(self.address + path, timeout=30, **given)

    def post(self, path: str, **given: Any) -> requests.Response:
        return requests.post(self.address + path, timeout=30, **given)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    plant = mastered_plant(tmp_path_factory.mktemp("plant"))
    plant.put("item", "erp:1", name="内六角螺钉 M8*20 8.8级", drawing_number="DW-1", unit="pcs")
    plant.put("item", "mes:2", name="内六角螺钉M8*20", drawing_number="DW-1")
    plant.put("item", "erp:3", name="平垫圈 8 镀锌", drawing_number="DW-3")
    plant.master()
    application = Starlette(routes=match_routes(plant.hub))
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Client(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
    server.should_exit = True
    thread.join(10)
    plant.hub.close()


def test_match__each_golden_record_once_with_its_parts(client: Client) -> None:
    asked = {"attributes": {"name": "M8×2cm 内六角螺丝 8.8"}, "limit": 3}
    answer = client.post("/api/match/item", json=asked)
    best, *rest = answer.json()["matches"]
    assert (best["golden_id"], best["record"]) == ("DW-1", "erp:1")
    assert best["posterior"] > 0.9
    assert best["parts"][0]["feature"] == "start"
    assert all(one["golden_id"] != "DW-1" for one in rest)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/match/bolt", "{}", 404),
        ("/api/match/item", "{", 400),
        ("/api/match/item", "[]", 400),
        ("/api/match/item", '{"attributes": {"colour": "red"}}', 400),
        ("/api/match/item", '{"attributes": {"name": 7}}', 400),
        ("/api/match/item", '{"attributes": {"name": "x"}, "limit": 5000}', 400),
        ("/api/match/item", '{"attributes": {"name": "x"}, "limit": true}', 400),
    ],
)
def test_match__what_cannot_be_read_is_refused(client: Client, path: str, body: str, status: int) -> None:
    answer = client.post(path, data=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_match__nothing_said_matches_nothing(client: Client) -> None:
    assert client.post("/api/match/item", json={"attributes": {"name": ""}}).json() == {"matches": []}


def test_reconcile__manifest(client: Client) -> None:
    manifest = client.get("/api/reconcile/item").json()
    assert manifest["versions"] == ["0.2"]
    assert manifest["defaultTypes"] == [{"id": "item", "name": "item"}]
    assert {"name", "identifierSpace", "schemaSpace"} <= manifest.keys()


@pytest.mark.parametrize("method", ["get", "post"])
def test_reconcile__batch_of_queries(client: Client, method: str) -> None:
    queries = {
        "q0": {"query": "M8×2cm 内六角螺丝 8.8", "limit": 2, "properties": [{"pid": "unit", "v": "pcs"}]},
        "q1": {"query": "qqq"},
    }
    sent = {"queries": json.dumps(queries)}
    path = "/api/reconcile/item"
    answer = (client.get(path, params=sent) if method == "get" else client.post(path, data=sent)).json()
    assert answer["q1"] == {"result": []}
    (best, *_) = answer["q0"]["result"]
    assert best["id"] == "DW-1"
    assert 90 < best["score"] <= 100
    assert best["type"] == [{"id": "item", "name": "item"}]
    assert "unit:same" in {feature["id"] for feature in best["features"]}


def test_reconcile__refuses(client: Client) -> None:
    many = {f"q{k}": {"query": "x"} for k in range(51)}
    for text in ("[", "[]", json.dumps(many), '{"q0": 5}', '{"q0": {"query": "x", "limit": 0}}'):
        assert client.post("/api/reconcile/item", data={"queries": text}).status_code == 400
    assert client.post("/api/reconcile/item", data=b"x" * 1_000_001).status_code == 400
