"""How we prove who we are. A session that ended is renewed once; refused credentials are no passing trouble."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote, unquote, urlencode, urlsplit

from canonical.errors import AuthenticationFailed, MillstreamError, RateLimited, SystemUnavailable
from connectors.spec import ApiKey, AuthSpec, Basic, Bearer, EnvName, KingdeeSignature, OAuth2
from connectors.transport import Message, Reply, Wire

_KINGDEE_MASK = b"0054f397c6234378b09ca7d3e5debce7"[:24]
_KINGDEE_HIDDEN = 32
_EARLY_SECONDS = 30.0

Value = Callable[[EnvName], str]


class Auth(Protocol):
    """Headers for one request; `expired` says that the system no longer takes them."""

    def headers(self, path: str) -> dict[str, str]:
        """Log in where needed; raise `AuthenticationFailed` or a `TransientError`."""
        ...

    def expired(self, used: Mapping[str, str]) -> None:
        """Forget the session behind these headers, unless another thread has renewed it already."""
        ...


class FixedHeaders:
    """A token that never changes, or nothing at all."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    def headers(self, path: str) -> dict[str, str]:  # noqa: ARG002 - the same for every path
        """The same headers always."""
        return dict(self._headers)

    def expired(self, used: Mapping[str, str]) -> None:
        """There is no session to renew."""


class ClientCredentials:
    """OAuth2 client credentials; one token for all threads, fetched under a lock."""

    def __init__(self, spec: OAuth2, value: Value, wire: Wire) -> None:
        self._spec, self._wire = spec, wire
        self._id, self._secret = value(spec.client_id), value(spec.client_secret)
        self._lock = threading.Lock()
        self._token: str | None = None
        self._until = 0.0
        self._failure: tuple[float, MillstreamError] | None = None

    def headers(self, path: str) -> dict[str, str]:  # noqa: ARG002 - one token for every path
        """A bearer header, with a fresh token when the old one is gone or nearly so.

        Who waited while another's log-in failed shares that failure: a system that hangs is asked once,
        not once for each stream, and one that refuses us is not provoked.
        """
        asked = time.monotonic()
        with self._lock:
            if self._token is None or time.monotonic() >= self._until:
                if self._failure is not None and self._failure[0] >= asked:
                    raise self._failure[1]
                self._log_in()
            return {"Authorization": f"Bearer {self._token}"}

    def _log_in(self) -> None:
        try:
            self._wire.patiently(self._fetch)
        except MillstreamError as error:
            self._failure = (time.monotonic(), error)
            raise

    def expired(self, used: Mapping[str, str]) -> None:
        """Forget the token if it is still the one that was used."""
        with self._lock:
            if used.get("Authorization") == f"Bearer {self._token}":
                self._token = None

    def _fetch(self) -> None:
        reply = self._wire.send(self._message(), writes=False)
        token = reply.body.get("access_token") if isinstance(reply.body, dict) else None
        if reply.status != HTTPStatus.OK or not isinstance(token, str):
            raise self._refused(reply)
        lives = float(reply.body.get("expires_in") or 3600)
        self._token, self._until = token, time.monotonic() + max(lives - _EARLY_SECONDS, lives / 2)

    def _message(self) -> Message:
        form = {"grant_type": "client_credentials"} | ({"scope": self._spec.scope} if self._spec.scope else {})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._spec.client == "basic":
            headers["Authorization"] = _basic(quote(self._id, safe=""), quote(self._secret, safe=""))
        else:
            form |= {"client_id": self._id, "client_secret": self._secret}
        return Message("POST", self._spec.token_path, headers=headers, content=urlencode(form).encode())

    def _refused(self, reply: Reply) -> Exception:
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimited("too many log-ins", system=self._wire.system, retry_after=reply.retry_after)
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status == HTTPStatus.OK:
            message = f"log-in answered {reply.status} without a token"
            return SystemUnavailable(message, system=self._wire.system, retry_after=reply.retry_after)
        return AuthenticationFailed(f"log-in answered {reply.status}", system=self._wire.system)


class KingdeeSigner:
    """Signs each call: the path with a secret hidden in the application id, the account with the application secret."""

    def __init__(self, spec: KingdeeSignature, value: Value, wire: Wire, now: Callable[[], float] = time.time) -> None:
        self._app_id, self._secret, self._now = value(spec.app_id), value(spec.app_secret), now
        parts = (value(spec.account), value(spec.user), str(spec.language), spec.organisation)
        self._account_line, self._prefix = ",".join(parts), urlsplit(wire.base).path

    def headers(self, path: str) -> dict[str, str]:
        """All signed headers for a call to `path`, now."""
        full = unquote(urlsplit(self._prefix + path).path)
        at, nonce = str(int(self._now())), uuid.uuid4().hex
        return kingdee_headers(
            self._app_id,
            self._secret,
            self._account_line,
            full,
            timestamp=at,
            nonce=nonce,
        )

    def expired(self, used: Mapping[str, str]) -> None:
        """There is no session: each call is signed afresh."""


def kingdee_headers(
    app_id: str, app_secret: str, account_line: str, path: str, *, timestamp: str, nonce: str
) -> dict[str, str]:
    """The vendor's headers; signatures are base64 of the hexadecimal text of an HMAC-SHA256."""
    text = f"POST\n{quote(path, safe='')}\n\nx-api-nonce:{nonce}\nx-api-timestamp:{timestamp}\n"
    return {
        "X-Api-ClientID": app_id.split("_", maxsplit=1)[0],
        "X-Api-Auth-Version": "2.0",
        "x-api-timestamp": timestamp,
        "x-api-nonce": nonce,
        "x-api-signheaders": "x-api-timestamp,x-api-nonce",
        "X-Api-Signature": _hex_hmac(_hidden_secret(app_id), text),
        "X-Kd-Appkey": app_id,
        "X-Kd-Appdata": base64.b64encode(account_line.encode()).decode(),
        "X-Kd-Signature": _hex_hmac(app_secret, app_id + account_line),
    }


def _hidden_secret(app_id: str) -> str:
    parts = app_id.split("_")
    if len(parts) != 2 or len(parts[1]) != _KINGDEE_HIDDEN:  # noqa: PLR2004 - <client id>_<hidden secret>
        return ""
    try:
        hidden = base64.b64decode(parts[1], validate=True)
    except binascii.Error:
        return ""
    return base64.b64encode(bytes(a ^ b for a, b in zip(hidden, _KINGDEE_MASK, strict=False))).decode()


def _hex_hmac(key: str, message: str) -> str:
    digest = hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def build(spec: AuthSpec, value: Value, wire: Wire) -> Auth:
    """The kinds that live in HTTP headers; WS-Security is the envelope's, a session is its client's."""
    if isinstance(spec, OAuth2):
        return ClientCredentials(spec, value, wire)
    if isinstance(spec, KingdeeSignature):
        return KingdeeSigner(spec, value, wire)
    if isinstance(spec, Bearer):
        return FixedHeaders({"Authorization": f"Bearer {value(spec.token)}"})
    if isinstance(spec, Basic):
        return FixedHeaders({"Authorization": _basic(value(spec.user), value(spec.password))})
    if isinstance(spec, ApiKey):
        return FixedHeaders({spec.header: f"{spec.scheme} {value(spec.key)}" if spec.scheme else value(spec.key)})
    return FixedHeaders({})


def _basic(user: str, password: str) -> str:
    """RFC 7617, in UTF-8."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
