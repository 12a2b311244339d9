"""The MES as a process of its own, met on the wire."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

SECRETS = {
    "MILLSTREAM_MES_CLIENT_ID": "hub", "MILLSTREAM_MES_CLIENT_SECRET": "secret",
    "MILLSTREAM_MES_WEBHOOK_SECRET": "hook", "MILLSTREAM_SANDBOX_TOKEN": "control",
}  # fmt: skip
CONTROL = {"X-Sandbox-Token": "control"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mes")
    secrets = folder / "secrets.json"
    secrets.write_text(json.dumps(SECRETS))
    command = [sys.executable, "-m", "sandbox.mes", "--db", str(folder / "mes.db"), "--secrets-file", str(secrets)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        token = session.post(f"{url}/oauth/token", {"grant_type": "client_credentials"}, auth=("hub", "secret")).json()
        session.headers["Authorization"] = f"Bearer {token['access_token']}"
        yield session


class Listener:
    """A webhook receiver that refuses the first delivery of everything."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        outer, seen = self, set[str]()

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                known = self.headers["X-MES-Event-Id"] in seen
                seen.add(self.headers["X-MES-Event-Id"])
                if known:
                    outer.received.append((dict(self.headers), body))
                self.send_response(204 if known else 503)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def listener(url: str, http: requests.Session) -> Iterator[Listener]:
    listening = Listener()
    http.post(f"{url}/_sandbox/webhook", json={"url": listening.url}, headers=CONTROL).raise_for_status()
    yield listening
    http.post(f"{url}/_sandbox/webhook", json={"url": None}, headers=CONTROL)
    listening.server.shutdown()
    listening.server.server_close()


def eventually(true: Callable[[], bool]) -> bool:
    for _ in range(100):
        if true():
            return True
        time.sleep(0.1)
    return False


def everything(http: requests.Session, url: str, collection: str, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    while True:
        page = http.get(f"{url}/v1/{collection}", params=query).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        query = {"cursor": page["next_cursor"], "limit": query.get("limit", 500)}


def order(http: requests.Session, url: str, reference: str) -> dict[str, Any]:
    material = http.get(f"{url}/v1/materials", params={"limit": 1}).json()["items"][0]
    return {"external_ref": reference, "material_code": material["code"], "quantity": 10, "unit": material["unit"]}


def post(http: requests.Session, address: str, body: object, key: str) -> requests.Response:
    return http.post(address, json=body, headers={"Idempotency-Key": key})


def test_plant__is_seeded_and_paged_without_a_gap(http: requests.Session, url: str) -> None:
    materials = everything(http, url, "materials", limit=400)
    codes = {material["code"] for material in materials}
    assert len(codes) == len(materials) > 1000
    assert {"g", "pcs"} <= {material["unit"] for material in materials}
    assert any(material["phantom"] for material in materials)
    assert any(material["drawing"] is None for material in materials)
    orders = everything(http, url, "work_orders")
    assert all(order["erp_order_no"] and order["kit"] and order["status"] == "created" for order in orders)
    assert {line["material_code"] for order in orders for line in order["kit"]} <= codes
    assert everything(http, url, "work_centres")


def test_token__missing_or_unknown_is_a_401_problem(url: str) -> None:
    refused = requests.get(f"{url}/v1/materials", timeout=5, headers={"Authorization": "Bearer old"})
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


def test_post__replay_answers_the_first_reply(http: requests.Session, url: str) -> None:
    address, body = f"{url}/v1/work_orders", order(http, url, "IT-1")
    first, again = (post(http, address, body, "it-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert post(http, address, {**body, "quantity": 11}, "it-1").status_code == 422
    taken = post(http, address, body, "it-1b")
    assert (taken.status_code, taken.json()["existing_id"]) == (409, first.json()["id"])
    assert http.post(address, json=body).status_code == 400
    found = http.get(address, params={"external_ref": "IT-1"}).json()["items"]
    assert [item["id"] for item in found] == [first.json()["id"]]
    rows = http.get(f"{url}/_sandbox/ledger", headers=CONTROL).json()
    assert [row["effect"] for row in rows if row["reference"] == "IT-1"] == ["created"]


def test_post__stored_error_is_replayed(http: requests.Session, url: str) -> None:
    body = {**order(http, url, "IT-2"), "material_code": "no such"}
    first, again = (post(http, f"{url}/v1/work_orders", body, "it-2") for _ in range(2))
    assert (first.status_code, again.status_code) == (422, 422)
    assert first.json()["errors"][0]["code"] == "unknown_material"
    assert again.headers["Idempotent-Replay"] == "true"
    assert again.headers["Content-Type"] == "application/problem+json"


def test_patch__etag_guards_against_lost_updates(http: requests.Session, url: str) -> None:
    made = post(http, f"{url}/v1/work_orders", order(http, url, "IT-3"), "it-3").json()
    address = f"{url}/v1/work_orders/{made['id']}"
    etag = http.get(address).headers["ETag"]
    assert http.get(address, headers={"If-None-Match": etag}).status_code == 304
    assert http.patch(address, json={"quantity": 12}).status_code == 428
    changed = http.patch(address, json={"quantity": 12}, headers={"If-Match": etag})
    assert (changed.status_code, changed.json()["quantity"]) == (200, 12)
    assert changed.headers["ETag"] != etag
    assert http.patch(address, json={"quantity": 13}, headers={"If-Match": etag}).status_code == 412
    assert http.get(f"{url}/v1/work_orders/none").status_code == 404
    assert http.get(f"{url}/v1/nonsense").status_code == 404
    cancelled = post(http, f"{address}/cancel", None, "it-3c")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")


def test_webhook__signed_and_sent_again_until_accepted(http: requests.Session, url: str, listener: Listener) -> None:
    made = post(http, f"{url}/v1/tasks", {"external_ref": "T-1", "kind": "rework", "title": "x"}, "it-4").json()
    assert eventually(lambda: bool(listener.received))
    headers, body = listener.received[0]
    event = json.loads(body)
    assert (event["type"], event["record"]["id"], event["id"]) == (
        "task.created",
        made["id"],
        headers["X-MES-Event-Id"],
    )
    wanted = hmac.new(b"hook", headers["X-MES-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-MES-Signature"] == f"v1={wanted}"


def test_work__reports_and_events_tell_the_same(http: requests.Session, url: str, listener: Listener) -> None:
    since = post(http, f"{url}/v1/work_orders", order(http, url, "IT-9"), "it-9").json()["updated_at"]
    summary = http.post(f"{url}/_sandbox/work", json={"round": 1}, headers=CONTROL).json()
    reports = everything(http, url, "reports", updated_since=since)
    assert [report["id"] for report in reports] == [report["id"] for report in summary["reports"]]
    done = everything(http, url, "work_orders", status="completed")
    assert {item["number"] for item in done} == {item["number"] for item in summary["completed"]}
    assert sum(report["quantity_good"] == report["quantity_scrap"] == 0 for report in reports) == 1
    failed = [x for x in everything(http, url, "inspections") if x["result"] == "failed"]
    assert [x["id"] for x in failed] == summary["failed_inspections"]
    wanted = {report["id"] for report in reports}
    kinds = ("report.created",)

    def told() -> set[str]:
        events = [json.loads(body) for _, body in listener.received]
        return {event["record"]["id"] for event in events if event["type"] in kinds}

    assert eventually(lambda: told() == wanted)


def test_hostile__patient_client_with_one_key_creates_once(http: requests.Session, url: str) -> None:
    bodies = [order(http, url, f"H-{n}") for n in range(12)]
    weather = {"seed": 5, "rate": 0.5, "hang_seconds": 0.5, "late_seconds": 0.3, "slow_seconds": 0.1}
    http.post(f"{url}/_sandbox/hostile", json=weather, headers=CONTROL).raise_for_status()
    try:
        assert all(eventually(partial(created, http, url, body)) for body in bodies)
    finally:
        http.post(f"{url}/_sandbox/hostile", json={"rate": 0}, headers=CONTROL)
    time.sleep(0.5)  # what commits late has committed
    rows = http.get(f"{url}/_sandbox/ledger", headers=CONTROL).json()
    assert sorted(row["reference"] for row in rows if (row["reference"] or "").startswith("H-")) == sorted(
        body["external_ref"] for body in bodies
    )


def created(http: requests.Session, url: str, body: dict[str, Any]) -> bool:
    """One attempt as a careful client makes it: only a reply that echoes the reference counts."""
    headers = {"Idempotency-Key": body["external_ref"]}
    try:
        reply = http.post(f"{url}/v1/work_orders", json=body, headers=headers, timeout=0.4)
        return reply.status_code == 201 and reply.json()["external_ref"] == body["external_ref"]
    except (requests.RequestException, ValueError):
        return False
