"""Why an event had the effects it had: each rule's verdict, the events before it, and the commands after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from canonical.facts import FACTS
from pipeline.hub import Hub
from pipeline.plan import judged_frames
from pipeline.standing import standing_frame
from rules.diff import Change
from rules.explain import Verdict, explained, overdue
from rules.records import FrameRecords, Records
from rules.rows import typed_row
from store import events
from store.events import ChangeEvent
from store.unit_of_work import Transaction
from store.written import LastWritten, causes, commands_of

LONGEST_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Why:
    """One event: what today's rules say to it, what it followed from (nearest first), and what it led to."""

    event: ChangeEvent
    verdicts: tuple[Verdict, ...]
    chain: tuple[ChangeEvent, ...]
    commands: tuple[LastWritten, ...]


def why(hub: Hub, tx: Transaction, event: ChangeEvent) -> Why:
    """Explain an event with the rules as they are now, over the related records as they are now."""
    verdicts = tuple(_verdicts(hub, tx, event))
    return Why(event, verdicts, tuple(_chain(tx, event)), tuple(commands_of(tx, event.id)))


def _verdicts(hub: Hub, tx: Transaction, event: ChangeEvent) -> list[Verdict]:
    rules, change, records = hub.configuration.rules, change_of(event), related_records(hub, tx)
    if event.kind != "overdue":
        return explained(change, rules, records)
    rule = rules.named(event.origin.removeprefix("rule:"))
    return [overdue(change, rule, records)] if rule is not None else []


def find_event(tx: Transaction, named: str) -> ChangeEvent | None:
    """An event by its id, or the last one of a record named `entity/key`."""
    found = events.find(tx, named)
    if found is not None:
        return found
    entity, _, key = named.partition("/")
    return events.latest(tx, entity, key)


def change_of(event: ChangeEvent) -> Change:
    """The change an event was made from; a timer that ran out counts as a change without fields."""
    old, new = (None if row is None else typed_row(event.entity, row) for row in (event.old, event.new))
    kind = "changed" if event.kind == "overdue" else event.kind
    echo = event.kind != "overdue" and event.revision is not None and (kind != "changed" or not event.fields)
    return Change(event.entity, event.key, kind, old, new, tuple(event.fields), event.origin, echo)


def related_records(hub: Hub, tx: Transaction) -> Records:
    """What rules may look up: the judged records, and the facts as they were last decided on."""
    named = hub.configuration.rules.related() & FACTS.keys()
    frames: Mapping[str, pl.DataFrame] = {**judged_frames(hub), **{name: standing_frame(tx, name) for name in named}}
    return FrameRecords(frames.get)


def _chain(tx: Transaction, event: ChangeEvent) -> list[ChangeEvent]:
    """The events whose commands led here, nearest first."""
    found: list[ChangeEvent] = []
    here: ChangeEvent | None = event
    while here is not None and here.cause is not None and len(found) < LONGEST_CHAIN:
        led = causes(tx, [here.cause]).get(here.cause)
        here = events.find(tx, led) if led else None
        if here is not None:
            found.append(here)
    return found
