from __future__ import annotations

import json
import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from canonical.errors import ConfigurationError, OutcomeUnknown, RateLimited, StreamHalted, SystemUnavailable
from connectors.spec import Limits
from connectors.transport import Message, Reply, Wire, json_content
from tests.unit.connectors.loopback import Answer, Server, serving

GET = Message("GET", "/x")
POST = Message("POST", "/x", headers={"Authorization": "Bearer canary"}, content=b"{}")
Make = Callable[..., Wire]


@pytest.fixture
def make(server: Server) -> Iterator[Make]:
    made: list[Wire] = []

    def build(url: str | None = None, **limits: object) -> Wire:
        made.append(Wire("test", url or server.url, Limits.model_validate(limits)))
        return made[-1]

    yield build
    for wire in made:
        wire.close()


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_send__parses_exact_decimals(server: Server, make: Make) -> None:
    server.script = [Answer(body=b'{"q": 0.1, "n": 7}')]
    assert make().send(GET, writes=False).body == {"q": Decimal("0.1"), "n": 7}


def test_send__connection_refused_is_surely_not_carried_out(make: Make) -> None:
    with pytest.raises(SystemUnavailable):
        make(f"http://127.0.0.1:{_closed_port()}").send(POST, writes=True)


def test_send__name_that_does_not_resolve_is_surely_not_carried_out(make: Make) -> None:
    with pytest.raises(SystemUnavailable):
        make("http://no-such-host.invalid").send(POST, writes=True)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(drop=True),
        Answer(body={"ok": "a long enough text"}, cut=True),
        Answer(body=b"<html>Maintenance</html>", kind="text/html"),
        Answer(body=b"{broken"),
        Answer(body=b'{"n": NaN}'),
        Answer(body=b'{"a": 1, "a": 2}'),
    ],
    ids=["reset", "cut", "html", "broken", "nan", "twice"],
)
@pytest.mark.parametrize(("writes", "error"), [(True, OutcomeUnknown), (False, SystemUnavailable)])
def test_send__answer_we_cannot_trust(
    server: Server, make: Make, answer: Answer, *, writes: bool, error: type[Exception]
) -> None:
    server.reply = lambda _: answer
    with pytest.raises(error):
        make().send(POST, writes=writes)


def test_send__slow_drip_ends_at_the_deadline(server: Server, make: Make) -> None:
    server.script = [Answer(body={"a": "x" * 200}, drip_seconds=0.05)]
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        make(timeout_seconds=0.5).send(POST, writes=True)
    assert time.monotonic() - began < 3


def test_send__oversized_reply_is_refused(server: Server, make: Make) -> None:
    server.script = [Answer(body=b'"' + b"x" * (2 * 1024 * 1024) + b'"')]
    with pytest.raises(SystemUnavailable, match="more than 1 MB"):
        make(reply_megabytes=1).send(GET, writes=False)


def test_send__redirect_is_not_followed(server: Server, make: Make) -> None:
    server.script = [Answer(302, None, {"Location": "http://127.0.0.1:1/steal"})]
    assert make().send(POST, writes=True).status == 302
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "path",
    ["http://evil.example/x", "https://127.0.0.1/x", "//evil.example/x", "http://127.0.0.1:1/x", "@evil.example/x"],
)
def test_url__never_leaves_the_host(server: Server, make: Make, path: str) -> None:
    wire = make()
    try:
        url = wire.url(path)
    except StreamHalted:
        return
    assert url.startswith(server.url + "/")


def test_url__address_on_the_same_host_is_taken(server: Server, make: Make) -> None:
    assert make().url(f"{server.url}/next") == f"{server.url}/next"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host", "file:///etc/passwd", "host", "http://user:pw@host", "http://host/?a=1",
        "http://169.254.169.254", "http://2852039166", "http://0xa9.0xfe.0xa9.0xfe", "http://[::ffff:169.254.169.254]",
    ],
)  # fmt: skip
def test_wire__refuses_addresses_no_plant_system_has(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Wire("test", url, Limits())
    assert "pw" not in str(caught.value)


def test_send__error_status_without_json_still_has_its_status(server: Server, make: Make) -> None:
    server.script = [Answer(500, b"Internal Server Error", kind="text/plain")]
    reply = make().send(POST, writes=True)
    assert (reply.status, reply.body) == (500, None)


def test_send__breaker_leaves_a_failing_system_alone(server: Server, make: Make) -> None:
    server.reply = lambda _: Answer(500, None)
    wire = make(breaker_failures=3, breaker_seconds=0.3)
    for _ in range(3):
        wire.send(GET, writes=False)
    with pytest.raises(SystemUnavailable) as caught:
        wire.send(POST, writes=True)
    assert caught.value.retry_after is not None
    assert len(server.asked) == 3
    time.sleep(0.35)
    server.reply = lambda _: Answer(body={})
    assert wire.send(GET, writes=False).status == 200
    assert wire.send(GET, writes=False).status == 200


def test_send__rate_limit_spreads_requests(server: Server, make: Make) -> None:
    server.reply = lambda _: Answer(body={})
    wire = make(requests_per_second=5)
    began = time.monotonic()
    for _ in range(6):
        wire.send(GET, writes=False)
    assert time.monotonic() - began > 0.8


def test_patiently__honours_retry_after(make: Make) -> None:
    tries: list[float] = []

    def read() -> str:
        tries.append(time.monotonic())
        if len(tries) == 1:
            raise RateLimited(retry_after=1)
        return "done"

    assert make().patiently(read) == "done"
    assert tries[1] - tries[0] >= 1


def test_patiently__gives_up_with_the_last_error(make: Make) -> None:
    def read() -> None:
        raise SystemUnavailable("down")

    with pytest.raises(SystemUnavailable, match="down"):
        make(read_attempts=2).patiently(read)


def test_patiently__a_silent_system_is_given_up_after_a_few_time_limits(make: Make) -> None:
    tries: list[float] = []

    def read() -> None:
        tries.append(time.monotonic())
        time.sleep(0.2)
        raise SystemUnavailable("sent, but no answer came")

    with pytest.raises(SystemUnavailable, match="no answer"):
        make(timeout_seconds=0.1, read_attempts=5).patiently(read)
    assert len(tries) < 3


def test_retry_after__seconds_date_or_nothing() -> None:
    assert Reply(429, {"Retry-After": "7"}).retry_after == 7
    assert Reply(429, {"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}).retry_after == 0
    assert Reply(429, {"Retry-After": "soon"}).retry_after is None
    assert Reply(429, {}).retry_after is None


def test_send__logs_no_secret(server: Server, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    server.script = [Answer(body={"token": "canary"}), Answer(drop=True)]
    with caplog.at_level(logging.DEBUG):
        wire = make()
        wire.send(POST, writes=True)
        with pytest.raises(OutcomeUnknown) as caught:
            wire.send(POST, writes=True)
    assert "canary" not in caplog.text + str(caught.value)


def test_send__extra_answer_on_a_kept_connection_is_not_taken_for_the_next(make: Make) -> None:
    """A server that answers twice must not make request 2 receive the second answer to request 1."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        number = 0
        for _ in range(2):
            peer, _address = listener.accept()
            with peer:
                while head := peer.recv(65536):
                    assert head
                    number += 1
                    body = json.dumps({"n": number}).encode()
                    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                    peer.sendall(reply % (len(body), body) * 2)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    wire = make(f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert wire.send(GET, writes=False).body == {"n": 1}
    time.sleep(0.05)
    assert wire.send(GET, writes=False).body == {"n": 2}
    wire.close()
    thread.join(2)
    listener.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the test's certificate")
def test_send__certificate_of_our_own_authority(tmp_path: Path) -> None:
    """Refused without the authority's file, and then surely nothing was sent; taken with it."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=plant"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as server:
        server.script = [Answer(body={"ok": True})]
        stranger, friend = (Wire("test", server.url, Limits(), ca_file=file) for file in (None, str(certificate)))
        with pytest.raises(SystemUnavailable):
            stranger.send(POST, writes=True)
        assert friend.send(POST, writes=True).body == {"ok": True}
        assert len(server.asked) == 1
        stranger.close()
        friend.close()


def test_json_content__exact_numbers() -> None:
    content = json_content({"a": Decimal("1.50"), "b": Decimal(3), "c": Decimal("0.12345678901234567890")})
    assert content == b'{"a": 1.5, "b": 3, "c": "0.12345678901234567890"}'
