"""The relay at work: after a turn that decided something, deliveries come first for a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from pipeline.hub import Hub, open_hub
from pipeline.relay import Relay, Turned
from pipeline.serving import LONGEST_REST_SECONDS, REST_SHARE, Service

TURNED = Turned(1, 1, (), (), {}, {"mes.order_work": 1}, {})


class _Turning:
    """In the relay's place: each turn takes so many seconds of the clock, and ends as it was told."""

    waiting = False

    def __init__(self, clock: list[float]) -> None:
        self.clock, self.takes, self.turned = clock, 0.0, TURNED

    def turn(self) -> Turned:
        self.clock[0] += self.takes
        return self.turned


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    yield opened
    opened.close()


def test_step__rests_for_a_share_of_the_turn_where_it_decided_something(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, rests = [0.0], list[float]()
    monkeypatch.setattr("pipeline.serving.time.monotonic", lambda: clock[0])
    service = Service(hub)
    turning = _Turning(clock)
    service.relay = cast("Relay", turning)
    monkeypatch.setattr(service._stopping, "wait", rests.append)
    for took in (0.06, 5.0):
        turning.takes = took
        service._step()
    turning.turned = replace(TURNED, commands={})
    service._step()
    assert rests == [pytest.approx(0.06 * REST_SHARE), LONGEST_REST_SECONDS]


def test_step__asks_systems_that_post_nothing_so_often_and_no_more(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, asked = [0.0], list[str]()
    monkeypatch.setattr("pipeline.serving.time.monotonic", lambda: clock[0])
    service = Service(hub, polled=("erp", "wms"), poll_seconds=30.0)
    turning = _Turning(clock)
    service.relay = cast("Relay", turning)
    monkeypatch.setattr(service._stopping, "wait", lambda _: None)
    monkeypatch.setattr(turning, "poll", asked.append, raising=False)
    for moment in (29.0, 31.0, 60.0, 62.0):
        clock[0] = moment
        service._step()
    assert asked == ["erp", "wms"] * 2
