"""The stewards' queue as it is read: its items in the order in which they are worked through.

The causes of an item stand elsewhere (candidate pairs, conflicts, quarantine, decisions). Whoever changes one leaves a
mark here in the same transaction; who reads the queue next has the marked items made anew before. A mark is a row of
its own each time, so that none is lost between somebody who makes one and somebody who takes some away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Text, bindparam, delete, func, insert, select, type_coerce, update

from store.columns import canonical_text
from store.prepared import Prepared
from store.statements import Keyed, chunks, select_in, upsert
from store.tables import queue_assignments, queue_items, queue_marks, queue_places

ALL = "*"
"""Everything of an entity; as an entity: of all of them."""
APPROVALS = "!"
RECORD = "@"
"""Before `system:source_key`."""
MANY = 500
"""More marks at once are one mark for everything."""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One item. `place` sorts: what matters most comes first; `places`: the golden records it is about."""

    item: str
    entity: str
    kind: str
    place: str
    documents: int
    stock_value: int
    searched: str
    content: Mapping[str, Any]
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which items are asked for; what is None does not narrow."""

    entity: str | None = None
    kind: str | None = None
    assignee: str | None = None
    due_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Weight:
    """Where an item stands, and what its place was computed from."""

    item: str
    place: str
    documents: int
    stock_value: int


def mark(tx: Connection, entity: str, about: Collection[str]) -> None:
    """What the queue says about these golden records, or records as `@system:key`, is to be made anew."""
    named = about if len(about) <= MANY else (ALL,)
    _MARK.write(tx, *({"entity": entity, "about": one} for one in sorted(set(named))))


def mark_known(tx: Connection, entity: str, golden_ids: Collection[str]) -> None:
    """`mark`, of those golden records alone about which there is an item."""
    if len(golden_ids) > MANY:
        mark(tx, entity, (ALL,))
        return
    mark(tx, entity, {row.golden_id for row in _KNOWN.rows(tx, golden_ids, of=entity)})


_MARK = Prepared(insert(queue_marks))
_KNOWN = Keyed(
    select(queue_places.c.golden_id).where(queue_places.c.entity == bindparam("of")), queue_places.c.golden_id
)


def is_marked(tx: Connection) -> bool:
    """Whether anything is to be made anew."""
    return tx.execute(select(queue_marks.c.position).limit(1)).first() is not None


def take_marks(tx: Connection) -> dict[str, set[str]]:
    """Entity → what was marked; the marks are gone with this transaction."""
    rows = tx.execute(select(queue_marks)).all()
    for chunk in chunks(row.position for row in rows):
        tx.execute(delete(queue_marks).where(queue_marks.c.position.in_(chunk)))
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.entity, set()).add(row.about)
    return found


def entities(tx: Connection) -> set[str]:
    """Entities of which there is an item."""
    return set(tx.execute(select(queue_items.c.entity).distinct()).scalars())


def items_about(tx: Connection, entity: str, golden_ids: Iterable[str]) -> set[str]:
    """Items about these golden records."""
    here = select(queue_places.c.item).where(queue_places.c.entity == entity)
    return {row.item for row in select_in(tx, here, queue_places.c.golden_id, golden_ids)}


def items_of_kinds(tx: Connection, entity: str, kinds: Collection[str] | None) -> set[str]:
    """Items of an entity, of some kinds where named."""
    query = select(queue_items.c.item).where(queue_items.c.entity == entity)
    return set(tx.execute(query if kinds is None else query.where(queue_items.c.kind.in_(kinds))).scalars())


def put(tx: Connection, rows: Sequence[QueueRow], of: Collection[str]) -> None:
    """Make `rows` what stands of the items `of`: the others of them are gone; what is the same is left alone."""
    wanted = {row.item: row for row in rows}
    columns = (queue_items.c.item, queue_items.c.place, type_coerce(queue_items.c.content, Text).label("content"))
    standing = {row.item: (row.place, row.content) for row in select_in(tx, select(*columns), queue_items.c.item, of)}
    changed = [row for row in rows if standing.get(row.item) != (row.place, canonical_text(row.content))]
    gone = [item for item in standing if item not in wanted]
    for chunk in chunks([*gone, *(row.item for row in changed if row.item in standing)]):
        tx.execute(delete(queue_places).where(queue_places.c.item.in_(chunk)))
    for chunk in chunks(gone):
        tx.execute(delete(queue_items).where(queue_items.c.item.in_(chunk)))
    upsert(
        tx,
        queue_items,
        [_columns(row) for row in changed],
        ["place", "documents", "stock_value", "searched", "content", "kind"],
    )
    places = [{"entity": row.entity, "golden_id": one, "item": row.item} for row in changed for one in row.places]
    if places:
        tx.execute(insert(queue_places), places)


def _columns(row: QueueRow) -> dict[str, object]:
    names = ("item", "entity", "kind", "place", "documents", "stock_value", "searched", "content")
    return {name: getattr(row, name) for name in names}


def weights(tx: Connection, entity: str) -> tuple[list[Weight], dict[str, list[str]]]:
    """Where the items of an entity that are about golden records stand, and which records those are."""
    about: dict[str, list[str]] = {}
    for row in tx.execute(select(queue_places.c.item, queue_places.c.golden_id).where(queue_places.c.entity == entity)):
        if row.golden_id.startswith(RECORD):
            continue  # what waits behind an unknown reference is counted otherwise
        about.setdefault(row.item, []).append(row.golden_id)
    names = (queue_items.c.item, queue_items.c.place, queue_items.c.documents, queue_items.c.stock_value)
    rows = tx.execute(select(*names).where(queue_items.c.entity == entity))
    return [Weight(*row) for row in rows if row.item in about], about


def move(tx: Connection, rows: Sequence[Weight]) -> None:
    """Put items where they stand now."""
    if rows:
        tx.execute(
            update(queue_items)
            .where(queue_items.c.item == bindparam("at"))
            .values(place=bindparam("to"), documents=bindparam("docs"), stock_value=bindparam("worth")),
            [{"at": one.item, "to": one.place, "docs": one.documents, "worth": one.stock_value} for one in rows],
        )


_SHOWN = (
    queue_items.c.item, queue_items.c.entity, queue_items.c.kind, queue_items.c.place, queue_items.c.documents,
    queue_items.c.stock_value, queue_items.c.searched, queue_items.c.content, queue_assignments.c.assignee,
    queue_assignments.c.due_at,
)  # fmt: skip


def _narrowed(query: Select[Any], wanted: Narrowed) -> Select[Any]:
    joined = query.select_from(
        queue_items.outerjoin(queue_assignments, queue_assignments.c.item == queue_items.c.item)
        if wanted.assignee is not None or wanted.due_by is not None
        else queue_items
    )
    asked = (
        (queue_items.c.entity, wanted.entity), (queue_items.c.kind, wanted.kind),
        (queue_assignments.c.assignee, wanted.assignee),
    )  # fmt: skip
    joined = joined.where(*(column == value for column, value in asked if value is not None))
    return joined if wanted.due_by is None else joined.where(queue_assignments.c.due_at <= wanted.due_by)


def page(tx: Connection, wanted: Narrowed, limit: int, offset: int = 0) -> list[str]:
    """Names of items in the order in which they are worked through."""
    query = _narrowed(select(queue_items.c.item), wanted).order_by(queue_items.c.place)
    return list(tx.execute(query.limit(limit).offset(offset)).scalars())


def counts(tx: Connection, wanted: Narrowed) -> dict[str, int]:
    """Kind → items."""
    rows = tx.execute(_narrowed(select(queue_items.c.kind, func.count()), wanted).group_by(queue_items.c.kind))
    return {row[0]: row[1] for row in rows}


def searched(tx: Connection, wanted: Narrowed) -> list[tuple[str, str, str, str]]:
    """Item, kind, place and what is searched in, in order."""
    names = (queue_items.c.item, queue_items.c.kind, queue_items.c.place, queue_items.c.searched)
    return [tuple(row) for row in tx.execute(_narrowed(select(*names), wanted).order_by(queue_items.c.place))]


def stands(tx: Connection, wanted: Narrowed, place: str) -> bool:
    """Whether an item stands at a place."""
    return (
        tx.execute(_narrowed(select(queue_items.c.item), wanted).where(queue_items.c.place == place)).first()
        is not None
    )


def before(tx: Connection, wanted: Narrowed, place: str) -> int:
    """How many items stand before a place."""
    query = _narrowed(select(func.count()), wanted).where(queue_items.c.place < place)
    return int(tx.execute(query).scalar_one())


def after(tx: Connection, wanted: Narrowed, place: str) -> str | None:
    """The first item behind a place."""
    query = _narrowed(select(queue_items.c.item), wanted).where(queue_items.c.place > place)
    return tx.execute(query.order_by(queue_items.c.place).limit(1)).scalar_one_or_none()


def named(tx: Connection, items: Iterable[str]) -> list[Any]:
    """Items by name with their assignments, in the order in which they are worked through."""
    query = select(*_SHOWN).select_from(
        queue_items.outerjoin(queue_assignments, queue_assignments.c.item == queue_items.c.item)
    )
    return sorted(select_in(tx, query, queue_items.c.item, items), key=lambda row: str(row.place))
