"""Who may call: the vendor's signed headers, computed and checked.

Two signatures travel with each call. `X-Api-Signature` covers the path, the nonce and the time with a
secret hidden in the application id; `X-Kd-Signature` covers the account data with the application
secret. Both are base64 of the hexadecimal text of an HMAC-SHA256, not of the raw digest.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

_MASK = b"0054f397c6234378b09ca7d3e5debce7"[:24]
_HIDDEN_LENGTH = 32
SKEW_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one application this simulated account set has authorised."""

    account: str
    user: str
    app_id: str
    app_secret: str


def client_secret(app_id: str) -> str:
    """The secret hidden in the second half of `app_id`; empty when the id does not have the form."""
    parts = app_id.split("_")
    if [len(part) for part in parts[1:]] != [_HIDDEN_LENGTH]:
        return ""
    try:
        hidden = base64.b64decode(parts[1], validate=True)
    except ValueError:
        return ""
    return base64.b64encode(bytes(a ^ b for a, b in zip(hidden, _MASK, strict=False))).decode()


def app_id_for(client_id: str, secret: bytes) -> str:
    """The application id that hides `secret` (24 bytes); inverse of `client_secret`."""
    hidden = bytes(a ^ b for a, b in zip(secret, _MASK, strict=True))
    return f"{client_id}_{base64.b64encode(hidden).decode()}"


def _hex_hmac(key: str, message: str) -> str:
    digest = hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def api_signature(app_id: str, path: str, nonce: str, timestamp: str) -> str:
    """`X-Api-Signature` of a POST to `path` (decoded, leading slash, no query)."""
    encoded = quote(path, safe="")
    text = f"POST\n{encoded}\n\nx-api-nonce:{nonce}\nx-api-timestamp:{timestamp}\n"
    return _hex_hmac(client_secret(app_id), text)


def kd_signature(app_id: str, app_secret: str, app_data: str) -> str:
    """`X-Kd-Signature` of the decoded account line `account,user,lcid,org`."""
    return _hex_hmac(app_secret, app_id + app_data)


def signed_headers(credentials: Credentials, path: str, timestamp: str, nonce: str) -> dict[str, str]:
    """All headers a client sends; the sandbox itself uses them only in its tests."""
    line = f"{credentials.account},{credentials.user},2052,100"
    return {
        "X-Api-ClientID": credentials.app_id.split("_")[0],
        "X-Api-Auth-Version": "2.0",
        "x-api-timestamp": timestamp,
        "x-api-nonce": nonce,
        "x-api-signheaders": "x-api-timestamp,x-api-nonce",
        "X-Api-Signature": api_signature(credentials.app_id, path, nonce, timestamp),
        "X-Kd-Appkey": credentials.app_id,
        "X-Kd-Appdata": base64.b64encode(line.encode()).decode(),
        "X-Kd-Signature": kd_signature(credentials.app_id, credentials.app_secret, line),
    }


def is_authorised(headers: Mapping[str, str], path: str, credentials: Credentials, now: float) -> bool:
    """Whether every signed header fits; `headers` is looked up without regard to case."""
    timestamp = headers.get("x-api-timestamp", "")
    return (
        headers.get("x-api-auth-version") == "2.0"
        and headers.get("x-kd-appkey") == credentials.app_id
        and headers.get("x-api-clientid") == credentials.app_id.split("_")[0]
        and _is_fresh(timestamp, now)
        and _has_api_signature(headers, path, credentials, timestamp)
        and _has_kd_signature(headers, credentials)
    )


def _is_fresh(timestamp: str, now: float) -> bool:
    return timestamp.isascii() and timestamp.isdigit() and abs(now - int(timestamp)) <= SKEW_SECONDS


def _has_api_signature(headers: Mapping[str, str], path: str, credentials: Credentials, timestamp: str) -> bool:
    if headers.get("x-api-signheaders", "").lower() != "x-api-timestamp,x-api-nonce":
        return False
    expected = api_signature(credentials.app_id, path, headers.get("x-api-nonce", ""), timestamp)
    return _same(expected, headers.get("x-api-signature", ""))


def _has_kd_signature(headers: Mapping[str, str], credentials: Credentials) -> bool:
    try:
        line = base64.b64decode(headers.get("x-kd-appdata", ""), validate=True).decode()
    except ValueError:  # not base64, not ASCII or not UTF-8
        return False
    if line.split(",")[:2] != [credentials.account, credentials.user]:
        return False
    expected = kd_signature(credentials.app_id, credentials.app_secret, line)
    return _same(expected, headers.get("x-kd-signature", ""))


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())
