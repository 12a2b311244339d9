"""Waking whoever waits for new events: a condition in this process, and Redis between processes where it is configured.

Redis is never needed: who is not woken looks by himself a moment later.
"""

from __future__ import annotations

import logging
import threading

import redis

CHANNEL = "millstream:events"
LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0
_LISTEN_SECONDS = 1.0


class Wakes:
    """Rings here, and in the other processes of the deployment."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._rung = threading.Event()
        self._stopping = threading.Event()
        self._redis = (
            redis.Redis.from_url(redis_url, socket_timeout=_RETRY_SECONDS, socket_connect_timeout=1)
            if redis_url
            else None
        )
        if self._redis is not None:
            threading.Thread(target=self._listen, name="wakes", daemon=True).start()

    def ring(self) -> None:
        """There is something new."""
        self._rung.set()
        if self._redis is not None:
            try:
                self._redis.publish(CHANNEL, "")
            except redis.RedisError as error:
                LOG.warning("others were not woken: %s", type(error).__name__)

    def wait(self, seconds: float) -> None:
        """Until somebody rings, at most so long."""
        self._rung.wait(seconds)
        self._rung.clear()

    def stop(self) -> None:
        """Ring no more."""
        self._stopping.set()
        self._rung.set()

    def _listen(self) -> None:
        assert self._redis is not None, "started with a Redis only"
        while not self._stopping.is_set():
            try:
                with self._redis.pubsub(ignore_subscribe_messages=True) as heard:  # type: ignore[no-untyped-call]
                    heard.subscribe(CHANNEL)
                    while not self._stopping.is_set():
                        if heard.get_message(timeout=_LISTEN_SECONDS):
                            self._rung.set()
            except (redis.RedisError, OSError) as error:
                LOG.warning("nobody wakes us: %s", type(error).__name__)
                self._stopping.wait(_RETRY_SECONDS)
