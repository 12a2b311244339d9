"""From a webhook of a new order to its work order in the MES, on loopback; the peer is the goal, and our own pass.

The simulated plant runs as for the demo, the relay as `millstream relay` in a process of its own; both share the
machine with whoever posts. Orders that have to be made are put into the CRM first; then their webhooks are posted at
a fixed rate. An order's time ends when the MES has answered for the first work order made for it: later than it could
be seen there. Beside it stands one quiet pass, which is what a sensor that starts a pass takes without the wait
before it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figure
from benchmarks.processes import Processes, children
from canonical.actors import Actor
from console.cli.plant import Plant, PlantSpec
from pipeline.hub import Hub, open_hub
from pipeline.neighbourhood import components, down
from pipeline.plan import judged_frames
from pipeline.route import run_route
from store import outbox
from tests.e2e.sales_desk import SECRET, Post, SalesDesk

PER_SECOND = 50
SECONDS = 60
SENDERS = 4
PRODUCTS = 12
WARM = 20
"""Orders before the first that counts, so that everything is loaded and connected."""
START_SECONDS = 120.0
PATIENCE_SECONDS = 300.0
GOAL_P50, GOAL_P95 = 100.0, 250.0
HOUSE = Path(__file__).parents[1]
ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds of each order, sorted; how many were lost; CPU milliseconds an order by process."""

    milliseconds: Sequence[float]
    lost: int
    cpu: Mapping[str, float]

    def at(self, share: float) -> float:
        """The time that this share of the orders did not exceed."""
        found = self.milliseconds
        return found[min(len(found) - 1, int(len(found) * share))] if found else float("inf")


def measure(per_second: int = PER_SECOND, seconds: int = SECONDS) -> list[Figure]:
    """Milliseconds from webhook to work order at the median and at 95 of 100, how many were lost, and CPU an order."""
    with tempfile.TemporaryDirectory() as folder, plant(Path(folder)) as (running, environ):
        hub = open_hub(environ)
        run_route(hub, hub.new_run(Actor("run", "bench")))
        began = time.perf_counter()
        run_route(hub, hub.new_run(Actor("run", "bench")))
        quiet_pass = (time.perf_counter() - began) * 1000
        payloads = _orders(hub, running, environ, WARM + per_second * seconds)
        with relaying(environ) as (port, pid):
            taken = _relayed(hub, (port, pid), running, payloads, per_second)
        hub.close()
    name = f"webhook of a new order to its work order in the MES, {per_second}/s for {seconds} s"
    spent = [
        Figure(f"CPU an order, {who} (peer: two cores at this rate)", each, 2000 / per_second, "ms")
        for who, each in taken.cpu.items()
    ]
    return [
        Figure(f"{name}: median (peer: the goal)", taken.at(0.5), GOAL_P50, "ms"),
        Figure(f"{name}: 95 of 100 (peer: the goal)", taken.at(0.95), GOAL_P95, "ms"),
        Figure(f"{name}: lost (peer: the goal)", taken.lost, 0, "orders"),
        Figure("the same median (peer: one quiet pass, as a sensor starts it)", taken.at(0.5), quiet_pass, "ms"),
        *spent,
    ]


@contextmanager
def plant(folder: Path) -> Iterator[tuple[Plant, dict[str, str]]]:
    """Four simulated systems, and what a hub of theirs has to know."""
    running = Plant.start(folder / "plant", PlantSpec(scale=1, seed=7, hostile=None))
    try:
        running.wait()
        environ = {
            **running.environ, "MILLSTREAM_HOME": str(folder / "hub"), "MILLSTREAM_AS_OF": running.today,
            "MILLSTREAM_CRM_WEBHOOK_SECRET": SECRET,
        }  # fmt: skip
        yield running, environ
    finally:
        running.close()


@contextmanager
def relaying(environ: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """`millstream relay` in a process of its own, as it is run; its port and its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-c", "import sys; from console.cli.main import main; sys.exit(main())", "relay"]
    with (Path(environ["MILLSTREAM_HOME"]) / "relay.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--poll", "0"], cwd=HOUSE, env={**os.environ, **environ},
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(60)
        said = (Path(environ["MILLSTREAM_HOME"]) / "relay.log").read_text().splitlines()
        print(*said[-20:], sep="\n", file=sys.stderr)


def _relayed(
    hub: Hub, relay: tuple[int, int], running: Plant, payloads: dict[str, dict[str, Any]], per_second: int
) -> Taken:
    port, pid = relay
    names = list(payloads)
    warm, counted = names[:WARM], names[WARM:]
    _until_listening(port)
    _until_made(hub, _post_all(port, {name: payloads[name] for name in warm}, per_second))
    processes = Processes({
        "relay: door and turns": [pid],
        "relay: deliveries": children(pid, "pipeline.couriers"),
        "relay: its reports to Dagster": children(pid, "orchestration.reporter"),
        "the simulated systems": running.pids,
    })  # fmt: skip
    sent = _post_all(port, {name: payloads[name] for name in counted}, per_second)
    milliseconds, lost = _until_made(hub, sent)
    return Taken(milliseconds, lost, {who: each * 1000 / len(counted) for who, each in processes.spent().items()})


def _until_listening(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as door:
            if not door.connect_ex(("127.0.0.1", port)):
                return
        if time.monotonic() > until:
            raise TimeoutError("the relay did not begin to listen")
        time.sleep(0.2)


def _orders(hub: Hub, running: Plant, environ: dict[str, str], number: int) -> dict[str, dict[str, Any]]:
    frames = judged_frames(hub)
    made = set(frames["item"].filter(frames["item"]["sourcing"] == "make")["golden_id"])
    bound = hub.bindings.frame("item").iter_rows(named=True)
    codes = {
        row["source_key"]: row["golden_id"] for row in bound if row["system"] == "crm" and row["golden_id"] in made
    }
    parts = components(frames)
    desk = SalesDesk(environ)
    products = [row for row in desk.query("SELECT Id, ProductCode, IsActive FROM Product2") if row["IsActive"]]
    ours = [row for row in products if row["ProductCode"] in codes]
    ours.sort(key=lambda row: len(down([codes[row["ProductCode"]]], parts)))  # those of the fewest parts
    chosen = [row["Id"] for row in ours][:PRODUCTS]
    day = date.fromisoformat(running.today)
    numbers = [f"B{place:05d}" for place in range(number)]
    return desk.take(numbers, chosen, day.isoformat(), (day + timedelta(days=7)).isoformat())


def _post_all(port: int, payloads: dict[str, dict[str, Any]], per_second: int) -> dict[str, float]:
    """Order → when its webhook was sent, in seconds of this machine's clock."""
    sent: dict[str, float] = {}
    began = time.time()
    doors = [Post(port) for _ in range(SENDERS)]

    def one(place: int, number: str) -> None:
        sent[number] = time.time()
        status = doors[place % SENDERS](number, payloads[number])
        if status != ACCEPTED:
            raise AssertionError(f"the door answered {status}")

    pools = [ThreadPoolExecutor(1) for _ in doors]
    waiting = []
    for place, number in enumerate(payloads):
        time.sleep(max(0.0, began + place / per_second - time.time()))
        waiting.append(pools[place % SENDERS].submit(one, place, number))
    for future in waiting:
        future.result()
    for pool, door in zip(pools, doors, strict=True):
        pool.shutdown()
        door.close()
    return sent


def _until_made(hub: Hub, sent: dict[str, float]) -> tuple[list[float], int]:
    """Milliseconds until each order's first work order was answered for, and how many never were."""
    until, found = time.time() + PATIENCE_SECONDS, dict[str, float]()
    while len(sent.keys() - found.keys() - _shipped(hub)) and time.time() < until:
        time.sleep(2)
        found = {number: at for number, at in _answered(hub).items() if number in sent}
    taken = sorted((at - sent[number]) * 1000 for number, at in found.items())
    return taken, len(sent.keys() - found.keys() - _shipped(hub))


def _shipped(hub: Hub) -> set[str]:
    """Orders that finished stock covers, which need no work order."""
    with hub.store.read() as tx:
        entries = outbox.entries(tx, kind="request_shipment")
    return {order for entry in entries for order in entry.command.sales_orders}


def _answered(hub: Hub) -> dict[str, float]:
    first: dict[str, float] = {}
    with hub.store.read() as tx:
        commands = [one.command for one in outbox.entries(tx, systems=["mes"], kind="order_work")]
        steps = outbox.steps(tx, [command.id for command in commands])
    for command in commands:
        for order in command.sales_orders:
            for step in steps.get(command.id, ()):
                if step.receipt is not None:
                    at = step.receipt.received_at.timestamp()
                    first[order] = min(first.get(order, at), at)
    return first


if __name__ == "__main__":  # another rate and length, for a closer look: `python -m benchmarks.relay 10 20`
    for figure in measure(*map(int, sys.argv[1:])):
        print(f"{figure.name}: {figure.ours:.1f} / {figure.peer:.1f} {figure.unit}")
