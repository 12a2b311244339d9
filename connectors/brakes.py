"""How a connection is held back: at most so many requests a second, and none while the system asks us to wait.

With a Redis URL the limit is shared between processes. Redis is a convenience: while it is away each
process keeps the limit alone, says so once, and asks again after a while.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Final

from limits import RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from canonical.errors import RateLimited
from connectors.shared import AWAY_SECONDS, SOCKET_SECONDS, Shared

LOG = logging.getLogger(__name__)
LONGEST_HOLD_SECONDS: Final = 3600.0
"""A system that asks for more is asked again after this."""
_NAP_SECONDS: Final = 0.02


class RateLimit:
    """At most so many requests a second to one system; `wait` blocks until there is room.

    `place` names what is limited, the same in every process that shares the limit.
    """

    def __init__(
        self,
        system: str,
        per_second: int,
        *,
        place: str = "",
        redis_url: str | None = None,
        shared: Shared | None = None,
    ) -> None:
        self._system, self._place, self._item = system, place or system, RateLimitItemPerSecond(per_second)
        self._local = _Window(per_second)
        self._everywhere = _everywhere(system, redis_url)
        self._shared, self._held_until, self._away_until = shared, 0.0, 0.0

    def wait(self, at_most: float) -> None:
        """Take one place; raise `RateLimited` when none comes free in `at_most` seconds."""
        deadline = time.monotonic() + at_most
        self._sit_out(at_most)
        while not self._hit():
            if time.monotonic() >= deadline:
                raise RateLimited("our own rate limit leaves no room", system=self._system, retry_after=1)
            time.sleep(_NAP_SECONDS)

    def hold(self, seconds: float) -> None:
        """The system asks to be left alone for so long: no request of this connection goes out before."""
        until = time.time() + min(seconds, LONGEST_HOLD_SECONDS)
        if until > self._until():
            self._held_until = until
            if self._shared is not None:
                self._shared.put({"held_until": str(until)})

    def _until(self) -> float:
        told = self._shared.fields().get("held_until") if self._shared is not None else None
        try:
            return max(self._held_until, min(float(told or 0), time.time() + LONGEST_HOLD_SECONDS))
        except ValueError:
            return self._held_until

    def _sit_out(self, at_most: float) -> None:
        left = self._until() - time.time()
        if left > at_most:
            raise RateLimited("the system asked us to wait", system=self._system, retry_after=left)
        if left > 0:
            time.sleep(left)

    def _hit(self) -> bool:
        if self._everywhere is not None and time.monotonic() >= self._away_until:
            try:
                return bool(self._everywhere.hit(self._item, "millstream", self._place))
            except StorageError as error:
                LOG.warning("rate limit of %s falls back to memory: %s", self._system, type(error).__name__)
                self._away_until = time.monotonic() + AWAY_SECONDS
        return self._local.hit()


class _Window:
    """A moving second in memory. The library's own starts a thread for nearly every request, to forget old ones."""

    def __init__(self, places: int) -> None:
        self._taken: deque[float] = deque(maxlen=places)
        self._places, self._lock = places, threading.Lock()

    def hit(self) -> bool:
        """Take a place if there is one."""
        with self._lock:
            now = time.monotonic()
            if len(self._taken) == self._places and now - self._taken[0] < 1:
                return False
            self._taken.append(now)
            return True


def _everywhere(system: str, redis_url: str | None) -> MovingWindowRateLimiter | None:
    if redis_url is None:
        return None
    try:
        return MovingWindowRateLimiter(
            RedisStorage(
                redis_url, wrap_exceptions=True, socket_timeout=SOCKET_SECONDS, socket_connect_timeout=SOCKET_SECONDS
            )
        )
    except Exception as error:  # noqa: BLE001 - whatever is wrong with Redis, the work goes on
        LOG.warning("rate limit of %s falls back to memory: %s", system, type(error).__name__)
        return None
