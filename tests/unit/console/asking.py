"""Asks the pages as a browser would, without a socket: cookies are kept, forms carry what ties them to the browser."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from canonical.actors import Role
from console.web import passwords
from console.web.app import web_app
from pipeline.hub import Hub
from store import access, people

PASSWORD = "a long way to the mill"
_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        return self.headers.get("location", "")


@dataclass
class Browser:
    """One browser; `cookies` holds what the pages gave it."""

    app: Any
    host: str = "127.0.0.1"
    address: str = "10.0.0.7"
    scheme: str = "http"
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        return next((value for name, value in self.cookies.items() if name.endswith("millstream")), "")

    @property
    def csrf(self) -> str:
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(
        self, path: str, form: Mapping[str, Any] | None = None, *, csrf: str | None = None, **headers: str
    ) -> Answer:
        fields = {"csrf": self.csrf if csrf is None else csrf, **(form or {})}
        return self.ask("POST", path, urlencode(fields, doseq=True).encode(), headers)

    def log_in(self, name: str, password: str = PASSWORD) -> Answer:
        self.get("/log-in")
        return self.post("/log-in", {"name": name, "password": password})

    def ask_at(self, path: str) -> Answer:
        """A path just as it is written, which an address would not carry so."""
        return self.ask("GET", "", at=path)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, *, at: str = ""
    ) -> Answer:
        split = urlsplit(path)
        place = at or unquote(split.path)
        given = {
            "host": self.host, "content-type": "application/x-www-form-urlencoded", "content-length": str(len(body)),
            "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            **{name.replace("_", "-"): value for name, value in (headers or {}).items()},
        }  # fmt: skip
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": place,
            "raw_path": split.path.encode(), "query_string": split.query.encode(), "root_path": "",
            "scheme": self.scheme, "server": (self.host, 80), "client": (self.address, 4711),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }  # fmt: skip
        return self._kept(asyncio.run(_answer(self.app, scope, body)))

    def _kept(self, messages: list[dict[str, Any]]) -> Answer:
        start, *rest = messages
        pairs = [(name.decode().lower(), value.decode()) for name, value in start["headers"]]
        self.set_cookies = [value for name, value in pairs if name == "set-cookie"]
        for text in self.set_cookies:
            for name, morsel in SimpleCookie(text).items():
                self.cookies[name] = morsel.value
                if not morsel.value:
                    del self.cookies[name]
        return Answer(start["status"], dict(pairs), b"".join(one.get("body", b"") for one in rest))


async def _answer(app: Any, scope: dict[str, Any], body: bytes) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def person(hub: Hub, name: str, *roles: Role) -> None:
    """Somebody on the roll whose password is `PASSWORD`."""
    now = hub.now()
    with hub.store.begin() as tx:
        people.add(tx, name, "test", now, roles=roles)
        token = access.make_link(tx, name, "test", now, _A_DAY)
        access.set_password(tx, token, HASHED, now)


def browser(hub: Hub) -> Browser:
    return Browser(web_app(hub))


HASHED = passwords.hashed(PASSWORD)
