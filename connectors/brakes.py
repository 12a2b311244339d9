"""How a connection is held back: a rate limit and a circuit breaker, each per system.

With a Redis URL the rate limit is shared between processes. Redis is a convenience: when it fails, the
limit goes on in memory and says so once.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

import pybreaker
from limits import RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from canonical.errors import RateLimited, SystemUnavailable

LOG = logging.getLogger(__name__)
_NAP_SECONDS = 0.02


class RateLimit:
    """At most so many requests a second to one system; `wait` blocks until there is room."""

    def __init__(self, system: str, per_second: int, redis_url: str | None = None) -> None:
        self._system, self._item = system, RateLimitItemPerSecond(per_second)
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._shared = _shared(system, redis_url)

    def wait(self, at_most: float) -> None:
        """Take one place; raise `RateLimited` when none came free in `at_most` seconds."""
        deadline = time.monotonic() + at_most
        while not self._hit():
            if time.monotonic() >= deadline:
                raise RateLimited("our own rate limit leaves no room", system=self._system, retry_after=1)
            time.sleep(_NAP_SECONDS)

    def _hit(self) -> bool:
        if self._shared is not None:
            try:
                return bool(self._shared.hit(self._item, "millstream", self._system))
            except StorageError as error:
                LOG.warning("rate limit of %s falls back to memory: %s", self._system, type(error).__name__)
                self._shared = None
        return bool(self._local.hit(self._item, "millstream", self._system))


def _shared(system: str, redis_url: str | None) -> MovingWindowRateLimiter | None:
    if redis_url is None:
        return None
    try:
        return MovingWindowRateLimiter(
            RedisStorage(redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1)
        )
    except Exception as error:  # noqa: BLE001 - whatever is wrong with Redis, the work goes on
        LOG.warning("rate limit of %s falls back to memory: %s", system, type(error).__name__)
        return None


class _Failure(Exception):
    """What the breaker counts."""


class Unreachable(SystemUnavailable):
    """Nobody answers at the address, or the circuit is open: trying again at once helps nobody."""


class Breaker:
    """Stops calling a system that keeps failing, for a while.

    The breaker is told of outcomes after the fact: running a call inside pybreaker would hold its lock
    and make one call wait for another.
    """

    def __init__(self, system: str, failures: int, seconds: float) -> None:
        self._system, self._pause = system, timedelta(seconds=seconds)
        self._last = ""
        self._storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=failures, reset_timeout=seconds, state_storage=self._storage, name=system
        )

    def check(self) -> None:
        """Raise `SystemUnavailable` while the circuit is open."""
        opened = self._storage.opened_at
        if self._breaker.current_state != pybreaker.STATE_OPEN or opened is None:
            return
        left = (opened + self._pause - datetime.now(UTC)).total_seconds()
        if left > 0:
            message = "failed too often, left alone for a while" + (self._last and f"; last: {self._last}")
            raise Unreachable(message, system=self._system, retry_after=left)

    def report(self, *, worked: bool, said: str = "") -> None:
        """Count one finished call; `said` is what went wrong, for whoever is turned away while the circuit is open."""
        self._last = said or self._last

        def outcome() -> None:
            if not worked:
                raise _Failure

        try:
            self._breaker.call(outcome)
        except (_Failure, pybreaker.CircuitBreakerError):
            return
