"""From a webhook of a new order to its work order in the MES, on loopback; the peer is the goal, and two other ways.

The simulated plant runs as for the demo, the relay as `millstream relay` in its own processes; all of it shares the
machine with whoever posts. Orders that have to be made are put into the CRM first; then their webhooks are posted at a
fixed rate: a rate that leaves the machine room, and the goal's. An order's time ends when the MES has answered for the
first work order made for it: later than it could be seen there. CPU is what the kernel counts of each process.

Beside it, in the same run: a plain forwarding workflow that only maps and posts, in n8n (`benchmarks.n8n`, which says
how to install it) and as the least it could be (`benchmarks.forwarding`, a small process that does nothing else; where
n8n is not installed it stands in for it); and our own Dagster sensor (`benchmarks.sensing`: one tick of the shipped
sensor and the pass it asks for, without the wait for the tick). A forwarding workflow answers when the MES has: that
ends an order's time. It begins when the webhook was due, so an order that waits for others to be taken waits in it.

    python -m benchmarks.run relay
    python -m benchmarks.relay 50 20        # another rate and length, the relay alone
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from http.client import HTTPException
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmarks import n8n
from benchmarks.measuring import Figure
from benchmarks.processes import Processes, children
from canonical.actors import Actor
from canonical.commands import Command
from console.cli.plant import Plant, PlantSpec
from pipeline.hub import Hub, open_hub
from pipeline.neighbourhood import components, down
from pipeline.outbound import CommandContext, Lookups
from pipeline.plan import judged_frames
from pipeline.route import run_route
from store import inbox, outbox
from tests.e2e.sales_desk import SECRET, Post, SalesDesk, post

PER_SECOND, SECONDS = 50, 60
EASY_PER_SECOND, EASY_SECONDS = 10, 10
"""A rate that leaves the machine room."""
FORWARDED_SECONDS = 10
WARM = 20
"""Orders before the first that counts, so that everything is loaded and connected."""
WARM_N8N = 500
"""The same in n8n, whose just-in-time compiler takes as many to settle."""
SENDERS = 4
PRODUCTS = 12
START_SECONDS = 120.0
PATIENCE_SECONDS = 120.0
FORWARDED_PATIENCE_SECONDS = 60.0
"""An order that a forwarding workflow has not taken by then is lost."""
GOAL_P50, GOAL_P95 = 100.0, 250.0
SANDBOX = "the simulated systems"
HOUSE = Path(__file__).parents[1]
ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds of each order, sorted; how many were lost; CPU milliseconds an order by process; how many a second.

    The last counts to the last answer: where it is less than the rate of the webhooks, orders pile up.
    """

    milliseconds: Sequence[float]
    lost: int
    cpu: Mapping[str, float]
    a_second: float

    @classmethod
    def of(
        cls, sent: Mapping[str, float], answered: Mapping[str, float], lost: int, spent: Mapping[str, float]
    ) -> Taken:
        """From when each order was sent and answered, and CPU seconds by process."""
        took = max(answered.values(), default=float("inf")) - min(sent.values())
        return cls(
            sorted((at - sent[number]) * 1000 for number, at in answered.items()), lost,
            {who: each * 1000 / len(sent) for who, each in spent.items()}, len(answered) / took,
        )  # fmt: skip

    @property
    def own_cpu(self) -> float:
        """CPU milliseconds an order, without those of the simulated systems."""
        return sum(spent for who, spent in self.cpu.items() if who != SANDBOX)

    def at(self, share: float) -> float:
        """The time that this share of the orders did not exceed."""
        found = self.milliseconds
        return found[min(len(found) - 1, int(len(found) * share))] if found else float("inf")

    def figures(self, how: str, per_second: int) -> list[Figure]:
        """Beside the goal, and beside what two cores can give at this rate."""
        name = f"webhook of a new order to its work order in the MES, {how}"
        spent = [
            Figure(f"CPU an order at {per_second}/s, {who} (peer: two cores)", each, 2000 / per_second, "ms")
            for who, each in self.cpu.items()
        ]
        return [
            Figure(f"{name}: median (peer: the goal)", self.at(0.5), GOAL_P50, "ms"),
            Figure(f"{name}: 95 of 100 (peer: the goal)", self.at(0.95), GOAL_P95, "ms"),
            Figure(f"{name}: lost (peer: the goal)", self.lost, 0, "orders"),
            *spent,
        ]


def measure(per_second: int = PER_SECOND, seconds: int = SECONDS, *, beside: bool = True) -> list[Figure]:
    """Milliseconds from webhook to work order, how many were lost, and CPU an order; `beside`: the other ways too."""
    with tempfile.TemporaryDirectory() as folder, plant(Path(folder)) as (running, environ):
        hub = open_hub(environ)
        run_route(hub, hub.new_run(Actor("run", "bench")))
        orders = _Orders(hub, running, environ)
        sensed = _sensed(hub, environ, orders.take("S", 1)) if beside else 0.0
        payloads = orders.take("B", WARM + (EASY_PER_SECOND * EASY_SECONDS if beside else 0) + per_second * seconds)
        with relaying(environ) as (port, pid):
            _warmed(hub, port, _next(payloads, WARM))
            groups = _groups(pid, running)
            hard_orders = _next(payloads, per_second * seconds)
            easy = _relayed(hub, port, groups, payloads, EASY_PER_SECOND) if beside else None
            hard = _relayed(hub, port, groups, hard_orders, per_second)
        figures = hard.figures(f"{per_second}/s for {seconds} s", per_second)
        if easy is not None:
            figures += easy.figures(f"{EASY_PER_SECOND}/s for {EASY_SECONDS} s", EASY_PER_SECOND)
            ours = {EASY_PER_SECOND: easy, per_second: hard}
            figures += _beside_n8n(orders, ours, hard_orders)
            figures += _beside_stand_in(orders, hard, hard_orders, per_second)
            name = "the median at the easy rate (peer: our Dagster sensor and its run)"
            figures.append(Figure(name, easy.at(0.5), sensed, "ms"))
        hub.close()
    return figures


def _next(payloads: dict[str, dict[str, Any]], number: int) -> dict[str, dict[str, Any]]:
    """Take so many of what is left."""
    return {name: payloads.pop(name) for name in list(payloads)[:number]}


def _again(payloads: Mapping[str, dict[str, Any]], prefix: str, number: int) -> dict[str, dict[str, Any]]:
    """So many of the same orders under other names, for a forwarding workflow."""
    return {f"{prefix}-{name}": payloads[name] for name in list(payloads)[:number]}


def _beside_n8n(orders: _Orders, ours: Mapping[int, Taken], payloads: Mapping[str, dict[str, Any]]) -> list[Figure]:
    """The same in n8n at each rate, the easy one first; nothing where it is not installed."""
    call = n8n.command(os.environ)
    if call is None:
        return []
    folder, port = Path(orders.environ["MILLSTREAM_HOME"]) / "n8n", _free_port()
    figures = []
    with n8n.forwarding(call, folder, port, {**os.environ, **orders.environ}, orders.in_mes_words()) as pid:
        _until_taken(port, payloads)
        _post_all(port, _again(payloads, "n8n-warm", WARM_N8N), PER_SECOND)
        for per_second, relayed in ours.items():
            again = _again(payloads, f"n8n-{per_second}", per_second * FORWARDED_SECONDS)
            theirs = _forwarded(port, [pid, *children(pid)], again, per_second)
            figures += _compared(relayed, theirs, per_second, "n8n")
    return figures


def _beside_stand_in(
    orders: _Orders, ours: Taken, payloads: Mapping[str, dict[str, Any]], per_second: int
) -> list[Figure]:
    """The same in the least that a forwarding workflow could be."""
    with _standing_in(orders) as (port, pid):
        _post_all(port, _again(payloads, "warm", WARM), PER_SECOND)
        theirs = _forwarded(port, [pid], _again(payloads, "again", per_second * FORWARDED_SECONDS), per_second)
    measured = n8n.command(os.environ) is not None
    return _compared(ours, theirs, per_second, "the least it could be" if measured else "a stand-in, n8n is not here")


def _compared(ours: Taken, theirs: Taken, per_second: int, who: str) -> list[Figure]:
    name = f"webhook of a new order to its work order in the MES, {per_second}/s"
    peer = f"(peer: a plain forwarding workflow for {FORWARDED_SECONDS} s, {who})"
    return [
        Figure(f"{name}: median {peer}", ours.at(0.5), theirs.at(0.5), "ms"),
        Figure(f"{name}: 95 of 100 {peer}", ours.at(0.95), theirs.at(0.95), "ms"),
        Figure(f"{name}: lost {peer}", ours.lost, theirs.lost, "orders"),
        Figure(f"{name}: answered until the last of them {peer}", ours.a_second, theirs.a_second, "orders/s"),
        Figure(f"CPU an order at {per_second}/s, the hub {peer}", ours.own_cpu, theirs.own_cpu, "ms"),
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
    port = _free_port()
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _warmed(hub: Hub, port: int, payloads: dict[str, dict[str, Any]]) -> None:
    _until_listening(port)
    _until_made(hub, _post_all(port, payloads, EASY_PER_SECOND))


def _groups(pid: int, running: Plant) -> dict[str, Sequence[int]]:
    return {
        "relay: door and turns": [pid],
        "relay: deliveries": children(pid, "pipeline.couriers"),
        "relay: its reports to Dagster": children(pid, "orchestration.reporter"),
        SANDBOX: running.pids,
    }


def _relayed(
    hub: Hub, port: int, groups: Mapping[str, Sequence[int]], payloads: dict[str, dict[str, Any]], per_second: int
) -> Taken:
    processes = Processes(groups)
    sent = _post_all(port, payloads, per_second)
    made, lost = _until_made(hub, sent)
    return Taken.of(sent, made, lost, processes.spent())


@contextmanager
def _standing_in(orders: _Orders) -> Iterator[tuple[int, int]]:
    """The stand-in in a process of its own; its port and its process id."""
    port, products = _free_port(), Path(orders.environ["MILLSTREAM_HOME"]) / "products.json"
    products.write_text(json.dumps(orders.in_mes_words()))
    command = [sys.executable, "-m", "benchmarks.forwarding", str(port), str(products)]
    process = subprocess.Popen(command, cwd=HOUSE, env={**os.environ, **orders.environ})
    try:
        _until_listening(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _forwarded(port: int, pids: Sequence[int], payloads: dict[str, dict[str, Any]], per_second: int) -> Taken:
    """The same webhooks through a forwarding workflow: it answers when the MES has."""
    processes, answered = Processes({"forwarder": pids}), dict[str, float]()
    sent = _post_all(port, payloads, per_second, answered)
    return Taken.of(sent, answered, len(sent) - len(answered), processes.spent())


def _sensed(hub: Hub, environ: Mapping[str, str], payloads: dict[str, dict[str, Any]]) -> float:
    """Milliseconds from an event in the inbox to its work order, by a tick of the sensor and the run it asks for."""
    ((number, payload),) = payloads.items()
    sent = {number: time.time()}
    with hub.store.begin() as tx:
        inbox.accept(tx, "crm", number, {"id": number, **payload}, hub.now())
    command = [sys.executable, "-m", "benchmarks.sensing"]
    subprocess.run(command, cwd=HOUSE, env={**os.environ, **environ}, check=True)
    made, _ = _until_made(hub, sent)
    return (made[number] - sent[number]) * 1000 if made else float("inf")


def _until_listening(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as door:
            if not door.connect_ex(("127.0.0.1", port)):
                return
        if time.monotonic() > until:
            raise TimeoutError("the relay did not begin to listen")
        time.sleep(0.2)


def _until_taken(port: int, payloads: Mapping[str, dict[str, Any]]) -> None:
    """Send one order again and again, until the workflow behind this port is there and has it made."""
    until, (number, payload) = time.monotonic() + START_SECONDS, next(iter(payloads.items()))
    while time.monotonic() < until:
        with suppress(OSError, HTTPException):
            if post(port, f"first-{number}", payload) == ACCEPTED:
                return
        time.sleep(0.5)
    raise TimeoutError("the workflow did not begin to answer")


@dataclass(frozen=True, slots=True)
class _Orders:
    """New orders of what has to be made."""

    hub: Hub
    running: Plant
    environ: dict[str, str]

    def take(self, letter: str, number: int) -> dict[str, dict[str, Any]]:
        """Put orders into the CRM; order number → the payload of its webhook."""
        codes, parts = self._made(), components(judged_frames(self.hub))
        desk = SalesDesk(self.environ)
        products = [row for row in desk.query("SELECT Id, ProductCode, IsActive FROM Product2") if row["IsActive"]]
        ours = [row for row in products if row["ProductCode"] in codes]
        ours.sort(key=lambda row: len(down([codes[row["ProductCode"]]], parts)))  # those of the fewest parts
        chosen = [row["Id"] for row in ours][:PRODUCTS]
        day = date.fromisoformat(self.running.today)
        numbers = [f"{letter}{place:05d}" for place in range(number)]
        return desk.take(numbers, chosen, day.isoformat(), (day + timedelta(days=7)).isoformat())

    def in_mes_words(self) -> dict[str, dict[str, str]]:
        """Product code → what the MES calls the item and its unit: the whole mapping of the plain workflow."""
        lookups = Lookups(self.hub)
        of_mes = Command("order_work", "mes", "work_order", "-", 1, {}, "run:bench", "-")
        said = CommandContext(lookups, of_mes)
        return {
            code: {"material_code": said.native("item", golden_id), "unit": said.unit(golden_id, Decimal(1))[1]}
            for code, golden_id in self._made().items()
            if ("mes", "item", golden_id) in lookups.keys
        }

    def _made(self) -> dict[str, str]:
        """Product code → golden id, of what is made."""
        items = judged_frames(self.hub)["item"]
        made = set(items.filter(items["sourcing"] == "make")["golden_id"])
        bound = self.hub.bindings.frame("item").iter_rows(named=True)
        return {
            row["source_key"]: row["golden_id"] for row in bound if row["system"] == "crm" and row["golden_id"] in made
        }


def _post_all(
    port: int, payloads: dict[str, dict[str, Any]], per_second: int, answered: dict[str, float] | None = None
) -> dict[str, float]:
    """Order → when its webhook was due, in seconds of this machine's clock; `answered` takes when it was answered.

    With `answered` an order that is not taken is lost, else it is an error.
    """
    began = time.time()
    due = {number: began + place / per_second for place, number in enumerate(payloads)}
    doors = SimpleQueue[Post]()  # whoever is free takes the next, so a slow answer holds up no other order

    def one(number: str) -> None:
        door = doors.get()
        try:
            if answered is None:
                _accepted(door(number, payloads[number]))
            elif time.time() < due[number] + FORWARDED_PATIENCE_SECONDS:
                with suppress(OSError, HTTPException):
                    if door(number, payloads[number]) == ACCEPTED:
                        answered[number] = time.time()
        finally:
            doors.put(door)

    with ExitStack() as stack, ThreadPoolExecutor(SENDERS) as pool:
        for _ in range(SENDERS):
            doors.put(stack.enter_context(closing(Post(port))))
        waiting = []
        for number in payloads:
            time.sleep(max(0.0, due[number] - time.time()))
            waiting.append(pool.submit(one, number))
        for future in waiting:
            future.result()
    return due


def _accepted(status: int) -> None:
    if status != ACCEPTED:
        raise AssertionError(f"the door answered {status}")


def _until_made(hub: Hub, sent: dict[str, float]) -> tuple[dict[str, float], int]:
    """When each order's first work order was answered for, and how many never were."""
    until, found = time.time() + PATIENCE_SECONDS, dict[str, float]()
    while len(sent.keys() - found.keys() - _shipped(hub)) and time.time() < until:
        time.sleep(2)
        found = {number: at for number, at in _answered(hub).items() if number in sent}
    return found, len(sent.keys() - found.keys() - _shipped(hub))


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


if __name__ == "__main__":
    for figure in measure(*map(int, sys.argv[1:]), beside=False):
        print(f"{figure.name}: {figure.ours:.1f} / {figure.peer:.1f} {figure.unit}")
