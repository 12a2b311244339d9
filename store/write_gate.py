"""Whose turn it is to write, between processes: a lock file beside a SQLite database.

SQLite's own waiting naps for up to a tenth of a second at a time, so two processes that write in turn keep each other
waiting far longer than either writes. Here the next one is in within a millisecond. The file promises nothing: SQLite's
lock does, and who could not get through in time goes on to ask it.

Before the gate there is room for one. Who waits there is next: whoever comes out with more to write finds it taken, and
cannot go in again and again between two looks of who waits.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIRST_NAP_SECONDS, LONGEST_NAP_SECONDS = 0.0002, 0.001
"""Between two tries; whoever writes for long is asked less often, for asking costs the processor it needs."""
NEXT_SECONDS = 0.05
"""So long one waits to be next, for whoever is may have been stopped; then one tries the gate all the same."""
_Files = tuple[int, int]
"""What is locked by who is next, and by who writes."""


class WriteGate:
    """One thread of a process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: _Files | None = None

    @contextmanager
    def open_until(self, until: float) -> Iterator[None]:
        """Wait for the other processes, until a moment of the monotonic clock at most."""
        files = self._opened()
        through = files is not None and _through(files, until)
        try:
            yield
        finally:
            if files is not None and through:
                _release(files[1])

    def close(self) -> None:
        """Give the files back."""
        files, self._files = self._files, None
        for descriptor in files or ():
            os.close(descriptor)

    def _opened(self) -> _Files | None:
        """None where there can be no such file: then SQLite alone says whose turn it is."""
        if self._files is None:
            if (gate := _file(self.path)) is None:
                return None
            if (following := _file(self.path.with_name(f"{self.path.name}-next"))) is None:
                os.close(gate)  # every write comes here again
                return None
            self._files = following, gate
        return self._files


def _file(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None


def _through(files: _Files, until: float) -> bool:
    following, gate = files
    is_next = _locked(following, min(until, time.monotonic() + NEXT_SECONDS))
    try:
        return _locked(gate, until)
    finally:
        if is_next:
            _release(following)


def _locked(descriptor: int, until: float) -> bool:
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


def _release(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)
