from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

import pytest
import redis

from canonical.errors import SystemUnavailable
from connectors.circuit import Breaker, Circuit, CircuitOpen
from connectors.shared import REFRESH_SECONDS, Shared, shared_at
from connectors.spec import Limits


def _breaker(
    failures: int = 2, seconds: float = 10.0, silences: int = 2, heard: list[Circuit] | None = None, **more: object
) -> Breaker:
    limits = Limits.model_validate(
        {"breaker_failures": failures, "breaker_seconds": seconds, "breaker_silences": silences, **more}
    )
    return Breaker("weak", limits, heard=heard.append if heard is not None else None)


def _fail(breaker: Breaker, times: int, *, silent: bool = False) -> None:
    for _ in range(times):
        breaker.report(worked=False, said="answered 500", silent=silent)


def test_breaker__opens_closes_and_opens_again() -> None:
    breaker = _breaker(2, 0.1)
    breaker.report(worked=False)
    breaker.check()
    breaker.report(worked=False, said="answered 500")
    with pytest.raises(SystemUnavailable, match="last: answered 500"):
        breaker.check()
    time.sleep(0.12)
    breaker.enter()
    breaker.report(worked=False)
    with pytest.raises(SystemUnavailable):
        breaker.check()
    time.sleep(0.22)
    breaker.enter()
    breaker.report(worked=True)
    breaker.check()


def test_breaker__a_success_forgets_failures() -> None:
    breaker = _breaker()
    for worked in (False, True, False, True, False):
        breaker.report(worked=worked)
    breaker.check()


def test_breaker__two_silences_open_it_where_ten_failures_would() -> None:
    quick, patient = _breaker(10), _breaker(10)
    _fail(quick, 2, silent=True)
    _fail(patient, 9)
    patient.check()
    with pytest.raises(CircuitOpen):
        quick.check()


def test_breaker__one_call_tries_and_the_others_are_refused_meanwhile() -> None:
    breaker = _breaker(2, 0.1)
    _fail(breaker, 2)
    time.sleep(0.12)
    breaker.enter()
    states = [breaker.circuit.state]
    for ask in (breaker.check, breaker.enter):
        with pytest.raises(CircuitOpen):
            ask()
    breaker.report(worked=True)
    breaker.enter()
    assert [*states, breaker.circuit.state] == ["half_open", "closed"]


def test_breaker__a_trial_that_never_ends_is_followed_by_another() -> None:
    breaker = _breaker(2, 0.05, timeout_seconds=0.05, connect_seconds=0.05)
    _fail(breaker, 2)
    time.sleep(0.06)
    breaker.enter()  # and its caller is never heard of again
    with pytest.raises(CircuitOpen):
        breaker.enter()
    time.sleep(0.12)
    breaker.enter()


def test_breaker__only_one_of_many_threads_tries() -> None:
    breaker = _breaker(2, 0.05)
    _fail(breaker, 2)
    time.sleep(0.06)
    tried: list[bool] = []

    def ask() -> None:
        try:
            breaker.enter()
        except CircuitOpen:
            return
        tried.append(True)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tried == [True]


def test_breaker__each_trial_in_vain_doubles_the_pause_up_to_a_minute() -> None:
    breaker = _breaker(1, 0.05)
    pauses = []
    for _ in range(3):
        breaker.report(worked=False)
        circuit = breaker.circuit
        assert circuit.until is not None
        pauses.append((circuit.until - datetime.now(UTC)).total_seconds())
        time.sleep(max(0.0, pauses[-1]) + 0.01)
        breaker.enter()
    assert pauses == sorted(pauses)
    assert pauses[2] > 3 * pauses[0]
    breaker.report(worked=True)
    breaker.report(worked=False)
    assert (breaker.circuit.until or datetime.max.replace(tzinfo=UTC)).timestamp() < time.time() + 0.06


def test_breaker__an_answer_that_was_under_way_closes_it() -> None:
    breaker = _breaker()
    _fail(breaker, 2)
    breaker.report(worked=True)
    breaker.enter()


def test_heard__every_change_with_its_time_and_reason() -> None:
    heard: list[Circuit] = []
    breaker = _breaker(2, 0.05, heard=heard)
    began = datetime.now(UTC)
    breaker.report(worked=True)
    _fail(breaker, 3)
    time.sleep(0.06)
    breaker.enter()
    breaker.report(worked=True)
    breaker.report(worked=True)
    assert [circuit.state for circuit in heard] == ["closed", "open", "half_open", "closed"]
    opened = heard[1]
    assert (opened.system, opened.said) == ("weak", "answered 500")
    assert began <= opened.since <= datetime.now(UTC)
    assert opened.until is not None
    assert opened.since < opened.until
    assert heard[3].said == ""


def _shared_pair(url: str) -> tuple[Breaker, Breaker]:
    key = f"circuit-{time.monotonic_ns()}"
    limits = Limits(breaker_failures=4, breaker_seconds=30)
    first, second = (Breaker("weak", limits, shared=Shared(url, key)) for _ in range(2))
    return first, second


def test_shared__failures_of_two_processes_count_together(redis_url: str) -> None:
    first, second = _shared_pair(redis_url)
    for breaker in (first, second, first, second):
        breaker.report(worked=False, said="answered 503")
        time.sleep(REFRESH_SECONDS)
    for breaker in (first, second):
        with pytest.raises(CircuitOpen, match="answered 503"):
            breaker.enter()
    second.report(worked=True)
    time.sleep(REFRESH_SECONDS)
    first.enter()


def test_shared__a_flush_loses_nothing_but_the_sharing(redis_url: str) -> None:
    first, _ = _shared_pair(redis_url)
    _fail(first, 4)
    redis.Redis.from_url(redis_url).flushall()
    time.sleep(REFRESH_SECONDS)
    with pytest.raises(CircuitOpen):
        first.enter()


def test_shared__what_others_put_there_cannot_break_it(redis_url: str) -> None:
    key = f"circuit-{time.monotonic_ns()}"
    garbage = {"state": "ajar", "failures": "many", "until": "soon", "since": "once"}
    redis.Redis.from_url(redis_url).hset(key, mapping=garbage)  # type: ignore[arg-type]
    breaker = Breaker("weak", Limits(), shared=Shared(redis_url, key))
    breaker.enter()
    breaker.report(worked=True)


def test_shared__redis_away_is_said_once_and_the_circuit_works_alone(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        shared = shared_at("redis://:canary@127.0.0.1:9/0", "circuit-away")
        breaker = Breaker("weak", Limits(breaker_failures=2), shared=shared)
        _fail(breaker, 2)
        with pytest.raises(CircuitOpen):
            breaker.enter()
    assert len(caplog.records) == 1
    assert "canary" not in caplog.text


def test_shared_at__without_redis_or_with_an_address_of_something_else(caplog: pytest.LogCaptureFixture) -> None:
    assert shared_at(None, "key") is None
    with caplog.at_level(logging.WARNING):
        assert shared_at("http://canary.example", "key") is None
    assert "canary" not in caplog.text
