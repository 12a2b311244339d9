"""Runs one simulated system as a process of its own: `python -m sandbox.<system> --db FILE --port 0 …`.

The process prints one JSON line `{"system", "url", "pid"}` on stdout when it answers, seeds its
database the first time only, and ends with its parent.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.common.control import Control, control_app
from sandbox.common.hostile import Dialect, Hostile
from sandbox.common.state import SystemState
from sandbox.factory.model import SystemName


class Connections:
    """The open connections by client address, so that hostile mode can cut one without a reply."""

    def __init__(self) -> None:
        """Start empty."""
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """An HTTP protocol class that keeps this register."""
        register = self._open

        class Registered(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if self.client is not None:
                    register[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    register.pop(self.client, None)
                super().connection_lost(exc)

        return Registered

    def abort(self, scope: Scope) -> None:
        """Reset the connection of this request (RST, not FIN): the client gets no byte of a reply."""
        transport = self._open.get(tuple(scope["client"]))
        if transport is None:
            return
        peer = transport.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


def run(
    system: SystemName,
    create_app: Callable[[SystemState], ASGIApp],
    seed: Callable[[SystemState], None],
    work: Control,
    *,
    dialect: Dialect | None = None,
    controls: Mapping[str, Control] | None = None,
    argv: list[str] | None = None,
) -> None:
    """Serve one system until SIGTERM, SIGINT or the parent's death.

    `seed` fills a new database inside one transaction. `work` lets the plant work on: it gets `round`
    and whatever the plant's people carry over from another system, and returns a JSON-safe summary.
    `controls` adds `POST /_sandbox/<name>` with a JSON body.
    """
    options = _options(argv)
    state = SystemState(system, options.db, options.seed, options.scale, _secrets(options.secrets_file))
    seed_once(state, seed)
    connections = Connections()
    app = assemble(
        state, create_app=create_app, work=work, dialect=dialect or Dialect(),
        controls=controls or {}, abort=connections.abort,
    )  # fmt: skip
    if options.parent_pid:
        threading.Thread(target=_end_with, args=(options.parent_pid,), daemon=True).start()
    gc.collect()
    gc.freeze()  # what is loaded stays: collections took a quarter of what one system computed
    _serve(app, _listen(options.port), connections, system)


def seed_once(state: SystemState, seed: Callable[[SystemState], None]) -> None:
    """Fill a new database; do nothing to one that was filled before."""
    if state.seeded:
        return
    with state.transaction():
        seed(state)
        state.mark_seeded()


def assemble(
    state: SystemState,
    *,
    create_app: Callable[[SystemState], ASGIApp],
    work: Control,
    dialect: Dialect,
    controls: Mapping[str, Control],
    abort: Callable[[Scope], None],
) -> ASGIApp:
    """The system's app behind hostile mode, with the control routes beside it."""
    hostile = Hostile(create_app(state), dialect, abort)
    offered: dict[str, Control] = {"work": work, **controls}
    control = control_app(state, hostile, offered)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = control if str(scope.get("path", "")).startswith("/_sandbox/") else hostile
        await chosen(scope, receive, send)

    return app


def by_round(work: Callable[[SystemState, int], dict[str, Any]]) -> Control:
    """The `work` of a system whose people need to know the round alone."""
    return lambda state, body: work(state, int(body.get("round", 1)))


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="One simulated plant system on loopback.")
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--secrets-file", type=Path)
    parser.add_argument("--parent-pid", type=int, default=0)
    return parser.parse_args(argv)


def _secrets(path: Path | None) -> dict[str, str]:
    """The secrets by environment name, from a JSON file, else from the environment."""
    if path is not None:
        return {str(name): str(value) for name, value in json.loads(path.read_text()).items()}
    return {name: value for name, value in os.environ.items() if name.startswith("MILLSTREAM_")}


def _listen(port: int) -> socket.socket:
    # Named TCP, or asyncio leaves Nagle's algorithm on: a body then waits 40 ms for its header's acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


def _serve(app: ASGIApp, listener: socket.socket, connections: Connections, system: SystemName) -> None:
    config = uvicorn.Config(
        app, http=connections.protocol(), loop="asyncio", lifespan="off", ws="none", log_level="critical",
        access_log=False, timeout_graceful_shutdown=1, timeout_keep_alive=30,
    )  # fmt: skip
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sys.stdout.write(json.dumps({"system": system, "url": url, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])


def _end_with(parent: int) -> None:
    """End this process at once when its parent is gone; a half-done transaction is rolled back by SQLite."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os._exit(0)
