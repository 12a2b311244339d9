"""The demo's plant: four simulated systems in processes of their own, spoken to on the wire only."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canonical.errors import ConfigurationError, MillstreamError

READY_FILE = "sandbox.json"
START_SECONDS = 90.0
END_SECONDS = 15.0
ASK_SECONDS = 60.0
_MARK = ".millstream-demo"
_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A company's proxy cannot reach this machine's own loopback."""


@dataclass(frozen=True, slots=True)
class PlantSpec:
    """How large, from which seed, and how hostile."""

    scale: int
    seed: int
    hostile: int | None


class Plant:
    """A plant that has been started; `close` ends it by its process."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
        self._process = process
        self._folder = folder
        self._log = log
        self._ready: dict[str, Any] = {}

    @classmethod
    def start(cls, folder: Path, spec: PlantSpec) -> Plant:
        """Start the processes; `wait` says when they answer."""
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "sandbox", "up", "--dir", str(folder)]
        command += ["--scale", str(spec.scale), "--seed", str(spec.seed)]
        if spec.hostile is not None:
            command += ["--hostile", str(spec.hostile)]
        log = folder / "up.log"
        with log.open("wb") as errors:
            # Its own session: Ctrl-C reaches us first, and we end it when the hub has let go of it.
            process = subprocess.Popen(command, stdout=errors, stderr=errors, start_new_session=True)  # noqa: S603
        return cls(process, folder, log)

    def wait(self) -> None:
        """Until every system answers; raises `MillstreamError` when one cannot start."""
        ready, deadline = self._folder / READY_FILE, time.monotonic() + START_SECONDS
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace")[-2000:]
                raise MillstreamError(f"the simulated systems did not start:\n{said}", hint=f"see {self._folder}")
            time.sleep(0.05)
        self._ready = json.loads(ready.read_text(encoding="utf-8"))

    @property
    def alive(self) -> bool:
        """Whether its processes run."""
        return self._process.poll() is None

    @property
    def environ(self) -> dict[str, str]:
        """Addresses and secrets, under the names the connectors ask for. Never to be shown."""
        return dict(self._ready["env"])

    @property
    def today(self) -> str:
        """The plant's day."""
        return str(self._ready["today"])

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems' names."""
        return tuple(self._ready["systems"])

    @property
    def pids(self) -> tuple[int, ...]:
        """The systems' processes."""
        return tuple(int(one["pid"]) for one in self._ready["systems"].values())

    def ledgers(self) -> dict[str, list[Mapping[str, Any]]]:
        """System → every write it accepted, in order, by its own account."""
        return {system: self._ask(system, "ledger") for system in self.systems}

    def work(self, number: int) -> dict[str, Any]:
        """Shop floor, sales desk and dispatch work one round on; what each says it did."""
        command = [sys.executable, "-m", "sandbox", "work", "--dir", str(self._folder), "--round", str(number)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=2 * ASK_SECONDS)  # noqa: S603
        if done.returncode:
            raise MillstreamError(f"the plant did not work on:\n{done.stderr[-2000:]}", hint=f"see {self._folder}")
        return dict(json.loads(done.stdout))

    def _ask(self, system: str, control: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        request = urllib.request.Request(  # noqa: S310 - a loopback address from our own file
            f"{self._ready['systems'][system]['url']}/_sandbox/{control}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Sandbox-Token": self._ready["control_token"], "Content-Type": "application/json"},
        )
        with _LOOPBACK.open(request, timeout=ASK_SECONDS) as answer:
            return json.loads(answer.read())

    def close(self) -> None:
        """End it by its process id, and wait until it is gone."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(END_SECONDS)


def fresh_folder(folder: Path, refusal: str, hint: str) -> Path:
    """An empty folder for a demo. One that holds anything but an earlier demo is refused with `ConfigurationError`."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARK).exists():
            raise ConfigurationError(refusal, hint=hint)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()
    return folder


def effects(ledger: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Operation → effect (created, updated) → writes."""
    found: dict[str, dict[str, int]] = {}
    for row in ledger:
        counted = found.setdefault(str(row["operation"]), {})
        counted[str(row["effect"])] = counted.get(str(row["effect"]), 0) + 1
    return found
