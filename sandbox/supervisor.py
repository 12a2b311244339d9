"""Runs the four simulated systems as child processes and ends them with itself.

Each child gets a file with its own secrets only. Nothing outlives the parent: children watch this
process, and this process watches its own parent.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from sandbox.common.control import TOKEN_NAME
from sandbox.common.state import TODAY
from sandbox.erp.signing import app_id_for
from sandbox.factory.model import SystemName

SYSTEMS: Final[tuple[SystemName, ...]] = get_args(SystemName)
READY_FILE: Final = "sandbox.json"
STOP_SECONDS: Final = 5.0
# What each system's connection needs beside its URL; values ending in a name are fixed, None is random.
CREDENTIALS: Final[Mapping[SystemName, Mapping[str, str | None]]] = {
    "crm": {"CLIENT_ID": "millstream-hub", "CLIENT_SECRET": None},
    "erp": {"ACCOUNT": "6501a2b3c4d5e6", "USER": "hub", "APP_SECRET": None},
    "mes": {"CLIENT_ID": "millstream-hub", "CLIENT_SECRET": None, "WEBHOOK_SECRET": None},
    "wms": {"USER": "hub", "PASSWORD": None},
}


class StartError(Exception):
    """A system did not come up; the message ends with what it said last."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `port` 0 lets the system choose; else the four take it and the three after it."""

    directory: Path
    seed: int = 7
    scale: int = 1
    port: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """One child that answers."""

    system: SystemName
    process: subprocess.Popen[str]
    url: str


def run(plan: Plan, weather: Mapping[str, Any] | None = None) -> int:
    """Start all four, write the ready file, and wait; 0 after a signal, 1 when a system ended by itself."""
    plan.directory.mkdir(parents=True, exist_ok=True)
    ready = plan.directory / READY_FILE
    ready.unlink(missing_ok=True)
    parent, stopping = os.getppid(), _Stopping()
    env = _environment()
    children = [(system, _spawn(plan, system, at, env)) for at, system in enumerate(SYSTEMS)]
    try:
        running = [_answering(plan, system, process) for system, process in children]
        urls = {f"MILLSTREAM_{each.system.upper()}_URL": each.url for each in running}
        description = _description(plan, running, {**env, **urls})
        if weather:
            from sandbox.cli import set_weather  # noqa: PLC0415 - the HTTP client is needed here alone

            set_weather(description, weather, SYSTEMS)
        _write_private(ready, description)
        return _wait(running, parent, stopping)
    finally:
        ready.unlink(missing_ok=True)
        _stop([process for _, process in children])
        for system in SYSTEMS:  # of no use any more: the next start makes new ones
            _secrets_file(plan, system).unlink(missing_ok=True)


class _Stopping:
    """True once SIGTERM or SIGINT came."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


def _environment() -> dict[str, str]:
    """Fresh secrets under the names the hub's connection files use."""
    found = {TOKEN_NAME: secrets.token_urlsafe(24)}
    for system, fields in CREDENTIALS.items():
        for name, fixed in fields.items():
            found[f"MILLSTREAM_{system.upper()}_{name}"] = fixed or secrets.token_urlsafe(24)
    found["MILLSTREAM_ERP_APP_ID"] = app_id_for("236912", secrets.token_bytes(24))
    return found


def _secrets_file(plan: Plan, system: SystemName) -> Path:
    return plan.directory / f"{system}.secrets.json"


def _spawn(plan: Plan, system: SystemName, at: int, env: Mapping[str, str]) -> subprocess.Popen[str]:
    own = {name: value for name, value in env.items() if name.startswith(f"MILLSTREAM_{system.upper()}_")}
    secrets_file = _secrets_file(plan, system)
    _write_private(secrets_file, {**own, TOKEN_NAME: env[TOKEN_NAME]})
    port = plan.port + at if plan.port else 0
    command = [
        sys.executable, "-m", f"sandbox.{system}", "--db", str(plan.directory / f"{system}.sqlite"),
        "--port", str(port), "--seed", str(plan.seed), "--scale", str(plan.scale),
        "--secrets-file", str(secrets_file), "--parent-pid", str(os.getpid()),
    ]  # fmt: skip
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    with (plan.directory / f"{system}.log").open("a") as log:
        return subprocess.Popen(  # noqa: S603 - our own modules
            command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # a terminal's Ctrl-C reaches the parent alone, which ends them in order
        )  # fmt: skip


def _answering(plan: Plan, system: SystemName, process: subprocess.Popen[str]) -> Running:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        said = (plan.directory / f"{system}.log").read_text().strip().splitlines()
        raise StartError(f"{system} did not start: {said[-1] if said else 'it said nothing'}")
    return Running(system, process, str(json.loads(line)["url"]))


def _description(plan: Plan, running: list[Running], env: Mapping[str, str]) -> dict[str, Any]:
    return {
        "today": TODAY.isoformat(),
        "seed": plan.seed,
        "scale": plan.scale,
        "pid": os.getpid(),
        "systems": {each.system: {"url": each.url, "pid": each.process.pid} for each in running},
        "control_token": env[TOKEN_NAME],
        "env": {name: value for name, value in env.items() if name != TOKEN_NAME},
    }


def _write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON that only its owner may read; it appears whole or not at all."""
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    draft.replace(path)


def _wait(running: list[Running], parent: int, stopping: _Stopping) -> int:
    while not stopping.asked and os.getppid() == parent:
        for each in running:
            if each.process.poll() is not None:
                sys.stderr.write(f"{each.system} ended by itself with exit code {each.process.returncode}\n")
                return 1
        time.sleep(0.2)
    return 0


def _stop(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.terminate()
    until = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
