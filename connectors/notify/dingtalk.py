"""DingTalk group robot: HTTP 200 for everything, the truth in `errcode`."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.notify.asking import ask, by_code, listed
from connectors.notify.port import Answer, Note, Outcome, shortened
from connectors.transport import Message, Reply, Wire, json_content

BASE_URL = "https://oapi.dingtalk.com"
BLOCKED_SECONDS = 600.0
"""A robot that sent too fast is blocked for about ten minutes."""
TOO_FAST = (130101, 410100, 302033, 90030, 90018, 90002)
"""Which one appears varies; none of them means anything else."""
CODES: Mapping[object, Outcome] = {
    0: Outcome.DELIVERED,
    -1: Outcome.LATER,
    **dict.fromkeys(TOO_FAST, Outcome.LATER),
}


def signature(timestamp_ms: str, secret: str) -> str:
    """Base64 of HMAC-SHA256 over time stamp, line feed and secret, under the secret."""
    digest = hmac.new(secret.encode(), f"{timestamp_ms}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class DingTalkRobot:
    """One robot of one group."""

    text_bytes = 18_000

    def __init__(self, wire: Wire, access_token: str, secret: str | None = None, at_mobiles: str = "") -> None:
        self._wire, self._token, self._secret = wire, access_token, secret
        self._mobiles = listed(at_mobiles)

    def send(self, note: Note, now: datetime) -> Answer:
        """A text message; the people to mention are mentioned in an urgent one."""
        params = {"access_token": self._token}
        if self._secret:
            stamp = str(int(now.timestamp() * 1000))
            params |= {"timestamp": stamp, "sign": signature(stamp, self._secret)}
        body: dict[str, Any] = {"msgtype": "text", "text": {"content": shortened(note.whole, self.text_bytes)}}
        if note.urgent and self._mobiles:
            body["at"] = {"atMobiles": self._mobiles, "isAtAll": False}
        headers = {"Content-Type": "application/json"}
        message = Message("POST", "/robot/send", params, headers, json_content(body))
        return ask(self._wire, message, _judged, (self._token, self._secret or ""))

    def close(self) -> None:
        """Give connections back."""
        self._wire.close()


def _judged(reply: Reply) -> Answer:
    answer = by_code(reply, "errcode", "errmsg", CODES)
    if answer.outcome is Outcome.LATER and not answer.said.startswith("-1 "):
        return Answer(answer.outcome, answer.said, answer.retry_after or BLOCKED_SECONDS)
    return answer
