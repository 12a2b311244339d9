"""OpenID Connect against a real provider on loopback that can also lie."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from canonical.actors import Role
from pipeline.hub import Hub, open_hub
from store import audit, people
from tests.unit.console.asking import Answer, Browser, browser, person

SECRET = "the provider's secret"
CLIENT = "millstream"


@dataclass
class Provider:
    """Answers discovery, keys and tokens; `lie` changes the claims of the ID tokens it makes."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}))
    signing: RSAKey | None = None
    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    lie: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    def authorize(self, address: str) -> str:
        """What a browser does at the provider; the way back, with a code."""
        split = urlsplit(address)
        self.asked = {name: values[0] for name, values in parse_qs(split.query).items()}
        assert split.path == "/authorize"
        assert (self.asked["code_challenge_method"], self.asked["client_id"]) == ("S256", CLIENT)
        return f"{urlsplit(self.asked['redirect_uri']).path}?code=c0de&state={self.asked['state']}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        if authorization != expected or challenge.rstrip("=") != self.asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "4711", "iat": now, "exp": now + 300,
            "nonce": self.asked["nonce"], **self.claims, **self.lie,
        }  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signing or self.key, algorithms=["RS256"])
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": signed}

    def published(self, path: str) -> dict[str, Any]:
        if path == "/jwks":
            return {"keys": [self.key.as_dict(private=False)]}
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/jwks",
        }  # fmt: skip


def _door(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, provider.published(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.token(form, self.headers.get("Authorization", "")))

        def _answer(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Door


@pytest.fixture(scope="module")
def standing() -> Iterator[Provider]:
    provider = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _door(provider))
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def provider(standing: Provider) -> Provider:
    standing.claims, standing.lie, standing.signing = {"preferred_username": "li.wei"}, {}, None
    return standing


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, standing: Provider) -> Iterator[Hub]:
    home: Path = tmp_path_factory.mktemp("hub")
    file = home / "plant.yaml"
    file.write_text(
        f"""\
name: plant
systems: {{crm: {{role: crm}}}}
rulebooks: []
sales_order_system: crm
access:
  failures_per_address: 1000
  failures_per_name: 3
  provider:
    title: Plant directory
    issuer: {standing.issuer}
    client_id: {CLIENT}
    client_secret: {{env: PLANT_DIRECTORY_SECRET}}
""",
        encoding="utf-8",
    )
    environ = {
        "MILLSTREAM_HOME": str(home), "MILLSTREAM_DEPLOYMENT": str(file), "PLANT_DIRECTORY_SECRET": SECRET,
    }  # fmt: skip
    hub = open_hub(environ)
    person(hub, "root", Role.ADMIN)
    yield hub
    hub.close()


@pytest.fixture
def hub(opened: Hub) -> Hub:
    """With li.wei on the roll and bound to nobody."""
    with opened.store.begin() as tx:
        people.remove(tx, "li.wei", "test", opened.now())
        people.add(tx, "li.wei", "test", opened.now(), roles=[Role.STEWARD])
    return opened


def through(asking: Browser, provider: Provider, wanted: str = "/outbox") -> Answer:
    asking.get("/log-in")
    away = asking.get(f"/log-in/provider?next={wanted}")
    assert away.location.startswith(f"{provider.issuer}/authorize?")
    return asking.get(provider.authorize(away.location))


def test_provider__lets_in_who_stands_on_the_roll(hub: Hub, provider: Provider) -> None:
    asking = browser(hub)
    assert "Plant directory" in asking.get("/log-in").text
    before = asking.token
    assert through(asking, provider).location == "/outbox"
    assert asking.token != before
    assert asking.get("/outbox").status == HTTPStatus.OK
    with hub.store.read() as tx:
        actions = [act.action for act in audit.listed(tx, "person/li.wei")]
    assert actions[:2] == ["logged in", "identity bound"]


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1_000_000_000},
        {"aud": ["millstream", "another"]},
    ],
    ids=["nonce", "audience", "issuer", "expired", "audiences"],
)  # fmt: skip
def test_provider__whose_token_does_not_hold_lets_nobody_in(hub: Hub, provider: Provider, lie: dict[str, Any]) -> None:
    provider.lie = lie
    asking = browser(hub)
    assert through(asking, provider).status == HTTPStatus.FORBIDDEN
    assert asking.get("/outbox").location.startswith("/log-in")


def test_provider__whose_token_somebody_else_signed_lets_nobody_in(hub: Hub, provider: Provider) -> None:
    provider.signing = RSAKey.generate_key(2048, {"kid": "k1"})
    assert through(browser(hub), provider).status == HTTPStatus.FORBIDDEN


def test_provider__adds_nobody_to_the_roll(hub: Hub, provider: Provider) -> None:
    provider.claims = {"preferred_username": "stranger", "sub": "9"}
    assert through(browser(hub), provider).status == HTTPStatus.FORBIDDEN
    with hub.store.read() as tx:
        assert people.person(tx, "stranger") is None


def test_provider__binds_the_subject_and_believes_no_claim_afterwards(hub: Hub, provider: Provider) -> None:
    assert through(browser(hub), provider).location == "/outbox"
    provider.claims = {"preferred_username": "li.wei", "sub": "another subject who took the name"}
    assert through(browser(hub), provider).status == HTTPStatus.FORBIDDEN
    provider.claims = {"preferred_username": "root"}
    asking = browser(hub)
    through(asking, provider)
    assert asking.get("/people").status == HTTPStatus.FORBIDDEN  # li.wei by subject, whatever the name says


def test_way_back__belongs_to_the_browser_that_left(hub: Hub, provider: Provider) -> None:
    left, other = browser(hub), browser(hub)
    left.get("/log-in")
    back = provider.authorize(left.get("/log-in/provider").location)
    other.get("/log-in")
    assert other.get(back).status == HTTPStatus.FORBIDDEN
    assert other.get("/outbox").location.startswith("/log-in")
    assert left.get(back.replace("state=", "state=0")).status == HTTPStatus.FORBIDDEN


def test_way_back__leads_to_no_other_site(hub: Hub, provider: Provider) -> None:
    assert through(browser(hub), provider, "https://evil.example").location == "/"


@pytest.mark.parametrize("state", ["%C3%A9.2f", "x.ff", "x.c328", ".", "%01.2f"])
def test_way_back__with_a_state_nobody_made_is_refused(hub: Hub, provider: Provider, state: str) -> None:
    asking = browser(hub)
    asking.get("/log-in")
    assert asking.get(f"/log-in/provider/back?code=x&state={state}").status == HTTPStatus.FORBIDDEN


def test_provider__that_is_down_is_said_so(hub: Hub, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = browser(hub)
    asking.get("/log-in")
    monkeypatch.setattr("console.web.oidc.OpenId._got", _refuse)
    assert asking.get("/log-in/provider").status == HTTPStatus.SERVICE_UNAVAILABLE


def _refuse(*_: object) -> None:
    raise ConnectionError("connection refused")


def test_log_in__that_strangers_fail_at_waits_for_nobody_else(hub: Hub, provider: Provider) -> None:
    asking = browser(hub)
    for number in range(4):
        provider.lie = {"nonce": "of another log-in"}
        assert through(Browser(asking.app, address=f"10.0.1.{number}"), provider).status == HTTPStatus.FORBIDDEN
        provider.lie = {"sub": f"stranger {number}", "preferred_username": "root"}
        through(Browser(asking.app, address=f"10.0.2.{number}"), provider)
        provider.lie = {"sub": f"other {number}", "preferred_username": "nobody.here"}
        assert through(Browser(asking.app, address=f"10.0.3.{number}"), provider).status == HTTPStatus.FORBIDDEN
    provider.lie = {}
    assert through(asking, provider).location == "/outbox"
    assert Browser(asking.app).log_in("root").location == "/"
