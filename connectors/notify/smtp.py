"""Mail, over a real SMTP conversation with one server and no other.

Whatever fails before the text was sent surely did not leave; a line that breaks after it may have been
taken, so the mail goes again under the same Message-ID.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

from canonical.errors import ConfigurationError
from connectors.notify.port import Answer, Note, Outcome, shortened
from connectors.transport import is_link_local

PORTS = {"starttls": 587, "tls": 465, "none": 25}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PASSING, PERMANENT = 400, 500
SAID_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is given in, and as whom."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    timeout_seconds: float
    ca_file: str | None = None
    user: str | None = None
    password: str | None = None

    def __post_init__(self) -> None:
        """A password goes over an open line to nobody but this machine."""
        if is_link_local(self.host):
            raise ConfigurationError(f"the mail server {self.host} is a link-local address")
        if self.user and self.security == "none" and self.host not in LOOPBACK:
            raise ConfigurationError("a mail password needs security starttls or tls")


class _Refused(Exception):
    """The server answered with a code that is no success."""

    def __init__(self, code: int, said: bytes) -> None:
        text = said.decode("utf-8", errors="replace") if isinstance(said, bytes) else str(said)
        self.answer = Answer(
            Outcome.REFUSED if code >= PERMANENT else Outcome.LATER,
            f"{code} {' '.join(text.split())}"[:SAID_CHARACTERS],
        )
        super().__init__(code)


class MailChannel:
    """One list of addresses."""

    text_bytes = 200_000

    def __init__(self, server: MailServer, sender: str, to: Sequence[str]) -> None:
        self._server, self._sender, self._to = server, sender, tuple(to)

    def send(self, note: Note, now: datetime) -> Answer:
        """One mail to every address the server takes; delivered when it takes at least one."""
        try:
            content = message(note, now, self._sender, self._to).as_bytes()
            with self._conversation() as line:
                left_out = self._envelope(line)
                return self._content(line, content, left_out)
        except _Refused as refused:
            return refused.answer
        except smtplib.SMTPResponseException as error:
            return _Refused(error.smtp_code, _said(error)).answer
        except smtplib.SMTPNotSupportedError as error:
            return Answer(Outcome.REFUSED, str(error)[:SAID_CHARACTERS])
        except (smtplib.SMTPException, OSError) as error:
            return Answer(Outcome.LATER, f"no conversation ({type(error).__name__})")
        except ValueError as error:  # an address that no header and no envelope can hold
            return Answer(Outcome.REFUSED, f"cannot be written as mail ({type(error).__name__})")

    @contextlib.contextmanager
    def _conversation(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        context = ssl.create_default_context(cafile=server.ca_file)
        if server.security == "tls":
            line: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.timeout_seconds, context=context
            )
        else:
            line = smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)
        try:
            line.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                line.starttls(context=context)
                line.ehlo()
            if server.user:
                line.login(server.user, server.password or "")
            yield line
        finally:
            line.close()

    def _envelope(self, line: smtplib.SMTP) -> list[Answer]:
        """Sender and receivers; which receivers were refused, and raise when all were."""
        _expect(line.mail(self._sender))
        left_out: list[Answer] = []
        for address in self._to:
            try:
                _expect(line.rcpt(address))
            except _Refused as refused:
                left_out.append(refused.answer)
        if len(left_out) == len(self._to):
            later = [answer for answer in left_out if answer.outcome is Outcome.LATER]
            raise _refusal((later or left_out)[0])
        return left_out

    def _content(self, line: smtplib.SMTP, content: bytes, left_out: list[Answer]) -> Answer:
        try:
            code, said = line.data(content)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            return Answer(Outcome.UNKNOWN, f"the line broke in the text ({type(error).__name__})")
        _expect((code, said))
        with contextlib.suppress(smtplib.SMTPException, OSError):
            line.quit()
        return Answer(Outcome.DELIVERED, "; ".join(answer.said for answer in left_out)[:SAID_CHARACTERS])

    def close(self) -> None:
        """Nothing stays open between mails."""


def message(note: Note, now: datetime, sender: str, to: Sequence[str]) -> EmailMessage:
    """The mail; its Message-ID is the note's, so that a reader's program shows a doubled one once."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = sender, ", ".join(to)
    mail["Subject"] = " ".join(note.title.split())
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{_atom(note.id)}@{sender.rpartition('@')[2].strip('> ')}>"
    mail["Auto-Submitted"] = "auto-generated"
    if note.urgent:
        mail["Importance"] = "high"
    mail.set_content(shortened(note.whole, MailChannel.text_bytes), cte="base64")
    return mail


def _atom(text: str) -> str:
    """As much of an id as may stand in a Message-ID."""
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "." for sign in text).strip(".")


def _expect(reply: tuple[int, bytes]) -> None:
    code, said = reply
    if code >= PASSING:
        raise _Refused(code, said)


def _refusal(answer: Answer) -> _Refused:
    refused = _Refused(PERMANENT, b"")
    refused.answer = answer
    return refused


def _said(error: smtplib.SMTPResponseException) -> bytes:
    return error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
