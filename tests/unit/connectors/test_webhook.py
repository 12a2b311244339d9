"""A webhook is believed only when fresh, whole and signed."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from canonical.errors import AuthenticationFailed, ConfigurationError, ContractBroken
from connectors.spec import EnvName, Webhook
from connectors.webhook import WebhookEvent, believe, live_secrets

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WEBHOOK = Webhook(
    event_id_header="X-Id",
    timestamp_header="X-Time",
    signature_header="X-Sign",
    prefix="v1=",
    secrets=(EnvName(env="FIRST"), EnvName(env="SECOND")),
)
BODY = b'{"a": 1}'


def signed(body: bytes = BODY, secret: str = "s1", at: datetime = NOW) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"x-id": "e1", "x-time": stamp, "x-sign": f"v1={digest}"}


@pytest.mark.parametrize("secret", ["s1", "s2"])
def test_believe__either_live_secret_is_good(secret: str) -> None:
    assert believe(WEBHOOK, ("s1", "s2"), signed(secret=secret), BODY, NOW) == WebhookEvent("e1", {"a": 1})


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (signed(), b'{"a": 2}'),
        (signed(secret="other"), BODY),
        ({**signed(), "x-sign": ""}, BODY),
        ({**signed(), "x-id": ""}, BODY),
        ({**signed(), "x-time": "soon"}, BODY),
        ({**signed(), "x-time": "9" * 30}, BODY),
        (signed(at=NOW - timedelta(seconds=301)), BODY),
        (signed(at=NOW + timedelta(seconds=301)), BODY),
        ({}, BODY),
    ],
)
def test_believe__refuses_what_is_altered_stale_or_unsigned(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(AuthenticationFailed):
        believe(WEBHOOK, ("s1",), headers, body, NOW)


@pytest.mark.parametrize("body", [b'{"a": NaN}', b"null"])
def test_believe__a_signed_body_that_is_no_event_breaks_the_contract(body: bytes) -> None:
    with pytest.raises(ContractBroken):
        believe(WEBHOOK, ("s1",), signed(body), body, NOW)


def test_believe__an_event_under_another_id_than_the_signed_one_is_refused() -> None:
    webhook = WEBHOOK.model_copy(update={"event_id": "id"})
    body = b'{"id": "e1"}'
    assert believe(webhook, ("s1",), signed(body), body, NOW) == WebhookEvent("e1", {"id": "e1"})
    with pytest.raises(AuthenticationFailed, match="event id"):
        believe(webhook, ("s1",), {**signed(body), "x-id": "e2"}, body, NOW)


def test_live_secrets__there_is_no_default() -> None:
    assert live_secrets(WEBHOOK, {"SECOND": "s2"}) == ("s2",)
    with pytest.raises(ConfigurationError, match="FIRST"):
        live_secrets(WEBHOOK, {"FIRST": ""})
