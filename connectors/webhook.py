"""Who really posted it: a webhook is believed only with a fresh time stamp and a signature over its raw body.

The check knows nothing of the payload, and reads no JSON before the signature holds.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jmespath

from canonical.errors import AuthenticationFailed, ConfigurationError, ContractBroken
from canonical.strict_json import loads
from connectors.spec import Webhook

TOLERANCE_SECONDS = 300
MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A believed event: its id is unique in its system, its payload is any JSON."""

    event_id: str
    payload: Any


def live_secrets(webhook: Webhook, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The secrets that are set; raises `ConfigurationError` where none is: there is no default."""
    found = tuple(environ[secret.env] for secret in webhook.secrets if environ.get(secret.env))
    if not found:
        raise ConfigurationError(f"environment variable {webhook.secrets[0].env} is not set")
    return found


def believe(
    webhook: Webhook, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookEvent:
    """Check time stamp, signature and form; `headers` are looked up in lower case.

    Raises `AuthenticationFailed` for anything unsigned, altered, stale or from the future, and
    `ContractBroken` for a signed body that is not JSON.
    """
    if len(body) > MAX_BODY_BYTES:
        raise ContractBroken(f"more than {MAX_BODY_BYTES} bytes")
    event_id = headers.get(webhook.event_id_header.lower(), "")
    stamp = headers.get(webhook.timestamp_header.lower(), "")
    given = headers.get(webhook.signature_header.lower(), "")
    if not (event_id and stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):  # noqa: PLR2004 - seconds
        raise AuthenticationFailed("event id or time stamp is missing")
    if abs((now - datetime.fromtimestamp(int(stamp), UTC)).total_seconds()) > TOLERANCE_SECONDS:
        raise AuthenticationFailed("the time stamp is too far from now")
    # Every secret is tried, so that the time taken does not tell which one fitted.
    fits = [hmac.compare_digest(given.encode(), _signature(webhook, secret, stamp, body)) for secret in secrets]
    if not any(fits):
        raise AuthenticationFailed("the signature does not fit")
    try:
        payload = loads(body)
    except ValueError as error:
        raise ContractBroken(f"not JSON: {error}") from None
    if payload is None:
        raise ContractBroken("null is no event")  # nor a row of the inbox: it would be sent again for ever
    if webhook.event_id and jmespath.search(webhook.event_id, payload) != event_id:
        raise AuthenticationFailed("the event id is not the one that was signed")
    return WebhookEvent(event_id, payload)


def _signature(webhook: Webhook, secret: str, stamp: str, body: bytes) -> bytes:
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"{webhook.prefix}{digest}".encode()
