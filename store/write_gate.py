"""Whose turn it is to write, between processes: a lock file beside a SQLite database.

SQLite's own waiting naps for up to a tenth of a second at a time, so two processes that write in turn keep each other
waiting far longer than either writes. Here the next one is in within two milliseconds. The file promises nothing:
SQLite's lock does, and who could not get through in time goes on to ask it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIRST_NAP_SECONDS, LONGEST_NAP_SECONDS = 0.0005, 0.002
"""Between two tries; whoever writes for long is asked less often, for asking costs the processor it needs."""


class WriteGate:
    """One thread of a process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @contextmanager
    def open_until(self, until: float) -> Iterator[None]:
        """Wait for the other processes, until a moment of the monotonic clock at most."""
        descriptor = self._file()
        through = descriptor is not None and _through(descriptor, until)
        try:
            yield
        finally:
            if descriptor is not None and through:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _file(self) -> int | None:
        """None where there can be no such file: then SQLite alone says whose turn it is."""
        if self._descriptor is None:
            try:
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError:
                return None
        return self._descriptor


def _through(descriptor: int, until: float) -> bool:
    nap = FIRST_NAP_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(nap)
            nap = min(nap * 1.5, LONGEST_NAP_SECONDS)
        except OSError:
            return False
        else:
            return True
