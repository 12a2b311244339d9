"""A plain forwarding workflow, as a no-code tool draws it: receives a webhook, maps it, posts it to the MES.

A stand-in for such a tool (`benchmarks.n8n` is one), and the least it could be: a small process with kept connections
and nothing else. It answers when the MES has answered. It knows neither stock nor plan, so it orders every line whether
it has to be made or not; it keeps no inbox, no receipt and no record, so what it was doing when it dies is lost or,
sent again by hand, made under the same key once more.

    python -m benchmarks.forwarding PORT PRODUCTS.json
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import urllib3


class Forwarder:
    """Maps an order's first line to a work order and posts it."""

    def __init__(self, environ: Mapping[str, str], products: Mapping[str, Mapping[str, str]]) -> None:
        self._url, self._products = environ["MILLSTREAM_MES_URL"], products
        self._pool = urllib3.PoolManager(maxsize=8)
        login = f"{environ['MILLSTREAM_MES_CLIENT_ID']}:{environ['MILLSTREAM_MES_CLIENT_SECRET']}"
        reply = self._pool.request(
            "POST", f"{self._url}/oauth/token", fields={"grant_type": "client_credentials"}, encode_multipart=False,
            headers=urllib3.make_headers(basic_auth=login),
        )  # fmt: skip
        self._headers = {"Authorization": f"Bearer {reply.json()['access_token']}", "Content-Type": "application/json"}

    def forward(self, event: Mapping[str, Any]) -> int:
        """The MES's answer to one event."""
        (line,) = event["items"]
        order = {
            "external_ref": f"F-{event['id']}",
            **self._products[line["Product2"]["ProductCode"]],
            "quantity": line["Quantity"],
            "due_on": line["EndDate"],
        }
        headers = {**self._headers, "Idempotency-Key": f"F-{event['id']}"}
        body = json.dumps(order).encode()
        reply = self._pool.request("POST", f"{self._url}/v1/work_orders", body=body, headers=headers, retries=False)
        return reply.status


def main(arguments: list[str]) -> None:
    """Serve until ended."""
    port, products = int(arguments[0]), json.loads(Path(arguments[1]).read_text())
    forwarder = Forwarder(os.environ, products)

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """One webhook."""
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made = forwarder.forward(event) == HTTPStatus.CREATED
            self.send_response(HTTPStatus.ACCEPTED if made else HTTPStatus.BAD_GATEWAY)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Door).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
