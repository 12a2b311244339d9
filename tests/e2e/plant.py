"""The simulated plant as the end-to-end tests meet it: four processes, their ledgers, and a hub beside them.

The ledgers are the systems' own: what stands there happened, whatever the hub believes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from canonical.actors import Actor
from pipeline.hub import Hub, open_hub
from pipeline.route import Passed, run_route
from sandbox.cli import work_round

ROOT = Path(__file__).parents[2]
SYSTEMS = ("crm", "erp", "mes", "wms")
START_SECONDS = 90.0
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Plant:
    """The running systems, and where the hub of this plant keeps what it knows."""

    folder: Path
    ready: Mapping[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """What a hub of this plant needs to know."""
        return {
            **self.ready["env"],
            "MILLSTREAM_HOME": str(self.folder / "home"),
            "MILLSTREAM_AS_OF": self.ready["today"],
        }

    def control(self, system: str, name: str, body: object = None) -> Any:
        """Ask one system something no client could."""
        url = f"{self.ready['systems'][system]['url']}/_sandbox/{name}"
        headers = {"X-Sandbox-Token": self.ready["control_token"]}
        with requests.request("GET" if body is None else "POST", url, json=body, headers=headers, timeout=60) as reply:
            assert reply.ok, reply.text
            return reply.json()

    def ledger(self, system: str) -> list[Row]:
        """Every write this system accepted, in order."""
        rows: list[Row] = self.control(system, "ledger")
        return rows

    def ledgers(self) -> dict[str, list[Row]]:
        """The ledgers of all four."""
        return {system: self.ledger(system) for system in SYSTEMS}

    def written(self) -> Counter[str]:
        """How many writes each system has accepted so far."""
        return Counter({system: len(rows) for system, rows in self.ledgers().items()})

    def since(self, before: Mapping[str, int]) -> dict[str, list[Row]]:
        """What each system accepted after a count taken with `written`."""
        return {system: rows[before.get(system, 0) :] for system, rows in self.ledgers().items()}

    def work(self, round_number: int, systems: tuple[str, ...] = ("mes", "crm", "wms")) -> dict[str, Any]:
        """The shop floor, the sales desk and the warehouse work on."""
        return work_round(self.ready, round_number, systems)

    def edit(self, order: str, **wanted: object) -> None:
        """The sales desk changes an order."""
        self.control("crm", "edit", {"order": order, **wanted})

    def hub(self, **environment: str) -> Hub:
        """A hub of this plant, as if its process had just started."""
        return open_hub({**self.environment, **environment})

    def run_pass(self, **environment: str) -> Passed:
        """One pass by a hub opened for it and closed again."""
        hub = self.hub(**environment)
        try:
            return run_route(hub, hub.new_run(Actor("run", "test")))
        finally:
            hub.close()


@contextmanager
def running_plant(folder: Path, *, seed: int = 7) -> Iterator[Plant]:
    """Start the four systems in `folder` and end them afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "sandbox", "up", "--dir", str(folder), "--seed", str(seed)]
    with (folder / "up.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        _await_ready(folder, process)
        yield Plant(folder, json.loads((folder / "sandbox.json").read_text()))
    finally:
        process.terminate()
        process.wait(20)


def _await_ready(folder: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while not (folder / "sandbox.json").exists():
        assert process.poll() is None, (folder / "up.log").read_text()
        assert time.monotonic() < until, "the sandbox did not come up in time"
        time.sleep(0.05)
