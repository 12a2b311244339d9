"""A turn of the relay, without systems: which events are read, which wait, which are put aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from canonical.errors import MillstreamError, SchemaDrift, SystemUnavailable
from connectors.port import Page, StreamSpec
from pipeline import relay as relays
from pipeline.hub import Hub, open_hub
from pipeline.overtaking import Overtaken
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


def test_turn__a_system_that_is_down_does_not_keep_the_events_of_others_waiting(hub: Hub) -> None:
    names = [f"key-{number}" for number in range(relays.AT_ONCE)]
    down = dict.fromkeys(names, SystemUnavailable("down"))
    hub._connectors["mes"] = Door(down)  # type: ignore[assignment]
    hub._connectors["crm"] = Door({"well": {}})  # type: ignore[assignment]
    offer(hub, *names)
    relay = Relay(hub)
    assert relay.turn() is not None
    with hub.store.begin() as tx:
        inbox.accept(tx, "crm", "well", {"name": "well"}, hub.now())
    assert relay.turn() is not None
    assert counts(hub) == {"unread": len(names), "done": 1}
    assert relay.turn() is None, "those of the system that is down wait on, whatever else came"


class Teller(Door):
    """A system whose events say only that something changed; its streams are read from their watermarks."""

    def __init__(self, hub: Hub, system: str) -> None:
        super().__init__({"changed": {}})
        declared = hub.configuration.systems[system].system.streams
        self.streams = {
            name: StreamSpec(name, one.entity, incremental=True, complete=one.complete)
            for name, one in declared.items()
        }

    def read(self, _stream: str, since: str | None = None) -> Iterator[Page]:
        yield Page([] if since else [{"code": "A"}], "2026-11-02T08:00:00+00:00")


def test_turn__what_a_pull_brought_is_looked_at_again_where_the_turn_came_to_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[tuple[str, ...]] = []

    def see(_hub: Hub, _run: object, entities: tuple[str, ...], *, suite: bool) -> NoReturn:
        looks.append(entities)
        raise Overtaken("another decided") if len(looks) == 1 else MillstreamError("enough")

    monkeypatch.setattr(relays, "see", see)
    hub._connectors["wms"] = Teller(hub, "wms")  # type: ignore[assignment]
    with hub.store.begin() as tx:
        inbox.accept(tx, "wms", "e1", {"name": "changed"}, hub.now())
    relay = Relay(hub)
    with pytest.raises(MillstreamError, match="enough"):
        relay.turn()
    assert relay.turn() is None
    assert looks[0]
    assert looks == [looks[0]] * 3
