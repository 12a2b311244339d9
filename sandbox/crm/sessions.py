"""OAuth2 client credentials and the sessions they open."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from sandbox.common.state import SystemState

LIFETIME_SECONDS: Final = 900
_ENDED: Final = "sessions ended"


def expire(state: SystemState, _: dict[str, Any]) -> dict[str, Any]:
    """Control: end every open session at once, as an administrator may."""
    state.set_meta(_ENDED, repr(time.time()))
    return {"ended": True}


class Sessions:
    """Access tokens of this process; a restart or `expire` ends every session."""

    def __init__(self, state: SystemState) -> None:
        names = ("MILLSTREAM_CRM_CLIENT_ID", "MILLSTREAM_CRM_CLIENT_SECRET")
        self._credentials = ":".join(state.secrets[name] for name in names).encode()
        self._state = state
        self._opened: dict[str, float] = {}

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
        self._opened[token] = time.time()
        return token

    def valid(self, authorization: str) -> bool:
        """True for the Bearer header of a session that has not ended."""
        scheme, _, token = authorization.partition(" ")
        opened = self._opened.get(token, 0.0)
        ended = max(float(self._state.meta(_ENDED) or 0), time.time() - LIFETIME_SECONDS)
        return scheme.lower() == "bearer" and opened > ended
