"""Where changes come from: the command of ours each follows from, and how long its chain is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.diff import Change
from rules.echoes import Heard, circles, returns
from store import events
from store.unit_of_work import Transaction
from store.written import causes

WINDOW = timedelta(days=1)
"""Returns to the same state are counted over so long."""
Place = tuple[str, str]
"""Fact or entity, and key."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What is known about the origin of one change."""

    revision: int | None = None
    cause: str | None = None
    hops: int = 0

    @property
    def circle(self) -> bool:
        """Whether rules go round in a circle here: what they want waits for a person."""
        return circles(self.hops)


def traced(tx: Transaction, facts: Iterable[Change], records: Sequence[Heard], now: datetime) -> Mapping[Place, Trace]:
    """The origin of changes, where there is one: facts by their history, records by what was written to them."""
    commands = causes(tx, {one.cause for one in records if one.cause})
    before = events.found(tx, commands.values())
    found: dict[Place, Trace] = {}
    for one in records:
        event = before.get(commands.get(one.cause or "", ""))
        hops = 0 if one.cause is None or one.change.echo else 1 + (event.hops if event else 0)
        found[one.change.entity, one.change.key] = Trace(one.revision, one.cause, hops)
    standing = [change for change in (*facts, *(one.change for one in records)) if change.kind != "deleted"]
    for place, times in _returns(tx, standing, now - WINDOW).items():
        was = found.get(place, Trace())
        found[place] = Trace(was.revision, was.cause, max(was.hops, times))
    return found


def _returns(tx: Transaction, changed: Iterable[Change], since: datetime) -> dict[Place, int]:
    changes = {(change.entity, change.key): change for change in changed}
    earlier = events.recent(tx, changes.keys(), since)
    times = {place: returns(change, (event.new for event in earlier[place])) for place, change in changes.items()}
    return {place: count for place, count in times.items() if count}
