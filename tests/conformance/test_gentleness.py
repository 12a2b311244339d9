"""Every connector is gentle with its system: declared limits hold for reads, look-ups and writes alike.

The systems stand on loopback and answer as badly as a test wants; nothing here knows one of them by name.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytest

from canonical.commands import Outcome, OutcomeKind
from canonical.errors import MillstreamError, RateLimited
from connectors.port import Connector, FoundDocument, StepRequest
from connectors.registry import FOLDER, discover, load_system, missing_variables, open_connector
from connectors.spec import Limits
from tests.unit.connectors.loopback import Answer, Asked, Server, serving

DECLARED = ("timeout_seconds", "requests_per_second", "concurrency")
PATIENT = {"breaker_failures": 1000, "breaker_silences": 1000, "requests_per_second": 1000, "read_attempts": 1}
WAIT_SECONDS = 1
RATE = 6


@pytest.fixture(params=discover())
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass
class Plant:
    """One system that lets everybody in and answers everything else as `reply` says; it notes when it was asked."""

    server: Server
    system: str
    reply: Answer = field(default_factory=lambda: Answer(500, None))
    holds_seconds: float = 0.0
    asked: list[tuple[float, Asked]] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Asked) -> Answer:
        """Log-ins succeed: it is the calls behind them that are looked at."""
        if b"common.db.login" in asked.body:
            return Answer(body={"id": asked.json["id"], "result": [1, "session"]})
        if "grant_type=client_credentials" in asked.body.decode(errors="replace"):
            return Answer(body={"access_token": "token", "expires_in": 3600})
        with self._lock:
            self.asked.append((time.monotonic(), asked))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(self.holds_seconds)
        with self._lock:
            self._at_once -= 1
        return self.reply

    def connector(self, **limits: Any) -> Connector:
        found = load_system(self.system)
        names = {str(fault.message).split()[2] for fault in missing_variables(found, {})}
        environ = {name: self.server.url if name.endswith("URL") else "secret" for name in names}
        return open_connector(self.system, environ, limits=Limits.model_validate({**PATIENT, **limits}))


@pytest.fixture
def plant(system: str) -> Iterator[Plant]:
    with serving() as server:
        made = Plant(server, system)
        server.reply = made.answer
        yield made


def _read(connector: Connector) -> str:
    """Read the first stream; what it ended with."""
    try:
        list(connector.read(next(iter(connector.streams))))
    except MillstreamError as error:
        return type(error).__name__
    return "read"


def _writes(connector: Connector) -> Iterator[StepRequest]:
    """One request for each step of each operation, as if all before it were done."""
    standing = FoundDocument("R-1", "1", "N-1", version='"1"', content={"rows": []})
    for name, operation in connector.operations.items():
        for variant, steps in operation.variants.items():
            for step in steps:
                yield StepRequest(f"c-{name}", name, variant, step.name, "R-1", {}, existing=standing)


def _write(connector: Connector, request: StepRequest) -> Outcome:
    [outcome] = connector.write([request])
    return outcome


# -- what is declared and documented --------------------------------------------------------------------------------


def test_limits__are_declared_not_left_to_defaults(system: str) -> None:
    declared = load_system(system).document.values.get("limits", {})
    assert set(DECLARED) <= set(declared), "say how much this system bears"


def test_readme__tells_the_class_of_every_operation(system: str) -> None:
    """An operation is as safe as its weakest step: A before B before C."""
    operations = load_system(system).system.operations
    weakest = {name: max(step.delivery.value for step in each.steps.values()) for name, each in operations.items()}
    assert _told((FOLDER / system / "README.md").read_text(encoding="utf-8")) == weakest


def _told(readme: str) -> dict[str, str]:
    """Operation → class, from the table that has such columns."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in readme.splitlines() if line[:1] == "|"]
    heads = [row for row in rows if "operation" in row and "class" in row]
    assert len(heads) == 1, "one table with the columns `operation` and `class`"
    name, kind = heads[0].index("operation"), heads[0].index("class")
    told = (row for row in rows if len(row) == len(heads[0]) and re.fullmatch(r"`\w+`", row[name]))
    return {row[name].strip("`"): row[kind] for row in told}


# -- what is done -----------------------------------------------------------------------------------------------------


def test_concurrency__holds_for_reads_and_writes_together(plant: Plant) -> None:
    plant.holds_seconds = 0.1
    connector = plant.connector(concurrency=2)
    writes = [request for request in _writes(connector) if not connector.operations[request.operation].batch_size > 1]
    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(_read, connector) for _ in range(6)]
        done += [pool.submit(_write, connector, request) for request in writes[:4]]  # type: ignore[arg-type]
        for one in done:
            one.result()
    connector.close()
    assert len(plant.asked) >= 6
    assert plant.most_at_once == 2


def test_rate__holds_for_reads_and_writes_together(plant: Plant) -> None:
    connector = plant.connector(requests_per_second=RATE)
    for request in list(_writes(connector))[: RATE // 2]:
        _write(connector, request)
    while len(plant.asked) < RATE + 2:
        _read(connector)
    connector.close()
    times = [at for at, _ in plant.asked]
    for place in range(RATE, len(times)):
        assert times[place] - times[place - RATE] > 0.9, f"more than {RATE} requests within a second"


def test_retry_after__nothing_goes_out_before_it(plant: Plant) -> None:
    plant.reply = Answer(429, None, headers={"Retry-After": str(WAIT_SECONDS)})
    connector = plant.connector(timeout_seconds=5)
    assert _read(connector) == RateLimited.__name__
    outcomes = [_write(connector, request).kind for request in islice(_writes(connector), 1)]
    assert set(outcomes) <= {OutcomeKind.RETRY, OutcomeKind.REJECTED}
    if OutcomeKind.RETRY not in outcomes:  # it is only read, or no empty document fits the WSDL: nothing was sent
        _read(connector)
    connector.close()
    [first, second, *_] = [at for at, _ in plant.asked]
    assert second - first >= WAIT_SECONDS - 0.05


def test_retry_after__longer_than_our_patience_is_told_and_not_waited_for(plant: Plant) -> None:
    plant.reply = Answer(429, None, headers={"Retry-After": "600"})
    connector = plant.connector(timeout_seconds=1)
    _read(connector)
    asked, began = len(plant.asked), time.monotonic()
    for request in _writes(connector):
        outcome = _write(connector, request)
        if outcome.kind is not OutcomeKind.REJECTED:
            assert outcome.kind is OutcomeKind.RETRY
            assert outcome.retry_after is not None
            assert outcome.retry_after > 500
    assert _read(connector) == RateLimited.__name__
    connector.close()
    assert len(plant.asked) == asked
    assert time.monotonic() - began < 1


def test_a_write_whose_reply_is_lost__is_sent_once_and_its_outcome_unknown(plant: Plant) -> None:
    """Whatever its class: whether to send again is for those to decide who know what was intended."""
    plant.reply = Answer(drop=True)
    connector = plant.connector()
    asks_first = (FOLDER / plant.system / "client.py").exists()  # a question that is lost has done nothing
    lost = (OutcomeKind.UNKNOWN, OutcomeKind.RETRY) if asks_first else (OutcomeKind.UNKNOWN,)
    for request in _writes(connector):
        plant.asked.clear()
        outcome = _write(connector, request)
        sent = [asked for _, asked in plant.asked]
        assert len(sent) <= 1, f"{request.operation}.{request.step} was sent {len(sent)} times"
        if sent:
            assert outcome.kind in lost, f"{request.operation}.{request.step}: {outcome}"
    connector.close()


def test_a_silent_system__is_left_alone_by_all_streams_and_writes(plant: Plant) -> None:
    plant.holds_seconds = 1.0
    connector = plant.connector(timeout_seconds=0.2, breaker_silences=2, read_attempts=5)
    began = time.monotonic()
    for stream in connector.streams:
        with pytest.raises(MillstreamError):
            list(connector.read(stream))
    for request in _writes(connector):
        assert _write(connector, request).kind in (OutcomeKind.RETRY, OutcomeKind.REJECTED)
    connector.close()
    assert len(plant.asked) == 2
    assert time.monotonic() - began < 2.5
