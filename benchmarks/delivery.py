"""Delivery through the outbox beside a bare POST of the same documents: no outbox, no receipt, no second look.

The target is a loopback server of its own process that answers at once, takes our key (class A) and counts what
it made. Ours writes each command's intent and receipt durably, on SQLite and on PostgreSQL (skipped where there
is no server). The peer is one `requests` session that posts the same payloads, one after the other.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import requests

from benchmarks.measuring import Figure
from canonical.commands import Command
from canonical.entities import ENTITIES, frame_schema
from pipeline.deliver import deliver
from pipeline.hub import Hub, open_hub, run_actor
from pipeline.outbound import Lookups, build_payload
from pipeline.route import begin
from store import crosswalk, outbox
from store.crosswalk import Binding
from tests.servers import ServerMissing, new_database, postgres_server

COMMANDS = 2_000
ROUNDS = 3
ITEMS = 50
ROOT = Path(__file__).parents[1]
NOBODY = "http://127.0.0.1:1"
DEPLOYMENT = """\
name: bench
systems:
  mes: {role: mes, state: live, limits: {requests_per_second: 100000, concurrency: 8}}
  crm: {role: crm, state: live, limits: {requests_per_second: 100000, concurrency: 8}}
sales_order_system: crm
rulebooks: []
"""


# -- the target ------------------------------------------------------------------------------------------------------


@dataclass
class Target:
    """What one target made: a document for each key, however often it is asked."""

    made: dict[str, dict[str, object]] = field(default_factory=dict)
    asked: int = 0

    def answer(self, method: str, path: str, key: str, body: bytes) -> tuple[int, object]:
        """Status and JSON body."""
        if path.endswith("/token"):
            return 200, {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}
        if path.startswith("/counted"):
            return 200, {"made": len(self.made), "asked": self.asked}
        if method == "PATCH":
            return 200, [self._upserted(record) for record in json.loads(body)["records"]]
        if method == "GET":
            return 200, {"records": self._found(path), "items": [], "done": True}
        self.asked += 1
        document = self.made.setdefault(key, {"id": str(len(self.made) + 1), "number": key[:20], **json.loads(body)})
        return 201, document

    def _upserted(self, record: dict[str, object]) -> dict[str, object]:
        self.asked += 1
        reference = str(record["Order_Ref__c"])
        known = self.made.setdefault(reference, {"Id": f"a{len(self.made):017d}", "SystemModstamp": "2026-11-02"})
        known.update(record)
        return {"id": known["Id"], "success": True, "created": True, "errors": []}

    def _found(self, path: str) -> list[dict[str, object]]:
        query = parse_qs(urlsplit(path).query).get("q", [""])[0]
        return [self.made[part] for part in query.split("'")[1::2] if part in self.made]


class Wire(asyncio.Protocol):
    """HTTP/1.1 as far as one client of ours needs it."""

    def __init__(self, target: Target) -> None:
        self.target, self.held = target, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody calls."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that has come in whole."""
        self.held += data
        while b"\r\n\r\n" in self.held:
            head, _, rest = self.held.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            size = int(headers.get("content-length", "0"))
            if len(rest) < size:
                return
            self.held = rest[size:]
            method, path, _ = first.split(" ")
            status, body = self.target.answer(method, path, headers.get("idempotency-key", ""), rest[:size])
            content = json.dumps(body).encode()
            start = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
            self.transport.write(start.encode() + content)


async def _serve() -> None:
    target = Target()
    server = await asyncio.get_running_loop().create_server(lambda: Wire(target), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running_target() -> Iterator[str]:
    """The address of a new target."""
    command = [sys.executable, "-m", "benchmarks.delivery"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


# -- the hub ---------------------------------------------------------------------------------------------------------


@contextmanager
def _hub(folder: Path, address: str, database: str) -> Iterator[Hub]:
    folder.mkdir(parents=True)
    deployment = folder / "bench.yaml"
    deployment.write_text(DEPLOYMENT)
    secrets = {f"MILLSTREAM_{system}_CLIENT_{part}": "x" for system in ("MES", "CRM") for part in ("ID", "SECRET")}
    addresses = {"MILLSTREAM_MES_URL": address, "MILLSTREAM_CRM_URL": address}
    places = {"MILLSTREAM_HOME": str(folder), "MILLSTREAM_DEPLOYMENT": str(deployment)}
    hub = open_hub({**secrets, **addresses, **places, "MILLSTREAM_DATABASE_URL": database})
    try:
        _know(hub)
        yield hub
    finally:
        hub.close()


def _know(hub: Hub) -> None:
    """Some items with their units and some orders, as if they had been pulled."""
    items = [f"I{number}" for number in range(ITEMS)]
    golden = pl.DataFrame({"golden_id": items, "unit": ["pcs"] * ITEMS})
    hub.frames.write("golden/item", golden, "bench")
    own = [{"system": "mes", "source_key": f"M-{item}", "unit": "pcs"} for item in items]
    hub.frames.write("canonical/item/mes", pl.DataFrame(own, schema=frame_schema(ENTITIES["item"])), "bench")
    orders = [Binding("crm", "sales_order", f"SO-{item}", f"O-{item}", f"n{item}") for item in items]
    with hub.store.begin() as tx:
        now = hub.now()
        crosswalk.bind(tx, [Binding("mes", "item", f"M-{item}", item, f"id-{item}") for item in items], now)
        crosswalk.bind(tx, orders, now)


def _work(number: int) -> Command:
    item = f"I{number % ITEMS}"
    body = {
        "item": item, "quantity": "12.5", "priority": 5, "start": "2026-11-02", "due": "2026-11-20", "note": None,
        "kit": [{"item": f"I{(number + step) % ITEMS}", "quantity": "2"} for step in (1, 2, 3)],
    }  # fmt: skip
    return Command("order_work", "mes", "work_order", f"WO-{number:06d}", 1, body, "rule:bench", f"e{number}")


def _progress(number: int) -> Command:
    order = f"O-I{number % ITEMS}"
    body = {"sales_order": order, "stage": "made", "percent": 40, "promised": "2026-11-20", "note": None}
    return Command("update_order_progress", "crm", "sales_order", f"P-{number:06d}", 1, body, "rule:bench", "e")


@dataclass(frozen=True, slots=True)
class Taken:
    """What it took to deliver so many commands."""

    per_second: float
    milliseconds: float
    """Processor time of one command, without the target's."""


def _delivered(hub: Hub, address: str, make: Callable[[int], Command]) -> Taken:
    commands = [make(number) for number in range(COMMANDS)]
    with hub.store.begin() as tx:
        outbox.enqueue(tx, commands, hub.now())
    run = hub.new_run(run_actor("bench"))
    begin(hub, run)
    taken = _timed(lambda: deliver(hub, run, [commands[0].system]))
    counted = requests.get(f"{address}/counted", timeout=10).json()
    assert counted == {"made": COMMANDS, "asked": COMMANDS}, counted
    return taken


def _timed(work: Callable[[], object]) -> Taken:
    began, used = time.perf_counter(), time.process_time()
    work()
    used, seconds = time.process_time() - used, time.perf_counter() - began
    return Taken(COMMANDS / seconds, 1000 * used / COMMANDS)


def _posted(hub: Hub, address: str) -> Taken:
    """The peer: the same payloads by a bare session."""
    lookups = Lookups(hub)
    payloads = [build_payload(lookups, _work(number)) for number in range(COMMANDS)]

    def post() -> None:
        with requests.Session() as session:
            for number, payload in enumerate(payloads):
                headers = {"Idempotency-Key": str(number)}
                session.post(f"{address}/v1/work_orders", json=payload, headers=headers, timeout=10).json()

    return _timed(post)


# -- the figures -----------------------------------------------------------------------------------------------------


def measure() -> list[Figure]:
    """Commands a second and processor time of one, single documents and batches."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="millstream-bench-")))
        bare = _bare(folder)
        figures = [*_figures("SQLite", bare, folder / "sqlite", None)]
        try:
            url = stack.enter_context(postgres_server()).url
        except ServerMissing:
            return figures
        return [*figures, *_figures("PostgreSQL", bare, folder / "postgresql", url)]


def _bare(folder: Path) -> Taken:
    with running_target() as address, _hub(folder / "bare", address, f"sqlite:///{folder / 'bare.sqlite'}") as hub:
        rounds = [_posted(hub, address) for _ in range(ROUNDS)]
    return Taken(max(one.per_second for one in rounds), min(one.milliseconds for one in rounds))


def _figures(store: str, bare: Taken, folder: Path, server: str | None) -> list[Figure]:
    single = _best(folder / "single", server, _work)
    batches = _best(folder / "batches", server, _progress)
    return [
        Figure(f"{store}: single documents, 4 workers (peer: bare POST)", single.per_second, bare.per_second, "1/s"),
        Figure(f"{store}: batches of 100 (peer: bare POST)", batches.per_second, bare.per_second, "1/s"),
        Figure(f"{store}: processor time, single (peer: bare POST)", single.milliseconds, bare.milliseconds, "ms"),
        Figure(f"{store}: processor time, batch (peer: bare POST)", batches.milliseconds, bare.milliseconds, "ms"),
    ]


def _best(folder: Path, server: str | None, make: Callable[[int], Command]) -> Taken:
    """The best of a few rounds, each on a store and a target of its own."""
    rounds = [_once(folder / str(number), server, make) for number in range(ROUNDS)]
    return Taken(max(one.per_second for one in rounds), min(one.milliseconds for one in rounds))


def _once(folder: Path, server: str | None, make: Callable[[int], Command]) -> Taken:
    with ExitStack() as stack:
        url = stack.enter_context(new_database(server)) if server else f"sqlite:///{folder / 'hub.sqlite'}"
        address = stack.enter_context(running_target())
        hub = stack.enter_context(_hub(folder, address, url))
        return _delivered(hub, address, make)


if __name__ == "__main__":
    asyncio.run(_serve())
