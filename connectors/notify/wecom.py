"""WeCom group robot: the secret is the key in the address; the truth stands in `errcode`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.notify.asking import ask, by_code, listed
from connectors.notify.port import Answer, Note, Outcome, shortened
from connectors.transport import Message, Reply, Wire, json_content

BASE_URL = "https://qyapi.weixin.qq.com"
CODES: Mapping[object, Outcome] = {
    0: Outcome.DELIVERED,
    -1: Outcome.LATER,
    45009: Outcome.LATER,  # frequency over limit
    45033: Outcome.LATER,  # concurrency over limit
}
WINDOW_SECONDS = 60.0


class WeComRobot:
    """One robot of one group."""

    text_bytes = 2048

    def __init__(self, wire: Wire, key: str, at_mobiles: str = "") -> None:
        self._wire, self._key, self._mobiles = wire, key, listed(at_mobiles)

    def send(self, note: Note, now: datetime) -> Answer:  # noqa: ARG002 - nothing here is signed
        """A text message; the people to mention are mentioned in an urgent one."""
        text: dict[str, Any] = {"content": shortened(note.whole, self.text_bytes)}
        if note.urgent and self._mobiles:
            text["mentioned_mobile_list"] = self._mobiles
        content = json_content({"msgtype": "text", "text": text})
        headers = {"Content-Type": "application/json"}
        message = Message("POST", "/cgi-bin/webhook/send", {"key": self._key}, headers, content)
        return ask(self._wire, message, _judged, (self._key,))

    def close(self) -> None:
        """Give connections back."""
        self._wire.close()


def _judged(reply: Reply) -> Answer:
    answer = by_code(reply, "errcode", "errmsg", CODES)
    if answer.outcome is Outcome.LATER:
        return Answer(answer.outcome, answer.said, answer.retry_after or WINDOW_SECONDS)
    return answer
