"""`Idempotency-Key`: the first outcome of a POST is stored with its effect and given again to every replay.

The outcome of an accepted request commits together with the change it made; a refusal is stored too.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from sandbox.common.state import SystemState
from sandbox.mes.documents import Documents
from sandbox.mes.problems import Problem

SCHEMA: Final = (
    (
        "CREATE TABLE IF NOT EXISTS idempotency (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL,"
        " status INTEGER NOT NULL, body TEXT NOT NULL, etag TEXT)"
    ),
)

LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a POST answered. `replayed` marks a stored one."""

    status: int
    body: dict[str, Any]
    etag: str | None = None
    replayed: bool = False


Action = Callable[[Documents], Outcome]


def fingerprint(method: str, path: str, body: bytes) -> str:
    """Identify a request by what it asks, not by how its JSON is spaced or ordered."""
    try:
        text = json.dumps(json.loads(body), sort_keys=True) if body else ""
    except ValueError:
        text = body.decode(errors="replace")
    return hashlib.sha256(f"{method}\n{path}\n{text}".encode()).hexdigest()


class Idempotency:
    """Runs keyed requests once. Safe to call from several threads."""

    def __init__(self, state: SystemState) -> None:
        """Keep outcomes in the system's database; only what is in flight lives in memory."""
        self._state = state
        self._in_flight: set[str] = set()
        self._guard = threading.Lock()

    def once(self, key: str | None, asked: str, operation: str, action: Action) -> Outcome:
        """The outcome of `action`, run now or stored earlier under `key`.

        `asked` is the request's fingerprint. Raises Problem 400 without a key, 409 while the same
        key is being worked on, 422 when the key was used for another request.
        """
        if not key or len(key) > LONGEST_KEY:
            raise Problem(400, "idempotency_key_required", "A POST needs an Idempotency-Key of 1 to 255 characters")
        with self._flight(key):
            stored = self._stored(key, asked, operation)
            return stored or self._run(key, asked, action)

    @contextmanager
    def _flight(self, key: str) -> Iterator[None]:
        with self._guard:
            if key in self._in_flight:
                raise Problem(409, "idempotency_key_in_flight", "A request with this key is being worked on")
            self._in_flight.add(key)
        try:
            yield
        finally:
            with self._guard:
                self._in_flight.discard(key)

    def _stored(self, key: str, asked: str, operation: str) -> Outcome | None:
        with self._state.transaction() as db:
            row = db.execute("SELECT fingerprint, status, body, etag FROM idempotency WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            if row[0] != asked:
                raise Problem(422, "idempotency_key_reused", "This Idempotency-Key was used for another request")
            outcome = Outcome(int(row[1]), json.loads(row[2]), row[3], replayed=True)
            self._note_replay(outcome, operation)
        return outcome

    def _note_replay(self, outcome: Outcome, operation: str) -> None:
        if outcome.status < HTTPStatus.BAD_REQUEST:
            body = outcome.body
            document = str(body.get("number") or body["id"])
            self._state.ledger.record(operation, body.get("external_ref"), document, {}, "unchanged")

    def _run(self, key: str, asked: str, action: Action) -> Outcome:
        try:
            with self._state.transaction() as db:
                outcome = action(Documents(db, self._state.now()))
                self._keep(key, asked, outcome)
        except Problem as problem:
            outcome = Outcome(problem.status, problem.body)
            self._keep(key, asked, outcome)
        return replace(outcome, replayed=False)

    def _keep(self, key: str, asked: str, outcome: Outcome) -> None:
        with self._state.transaction() as db:
            body = json.dumps(outcome.body, ensure_ascii=False)
            row = (key, asked, outcome.status, body, outcome.etag)
            db.execute("INSERT INTO idempotency VALUES (?, ?, ?, ?, ?)", row)
