"""OAuth2 client credentials (RFC 6749 §4.4) with tokens that expire after 15 minutes of real time."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote_plus

from sandbox.common.state import SystemState

CLIENT_ID: Final = "MILLSTREAM_MES_CLIENT_ID"
CLIENT_SECRET: Final = "MILLSTREAM_MES_CLIENT_SECRET"  # noqa: S105 - the name under which the secret is passed
LIFETIME_SECONDS: Final = 900
SCHEMA: Final = ("CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, expires_at REAL NOT NULL)",)


class Tokens:
    """Issues and checks bearer tokens; `clock` gives seconds since the epoch."""

    def __init__(self, state: SystemState, clock: Callable[[], float] = time.time) -> None:
        """Keep tokens in the system's database, so that a restart does not log everyone out."""
        self._state, self._clock = state, clock

    def grant(self, form: Mapping[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Answer a token request: status and JSON body, errors in the words of RFC 6749 §5.2."""
        client, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        if not self._known(client, secret):
            return 401, {"error": "invalid_client"}
        token = secrets.token_urlsafe(24)
        with self._state.transaction() as db:
            db.execute("DELETE FROM tokens WHERE expires_at <= ?", (self._clock(),))
            db.execute("INSERT INTO tokens VALUES (?, ?)", (token, self._clock() + LIFETIME_SECONDS))
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS}

    def valid(self, authorization: str) -> bool:
        """True for `Bearer <token>` with a token issued here and not yet expired."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return False
        with self._state.lock:
            row = self._state.db.execute("SELECT expires_at FROM tokens WHERE token = ?", (token.strip(),)).fetchone()
        return row is not None and float(row[0]) > self._clock()

    def _known(self, client: str, secret: str) -> bool:
        wanted = self._state.secrets
        right_client = secrets.compare_digest(client.encode(), wanted[CLIENT_ID].encode())
        return secrets.compare_digest(secret.encode(), wanted[CLIENT_SECRET].encode()) and right_client


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return unquote_plus(client), unquote_plus(secret)
