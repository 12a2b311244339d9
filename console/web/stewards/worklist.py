"""The queue as a steward works through it: one item after another, in the order of the list they came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.web.stewards.asked import Asked, wanted
from console.web.visit import Visit
from console.words.words import Words
from pipeline import stewardship
from pipeline.stewardship import Decision, QueueItem

ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Worklist:
    """The items asked for, what matters most first, and how many there are of each kind."""

    items: tuple[QueueItem, ...]
    by_kind: dict[str, int]

    def place(self, name: str) -> int | None:
        """Where an item stands, from 0; None where it stands not."""
        return next((at for at, one in enumerate(self.items) if one.item == name), None)

    def after(self, name: str) -> QueueItem | None:
        """The item after one; the first where that one is gone."""
        at = self.place(name)
        return next(iter(self.items[0 if at is None else at + 1 :]), None)


def worklist(visit: Visit, given: Asked) -> Worklist:
    """The queue behind these filters."""
    found = stewardship.queue(visit.hub, replace(wanted(visit, given), kind=None), limit=ALL).items
    counted = Counter(one.kind for one in found)
    kept = tuple(one for one in found if given.kind in {"", one.kind})
    return Worklist(kept, {kind: counted[kind] for kind in sorted(counted)})


def title_of(words: Words, item: QueueItem) -> str:
    """What an item is called: names as systems write them, sentences of our own in the reader's language."""
    if item.kind == "approval":
        actor, _, asked_for = item.title.rpartition(": ")
        kind = words.shown(asked_for.rpartition(" × ")[2])
        return words.say("item.title.approval", actor=actor, count=len(item.decisions), kind=kind)
    return words.told(item.title) if item.kind == "reference" else item.title


def next_of(before: Worklist, name: str, now: Worklist) -> QueueItem | None:
    """Where a steward goes on after settling an item: what came after it and still waits, else None."""
    at = before.place(name)
    standing = {one.item: one for one in now.items}
    rest = before.items[0 if at is None else at + 1 :]
    return next((standing[one.item] for one in rest if one.item in standing and one.item != name), None)


def about(items: Sequence[QueueItem], taken: Decision, touched: Sequence[str]) -> QueueItem | None:
    """The item that a decision had settled, once it waits again; `touched`: golden ids that its end changed."""
    refs = {*taken.members, *taken.others}
    same_entity = [one for one in items if one.entity == taken.entity]
    if taken.kind == "pin":
        conflicts = (one for one in same_entity if one.attribute == taken.attribute)
        return next((one for one in conflicts if set(one.golden_ids) & set(touched)), None)
    return next((one for one in same_entity if one.records and refs == set(one.records)), None)
