from __future__ import annotations

import logging
import time

import pytest

from canonical.errors import RateLimited, SystemUnavailable
from connectors.brakes import Breaker, RateLimit


def test_rate_limit__refuses_when_no_place_comes_free() -> None:
    limit = RateLimit("slow", 1)
    limit.wait(0)
    with pytest.raises(RateLimited):
        limit.wait(0.1)
    limit.wait(2)


def test_rate_limit__shared_through_redis(redis_url: str) -> None:
    name = f"shared-{time.monotonic_ns()}"
    first, second = RateLimit(name, 2, redis_url), RateLimit(name, 2, redis_url)
    first.wait(0)
    second.wait(0)
    with pytest.raises(RateLimited):
        first.wait(0)


def test_rate_limit__goes_on_without_redis(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        limit = RateLimit("alone", 2, "redis://:canary@127.0.0.1:9/0")
        limit.wait(0)
        limit.wait(0)
    assert len(caplog.records) == 1
    assert "canary" not in caplog.text
    with pytest.raises(RateLimited):
        limit.wait(0)


def test_breaker__opens_closes_and_opens_again() -> None:
    breaker = Breaker("weak", 2, 0.1)
    breaker.report(worked=False)
    breaker.check()
    breaker.report(worked=False, said="answered 500")
    with pytest.raises(SystemUnavailable, match="last: answered 500"):
        breaker.check()
    time.sleep(0.12)
    breaker.check()
    breaker.report(worked=False)
    with pytest.raises(SystemUnavailable):
        breaker.check()
    time.sleep(0.12)
    breaker.report(worked=True)
    breaker.check()


def test_breaker__a_success_forgets_failures() -> None:
    breaker = Breaker("fair", 2, 10)
    for worked in (False, True, False, True, False):
        breaker.report(worked=worked)
    breaker.check()
