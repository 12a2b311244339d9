"""How often somebody may ask: so many in any minute, counted in the memory of this process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

MINUTE = 60.0
MOST_KEPT = 10_000
"""More subjects than this are not remembered: those who have not asked for the longest are forgotten."""


class Allowance:
    """Counts requests by subject. Safe to share between threads."""

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock = threading.Lock()
        self._asked: dict[str, deque[float]] = {}

    def wait(self, subject: str) -> int:
        """0 and counted where the subject may ask; else the seconds until it may, and nothing is counted."""
        with self._lock:
            return self._wait(subject)

    def _wait(self, subject: str) -> int:
        now = self._clock()
        asked = self._asked.pop(subject, deque())
        while asked and asked[0] <= now - MINUTE:
            asked.popleft()
        self._asked[subject] = asked
        if len(self._asked) > MOST_KEPT:
            del self._asked[next(iter(self._asked))]
        if len(asked) >= self._most:
            return max(1, int(asked[0] + MINUTE - now) + 1)
        asked.append(now)
        return 0
