"""What webhooks bring, in whatever order it comes, and beside pulls that are under way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from connectors.port import Connector, Page, StreamSpec
from pipeline.brought import land_brought
from pipeline.conform import conform
from pipeline.hub import Hub, Run, run_actor
from pipeline.land import land
from store.inbox import InboxEvent
from tests.unit.pipeline.landed import STREAM, landed_hub, raw_item

EARLY, SOON, LATE = (f"2026-11-02T08:00:0{second}.000+0000" for second in (0, 1, 2))


@dataclass
class Door:
    """A CRM whose pulls bring what a test says; `meanwhile` happens before their last page is answered."""

    pages: list[list[dict[str, Any]]] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    streams: Mapping[str, StreamSpec] = field(
        default_factory=lambda: {STREAM: StreamSpec(STREAM, "item", incremental=True, complete=True)}
    )

    def brought(self, payload: Any) -> Mapping[str, Any]:
        return {STREAM: [payload]}

    def read(self, _stream: str, _since: str | None = None) -> Iterator[Page]:
        for number, records in enumerate(self.pages, start=1):
            if number == len(self.pages):
                self.meanwhile()
            yield Page(records, EARLY)

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = landed_hub(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def door(hub: Hub) -> Door:
    made = Door()
    hub._connectors["crm"] = cast("Connector", made)
    return made


def relay(hub: Hub) -> Run:
    return replace(hub.new_run(run_actor("relay")), turn=1)


def told(hub: Hub, *records: dict[str, Any]) -> None:
    """One group of events, in the order they came."""
    events = [InboxEvent(at, "crm", f"e{at}", record, hub.now()) for at, record in enumerate(records)]
    land_brought(hub, relay(hub), events)


def names(hub: Hub) -> dict[str, str]:
    """Code → name, as it is in force."""
    conform(hub, "crm", "item", hub.new_run(run_actor("look")))
    frame = hub.frames.read("canonical/item/crm")
    assert frame is not None
    return dict(frame.select("code", "name").iter_rows())


def test_brought__the_older_of_two_events_that_come_together_in_the_wrong_order_does_not_win(
    hub: Hub, door: Door
) -> None:
    told(hub, raw_item("FG-1", "newer", SystemModstamp=LATE), raw_item("FG-1", "older", SystemModstamp=SOON))
    assert names(hub)["FG-1"] == "newer"


def test_brought__of_two_changes_within_one_tick_the_later_event_holds(hub: Hub, door: Door) -> None:
    told(hub, raw_item("FG-1", "first", SystemModstamp=SOON), raw_item("FG-1", "second", SystemModstamp=SOON))
    assert names(hub)["FG-1"] == "second"


def test_brought__a_pull_that_read_the_older_version_before_the_event_came_does_not_take_it_back(
    hub: Hub, door: Door
) -> None:
    door.pages = [[raw_item("FG-1", "older", SystemModstamp=EARLY)], []]
    door.meanwhile = lambda: told(hub, raw_item("FG-1", "newer", SystemModstamp=LATE))
    land(hub, "crm", STREAM, hub.new_run(run_actor("pass")))
    assert names(hub)["FG-1"] == "newer"


def test_brought__a_complete_pull_does_not_lose_what_was_made_after_its_page_was_read(hub: Hub, door: Door) -> None:
    door.pages = [[raw_item("FG-1", "Gear box", SystemModstamp=EARLY)], []]
    door.meanwhile = lambda: told(hub, raw_item("FG-9", "made meanwhile", SystemModstamp=LATE))
    land(hub, "crm", STREAM, hub.new_run(run_actor("pass")), everything=True)
    assert names(hub) == {"FG-1": "Gear box", "FG-9": "made meanwhile"}


def test_brought__a_complete_pull_that_read_the_newer_version_keeps_it(hub: Hub, door: Door) -> None:
    door.pages = [[], [raw_item("FG-1", "newer", SystemModstamp=LATE)]]
    door.meanwhile = lambda: told(hub, raw_item("FG-1", "older", SystemModstamp=SOON))
    land(hub, "crm", STREAM, hub.new_run(run_actor("pass")), everything=True)
    assert names(hub)["FG-1"] == "newer"


def test_brought__what_is_told_in_the_last_moment_before_a_complete_pull_lands_is_kept(
    hub: Hub, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.pages = [[raw_item("FG-1", "older", SystemModstamp=EARLY)]]
    events = [raw_item("FG-1", "newer", SystemModstamp=LATE), raw_item("FG-9", "made", SystemModstamp=LATE)]
    write = hub.raw.write

    def late(*of: Any) -> Any:
        if events:
            told(hub, events.pop())
        return write(*of)

    monkeypatch.setattr(hub.raw, "write", late)
    land(hub, "crm", STREAM, hub.new_run(run_actor("pass")), everything=True)
    assert names(hub) == {"FG-1": "newer", "FG-9": "made"}
