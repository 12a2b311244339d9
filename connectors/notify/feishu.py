"""Feishu custom robot: the signature stands in the body, and what is signed is the key, not the message."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from connectors.notify.asking import ask, by_code
from connectors.notify.port import Answer, Note, Outcome, shortened
from connectors.transport import Message, Reply, Wire, json_content

BASE_URL = "https://open.feishu.cn"
BAD_OR_TOO_MANY = 9499
CODES: Mapping[object, Outcome] = {
    0: Outcome.DELIVERED,
    **dict.fromkeys((11232, 11020, 11021, 230020, 99991400), Outcome.LATER),  # frequency limited
}


def signature(timestamp: str, secret: str) -> str:
    """Base64 of HMAC-SHA256 of nothing, under the key time stamp, line feed and secret; seconds, not milliseconds."""
    return base64.b64encode(hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


class FeishuRobot:
    """One robot of one group."""

    text_bytes = 18_000

    def __init__(self, wire: Wire, token: str, secret: str | None = None) -> None:
        self._wire, self._token, self._secret = wire, token, secret

    def send(self, note: Note, now: datetime) -> Answer:
        """A text message."""
        body: dict[str, Any] = {}
        if self._secret:
            stamp = str(int(now.timestamp()))
            body = {"timestamp": stamp, "sign": signature(stamp, self._secret)}
        body |= {"msg_type": "text", "content": {"text": shortened(_plain(note.whole), self.text_bytes)}}
        path = f"/open-apis/bot/v2/hook/{quote(self._token, safe='')}"
        headers = {"Content-Type": "application/json"}
        message = Message("POST", path, headers=headers, content=json_content(body))
        return ask(self._wire, message, _judged, (self._token, self._secret or ""))

    def close(self) -> None:
        """Give connections back."""
        self._wire.close()


def _plain(text: str) -> str:
    """The one thing Feishu reads as markup in a text is `<at …>`: a customer's name must not call everybody."""
    return text.replace("<at", "‹at").replace("</at", "‹/at")


def _judged(reply: Reply) -> Answer:
    """9499 is a bad request or too many requests: its text decides."""
    answer = by_code(reply, "code", "msg", CODES)
    if answer.said.startswith(f"{BAD_OR_TOO_MANY} ") and "too many" in answer.said.lower():
        return Answer(Outcome.LATER, answer.said)
    return answer
