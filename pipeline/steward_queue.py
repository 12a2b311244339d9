"""The stewards' queue: everything that waits for a person, in one list, what matters most first.

Its items are not stored. They follow from candidate pairs, conflicts, quarantine and decisions that wait for a second
person, so an item is gone when its cause is, whoever or whatever settled it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from canonical.stewardship import Decision, SourceRef, in_force, waiting
from canonical.strict_json import loads
from mdm.spelling import fits
from pipeline.hub import Hub
from pipeline.impact import NONE, Impact, impacts
from pipeline.mastering import STEWARDED
from store import assignments, candidates, conflicts, crosswalk, decisions, golden, quarantine
from store.candidates import CandidatePair
from store.unit_of_work import Transaction

ItemKind = Literal["match", "ambiguous", "conflict", "duplicate", "reference", "approval"]
"""`match`: are these two one thing? `ambiguous`: one record fits several golden records. `conflict`: systems differ on
an attribute. `duplicate`: one system holds a thing twice. `reference`: a record names something nobody knows.
`approval`: decisions wait for a second person."""


@dataclass(frozen=True, slots=True)
class QueueItem:
    """Something that waits for a person. `item` names it as long as its cause stands."""

    item: str
    kind: ItemKind
    entity: str
    title: str
    golden_ids: tuple[str, ...] = ()
    records: tuple[SourceRef, ...] = ()
    attribute: str | None = None
    said: tuple[str, ...] = ()
    chosen: str | None = None
    posterior: float | None = None
    decisions: tuple[int, ...] = ()
    impact: Impact = NONE
    since: datetime | None = None
    assignee: str | None = None
    due_at: datetime | None = None


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
    """One page of the queue, and how much there is of each kind."""

    items: tuple[QueueItem, ...]
    total: int
    by_kind: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Known:
    """What all items of an entity are looked up in."""

    entity: str
    golden_of: Mapping[SourceRef, str]
    given: Sequence[Decision]
    impacts: Mapping[str, Impact]
    names: dict[str, str] = field(default_factory=dict)

    def impact(self, golden_ids: Iterable[str]) -> Impact:
        return sum((self.impacts.get(one, NONE) for one in golden_ids), NONE)


def queue(hub: Hub, wanted: QueueFilter | None = None, *, limit: int = 50, offset: int = 0) -> Queue:
    """The queue by impact, then likelihood, then age."""
    wanted = wanted or QueueFilter()
    with hub.store.read() as tx:
        found = [*_items(hub, tx, wanted)]
        given = assignments.of_items(tx, (one.item for one in found))
        placed = [
            replace(one, assignee=given[one.item].assignee, due_at=given[one.item].due_at) if one.item in given else one
            for one in found
        ]
        placed = [one for one in placed if _asked_for(one, wanted)]
    ordered = sorted(placed, key=_urgency)
    counted = Counter(one.kind for one in ordered)
    return Queue(tuple(ordered[offset : offset + limit]), len(ordered), dict(sorted(counted.items())))


def queue_item(hub: Hub, item: str) -> QueueItem | None:
    """One item by its name; None when its cause is gone."""
    return next((one for one in queue(hub, limit=1_000_000).items if one.item == item), None)


def _urgency(one: QueueItem) -> tuple[Any, ...]:
    documents, value = one.impact.rank
    return (-documents, -value, -(one.posterior or 0.0), one.since.timestamp() if one.since else 0.0, one.item)


def _asked_for(one: QueueItem, wanted: QueueFilter) -> bool:
    if wanted.kind is not None and one.kind != wanted.kind:
        return False
    if wanted.assignee is not None and one.assignee != wanted.assignee:
        return False
    if wanted.overdue_at is not None and (one.due_at is None or one.due_at > wanted.overdue_at):
        return False
    return wanted.text is None or fits(wanted.text, " ".join((one.title, *one.golden_ids, *map(str, one.records))))


def _items(hub: Hub, tx: Transaction, wanted: QueueFilter) -> Iterator[QueueItem]:
    for entity in sorted(STEWARDED):
        if wanted.entity in {None, entity}:
            pairs = candidates.listed(tx, entity)
            known = _known(hub, tx, entity, pairs)
            yield from _matches(known, pairs)
            yield from _approvals(tx, known)
    yield from _conflicts(hub, tx, wanted.entity)
    yield from _references(tx, wanted.entity)


def _known(hub: Hub, tx: Transaction, entity: str, pairs: Sequence[CandidatePair]) -> _Known:
    keys = {(ref.system, ref.source_key) for pair in pairs for ref in (pair.a, pair.b)}
    bound = crosswalk.bindings(tx, entity, keys)
    golden_of = {SourceRef(*key): row.golden_id for key, row in bound.items()}
    given = in_force(decisions.listed(tx, entity), hub.now())
    names = _names(tx, entity, golden_of.values())
    return _Known(entity, golden_of, given, impacts(hub, entity), names)


def _names(tx: Transaction, entity: str, golden_ids: Iterable[str]) -> dict[str, str]:
    return {
        golden_id: str(one.content.get("name") or golden_id)
        for golden_id, one in golden.standing(tx, entity, golden_ids).items()
    }


def named(*parts: str) -> str:
    """The name of an item: short, and the same as long as it is about the same."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _matches(known: _Known, pairs: Sequence[CandidatePair]) -> Iterator[QueueItem]:
    """Pairs nobody has settled, one item for each two golden records: the likeliest pair of their records."""
    apart = _kept_apart(known)
    seen: set[tuple[str, str]] = set()
    for pair in pairs:  # the likeliest first
        ours, theirs = known.golden_of.get(pair.a), known.golden_of.get(pair.b)
        if ours is None or theirs is None or ours == theirs:
            continue
        key = (min(ours, theirs), max(ours, theirs))
        if key in seen or key in apart:
            continue
        seen.add(key)
        kind: ItemKind = "ambiguous" if pair.band == "auto" else "match"
        yield QueueItem(
            named("match", known.entity, *key), kind, known.entity,
            " ≟ ".join(known.names.get(one, one) for one in (ours, theirs)), (ours, theirs), (pair.a, pair.b),
            posterior=pair.posterior, impact=known.impact(key), since=pair.found_at,
        )  # fmt: skip


def _kept_apart(known: _Known) -> set[tuple[str, str]]:
    """Golden records of which somebody said that they are two."""
    found: set[tuple[str, str]] = set()
    for one in known.given:
        if one.kind in {"different", "split"}:
            ours = {known.golden_of.get(ref) for ref in one.members}
            theirs = {known.golden_of.get(ref) for ref in one.others}
            found |= {(min(a, b), max(a, b)) for a in ours for b in theirs if a and b and a != b}
    return found


def _approvals(tx: Transaction, known: _Known) -> Iterator[QueueItem]:
    """Decisions that wait for a second person, one item for each batch."""
    batches: dict[str, list[Decision]] = {}
    for one in waiting(decisions.listed(tx, known.entity)):
        batches.setdefault(one.batch or str(one.number), []).append(one)
    for batch, several in batches.items():
        refs = tuple(dict.fromkeys(ref for one in several for ref in (*one.members, *one.others)))
        first = several[0]
        yield QueueItem(
            named("approval", known.entity, batch), "approval", known.entity,
            f"{first.actor}: {len(several)} × {first.kind}", (), refs,
            said=tuple(dict.fromkeys(one.reason for one in several if one.reason)),
            decisions=tuple(one.number for one in several), since=first.at,
        )  # fmt: skip


_CONFLICT_KINDS: Mapping[str, ItemKind] = {"ambiguous_match": "ambiguous", "duplicate_in_source": "duplicate"}


def _conflicts(hub: Hub, tx: Transaction, entity: str | None) -> Iterator[QueueItem]:
    found = conflicts.listed(tx, entity)
    by_entity = {one.entity: impacts(hub, one.entity) for one in found}
    names = {
        name: _names(tx, name, (one.golden_id for one in found if one.entity == name)) for name in by_entity
    }  # fmt: skip
    for one in found:
        values = one.values if isinstance(one.values, Mapping) else {}
        said = tuple(str(value) for value in values.get("said", ()))
        kind = _CONFLICT_KINDS.get(str(values.get("kind")), "conflict")
        refs = tuple(SourceRef.parse(value) for value in said) if kind == "duplicate" else ()
        golden_ids = (one.golden_id, *(said if kind == "ambiguous" else ()))
        yield QueueItem(
            named("conflict", one.entity, one.golden_id, one.attribute), kind, one.entity,
            names[one.entity].get(one.golden_id, one.golden_id), golden_ids, refs, one.attribute, said,
            None if one.chosen is None else str(one.chosen),
            impact=by_entity[one.entity].get(one.golden_id, NONE), since=one.since,
        )  # fmt: skip


def _references(tx: Transaction, entity: str | None) -> Iterator[QueueItem]:
    """Records that name something nobody knows; what waits behind each is counted as its impact."""
    for row in quarantine.listed(tx, stage="reconcile", entity=entity, rule="unknown_reference"):
        rejection = row.rejection
        ref = SourceRef(row.system, rejection.source_key)
        yield QueueItem(
            named("reference", row.entity, str(ref), rejection.path), "reference", row.entity, rejection.message,
            (), (ref,), rejection.path, (str(_payload(rejection.payload).get(rejection.path, "")),),
            impact=Impact(1, Decimal(0)), since=row.first_seen,
        )  # fmt: skip


def _payload(payload: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON of the store
    content = loads(payload) if isinstance(payload, str) else payload
    return content if isinstance(content, Mapping) else {}
