"""A real HTTP server on loopback that answers as a test tells it to."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What to reply; `cut` sends half of the body and closes, `drop` closes without a byte."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    cut: bool = False
    drop: bool = False
    drip_seconds: float = 0.0

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Server:
    """`reply` is called for each request; by default answers are taken from `script` in order."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    script: list[Answer] = field(default_factory=list)
    reply: Callable[[Asked], Answer] | None = None

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if self.reply is not None:
            return self.reply(asked)
        return self.script.pop(0)


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one small class
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each body waits 40 ms for its header's acknowledgement

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(server.answer(Asked(self.command, self.path, headers, body)))

        def _send(self, answer: Answer) -> None:
            if answer.drop:
                self.close_connection = True
                return
            content = b"" if answer.body is None else answer.content()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(content)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if answer.cut:
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
            elif answer.drip_seconds:
                self._drip(content, answer.drip_seconds)
            else:
                self.wfile.write(content)

        def _drip(self, content: bytes, seconds: float) -> None:
            for at in range(len(content)):
                self.wfile.write(content[at : at + 1])
                if stopped.wait(seconds):
                    return

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            pass

    stopped = threading.Event()
    Handler.stopped = stopped  # type: ignore[attr-defined]
    return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is part of the tests."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that answers until the block ends."""
    told = Server()
    handler = _handler(told)
    http = _Quiet(("127.0.0.1", 0), handler)
    if tls is not None:
        http.socket = tls.wrap_socket(http.socket, server_side=True)
    told.url = f"http{'s' if tls else ''}://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield told
    handler.stopped.set()  # type: ignore[attr-defined]
    http.shutdown()
    http.server_close()
    thread.join()
