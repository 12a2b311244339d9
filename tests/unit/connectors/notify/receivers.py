"""Receivers that behave as the vendors' do: they check what the vendor checks and answer as the vendor answers.

Signatures are computed here from the vendors' own words, not by the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from tests.unit.connectors.loopback import Answer, Asked

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _query(asked: Asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query, keep_blank_values=True).items()}


@dataclass
class Receiver(ABC):
    """`next_answers` come before the vendor's own judgement; `got` is what was taken."""

    now: datetime = MOMENT
    got: list[Any] = field(default_factory=list)
    next_answers: list[Answer] = field(default_factory=list)

    def reply(self, asked: Asked) -> Answer:
        if self.next_answers:
            return self.next_answers.pop(0)
        return self.judge(asked)

    @abstractmethod
    def judge(self, asked: Asked) -> Answer:
        """Answer as the vendor does."""

    @property
    def texts(self) -> list[str]:
        return [text_of(one) for one in self.got]


def text_of(got: Any) -> str:
    """The text of any vendor's message."""
    if "content" in got:
        return str(got["content"]["text"])
    return str(got["text"]["content"]) if isinstance(got["text"], dict) else f"{got['title']}\n{got['text']}"


@dataclass
class DingTalk(Receiver):
    """Token first, then the signature's window and digest; always HTTP 200."""

    token: str = "demo"
    secret: str | None = "SECdemo0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
    per_minute: int = 20

    def judge(self, asked: Asked) -> Answer:
        query = _query(asked)
        if not asked.path.startswith("/robot/send?") or query.get("access_token") != self.token:
            return self._said(300001, "token is not exist")
        if self.secret and (refused := self._unsigned(query)):
            return self._said(310000, refused)
        if len(self.got) >= self.per_minute:
            return self._said(130101, "send too fast")
        body = asked.json
        if body.get("msgtype") != "text" or not body["text"]["content"]:
            return self._said(40035, "参数不合法")
        self.got.append(body)
        return self._said(0, "ok")

    def _unsigned(self, query: dict[str, str]) -> str | None:
        stamp = query.get("timestamp", "0")
        if abs(int(stamp) / 1000 - self.now.timestamp()) > 3600:
            return "invalid timestamp, more: [https://ding-doc.dingtalk.com]"
        mac = hmac.new(str(self.secret).encode(), f"{stamp}\n{self.secret}".encode(), "sha256").digest()
        fits = query.get("sign") == base64.b64encode(mac).decode()
        return None if fits else "sign not match, more: [https://ding-doc.dingtalk.com]"

    def _said(self, code: int, text: str) -> Answer:
        return Answer(body={"errcode": code, "errmsg": text})


@dataclass
class WeCom(Receiver):
    """The key, the size, the rate; always HTTP 200."""

    key: str = "00000000-0000-4000-8000-000000000001"
    per_minute: int = 20

    def judge(self, asked: Asked) -> Answer:
        if not asked.path.startswith("/cgi-bin/webhook/send?") or _query(asked).get("key") != self.key:
            hint = "invalid webhook url, hint: [1772409600_00_demo], from ip: 203.0.113.7"
            return Answer(body={"errcode": 93000, "errmsg": hint})
        body = asked.json
        if len(body["text"]["content"].encode()) > 2048:
            return Answer(body={"errcode": 45002, "errmsg": "content size out of limit"})
        if len(self.got) >= self.per_minute:
            return Answer(body={"errcode": 45009, "errmsg": "api freq out of limit, hint: [demo]"})
        self.got.append(body)
        return Answer(body={"errcode": 0, "errmsg": "ok"}, kind="application/json; charset=UTF-8")


@dataclass
class Feishu(Receiver):
    """The token in the path, the signature in the body: its key is what is signed, its message is empty."""

    token: str = "00000000-demo"
    secret: str | None = "demoFeishuSecret123"

    def judge(self, asked: Asked) -> Answer:
        body = asked.json
        if asked.path != f"/open-apis/bot/v2/hook/{self.token}":
            return self._said(19001, "param invalid: incoming webhook access token invalid")
        if self.secret and not self._signed(body):
            return self._said(19021, "sign match fail or timestamp is not within one hour from current time")
        if body.get("msg_type") != "text" or not isinstance(body.get("content"), dict):
            return self._said(9499, "Bad Request")
        self.got.append(body)
        return Answer(body={"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"})

    def _signed(self, body: Any) -> bool:
        stamp = body.get("timestamp", "0")
        if not isinstance(stamp, str) or abs(int(stamp) - self.now.timestamp()) > 3600:
            return False
        mac = hmac.new(f"{stamp}\n{self.secret}".encode(), b"", "sha256").digest()
        return bool(body.get("sign") == base64.b64encode(mac).decode())

    def _said(self, code: int, text: str) -> Answer:
        return Answer(body={"code": code, "data": {}, "msg": text})


@dataclass
class AliyunSms(Receiver):
    """ACS3-HMAC-SHA256 over query and headers, 15 minutes of skew, no nonce twice."""

    key: str = "LTAI5tDEMOdemoDEMOdemo12"
    secret: str = "demoSecretKey0123456789abcdefXY"
    nonces: set[str] = field(default_factory=set)

    def judge(self, asked: Asked) -> Answer:
        refused = self._refused(asked)
        if refused:
            return Answer(400, {"RequestId": "r", "HostId": "h", "Code": refused, "Message": "refused"})
        query = _query(asked)
        param = json.loads(query["TemplateParam"])
        if not all(isinstance(value, str) for value in param.values()):
            return Answer(body={"Code": "isv.INVALID_JSON_PARAM", "Message": "JSON参数不合法", "RequestId": "r"})
        self.got.append({**query, "param": param, "text": {"content": json.dumps(param, ensure_ascii=False)}})
        return Answer(body={"Message": "OK", "RequestId": "r", "Code": "OK", "BizId": "900619746936498440^0"})

    def _refused(self, asked: Asked) -> str | None:
        stamp = datetime.strptime(asked.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs((stamp - self.now).total_seconds()) > 900:
            return "InvalidTimeStamp.Expired"
        if asked.headers["x-acs-signature-nonce"] in self.nonces:
            return "SignatureNonceUsed"
        self.nonces.add(asked.headers["x-acs-signature-nonce"])
        names = sorted(name for name in asked.headers if name == "host" or name.startswith("x-acs-"))
        body_hash = hashlib.sha256(asked.body).hexdigest()
        query = "&".join(f"{quote(one, safe='~')}={quote(two, safe='~')}" for one, two in sorted(_query(asked).items()))
        canonical = "\n".join(
            [
                asked.method, "/", query,
                *(f"{name}:{asked.headers[name]}" for name in names), "", ";".join(names), body_hash,
            ]
        )  # fmt: skip
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        mac = hmac.new(self.secret.encode(), text.encode(), "sha256").hexdigest()
        wanted = f"ACS3-HMAC-SHA256 Credential={self.key},SignedHeaders={';'.join(names)},Signature={mac}"
        return None if asked.headers.get("authorization") == wanted else "SignatureDoesNotMatch"
