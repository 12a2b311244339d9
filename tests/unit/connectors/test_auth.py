from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from canonical.errors import AuthenticationFailed
from connectors.auth import ClientCredentials, KingdeeSigner, build, kingdee_headers
from connectors.spec import ApiKey, Basic, EnvName, KingdeeSignature, Limits, OAuth2
from connectors.transport import Wire
from tests.unit.connectors.loopback import Answer, Asked, Server

EXECUTE = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc"
APP_ID = "100001_MTI2MGM1Pj9qPDk/OT04KHMiKnd0IXMr"
ENV = {
    "ID": "me", "SECRET": "s+cret/%", "ACCT": "65f0a1b2c3d4e5", "USER": "integ01",
    "APP": APP_ID, "KEY": "0123456789abcdef0123456789abcdef",
}  # fmt: skip


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    wire = Wire("test", server.url, Limits())
    yield wire
    wire.close()


def _oauth(wire: Wire, client: str = "basic") -> ClientCredentials:
    spec = OAuth2.model_validate({
        "kind": "oauth2_client_credentials", "token_path": "/token", "client": client,
        "client_id": {"env": "ID"}, "client_secret": {"env": "SECRET"},
    })  # fmt: skip
    return ClientCredentials(spec, lambda name: ENV[name.env], wire)


def _token(value: str, lives: int = 900) -> Answer:
    return Answer(body={"access_token": value, "expires_in": lives})


def test_kingdee_headers__vendor_vector() -> None:
    headers = kingdee_headers(
        APP_ID, ENV["KEY"], "65f0a1b2c3d4e5,integ01,2052,100", EXECUTE, timestamp="1700000000", nonce="1700000000"
    )
    assert headers["X-Api-ClientID"] == "100001"
    assert headers["X-Api-Signature"] == (
        "MTBkZjE4ZDA3YmJlZTliZjA5NTgxMzgyYmVhZjhhZDA1OTM2Y2VjMjJlOTYxZjIzMDRjMjQ5OTcwZjE0MTNkNw=="
    )
    assert headers["X-Kd-Appdata"] == "NjVmMGExYjJjM2Q0ZTUsaW50ZWcwMSwyMDUyLDEwMA=="
    assert headers["X-Kd-Signature"] == (
        "MTMyMTdiNTJkZjgwYzY4Y2RlM2ZkMjgzMDM5NWQ2YTczZDM2OTNmZmU0NzdlNjU4MmQ4ZjRmOGNmNGRkOWQ1OA=="
    )


def test_kingdee_headers__application_id_of_another_form_has_no_hidden_secret() -> None:
    headers = kingdee_headers("plain", "k", "a,b,1,1", "/x", timestamp="1", nonce="1")
    assert headers["X-Api-ClientID"] == "plain"


def test_kingdee_signer__signs_the_whole_path_anew_each_time(wire: Wire) -> None:
    spec = KingdeeSignature.model_validate({
        "kind": "kingdee_signature", "account": {"env": "ACCT"}, "user": {"env": "USER"},
        "app_id": {"env": "APP"}, "app_secret": {"env": "KEY"},
    })  # fmt: skip
    signer = KingdeeSigner(spec, lambda name: ENV[name.env], wire, now=lambda: 1700000000.0)
    first, second = signer.headers(EXECUTE), signer.headers(EXECUTE)
    assert first["x-api-timestamp"] == "1700000000"
    assert first["X-Api-Signature"] != second["X-Api-Signature"]
    assert first["X-Kd-Signature"] == second["X-Kd-Signature"]


def test_oauth__one_token_for_all_threads(server: Server, wire: Wire) -> None:
    server.reply = lambda _: _token("t1")
    auth = _oauth(wire)
    threads = [threading.Thread(target=auth.headers, args=("/",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert auth.headers("/") == {"Authorization": "Bearer t1"}
    assert len(server.asked) == 1
    assert server.asked[0].body == b"grant_type=client_credentials"


def test_oauth__credentials_in_the_body(server: Server, wire: Wire) -> None:
    server.script = [_token("t1")]
    _oauth(wire, "body").headers("/")
    assert server.asked[0].body == b"grant_type=client_credentials&client_id=me&client_secret=s%2Bcret%2F%25"
    assert "authorization" not in server.asked[0].headers


def test_oauth__expired_token_is_renewed_once_however_many_saw_it(server: Server, wire: Wire) -> None:
    server.script = [_token("t1"), _token("t2")]
    auth = _oauth(wire)
    used = auth.headers("/")
    auth.expired(used)
    assert auth.headers("/") == {"Authorization": "Bearer t2"}
    auth.expired(used)  # a slower thread that still speaks of the old one
    assert auth.headers("/") == {"Authorization": "Bearer t2"}


def test_oauth__short_lived_token_is_fetched_again(server: Server, wire: Wire) -> None:
    server.script = [Answer(body={"access_token": "t1", "expires_in": 0.02}), _token("t2")]
    auth = _oauth(wire)
    auth.headers("/")
    threading.Event().wait(0.05)
    assert auth.headers("/") == {"Authorization": "Bearer t2"}


@pytest.mark.parametrize("status", [400, 401, 403])
def test_oauth__refused_credentials_are_no_passing_trouble(server: Server, wire: Wire, status: int) -> None:
    server.script = [Answer(status, {"error": "invalid_client"})]
    with pytest.raises(AuthenticationFailed):
        _oauth(wire).headers("/")


def test_oauth__who_waited_shares_the_failed_log_in(server: Server, wire: Wire) -> None:
    everyone_waits = threading.Event()

    def refuse(_: Asked) -> Answer:
        everyone_waits.wait(10)
        return Answer(401, {"error": "invalid_client"})

    server.reply = refuse
    auth = _oauth(wire)
    said: list[str] = []

    def ask() -> None:
        try:
            auth.headers("/")
        except AuthenticationFailed as error:
            said.append(error.message)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while not server.asked:
        time.sleep(0.01)
    time.sleep(0.2)  # the others have come to the lock by now
    everyone_waits.set()
    for thread in threads:
        thread.join()
    assert len(said) == 4
    assert len(server.asked) == 1


def test_oauth__passing_trouble_is_waited_out(server: Server, wire: Wire) -> None:
    server.script = [Answer(500, b"", kind="text/plain"), Answer(200, b"<html>", kind="text/html"), _token("t1")]
    assert _oauth(wire).headers("/") == {"Authorization": "Bearer t1"}


def test_oauth__secret_never_in_the_error(server: Server, wire: Wire) -> None:
    def refuse(_: Asked) -> Answer:
        return Answer(401, {"error": "invalid_client", "error_description": ENV["SECRET"]})

    server.reply = refuse
    with pytest.raises(AuthenticationFailed) as caught:
        _oauth(wire).headers("/")
    assert ENV["SECRET"] not in str(caught.value)


def test_build__basic_in_utf8(wire: Wire) -> None:
    """The example of RFC 7617, 2.1."""
    spec = Basic(kind="basic", user=EnvName(env="U"), password=EnvName(env="P"))
    auth = build(spec, lambda name: {"U": "test", "P": "123\xa3"}[name.env], wire)
    assert auth.headers("/") == {"Authorization": "Basic dGVzdDoxMjPCow=="}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"X-API-Key": "k"}),
        ({"header": "Authorization", "scheme": "token"}, {"Authorization": "token k"}),
    ],
)
def test_build__api_key_in_its_header(wire: Wire, given: dict[str, str], expected: dict[str, str]) -> None:
    spec = ApiKey.model_validate({"kind": "api_key", "key": {"env": "KEY"}} | given)
    assert build(spec, lambda _: "k", wire).headers("/") == expected
