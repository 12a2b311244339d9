"""The webhook door, over a real server: one event for a thousand copies, none for what is not believed."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import uvicorn

from canonical.errors import ConfigurationError
from console.web.webhooks import webhook_app
from pipeline.hub import Hub, open_hub
from store import audit, inbox

SECRET = "a-secret-of-this-test"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path), "MILLSTREAM_MES_WEBHOOK_SECRET": SECRET})
    yield opened
    opened.close()


@pytest.fixture
def rung() -> list[None]:
    return []


@pytest.fixture
def address(hub: Hub, rung: list[None]) -> Iterator[str]:
    application = webhook_app(hub, lambda: rung.append(None))
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def headers(body: bytes, event_id: str = "e1", secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-MES-Event-Id": event_id, "X-MES-Timestamp": stamp, "X-MES-Signature": f"v1={digest}"}


def count(hub: Hub) -> int:
    with hub.store.read() as tx:
        return len(inbox.next_unread(tx))


def test_door__many_parallel_copies_make_one_event(hub: Hub, address: str) -> None:
    body = b'{"id": "e1", "type": "report.created"}'
    sent = headers(body)

    session = requests.Session()  # a thousand copies from one sender

    def copy(_: int) -> int:
        return session.post(f"{address}/webhooks/mes", body, headers=sent, timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(copy, range(1000)))
    assert sorted(set(answers)) == [200, 202]
    assert answers.count(202) == 1
    assert count(hub) == 1


@pytest.mark.parametrize(
    ("path", "secret", "status"), [("mes", "wrong", 401), ("erp", SECRET, 404), ("nobody", SECRET, 404)]
)
def test_door__keeps_nothing_it_does_not_believe(hub: Hub, address: str, path: str, secret: str, status: int) -> None:
    reply = requests.post(f"{address}/webhooks/{path}", b"{}", headers=headers(b"{}", secret=secret), timeout=30)
    assert reply.status_code == status
    assert count(hub) == 0


def test_door__a_replayed_or_skewed_or_altered_event_makes_none(hub: Hub, address: str, rung: list[None]) -> None:
    body, url = b'{"id": "e1"}', f"{address}/webhooks/mes"
    sent = headers(body)
    skewed = {**sent, "X-MES-Timestamp": str(int(time.time()) - 301)}
    assert requests.post(url, body, headers=skewed, timeout=30).status_code == 401
    assert requests.post(url, b'{"id": "e2"}', headers=sent, timeout=30).status_code == 401
    assert count(hub) == 0
    assert [requests.post(url, body, headers=sent, timeout=30).status_code for _ in range(2)] == [202, 200]
    assert count(hub) == 1
    assert len(rung) == 1  # whoever reads the inbox is woken for it, once


@pytest.mark.parametrize("missing", ["X-MES-Event-Id", "X-MES-Timestamp", "X-MES-Signature"])
def test_door__an_event_that_is_not_wholly_signed_makes_none(hub: Hub, address: str, missing: str) -> None:
    body = b'{"id": "e1"}'
    sent = {name: said for name, said in headers(body).items() if name != missing}
    assert requests.post(f"{address}/webhooks/mes", body, headers=sent, timeout=30).status_code == 401
    other = headers(body, event_id="e2")  # a true copy, under an id of the sender's choice
    assert requests.post(f"{address}/webhooks/mes", body, headers=other, timeout=30).status_code in {400, 401}
    assert count(hub) == 0


def test_door__says_thanks_only_for_what_stands(
    hub: Hub, address: str, rung: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the commit fails the sender hears so, sends again, and is believed then."""
    body, url = b'{"id": "e1"}', f"{address}/webhooks/mes"

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(audit, "append", full)  # the last word of the transaction
        assert requests.post(url, body, headers=headers(body), timeout=30).status_code == 500
        assert (count(hub), rung) == (0, [])
    assert requests.post(url, body, headers=headers(body), timeout=30).status_code == 202
    assert (count(hub), len(rung)) == (1, 1)


def test_door__there_is_none_without_a_secret(tmp_path: Path) -> None:
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    with pytest.raises(ConfigurationError, match="secret"):
        webhook_app(opened)
    opened.close()


def test_door__refuses_a_body_without_end(address: str, hub: Hub) -> None:
    body = b"x" * (1024 * 1024 + 1)
    assert requests.post(f"{address}/webhooks/mes", body, headers=headers(body), timeout=30).status_code == 413
    assert count(hub) == 0
