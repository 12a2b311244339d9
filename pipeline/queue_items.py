"""What waits for a steward, made of its causes: candidate pairs, conflicts, quarantine, decisions that wait.

An item is gone when its cause is, whoever or whatever settled it. It is named by what it is about, so the same
question is the same item for as long as it stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from canonical.stewardship import Decision, SourceRef, in_force, waiting
from canonical.strict_json import loads
from mdm.spelling import searchable
from mdm.versions import STRUCTURES
from pipeline.hub import Hub
from pipeline.impact import NONE, Impact, impacts
from store import candidates, conflicts, crosswalk, decisions, golden, quarantine
from store.candidates import CandidatePair
from store.conflicts import Conflict
from store.queue import RECORD, QueueRow
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
class _Known:
    """What all pairs of an entity are looked up in."""

    entity: str
    golden_of: Mapping[SourceRef, str]
    given: Sequence[Decision]
    """Decisions that keep records apart."""
    impacts: Mapping[str, Impact]
    names: dict[str, str] = field(default_factory=dict)

    def impact(self, golden_ids: Iterable[str]) -> Impact:
        return sum((self.impacts.get(one, NONE) for one in golden_ids), NONE)


def named(*parts: str) -> str:
    """The name of an item: short, and the same as long as it is about the same."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def place_of(impact: Impact, tail: str) -> str:
    """Where an item stands among the others: more open documents first, then more stock value, then its `tail`."""
    documents, value = 10**9 - impact.open_documents, 10**18 - int(impact.stock_value)
    return f"{documents:010d}.{value:019d}.{tail}"


def tail_of(item: QueueItem) -> str:
    """The rest of its place: the likelier first, then the older."""
    since = int(item.since.timestamp() * 1000) if item.since else 0
    return f"{1 - (item.posterior or 0.0):.9f}.{since:015d}.{item.item}"


def row_of(one: QueueItem) -> QueueRow:
    """An item as it is kept."""
    content = {
        "title": one.title, "golden_ids": list(one.golden_ids), "records": list(map(str, one.records)),
        "attribute": one.attribute, "said": list(one.said), "chosen": one.chosen, "posterior": one.posterior,
        "decisions": list(one.decisions), "since": one.since.isoformat() if one.since else None,
    }  # fmt: skip
    text = " ".join((one.title, *one.golden_ids, *map(str, one.records)))
    return QueueRow(
        one.item, one.entity, one.kind, place_of(one.impact, tail_of(one)), one.impact.open_documents,
        int(one.impact.stock_value), searchable(text), content, _places(one),
    )  # fmt: skip


def _places(one: QueueItem) -> tuple[str, ...]:
    """What has to change for the item to be made anew: its golden records, of a conflict the one it is about."""
    if one.kind == "reference":
        return tuple(f"{RECORD}{ref}" for ref in one.records)
    return one.golden_ids[:1] if one.attribute is not None else tuple(dict.fromkeys(one.golden_ids))


def item_of(row: Any) -> QueueItem:  # noqa: ANN401 - a row of the store with its assignment
    """An item as it was kept."""
    said = row.content
    posterior, since = said["posterior"], said["since"]
    return QueueItem(
        row.item, row.kind, row.entity, said["title"], tuple(said["golden_ids"]),
        tuple(SourceRef.parse(one) for one in said["records"]), said["attribute"], tuple(said["said"]), said["chosen"],
        None if posterior is None else float(posterior), tuple(said["decisions"]),
        Impact(row.documents, Decimal(row.stock_value)), None if since is None else datetime.fromisoformat(since),
        row.assignee, row.due_at,
    )  # fmt: skip


def matches(hub: Hub, tx: Transaction, entity: str, within: Collection[str] | None = None) -> Iterator[QueueItem]:
    """Pairs nobody has settled, one item for each two golden records: the likeliest pair of their records.

    `within`: only of these golden records.
    """
    pairs = candidates.listed(tx, entity) if within is None else _pairs_of(tx, entity, within)
    if not pairs:
        return
    known = _known(hub, tx, entity, pairs)
    apart = _kept_apart(known.given, known.golden_of)
    seen: set[tuple[str, str]] = set()
    for pair in pairs:  # the likeliest first
        ours, theirs = known.golden_of.get(pair.a), known.golden_of.get(pair.b)
        if ours is None or theirs is None or ours == theirs:
            continue
        key = (min(ours, theirs), max(ours, theirs))
        if key in seen or key in apart or (within is not None and not set(key) & set(within)):
            continue
        seen.add(key)
        kind: ItemKind = "ambiguous" if pair.band == "auto" else "match"
        yield QueueItem(
            named("match", entity, *key), kind, entity, " ≟ ".join(known.names.get(one, one) for one in (ours, theirs)),
            (ours, theirs), (pair.a, pair.b), posterior=pair.posterior, impact=known.impact(key), since=pair.found_at,
        )  # fmt: skip


def _pairs_of(tx: Transaction, entity: str, golden_ids: Collection[str]) -> list[CandidatePair]:
    refs = [SourceRef(row.system, row.source_key) for row in crosswalk.of_golden(tx, entity, golden_ids)]
    found = candidates.touching(tx, entity, refs)
    return sorted(found, key=lambda pair: (-pair.posterior, pair.a, pair.b))


def _parting(hub: Hub, tx: Transaction, entity: str) -> list[Decision]:
    return [one for one in in_force(decisions.listed(tx, entity), hub.now()) if one.kind in {"different", "split"}]


def _known(hub: Hub, tx: Transaction, entity: str, pairs: Sequence[CandidatePair]) -> _Known:
    given = _parting(hub, tx, entity)
    refs = {ref for pair in pairs for ref in (pair.a, pair.b)}
    parted = {ref for one in given for ref in (*one.members, *one.others)}
    bound = crosswalk.bindings(tx, entity, {(ref.system, ref.source_key) for ref in refs | parted})
    golden_of = {SourceRef(*key): row.golden_id for key, row in bound.items()}
    names = names_of(tx, entity, {golden_of[ref] for ref in refs if ref in golden_of})
    return _Known(entity, golden_of, given, impacts(hub, entity), names)


def names_of(tx: Transaction, entity: str, golden_ids: Iterable[str]) -> dict[str, str]:
    """Golden id → what it is called."""
    return {
        golden_id: str(one.content.get("name") or golden_id)
        for golden_id, one in golden.standing(tx, entity, golden_ids).items()
    }


def _kept_apart(given: Sequence[Decision], golden_of: Mapping[SourceRef, str]) -> set[tuple[str, str]]:
    """Golden records of which somebody said that they are two."""
    found: set[tuple[str, str]] = set()
    for one in given:
        ours = {golden_of.get(ref) for ref in one.members}
        theirs = {golden_of.get(ref) for ref in one.others}
        found |= {(min(a, b), max(a, b)) for a in ours for b in theirs if a and b and a != b}
    return found


def approvals(tx: Transaction, entity: str) -> Iterator[QueueItem]:
    """Decisions that wait for a second person, one item for each batch."""
    batches: dict[str, list[Decision]] = {}
    for one in waiting(decisions.listed(tx, entity)):
        batches.setdefault(one.batch or str(one.number), []).append(one)
    for batch, several in batches.items():
        refs = tuple(dict.fromkeys(ref for one in several for ref in (*one.members, *one.others)))
        first = several[0]
        yield QueueItem(
            named("approval", entity, batch), "approval", entity, f"{first.actor}: {len(several)} × {first.kind}",
            (), refs, said=tuple(dict.fromkeys(one.reason for one in several if one.reason)),
            decisions=tuple(one.number for one in several), since=first.at,
        )  # fmt: skip


_CONFLICT_KINDS: Mapping[str, ItemKind] = {"ambiguous_match": "ambiguous", "duplicate_in_source": "duplicate"}


def disagreements(hub: Hub, tx: Transaction, entity: str, within: Collection[str] | None = None) -> Iterator[QueueItem]:
    """Where sources disagree, one item for each attribute of each golden record."""
    listed = conflicts.listed(tx, entity) if within is None else conflicts.of_golden(tx, entity, within)
    found = _unanswered(hub, tx, entity, listed)
    if not found:
        return
    items = _items_of(hub, entity)
    if items is None:
        weights, names = impacts(hub, entity), names_of(tx, entity, (one.golden_id for one in found))
    else:
        weights, names = _of_items(hub, tx, items, {one.golden_id for one in found})
    for one in found:
        values = one.values if isinstance(one.values, Mapping) else {}
        said = tuple(str(value) for value in values.get("said", ()))
        kind = _CONFLICT_KINDS.get(str(values.get("kind")), "conflict")
        refs = tuple(SourceRef.parse(value) for value in said) if kind == "duplicate" else ()
        golden_ids = (one.golden_id, *(said if kind == "ambiguous" else ()))
        yield QueueItem(
            named("conflict", entity, one.golden_id, one.attribute), kind, entity,
            names.get(one.golden_id, one.golden_id), golden_ids, refs, one.attribute, said,
            None if one.chosen is None else str(one.chosen), impact=weights.get(one.golden_id, NONE), since=one.since,
        )  # fmt: skip


def _unanswered(hub: Hub, tx: Transaction, entity: str, found: Sequence[Conflict]) -> Sequence[Conflict]:
    """Without records that fit several golden records, of which somebody said that they are none of the others."""
    several = {one.golden_id: {*_holders(one)} - {one.golden_id} for one in found if _holders(one)}
    given = _parting(hub, tx, entity) if several else []
    if not given:
        return found
    refs = {(ref.system, ref.source_key) for one in given for ref in (*one.members, *one.others)}
    golden_of = {SourceRef(*key): row.golden_id for key, row in crosswalk.bindings(tx, entity, refs).items()}
    apart = _kept_apart(given, golden_of)
    answered = {
        place for place, others in several.items() if all((min(place, p), max(place, p)) in apart for p in others)
    }
    return [one for one in found if not (_holders(one) and one.golden_id in answered)]


def _holders(one: Conflict) -> tuple[str, ...]:
    """The golden records that a record fits, where that is the question."""
    values = one.values if isinstance(one.values, Mapping) else {}
    return tuple(str(place) for place in values.get("said", ())) if values.get("kind") == "ambiguous_match" else ()


def _items_of(hub: Hub, entity: str) -> Mapping[str, str] | None:
    """Head → its item, for the lines of BOMs and routings; None for what is no such line."""
    structure = STRUCTURES.get(entity)
    heads = hub.frames.read(f"versions/{structure.head}") if structure else None
    return None if heads is None else dict(heads.select("golden_id", "item").iter_rows())


def _of_items(
    hub: Hub, tx: Transaction, items: Mapping[str, str], heads: Collection[str]
) -> tuple[dict[str, Impact], dict[str, str]]:
    """What hangs on the items whose BOM or routing it is, and what they are called; by head."""
    made = {head: items[head] for head in heads if items.get(head)}
    weights, names = impacts(hub, "item"), names_of(tx, "item", made.values())
    return (
        {head: weights.get(item, NONE) for head, item in made.items()},
        {head: f"{names.get(item, item)} ({item})" for head, item in made.items()},
    )


def unknown_references(
    tx: Transaction, entity: str, records: Collection[SourceRef] | None = None
) -> Iterator[QueueItem]:
    """Records that name something nobody knows; what waits behind each is counted as its impact."""
    keys = None if records is None else {ref.source_key for ref in records}
    found = quarantine.listed(tx, stage="reconcile", entity=entity, rule="unknown_reference", source_keys=keys)
    for row in found:
        rejection = row.rejection
        ref = SourceRef(row.system, rejection.source_key)
        if records is None or ref in records:
            yield QueueItem(
                named("reference", entity, str(ref), rejection.path), "reference", entity, rejection.message, (),
                (ref,), rejection.path, (str(_payload(rejection.payload).get(rejection.path, "")),),
                impact=Impact(1, Decimal(0)), since=row.first_seen,
            )  # fmt: skip


def _payload(payload: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON of the store
    content = loads(payload) if isinstance(payload, str) else payload
    return content if isinstance(content, Mapping) else {}
