"""Whoever waits for events is woken: in this process at once, in others through Redis, and in any case in a moment."""

from __future__ import annotations

import time

from pipeline.wakes import Wakes


def taken(wakes: Wakes, seconds: float) -> float:
    began = time.monotonic()
    wakes.wait(seconds)
    return time.monotonic() - began


def test_wakes__a_ring_before_the_wait_is_not_lost_and_counts_once() -> None:
    wakes = Wakes()
    wakes.ring()
    assert taken(wakes, 5) < 1
    assert taken(wakes, 0.05) >= 0.05
    wakes.stop()


def test_wakes__go_on_without_the_redis_that_is_configured() -> None:
    wakes = Wakes("redis://127.0.0.1:9/0")
    wakes.ring()
    assert taken(wakes, 5) < 1
    wakes.stop()


def test_wakes__reach_other_processes_through_redis(redis_url: str) -> None:
    here, there = Wakes(redis_url), Wakes(redis_url)
    until = time.monotonic() + 10
    while time.monotonic() < until:  # until the other listens
        here.ring()
        if taken(there, 0.2) < 0.2:
            break
    assert time.monotonic() < until
    here.stop()
    there.stop()
