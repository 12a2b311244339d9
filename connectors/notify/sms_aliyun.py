"""Aliyun SMS (Dysmsapi 2017-05-25), signed with ACS3-HMAC-SHA256; business errors come with HTTP 200.

There is no idempotency: `OutId` is only echoed, so a message sent again reaches the telephone again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from connectors.notify.asking import ask, by_code
from connectors.notify.port import Answer, Note, Outcome
from connectors.notify.spec import AliyunSms
from connectors.transport import Message, Reply, Wire, json_content

BASE_URL = "https://dysmsapi.aliyuncs.com"
ACTION, VERSION, ALGORITHM = "SendSms", "2017-05-25", "ACS3-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
CODES: Mapping[object, Outcome] = {
    "OK": Outcome.DELIVERED,
    "isv.BUSINESS_LIMIT_CONTROL": Outcome.LATER,
    "isp.SYSTEM_ERROR": Outcome.LATER,
    "ServiceUnavailable": Outcome.LATER,
    "SignatureNonceUsed": Outcome.LATER,  # the next attempt has a nonce of its own
    "Throttling": Outcome.LATER,
    "Throttling.User": Outcome.LATER,
}
LIMITED = "isv.BUSINESS_LIMIT_CONTROL"
WINDOWS = {"分钟级": 60.0, "小时级": 3600.0}
DAILY = "天级"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """The pair every request is signed with."""

    id: str
    secret: str


def canonical_query(params: Mapping[str, str]) -> str:
    """Sorted by name and percent-encoded as RFC 3986 says: a space is `%20`, `~` stays."""
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(params.items()))


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def canonical_request(query: str, headers: Mapping[str, str]) -> str:
    """What is signed of a POST without a body."""
    lines = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    return f"POST\n/\n{query}\n{lines}\n{';'.join(sorted(headers))}\n{EMPTY_SHA256}"


def signed_headers(query: str, host: str, key: AccessKey, moment: datetime, nonce: str) -> dict[str, str]:
    """Every header the request needs, `Authorization` among them."""
    headers = {
        "host": host,
        "x-acs-action": ACTION,
        "x-acs-content-sha256": EMPTY_SHA256,
        "x-acs-date": f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": nonce,
        "x-acs-version": VERSION,
    }
    digest = hashlib.sha256(canonical_request(query, headers).encode()).hexdigest()
    signature = hmac.new(key.secret.encode(), f"{ALGORITHM}\n{digest}".encode(), hashlib.sha256).hexdigest()
    names = ";".join(sorted(headers))
    return {**headers, "Authorization": f"{ALGORITHM} Credential={key.id},SignedHeaders={names},Signature={signature}"}


class AliyunSmsChannel:
    """One template to a list of telephones."""

    text_bytes = 2_000

    def __init__(self, wire: Wire, spec: AliyunSms, key: AccessKey, phone_numbers: str) -> None:
        self._wire, self._spec, self._key, self._phones = wire, spec, key, phone_numbers.replace(" ", "")

    def send(self, note: Note, now: datetime) -> Answer:
        """The template, filled from the note."""
        query = canonical_query(
            {
                "PhoneNumbers": self._phones,
                "SignName": self._spec.sign_name,
                "TemplateCode": self._spec.template_code,
                "TemplateParam": json_content(self._filled(note)).decode(),
                "OutId": note.id[:256],
            }
        )
        headers = signed_headers(query, urlsplit(self._wire.base).netloc, self._key, now, secrets.token_hex(16))
        message = Message("POST", f"/?{query}", headers=headers)
        return ask(self._wire, message, _judged, (self._key.id, self._key.secret, *self._phones.split(",")))

    def _filled(self, note: Note) -> dict[str, str]:
        words = {
            "number": note.number, "count": str(len(note.numbers)), "title": note.title, "hub": note.hub,
            "audience": note.audience, "text": " ".join(note.text.split()),
        }  # fmt: skip
        size = self._spec.param_characters
        return {name: template.format_map(words)[:size] for name, template in self._spec.params.items()}

    def close(self) -> None:
        """Give connections back."""
        self._wire.close()


def _judged(reply: Reply) -> Answer:
    """A limit of the day is as good as a refusal: another channel must tell."""
    answer = by_code(reply, "Code", "Message", CODES)
    if not answer.said.startswith(LIMITED):
        return answer
    if DAILY in answer.said:
        return Answer(Outcome.REFUSED, answer.said)
    waits = [seconds for word, seconds in WINDOWS.items() if word in answer.said]
    return Answer(answer.outcome, answer.said, max(waits, default=60.0))
