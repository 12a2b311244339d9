"""The queue as a steward works through it: one item after another, in the order of the list they came from."""

from __future__ import annotations

from collections.abc import Sequence

from console.web.stewards.asked import Asked, wanted
from console.web.values import acting
from console.web.visit import Visit
from console.words.field_names import broken
from console.words.words import Words
from pipeline import stewardship
from pipeline.stewardship import Decision, Position, Queue, QueueItem


def worklist(visit: Visit, given: Asked, limit: int, offset: int = 0) -> Queue:
    """A part of the queue behind these filters."""
    return stewardship.queue(visit.hub, wanted(visit, given), limit=limit, offset=offset)


def position(visit: Visit, given: Asked, name: str) -> Position:
    """Where an item stands behind these filters; of one that is gone, what comes first."""
    place = stewardship.place_in_queue(visit.hub, name)
    return stewardship.queue_after(visit.hub, wanted(visit, given), place)


def title_of(words: Words, item: QueueItem) -> str:
    """What an item is called: names as systems write them, sentences of our own in the reader's language."""
    if item.kind == "approval":
        actor, _, asked_for = item.title.rpartition(": ")
        kind = words.shown(asked_for.rpartition(" × ")[2])
        return words.say("item.title.approval", actor=acting(words, actor), count=len(item.decisions), kind=kind)
    return broken(words, item.title) if item.kind == "reference" else item.title


def about(items: Sequence[QueueItem], taken: Decision, touched: Sequence[str]) -> QueueItem | None:
    """The item that a decision had settled, once it waits again; `touched`: golden ids that its end changed."""
    refs = {*taken.members, *taken.others}
    if taken.kind == "pin":
        conflicts = (one for one in items if one.attribute == taken.attribute)
        return next((one for one in conflicts if set(one.golden_ids) & set(touched)), None)
    return next((one for one in items if one.records and refs == set(one.records)), None)
