"""The stewards' queue: everything that waits for a person, in one list, what matters most first.

Its items follow from their causes (`pipeline.queue_items`) and stand in the store in the order in which they are
worked through. What changed since the queue was last read is made anew before it is read; what hangs on the items,
open documents and stock value, follows within a minute.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from canonical.stewardship import SourceRef
from mdm.spelling import search_patterns
from pipeline.hub import Hub
from pipeline.impact import NONE, impacts, read_from
from pipeline.mastering import STEWARDED
from pipeline.queue_items import (
    ItemKind,
    QueueItem,
    approvals,
    disagreements,
    item_of,
    matches,
    place_of,
    row_of,
    unknown_references,
)
from store import conflicts, crosswalk, quarantine, ticks
from store import queue as kept
from store.queue import ALL, APPROVALS, RECORD, Narrowed, Weight
from store.unit_of_work import Transaction

__all__ = [
    "ItemKind",
    "Queue",
    "QueueFilter",
    "QueueItem",
    "queue",
    "queue_after",
    "queue_item",
    "queue_items",
    "refresh",
]

WEIGHED_EVERY = timedelta(minutes=1)
"""What hangs on the items is looked at again at most so often."""


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which items are asked for; what is None does not narrow."""

    entity: str | None = None
    kind: ItemKind | None = None
    assignee: str | None = None
    text: str | None = None
    """Part of a title, a golden id or a key: as written, by pinyin or by its initials."""
    overdue_at: datetime | None = None
    """Only items that were due by this moment."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One page of the queue, how many items the filter leaves, and how many of each kind it would."""

    items: tuple[QueueItem, ...]
    total: int
    by_kind: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Position:
    """Where an item stands in the queue, from 1, and the one after it."""

    number: int | None
    total: int
    following: str | None


def queue(hub: Hub, wanted: QueueFilter | None = None, *, limit: int = 50, offset: int = 0) -> Queue:
    """The queue by impact, then likelihood, then age."""
    wanted = wanted or QueueFilter()
    refresh(hub)
    with hub.store.read() as tx:
        if wanted.text:
            found = _searched(tx, wanted)
            counted = dict(Counter(kind for _, kind, _ in found))
            names = [item for item, kind, _ in found if wanted.kind in {None, kind}][offset : offset + limit]
        else:
            counted = kept.counts(tx, replace(_narrowed(wanted), kind=None))
            names = kept.page(tx, _narrowed(wanted), limit, offset)
        items = tuple(item_of(row) for row in kept.named(tx, names))
    total = sum(count for kind, count in counted.items() if wanted.kind in {None, kind})
    return Queue(items, total, dict(sorted(counted.items())))


def queue_item(hub: Hub, item: str) -> QueueItem | None:
    """One item by its name; None when its cause is gone."""
    return next(iter(queue_items(hub, [item])), None)


def queue_items(hub: Hub, items: Collection[str]) -> tuple[QueueItem, ...]:
    """Items by name, in the order of the queue, as far as they still wait."""
    refresh(hub)
    with hub.store.read() as tx:
        return tuple(item_of(row) for row in kept.named(tx, items))


def items_about(hub: Hub, entity: str, golden_ids: Collection[str]) -> tuple[QueueItem, ...]:
    """What waits about some golden records."""
    refresh(hub)
    with hub.store.read() as tx:
        return tuple(item_of(row) for row in kept.named(tx, kept.items_about(tx, entity, golden_ids)))


def place_in_queue(hub: Hub, item: str) -> str | None:
    """A token for where an item stands, which outlives the item; None where it does not wait."""
    with hub.store.read() as tx:
        return next((str(row.place) for row in kept.named(tx, [item])), None)


def queue_after(hub: Hub, wanted: QueueFilter, place: str | None) -> Position:
    """Where a place stands among the items of a filter, and the item that follows; without a place, the first one."""
    refresh(hub)
    at = place or ""
    with hub.store.read() as tx:
        if wanted.text:
            places = [(item, here) for item, kind, here in _searched(tx, wanted) if wanted.kind in {None, kind}]
            number = sum(here < at for _, here in places)
            following = next((item for item, here in places if here > at), None)
            total = len(places)
            stands = any(here == at for _, here in places)
        else:
            narrowed = _narrowed(wanted)
            number, following = kept.before(tx, narrowed, at), kept.after(tx, narrowed, at)
            total = sum(kept.counts(tx, narrowed).values())
            stands = kept.stands(tx, narrowed, at)
    return Position(number + 1 if stands else None, total, following)


def _narrowed(wanted: QueueFilter) -> Narrowed:
    return Narrowed(wanted.entity, wanted.kind, wanted.assignee, wanted.overdue_at)


def _searched(tx: Transaction, wanted: QueueFilter) -> list[tuple[str, str, str]]:
    """Item, kind and place of what the words fit, of every kind."""
    patterns = [re.compile(pattern) for pattern in search_patterns(wanted.text or "")]
    rows = kept.searched(tx, replace(_narrowed(wanted), kind=None))
    return [(item, kind, place) for item, kind, place, said in rows if all(one.search(said) for one in patterns)]


# -- keeping it --------------------------------------------------------------------------------------------------------


def refresh(hub: Hub) -> None:
    """Make what changed anew; where nothing did, this is one short query."""
    with hub.store.read() as tx:
        marked = kept.is_marked(tx)
        heavier = _outweighed(hub, tx)
    if marked:
        with hub.store.begin() as tx:
            refresh_in(hub, tx)
    if heavier:
        with hub.store.begin() as tx:
            for entity in heavier:
                _weigh(hub, tx, entity)


def refresh_in(hub: Hub, tx: Transaction) -> None:
    """Make anew what is marked, in a transaction that is open already."""
    marks = kept.take_marks(tx)
    everything = marks.pop(ALL, None) is not None
    if everything:
        told = {*STEWARDED, *conflicts.counts(tx), *(entity for _, _, entity in quarantine.counts(tx))}
        marks = {entity: {ALL} for entity in {*told, *kept.entities(tx)}}
    for entity, about in sorted(marks.items()):
        _all_anew(hub, tx, entity) if ALL in about else _anew(hub, tx, entity, about)


def _all_anew(hub: Hub, tx: Transaction, entity: str) -> None:
    found = [*disagreements(hub, tx, entity), *unknown_references(tx, entity)]
    if entity in STEWARDED:
        found += [*matches(hub, tx, entity), *approvals(tx, entity)]
    rows = [row_of(one) for one in found]
    kept.put(tx, rows, {*kept.items_of_kinds(tx, entity, None), *(row.item for row in rows)})
    _note_weight(hub, tx, entity)


def _anew(hub: Hub, tx: Transaction, entity: str, about: set[str]) -> None:
    records = {SourceRef.parse(one.removeprefix(RECORD)) for one in about if one.startswith(RECORD)}
    bound = crosswalk.bindings(tx, entity, {(ref.system, ref.source_key) for ref in records}) if records else {}
    places = {one for one in about if not one.startswith(RECORD) and one != APPROVALS}
    places |= {row.golden_id for row in bound.values()}
    found = [*disagreements(hub, tx, entity, places), *unknown_references(tx, entity, records)]
    gone = kept.items_about(tx, entity, {*places, *(f"{RECORD}{ref}" for ref in records)})
    if entity in STEWARDED:
        found += matches(hub, tx, entity, places)
    if APPROVALS in about:
        found += approvals(tx, entity)
        gone |= kept.items_of_kinds(tx, entity, ("approval",))
    rows = [row_of(one) for one in found]
    kept.put(tx, rows, {*gone, *(row.item for row in rows)})


def _weighed(entity: str) -> str:
    return f"queue/impact/{entity}"


def _basis(hub: Hub, entity: str) -> int:
    """The frames from which impacts are read, as one number."""
    return int(hashlib.sha256(read_from(hub, entity).encode()).hexdigest()[:12], 16)


def _outweighed(hub: Hub, tx: Transaction) -> list[str]:
    """Entities whose items hang on other documents than they were weighed by, looked at once a minute."""
    looked: datetime | None = hub.kept.get("queue/weighed")
    if looked is not None and timedelta(0) <= hub.now() - looked < WEIGHED_EVERY:
        return []
    hub.kept["queue/weighed"] = hub.now()
    return [one for one in sorted(STEWARDED) if ticks.value(tx, _weighed(one)) != _basis(hub, one)]


def _note_weight(hub: Hub, tx: Transaction, entity: str) -> None:
    if entity in STEWARDED:
        ticks.put(tx, _weighed(entity), _basis(hub, entity))


def _weigh(hub: Hub, tx: Transaction, entity: str) -> None:
    """Put the items of an entity where they stand by what hangs on them now."""
    known = impacts(hub, entity)
    standing, about = kept.weights(tx, entity)
    changed = []
    for one in standing:
        impact = sum((known.get(place, NONE) for place in about[one.item]), NONE)
        if (impact.open_documents, int(impact.stock_value)) != (one.documents, one.stock_value):
            tail = one.place.split(".", 2)[2]
            place = place_of(impact, tail)
            changed.append(Weight(one.item, place, impact.open_documents, int(impact.stock_value)))
    kept.move(tx, changed)
    _note_weight(hub, tx, entity)
