"""A turn of the relay, without systems: which events are read, which wait, which are put aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from canonical.errors import SchemaDrift, SystemUnavailable
from pipeline import relay as relays
from pipeline.hub import Hub, open_hub
from pipeline.relay import Relay
from store import inbox


class Door:
    """A connector that answers for what events bring as a test says."""

    def __init__(self, said: Mapping[str, Exception | Mapping[str, Any]]) -> None:
        self.said = said
        self.asked: list[str] = []

    def brought(self, payload: Any) -> Mapping[str, Any]:
        self.asked.append(payload["name"])
        answer = self.said[payload["name"]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    yield opened
    opened.close()


def offer(hub: Hub, *names: str) -> None:
    with hub.store.begin() as tx:
        for name in names:
            inbox.accept(tx, "mes", name, {"name": name}, hub.now())


def counts(hub: Hub) -> dict[str, int]:
    with hub.store.read() as tx:
        return inbox.counts(tx)


def test_turn__reads_what_brings_nothing_and_puts_aside_what_cannot_be_read(hub: Hub) -> None:
    hub._connectors["mes"] = Door({"empty": {}, "broken": SchemaDrift("no records")})  # type: ignore[assignment]
    offer(hub, "empty", "broken")
    turned = Relay(hub).turn()
    assert turned is not None
    assert (turned.events, turned.entities) == (2, ())
    assert counts(hub) == {"done": 1, "failed": 1}


def test_turn__leaves_an_event_unread_whose_system_cannot_be_asked_and_comes_back_to_it(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door({"key": SystemUnavailable("down")})
    hub._connectors["mes"] = door  # type: ignore[assignment]
    offer(hub, "key")
    relay = Relay(hub)
    assert relay.turn() is not None
    assert relay.turn() is None  # not at once again
    assert (door.asked, counts(hub)) == (["key"], {"unread": 1})
    monkeypatch.setattr(relays, "LATER_SECONDS", 0.0)
    door.said = {"key": {}}
    relay._later.clear()
    assert relay.turn() is not None
    assert counts(hub) == {"done": 1}
