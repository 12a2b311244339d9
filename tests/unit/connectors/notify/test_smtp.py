"""Mail, in a real SMTP conversation with a server on loopback."""

from __future__ import annotations

import base64
import email
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from canonical.errors import ConfigurationError
from connectors.notify.opening import open_channel
from connectors.notify.port import Channel, Outcome
from connectors.notify.smtp import MailServer
from connectors.notify.spec import Smtp
from tests.unit.connectors.notify.notes import note
from tests.unit.connectors.notify.receivers import MOMENT

USER, PASSWORD = "alert@example.test", "Demo-1"
BASE = {"SENDER": "hub@example.test", "TO": "li.wei@example.test, wang.fang@example.test"}


@dataclass
class Box:
    """Takes mail, or answers an address or the text with what it is told to."""

    at_recipient: dict[str, str] = field(default_factory=dict)
    at_data: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    receivers: list[list[str]] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.at_recipient:
            return self.at_recipient[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.at_data:
            return self.at_data.pop(0)
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        self.receivers.append(list(envelope.rcpt_tos))
        return "250 queued"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serving(box: Box, **options: Any) -> Iterator[int]:
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the test's certificate")
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(file), "-out", f"{file}.crt",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def channel(port: int, *, security: str = "none", password: str | None = None, ca_file: Path | None = None) -> Channel:
    said: dict[str, Any] = {"server": {"env": "SERVER"}, "sender": {"env": "SENDER"}, "to": {"env": "TO"}}
    environ = {**BASE, "SERVER": f"127.0.0.1:{port}"}
    if password is not None:
        said |= {"user": {"env": "USER"}, "password": {"env": "PASSWORD"}}
        environ |= {"USER": USER, "PASSWORD": password}
    if ca_file is not None:
        said |= {"ca_file": {"env": "CA"}}
        environ |= {"CA": f"{ca_file}.crt"}
    return open_channel(
        "mail", Smtp.model_validate({"kind": "smtp", "security": security, "timeout_seconds": 5, **said}), environ
    )


def believe(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    good = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


def test_send__arrives_in_both_languages_with_its_number() -> None:
    box = Box()
    with serving(box) as port:
        assert channel(port).send(note(), MOMENT).outcome is Outcome.DELIVERED
    mail = box.mails[0]
    assert mail["Subject"] == note().title
    assert mail.get_content().replace("\r\n", "\n").strip() == note().whole
    assert mail["Message-ID"] == "<plant.production_supervisor.7@example.test>"
    assert (mail["Importance"], mail["Auto-Submitted"]) == ("high", "auto-generated")
    assert box.receivers == [["li.wei@example.test", "wang.fang@example.test"]]


def test_send__lines_that_begin_with_a_dot_arrive() -> None:
    box = Box()
    text = ".\n..dots\n" + "缺料" * 600
    with serving(box) as port:
        channel(port).send(note(text=text), MOMENT)
    assert box.mails[0].get_content().replace("\r\n", "\n").strip() == f"{note().title}\n{text}"


def test_send__line_feed_in_a_title_adds_no_header() -> None:
    box = Box()
    with serving(box) as port:
        channel(port).send(note(title="hello\r\nBcc: all@example.test"), MOMENT)
    assert box.mails[0]["Bcc"] is None


def test_send__logs_in_over_starttls(tls: ssl.SSLContext, certificate: Path) -> None:
    box = Box()
    with serving(box, tls_context=tls, require_starttls=True, authenticator=believe, auth_required=True) as port:
        mail = channel(port, security="starttls", password=PASSWORD, ca_file=certificate)
        assert mail.send(note(), MOMENT).outcome is Outcome.DELIVERED
        wrong = channel(port, security="starttls", password="other", ca_file=certificate).send(note(), MOMENT)
    assert wrong.outcome is Outcome.REFUSED
    assert wrong.said.startswith("535")
    assert len(box.mails) == 1


def test_send__over_tls_from_the_start(tls: ssl.SSLContext, certificate: Path) -> None:
    with answering(_ready, tls=tls) as port:
        answer = channel(port, security="tls", ca_file=certificate).send(note(), MOMENT)
    assert answer.outcome is Outcome.DELIVERED


def test_send__certificate_nobody_knows_is_not_talked_to(tls: ssl.SSLContext) -> None:
    box = Box()
    with serving(box, tls_context=tls) as port:
        answer = channel(port, security="starttls", password=PASSWORD).send(note(), MOMENT)
    assert (answer.outcome, box.mails) == (Outcome.LATER, [])


def test_send__server_without_starttls_gets_no_password() -> None:
    box = Box()
    with serving(box) as port:
        answer = channel(port, security="starttls", password=PASSWORD).send(note(), MOMENT)
    assert (answer.outcome, box.mails) == (Outcome.REFUSED, [])


def test_auth_plain__vector() -> None:
    assert base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()) == b"AGFsZXJ0QGV4YW1wbGUudGVzdABEZW1vLTE="


def test_send__says_the_vector_to_a_server_that_asks_for_plain() -> None:
    heard: list[str] = []
    with answering(lambda line: heard.append(line) or _plain(line)) as port:  # type: ignore[func-returns-value]
        assert channel(port, password=PASSWORD).send(note(), MOMENT).outcome is Outcome.DELIVERED
    assert "AUTH PLAIN AGFsZXJ0QGV4YW1wbGUudGVzdABEZW1vLTE=" in heard


def test_send__some_receivers_refused_is_delivered_and_says_so() -> None:
    box = Box(at_recipient={"li.wei@example.test": "550 no such user"})
    with serving(box) as port:
        answer = channel(port).send(note(), MOMENT)
    assert (answer.outcome, answer.said) == (Outcome.DELIVERED, "550 no such user")
    assert box.receivers == [["wang.fang@example.test"]]


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [(("550 unknown", "550 unknown"), Outcome.REFUSED), (("550 unknown", "452 too many"), Outcome.LATER)],
)
def test_send__all_receivers_refused(codes: tuple[str, str], outcome: Outcome) -> None:
    box = Box(at_recipient=dict(zip(BASE["TO"].split(", "), codes, strict=True)))
    with serving(box) as port:
        assert channel(port).send(note(), MOMENT).outcome is outcome
    assert box.mails == []


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("451 greylisted", Outcome.LATER), ("552 too large", Outcome.REFUSED), ("554 no", Outcome.REFUSED)],
)
def test_send__text_refused(code: str, outcome: Outcome) -> None:
    with serving(Box(at_data=[code])) as port:
        assert channel(port).send(note(), MOMENT).outcome is outcome


def test_send__line_that_breaks_after_the_text_is_unknown() -> None:
    with answering(lambda line: None if line == "." else _ready(line)) as port:
        assert channel(port).send(note(), MOMENT).outcome is Outcome.UNKNOWN


def test_send__line_that_breaks_before_the_text_is_tried_later() -> None:
    with answering(lambda line: None if line.upper().startswith("RCPT") else _ready(line)) as port:
        assert channel(port).send(note(), MOMENT).outcome is Outcome.LATER


def test_send__nobody_there_is_tried_later() -> None:
    assert channel(free_port()).send(note(), datetime(2026, 1, 2, tzinfo=UTC)).outcome is Outcome.LATER


@pytest.mark.parametrize("address", ["张三@例子.test", "li.wei@example.test\r\nBcc: all@example.test"])
def test_send__address_that_no_mail_can_bear_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BASE, "TO", address)
    box = Box()
    with serving(box) as port:
        assert channel(port).send(note(), MOMENT).outcome is Outcome.REFUSED
    assert box.mails == []


def test_mail_server__password_goes_over_no_open_line() -> None:
    with pytest.raises(ConfigurationError, match="starttls or tls"):
        MailServer("mail.example.test", 25, "none", 5, user="a", password="b")
    with pytest.raises(ConfigurationError, match="link-local"):
        MailServer("169.254.169.254", 25, "none", 5)


def _ready(line: str) -> str:
    """A server that takes everything."""
    return {"DATA": "354 go on", "QUIT": "221 bye"}.get(line[:4].upper(), "250 ok")


def _plain(line: str) -> str:
    if line.startswith("AUTH"):
        return "235 ok"
    return "250-ready\r\n250 AUTH PLAIN" if line.lower().startswith("ehlo") else _ready(line)


@contextmanager
def answering(reply: Callable[[str], str | None], *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server of one conversation that says `reply` to each line, and hangs up where that is None."""
    listening = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        line, _ = listening.accept()
        if tls is not None:
            line = tls.wrap_socket(line, server_side=True)
        with line, line.makefile("rwb") as stream:
            _converse(stream, reply)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    thread.join(5)
    listening.close()


def _converse(stream: Any, reply: Callable[[str], str | None]) -> None:
    def say(text: str) -> None:
        stream.write(f"{text}\r\n".encode())
        stream.flush()

    in_text = False
    say("220 ready")
    for raw in stream:
        line = raw.decode().rstrip("\r\n")
        if in_text and line != ".":
            continue
        said = reply(line)
        if said is None:
            return
        in_text = line.upper() == "DATA"
        say(said)
