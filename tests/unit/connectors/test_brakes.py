from __future__ import annotations

import logging
import time

import pytest

from canonical.errors import RateLimited
from connectors.brakes import RateLimit
from connectors.shared import Shared


def test_rate_limit__refuses_when_no_place_comes_free() -> None:
    limit = RateLimit("slow", 1)
    limit.wait(0)
    with pytest.raises(RateLimited):
        limit.wait(0.1)
    limit.wait(2)


def test_rate_limit__shared_through_redis(redis_url: str) -> None:
    name = f"shared-{time.monotonic_ns()}"
    first, second = (RateLimit(name, 2, redis_url=redis_url) for _ in range(2))
    first.wait(0)
    second.wait(0)
    with pytest.raises(RateLimited):
        first.wait(0)


def test_rate_limit__goes_on_without_redis(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        limit = RateLimit("alone", 2, redis_url="redis://:canary@127.0.0.1:9/0")
        limit.wait(0)
        limit.wait(0)
    assert len(caplog.records) == 1
    assert "canary" not in caplog.text
    with pytest.raises(RateLimited):
        limit.wait(0)


def test_hold__nothing_goes_out_before_the_system_allows_it() -> None:
    limit = RateLimit("busy", 100)
    limit.hold(0.2)
    limit.hold(0.05)  # a later, shorter wish does not cut the longer one short
    began = time.monotonic()
    limit.wait(1)
    assert 0.15 < time.monotonic() - began < 1


def test_hold__longer_than_the_patience_is_refused_at_once() -> None:
    limit = RateLimit("busy", 100)
    limit.hold(1_000_000)
    began = time.monotonic()
    with pytest.raises(RateLimited, match="asked us to wait") as refused:
        limit.wait(5)
    assert time.monotonic() - began < 1
    assert refused.value.retry_after is not None
    assert 5 < refused.value.retry_after <= 3600


def test_hold__every_process_that_shares_it_waits(redis_url: str) -> None:
    key = f"held-{time.monotonic_ns()}"
    first, second = (RateLimit("busy", 100, place=key, shared=Shared(redis_url, key)) for _ in range(2))
    first.hold(60)
    with pytest.raises(RateLimited):
        second.wait(0)
