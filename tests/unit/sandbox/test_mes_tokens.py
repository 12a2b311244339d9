"""OAuth2 client credentials of the simulated MES."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from sandbox.common.state import SystemState
from sandbox.mes.seeding import create_tables
from sandbox.mes.tokens import LIFETIME_SECONDS, Tokens

SECRETS = {"MILLSTREAM_MES_CLIENT_ID": "hub", "MILLSTREAM_MES_CLIENT_SECRET": "s:cret"}
GRANT = {"grant_type": "client_credentials"}


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(tmp_path: Path, clock: Clock) -> Tokens:
    state = SystemState("mes", tmp_path / "mes.db", 7, 1, SECRETS)
    create_tables(state.db)
    return Tokens(state, clock)


def test_grant__basic_or_form_credentials_give_a_token_that_is_valid(tokens: Tokens) -> None:
    basic = "Basic " + base64.b64encode(b"hub:s%3Acret").decode()
    form = {**GRANT, "client_id": "hub", "client_secret": "s:cret"}
    for status, body in (tokens.grant(GRANT, basic), tokens.grant(form, "")):
        assert (status, body["token_type"], body["expires_in"]) == (200, "Bearer", LIFETIME_SECONDS)
        assert tokens.valid(f"Bearer {body['access_token']}")


def test_grant__wrong_secret_or_grant_type_is_refused_in_the_words_of_the_rfc(tokens: Tokens) -> None:
    wrong = {**GRANT, "client_id": "hub", "client_secret": "no"}
    assert tokens.grant(wrong, "") == (401, {"error": "invalid_client"})
    assert tokens.grant({"grant_type": "password"}, "") == (400, {"error": "unsupported_grant_type"})
    assert tokens.grant(GRANT, "Basic !!") == (401, {"error": "invalid_client"})


def test_valid__token_expires(tokens: Tokens, clock: Clock) -> None:
    token = tokens.grant({**GRANT, "client_id": "hub", "client_secret": "s:cret"}, "")[1]["access_token"]
    clock.seconds += LIFETIME_SECONDS - 1
    assert tokens.valid(f"bearer {token}")
    clock.seconds += 1
    assert not tokens.valid(f"Bearer {token}")
    assert not tokens.valid("Bearer made-up")
    assert not tokens.valid(f"Basic {token}")
