"""The delivery workers of a relay in a process of their own: turns and deliveries each have a core, and no lock.

`python -m pipeline.couriers` reads lines of names, `system/entity`, for which something was decided. It ends when its
input ends: with the relay, however that ends. A relay whose couriers died starts others; they look by themselves once a
second, so nobody is waited for in vain.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pipeline.hub import open_hub
from pipeline.memory import stay_loaded
from pipeline.residents import Residents

LOG = logging.getLogger(__name__)
END_SECONDS = 60.0
SWITCH_SECONDS = 0.0005
"""How long one delivery may keep another from the interpreter, perhaps one that keeps all others from writing."""
MODULE = "pipeline.couriers"


class Couriers:
    """Delivers as `Residents` does, in another process; what it logs stands in its own file."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        self._environ, self._log = dict(environ), log
        self._process: subprocess.Popen[str] | None = None
        self._stopping = False
        self._writing = threading.Lock()

    def start(self, systems: Sequence[str]) -> None:
        """Start the process; it looks at every system first."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", MODULE], env=self._environ, text=True,
                stdin=subprocess.PIPE, stdout=errors, stderr=errors, start_new_session=True,
            )  # fmt: skip
        LOG.debug("couriers for %s", ", ".join(systems))

    def stir(self, names: Collection[str]) -> None:
        """Something that waits for no other document was decided for these systems, or `system/entity`."""
        with self._writing:
            if self._stopping or self._process is None or self._told(names):
                return
            LOG.warning("the couriers ended with %s: others are started", self._process.wait())
            self.start(tuple(names))

    def _told(self, names: Collection[str]) -> bool:
        """Whether the process still listens."""
        assert self._process is not None, "started"
        assert self._process.stdin is not None, "opened as a pipe"
        try:
            self._process.stdin.write(" ".join(names) + "\n")
            self._process.stdin.flush()
        except OSError:
            with contextlib.suppress(OSError):  # what it was not told is lost with it
                self._process.stdin.close()
            return False
        return True

    def stop(self) -> None:
        """Let every worker end its batch."""
        with self._writing:
            self._stopping = True
            process, self._process = self._process, None
        if process is None:
            return
        try:
            process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()  # its leases run out, and what it had sent is looked up
            process.wait()


def main() -> int:
    """Deliver until the input ends."""
    hub = open_hub(os.environ)
    residents = Residents(hub)
    stay_loaded()
    sys.setswitchinterval(SWITCH_SECONDS)
    residents.start(tuple(hub.deployment.systems))
    try:
        for line in sys.stdin:
            residents.stir(line.split())
    finally:
        residents.stop()
        hub.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
