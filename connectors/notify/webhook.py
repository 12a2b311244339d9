"""Any program that takes JSON: signed as we ask others to sign theirs, HMAC-SHA256 over `<timestamp>.<raw body>`."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from connectors.notify.asking import ask, by_status
from connectors.notify.port import Answer, Note
from connectors.transport import Message, Wire, json_content

EVENT_HEADER = "Millstream-Event"
TIMESTAMP_HEADER = "Millstream-Timestamp"
SIGNATURE_HEADER = "Millstream-Signature"
PREFIX = "v1="


def signature(timestamp: str, body: bytes, secret: str) -> str:
    """`v1=` and the hex digest."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"{PREFIX}{digest}"


class SignedWebhook:
    """One address; any 2xx means that the note was taken."""

    text_bytes = 200_000

    def __init__(self, wire: Wire, path: str, secret: str) -> None:
        self._wire, self._path, self._secret = wire, path, secret

    def send(self, note: Note, now: datetime) -> Answer:
        """The note as JSON; its id stands in the event header, the same at each attempt."""
        body = json_content(
            {
                "id": note.id, "hub": note.hub, "audience": note.audience, "numbers": list(note.numbers),
                "title": note.title, "text": note.text, "urgent": note.urgent,
            }
        )  # fmt: skip
        stamp = str(int(now.timestamp()))
        headers = {
            "Content-Type": "application/json",
            EVENT_HEADER: note.id,
            TIMESTAMP_HEADER: stamp,
            SIGNATURE_HEADER: signature(stamp, body, self._secret),
        }
        message = Message("POST", self._path, headers=headers, content=body, expects="any")
        return ask(self._wire, message, by_status, (self._secret,))

    def close(self) -> None:
        """Give connections back."""
        self._wire.close()
