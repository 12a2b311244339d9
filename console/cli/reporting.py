"""What the relay did, told to Dagster by a process of its own, so that the relay never waits for it.

Turns are added up and told once a second. The command line never imports Dagster: `python -m
orchestration.reporter` reads JSON lines. Where it cannot keep up or has died, the relay goes on without.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.relay import Turned

MODULE = "orchestration.reporter"
EVERY_SECONDS = 1.0
END_SECONDS = 30


class Reports:
    """The reporting process and what is to be told it next."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._told = _nothing()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._report, name="reports", daemon=True)
        self._thread.start()

    @classmethod
    def start(cls, environ: Mapping[str, str], log: Path) -> Reports:
        """Start the process; what Dagster logs stands in its log file."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as errors:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", MODULE], env=dict(environ), text=True,
                stdin=subprocess.PIPE, stdout=errors, stderr=errors, start_new_session=True,
            )  # fmt: skip
        return cls(process)

    def tell(self, turned: Turned) -> None:
        """Add a turn to what is told next."""
        with self._lock:
            told = self._told
            told["turns"] += 1
            told["events"] += turned.events
            told["streams"].update(f"{system}/{stream}" for system, stream in turned.streams)
            told["entities"].update(turned.entities)
            told["changes"].update(turned.changes)
            told["commands"].update(turned.commands)

    def close(self) -> None:
        """Tell the rest, and end the process."""
        self._stopping.set()
        self._thread.join()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.terminate()

    def _report(self) -> None:
        going_on = True
        while going_on:
            going_on = not self._stopping.wait(EVERY_SECONDS)
            with self._lock:
                told, self._told = self._told, _nothing()
            if told["turns"]:
                self._write(told)

    def _write(self, told: Mapping[str, Any]) -> None:
        line = json.dumps({**told, "streams": sorted(told["streams"]), "entities": sorted(told["entities"])})
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return  # the process is gone: what was done stands in the hub's own records


def _nothing() -> dict[str, Any]:
    return {"turns": 0, "events": 0, "streams": set(), "entities": set(), "changes": Counter(), "commands": Counter()}
