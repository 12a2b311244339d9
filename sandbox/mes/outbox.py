"""Webhook events: stored with the change they tell of, posted by a background thread until answered 2xx.

Only events that happen while a subscriber is registered are sent. Each is signed afresh for every
attempt: `X-MES-Signature: v1=<hex HMAC-SHA256 of "timestamp.body">` with the machine's real time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import sqlite3
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import requests

from sandbox.common.state import SystemState
from sandbox.mes.documents import Body, stable_id

SECRET: Final = "MILLSTREAM_MES_WEBHOOK_SECRET"  # noqa: S105 - the name under which the secret is passed
URL: Final = "webhook_url"
MOST_ATTEMPTS: Final = 12
FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.1
TIMEOUT_SECONDS: Final = 5.0
SCHEMA: Final = (
    (
        "CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE,"
        " body TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0,"
        " state TEXT NOT NULL DEFAULT 'pending')"
    ),
    "CREATE INDEX IF NOT EXISTS outbox_state ON outbox (state, due)",
)
_log = logging.getLogger(__name__)


def subscribe(state: SystemState, body: dict[str, Any]) -> dict[str, Any]:
    """Control `webhook`: send events to `{"url"}` from now on; a null URL ends the subscription."""
    url = body["url"]
    if url is not None and not str(url).startswith(("http://", "https://")):
        raise ValueError("url must be an http(s) URL or null")
    state.set_meta(URL, str(url or ""))
    return {"url": url}


def announce(db: sqlite3.Connection, kind: str, collection: str, version: int, record: Body) -> None:
    """Store an event in the open transaction if anyone listens. `kind` is e.g. `report.created`."""
    row = db.execute("SELECT value FROM sandbox_meta WHERE name = ?", (URL,)).fetchone()
    if row is None or not row[0]:
        return
    event_id = stable_id("evt_", f"{kind}|{record['id']}|{version}")
    event = {
        "id": event_id, "type": kind, "collection": collection, "occurred_at": record["updated_at"], "record": record,
    }  # fmt: skip
    db.execute("INSERT INTO outbox (event_id, body) VALUES (?, ?)", (event_id, json.dumps(event, ensure_ascii=False)))


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The signature header's value for one attempt."""
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class _Event:
    seq: int
    event_id: str
    body: bytes
    attempts: int


class Postman:
    """Posts pending events in the background, oldest first, each at most `MOST_ATTEMPTS` times."""

    def __init__(self, state: SystemState) -> None:
        """Prepare; nothing is sent before `start`."""
        self._state = state
        self._session = requests.Session()
        self._session.trust_env = False  # loopback: never through a proxy
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin posting in a daemon thread."""
        threading.Thread(target=self._run, name="mes-webhooks", daemon=True).start()

    def stop(self) -> None:
        """End the thread after the attempt under way."""
        self._stopping.set()

    def post_due(self) -> int:
        """Try every event that is due once; the number tried."""
        url = self._state.meta(URL)
        events = self._due() if url else []
        for event in events:
            self._settle(event, delivered=self._post(str(url), event))
        return len(events)

    def _run(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self.post_due()
            except sqlite3.Error:  # the database is closed when the process ends
                _log.exception("webhook delivery stopped")
                return

    def _due(self) -> list[_Event]:
        with self._state.lock:
            rows = self._state.db.execute(
                "SELECT seq, event_id, body, attempts FROM outbox WHERE state = 'pending' AND due <= ?"
                " ORDER BY seq LIMIT 50",
                (time.time(),),
            ).fetchall()
        return [_Event(row[0], row[1], row[2].encode(), row[3]) for row in rows]

    def _post(self, url: str, event: _Event) -> bool:
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json", "X-MES-Event-Id": event.event_id, "X-MES-Timestamp": timestamp,
            "X-MES-Signature": signature(self._state.secrets[SECRET], timestamp, event.body),
        }  # fmt: skip
        try:
            reply = self._session.post(url, event.body, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException:
            return False
        return HTTPStatus.OK <= reply.status_code < HTTPStatus.MULTIPLE_CHOICES

    def _settle(self, event: _Event, *, delivered: bool) -> None:
        attempts = event.attempts + 1
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**event.attempts)
        outcome = "delivered" if delivered else "failed" if attempts >= MOST_ATTEMPTS else "pending"
        with self._state.transaction() as db:
            db.execute(
                "UPDATE outbox SET attempts = ?, due = ?, state = ? WHERE seq = ?",
                (attempts, time.time() + wait, outcome, event.seq),
            )
