"""What the processes that speak to one system tell each other through Redis: never the only copy of anything.

Redis gone, slow or flushed costs its users the sharing and nothing else: each goes on with its own memory,
says so once, and looks after a while whether Redis is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import redis

LOG = logging.getLogger(__name__)
REFRESH_SECONDS: Final = 0.25
"""How old what we know of the others may be; asking before every request would cost more than it tells."""
AWAY_SECONDS: Final = 30.0
SOCKET_SECONDS: Final = 1.0
_KEPT_SECONDS: Final = 24 * 3600
ResultT = TypeVar("ResultT")


class Shared:
    """The fields of one Redis hash, at most `REFRESH_SECONDS` old. Safe to use from several threads."""

    def __init__(self, url: str, key: str) -> None:
        self._key = key
        self._redis = redis.Redis.from_url(
            url, socket_timeout=SOCKET_SECONDS, socket_connect_timeout=SOCKET_SECONDS, decode_responses=True
        )
        self._lock = threading.Lock()
        self._fields: Mapping[str, str] = {}
        self._looked = self._away_until = 0.0

    def fields(self) -> Mapping[str, str]:
        """What stands there; nothing while Redis is away."""
        with self._lock:
            if time.monotonic() - self._looked >= REFRESH_SECONDS:
                self._fields = self._asked(self._read) or {}
                self._looked = time.monotonic()
            return self._fields

    def _read(self) -> Mapping[str, str]:
        return {str(name): str(value) for name, value in self._redis.hgetall(self._key).items()}

    def put(self, fields: Mapping[str, str]) -> None:
        """Tell the others."""
        with self._lock:
            self._fields = {**self._fields, **fields}
            self._asked(lambda: self._written(fields))

    def _written(self, fields: Mapping[str, str]) -> None:
        pipe = self._redis.pipeline()
        for name, value in fields.items():
            pipe.hset(self._key, name, value)
        pipe.expire(self._key, _KEPT_SECONDS)
        pipe.execute()

    def add(self, field: str, amount: int) -> None:
        """Add to a number all of us count."""
        with self._lock:
            total = self._asked(lambda: self._redis.hincrby(self._key, field, amount))
            if total is not None:
                self._fields = {**self._fields, field: str(total)}

    def _asked(self, ask: Callable[[], ResultT]) -> ResultT | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            return ask()
        except (redis.RedisError, ValueError) as error:
            LOG.warning("%s: Redis is away (%s); each process goes on alone", self._key, type(error).__name__)
            self._away_until = time.monotonic() + AWAY_SECONDS
            return None

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()


def shared_at(url: str | None, key: str) -> Shared | None:
    """What stands under `key`; None without Redis, and where its address cannot be used."""
    if url is None:
        return None
    try:
        return Shared(url, key)
    except ValueError as error:
        LOG.warning("%s: Redis cannot be used (%s); each process goes on alone", key, type(error).__name__)
        return None
