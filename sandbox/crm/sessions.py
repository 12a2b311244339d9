"""OAuth2 client credentials and the sessions they open."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Mapping
from typing import Final

LIFETIME_SECONDS: Final = 900


class Sessions:
    """Access tokens of this process; a restart or `expire_all` ends every session."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        self._credentials = f"{client_id}:{client_secret}".encode()
        self._ends: dict[str, float] = {}

    def opened_by(self, authorization: str, form: Mapping[str, str]) -> bool:
        """True when the Basic header, or the two form fields, carry the right client credentials."""
        given = f"{form.get('client_id', '')}:{form.get('client_secret', '')}".encode()
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                return False
        return secrets.compare_digest(given, self._credentials)

    def open(self) -> str:
        """A new access token."""
        token = f"00DDm0000001sbx!{secrets.token_urlsafe(48)}"
        self._ends[token] = time.time() + LIFETIME_SECONDS
        return token

    def valid(self, authorization: str) -> bool:
        """True for the Bearer header of a session that has not ended."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self._ends.get(token, 0.0) > time.time()

    def expire_all(self) -> int:
        """End every session; answers how many there were."""
        ended = len(self._ends)
        self._ends.clear()
        return ended
