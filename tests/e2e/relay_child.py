"""A relay in a process of its own, to be killed: prints its port when everything that landed has been looked at."""

from __future__ import annotations

import socket
import sys

import uvicorn

from console.web.webhooks import webhook_app
from pipeline.hub import open_hub
from pipeline.serving import Service


def main() -> None:
    hub = open_hub()
    service = Service(hub)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)  # whoever posts before the server takes over waits
    service.start()
    service.ready.wait()
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - whoever started us reads it
    server = uvicorn.Server(uvicorn.Config(webhook_app(hub, service.wakes.ring), log_level="warning"))
    try:
        server.run([listener])
    finally:
        service.stop()
        hub.close()


if __name__ == "__main__":
    sys.exit(main())
