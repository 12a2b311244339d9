"""Hostile mode: an ASGI middleware that treats clients the way a bad day on the network does.

Each fault is drawn from the seed, the path, the operation and the number of the request on that
path, so that a run with one client at a time can be repeated. At most three faults follow each
other on one path, so that a patient client always gets through. The previous reply is sent again
to writes only, and the write takes effect: a stale page of a list, or a success that never
happened, would be a fault that no client of these dialects could notice.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

READ_FAULTS: Final = (
    "error_before", "error_after", "hang", "reset", "rate_limited", "slow_body", "cut_body",
    "html", "expired",
)  # fmt: skip
WRITE_FAULTS: Final = (*READ_FAULTS, "previous_reply", "late_commit")
MOST_IN_A_ROW: Final = 3
EVEN_CHANCE: Final = 0.5
_PAGE: Final = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Please try later.</body></html>"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP reply. Header names and values are bytes, as ASGI has them."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"text/plain"),)


def _method_writes(scope: Scope, body: bytes) -> bool:  # noqa: ARG001 - the shape every dialect gives
    return scope["method"] not in ("GET", "HEAD", "OPTIONS")


def _path_alone(scope: Scope, body: bytes) -> str:  # noqa: ARG001 - the shape every dialect gives
    return ""


def _unauthorised(scope: Scope, body: bytes) -> Reply:  # noqa: ARG001 - the shape every dialect gives
    return Reply(401, b'{"error":"invalid_token"}', ((b"content-type", b"application/json"),))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a system's requests are told apart; each callable gets the scope and the whole request body."""

    is_write: Callable[[Scope, bytes], bool] = _method_writes
    operation: Callable[[Scope, bytes], str] = _path_alone
    expired_response: Callable[[Scope, bytes], Reply] = _unauthorised


@dataclass(frozen=True, slots=True)
class Weather:
    """What hostile mode does at present: `rate` is the share of requests hit, 0 to 1."""

    seed: int = 0
    rate: float = 0.0
    kinds: tuple[str, ...] = WRITE_FAULTS
    hang_seconds: float = 3.0
    late_seconds: float = 1.0
    slow_seconds: float = 1.0

    @classmethod
    def from_json(cls, wanted: Mapping[str, Any]) -> Weather:
        """Read `{seed, rate, kinds?, hang_seconds?, late_seconds?, slow_seconds?}`.

        ValueError names an unknown kind.
        """
        kinds = tuple(wanted.get("kinds") or WRITE_FAULTS)
        if unknown := set(kinds) - set(WRITE_FAULTS):
            raise ValueError(f"unknown fault kinds {sorted(unknown)}; known: {', '.join(WRITE_FAULTS)}")
        names = ("hang_seconds", "late_seconds", "slow_seconds")
        seconds = {name: float(wanted[name]) for name in names if name in wanted}
        return cls(int(wanted.get("seed", 0)), float(wanted.get("rate", 0.0)), kinds, **seconds)


@dataclass(slots=True)
class _Path:
    """What happened so far on one (path, operation)."""

    requests: int = 0
    in_a_row: int = 0
    previous: Reply | None = None


@dataclass(slots=True)
class _Call:
    """One request being answered, with its body read whole."""

    scope: Scope
    body: bytes
    send: Send
    rng: random.Random
    path: _Path
    write: bool
    weather: Weather


class Hostile:
    """ASGI middleware around one system's app. `abort(scope)` must cut the connection without a reply."""

    def __init__(self, app: ASGIApp, dialect: Dialect, abort: Callable[[Scope], None]) -> None:
        """Start calm; assign `weather` to change that at run time."""
        self._app, self._dialect, self._abort = app, dialect, abort
        self._weather = Weather()
        self._paths: dict[tuple[str, str], _Path] = {}
        self._late: set[asyncio.Task[None]] = set()
        self.faults: Counter[str] = Counter()

    @property
    def weather(self) -> Weather:
        """The present settings."""
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._weather = weather
        self._paths = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer calmly, or with the fault drawn for this request."""
        if scope["type"] != "http" or self._weather.rate <= 0:
            await self._app(scope, receive, send)
            return
        body = await _whole_body(receive)
        if body is None:
            return
        call = self._call(scope, body, send)
        kind = self._draw(call)
        if kind is None:
            reply = await self._inner(call)
            await _send(send, reply)
            return
        self.faults[kind] += 1
        await getattr(self, f"_{kind}")(call)

    def _call(self, scope: Scope, body: bytes, send: Send) -> _Call:
        key = (str(scope["path"]), self._dialect.operation(scope, body))
        path = self._paths.setdefault(key, _Path())
        path.requests += 1
        rng = random.Random(f"{self._weather.seed}|{key[0]}|{key[1]}|{path.requests}")
        return _Call(scope, body, send, rng, path, self._dialect.is_write(scope, body), self._weather)

    def _draw(self, call: _Call) -> str | None:
        known = WRITE_FAULTS if call.write else READ_FAULTS
        kinds = [kind for kind in known if kind in call.weather.kinds]
        if call.path.previous is None and "previous_reply" in kinds:
            kinds.remove("previous_reply")
        calm = call.rng.random() >= call.weather.rate
        if calm or not kinds or call.path.in_a_row >= MOST_IN_A_ROW:
            call.path.in_a_row = 0
            return None
        call.path.in_a_row += 1
        return call.rng.choice(kinds)

    async def _inner(self, call: _Call) -> Reply:
        reply = await _run(self._app, call.scope, call.body)
        call.path.previous = reply
        return reply

    async def _cut(self, call: _Call) -> None:
        self._abort(call.scope)
        await asyncio.sleep(0.05)  # let the server see the closed connection before the app returns

    async def _error_before(self, call: _Call) -> None:
        await _send(call.send, Reply(500, b"Internal Server Error"))

    async def _error_after(self, call: _Call) -> None:
        await self._inner(call)
        await _send(call.send, Reply(500, b"Internal Server Error"))

    async def _hang(self, call: _Call) -> None:
        if call.rng.random() < EVEN_CHANCE:
            await self._inner(call)
        await asyncio.sleep(call.weather.hang_seconds)
        await self._cut(call)

    async def _reset(self, call: _Call) -> None:
        await self._inner(call)
        await self._cut(call)

    async def _rate_limited(self, call: _Call) -> None:
        wait = ((b"retry-after", b"1"),) if call.rng.random() < EVEN_CHANCE else ()
        await _send(call.send, Reply(429, b"Too Many Requests", ((b"content-type", b"text/plain"), *wait)))

    async def _slow_body(self, call: _Call) -> None:
        reply = await self._inner(call)
        await call.send(_start(reply))
        step = max(1, len(reply.body) // 5)
        for at in range(0, len(reply.body), step):
            await call.send(_part(reply.body[at : at + step]))
            await asyncio.sleep(call.weather.slow_seconds / 5)
        await call.send({"type": "http.response.body", "body": b""})

    async def _cut_body(self, call: _Call) -> None:
        reply = await self._inner(call)
        if not reply.body:
            await self._cut(call)
            return
        await call.send(_start(reply))
        await call.send(_part(reply.body[: len(reply.body) // 2]))
        # Returning now makes the server close the connection short of the promised length.

    async def _html(self, call: _Call) -> None:
        if call.rng.random() < EVEN_CHANCE:
            await self._inner(call)
        await _send(call.send, Reply(200, _PAGE, ((b"content-type", b"text/html; charset=utf-8"),)))

    async def _expired(self, call: _Call) -> None:
        await _send(call.send, self._dialect.expired_response(call.scope, call.body))

    async def _previous_reply(self, call: _Call) -> None:
        previous = call.path.previous
        if previous is None:  # drawn only when there is one; a change of weather may have emptied it
            await self._error_before(call)
            return
        await self._inner(call)
        await _send(call.send, previous)

    async def _late_commit(self, call: _Call) -> None:
        task = asyncio.create_task(self._after_a_while(call))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        await self._cut(call)

    async def _after_a_while(self, call: _Call) -> None:
        await asyncio.sleep(call.weather.late_seconds)
        await self._inner(call)


async def _whole_body(receive: Receive) -> bytes | None:
    """None where the client was gone before it had sent all: no server carries half a request out."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _run(app: ASGIApp, scope: Scope, body: bytes) -> Reply:
    """Run the app to its end, apart from the client's connection, and keep what it said."""
    status, parts = 500, list[bytes]()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    unread = [body]

    async def receive() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], tuple((bytes(k), bytes(v)) for k, v in message["headers"])
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Reply(status, b"".join(parts), headers)


def _start(reply: Reply) -> Message:
    kept = [(name, value) for name, value in reply.headers if name.lower() != b"content-length"]
    if reply.status != HTTPStatus.NO_CONTENT:
        kept.append((b"content-length", str(len(reply.body)).encode()))
    return {"type": "http.response.start", "status": reply.status, "headers": kept}


def _part(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def _send(send: Send, reply: Reply) -> None:
    await send(_start(reply))
    await send({"type": "http.response.body", "body": reply.body})
