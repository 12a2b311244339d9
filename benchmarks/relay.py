"""From a webhook of a new order to its work order in the MES, on loopback; the peer is our own batch pass.

The simulated plant runs as for the demo; the relay serves in this process. Orders that have to be made are put into the
CRM first; then their webhooks are posted at a fixed rate. An order's time ends when the MES has answered for the first
work order made for it: later than it could be seen there. The peer is what a sensor that starts a pass does: it waits,
then pulls, plans and delivers everything; its time is that of one quiet pass, without the wait before it.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.measuring import Figure
from canonical.actors import Actor
from console.cli.plant import Plant, PlantSpec
from console.web.webhooks import webhook_app
from pipeline.hub import Hub, open_hub
from pipeline.neighbourhood import components, down
from pipeline.plan import judged_frames
from pipeline.route import run_route
from pipeline.serving import Service
from store import outbox
from tests.e2e.sales_desk import SECRET, SalesDesk, post

PER_SECOND = 50
SECONDS = 60
SENDERS = 8
PRODUCTS = 12
PATIENCE_SECONDS = 420.0
GOAL_P50, GOAL_P95 = 100.0, 250.0


def measure(per_second: int = PER_SECOND, seconds: int = SECONDS) -> list[Figure]:
    """Milliseconds from webhook to work order at the median and at 95 of 100, and how many were lost."""
    with tempfile.TemporaryDirectory() as folder, plant(Path(folder)) as (running, environ):
        hub = open_hub(environ)
        run_route(hub, hub.new_run(Actor("run", "bench")))
        began = time.perf_counter()
        run_route(hub, hub.new_run(Actor("run", "bench")))
        quiet_pass = (time.perf_counter() - began) * 1000
        taken, lost = _relayed(hub, _orders(hub, running, environ, per_second * seconds), per_second)
        hub.close()
    name = f"webhook of a new order to its work order in the MES, {per_second}/s for {seconds} s"
    return [
        Figure(f"{name}: median (peer: the goal)", _at(taken, 0.5), GOAL_P50, "ms"),
        Figure(f"{name}: 95 of 100 (peer: the goal)", _at(taken, 0.95), GOAL_P95, "ms"),
        Figure(f"{name}: lost (peer: the goal)", lost, 0, "orders"),
        Figure("the same median (peer: one quiet pass, as a sensor starts it)", _at(taken, 0.5), quiet_pass, "ms"),
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


def _relayed(hub: Hub, payloads: dict[str, dict[str, Any]], per_second: int) -> tuple[list[float], int]:
    service = Service(hub)
    server = uvicorn.Server(uvicorn.Config(webhook_app(hub, service.wakes.ring), port=0, log_level="warning"))
    door = threading.Thread(target=server.run, daemon=True)
    door.start()
    service.start()
    service.ready.wait()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        sent = _post_all(port, payloads, per_second)
        return _until_made(hub, sent)
    finally:
        service.stop()
        server.should_exit = True
        door.join()


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

    def one(number: str) -> None:
        sent[number] = time.time()
        status = post(port, number, payloads[number])
        if status != 202:  # noqa: PLR2004 - accepted
            raise AssertionError(f"the door answered {status}")

    with ThreadPoolExecutor(SENDERS) as senders:
        waiting = []
        for place, number in enumerate(payloads):
            time.sleep(max(0.0, began + place / per_second - time.time()))
            waiting.append(senders.submit(one, number))
        for future in waiting:
            future.result()
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


def _at(taken: list[float], share: float) -> float:
    return taken[min(len(taken) - 1, int(len(taken) * share))] if taken else float("inf")


if __name__ == "__main__":  # another rate and length, for a closer look: `python -m benchmarks.relay 10 20`
    for figure in measure(*map(int, sys.argv[1:])):
        print(f"{figure.name}: {figure.ours:.0f} / {figure.peer:.0f} {figure.unit}")
