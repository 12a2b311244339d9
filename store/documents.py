"""The documents the hub made or adopted in other systems: our business key on one side, theirs on the other.

`seen_in_pull_at` is the fetch time of the last pull that showed the document as last written; until
then planning counts our own command as supply instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from store.statements import Keyed, upsert
from store.tables import documents

Origin = Literal["created", "adopted"]


@dataclass(frozen=True, slots=True)
class Document:
    """One document of ours in a target. `content` is what was last written, None when only adopted."""

    system: str
    entity: str
    business_key: str
    native_id: str
    native_number: str | None
    revision: int
    content: Mapping[str, Any] | None
    origin: Origin
    applied_at: datetime
    seen_in_pull_at: datetime | None = None


_FIELDS = tuple(field.name for field in fields(Document))


@dataclass(frozen=True, slots=True)
class DocumentConflict:
    """A document that was not recorded because its native id already belongs to another business key."""

    wanted: Document
    standing: Document


def record(tx: Connection, rows: Iterable[Document]) -> list[DocumentConflict]:
    """Remember documents, replacing what stands under their business keys; conflicts are returned, not raised.

    A later revision keeps the origin of the first.
    """
    found: list[DocumentConflict] = []
    kept: dict[tuple[str, str, str], Document] = {}
    wanted = list(rows)
    owner = {_native(row): row for row in _by_native_ids(tx, wanted)}
    for row in wanted:
        standing = owner.setdefault(_native(row), row)
        if standing.business_key == row.business_key:
            kept[(row.system, row.entity, row.business_key)] = row
        else:
            found.append(DocumentConflict(row, standing))
    changed = ["native_id", "native_number", "revision", "content", "applied_at", "seen_in_pull_at"]
    upsert(tx, documents, [_columns(row) for row in kept.values()], changed)
    return found


def _native(row: Document) -> tuple[str, str, str]:
    return (row.system, row.entity, row.native_id)


def _by_native_ids(tx: Connection, rows: Sequence[Document]) -> list[Document]:
    wanted: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        wanted[row.system, row.entity].append(row.native_id)
    return [found for place, ids in wanted.items() for found in by_native_id(tx, *place, ids).values()]


def _columns(row: Document) -> dict[str, object]:
    return {name: getattr(row, name) for name in _FIELDS}


def _document(row: Row[Any]) -> Document:
    return Document(**{name: getattr(row, name) for name in _FIELDS})


def by_business_key(tx: Connection, system: str, entity: str, keys: Iterable[str]) -> dict[str, Document]:
    """Business key → document, for those that stand in the system."""
    return {row.business_key: _document(row) for row in _BY_BUSINESS_KEY.rows(tx, keys, of=system, what=entity)}


def by_native_id(tx: Connection, system: str, entity: str, native_ids: Iterable[str]) -> dict[str, Document]:
    """Native id → document."""
    return {row.native_id: _document(row) for row in _BY_NATIVE_ID.rows(tx, native_ids, of=system, what=entity)}


_OF_ENTITY = select(documents).where(documents.c.system == bindparam("of"), documents.c.entity == bindparam("what"))
_BY_BUSINESS_KEY = Keyed(_OF_ENTITY, documents.c.business_key)
_BY_NATIVE_ID = Keyed(_OF_ENTITY, documents.c.native_id)


def listed(tx: Connection, system: str | None = None, entity: str | None = None) -> list[Document]:
    """Every document, of one system or entity where named, in key order."""
    query = select(documents).order_by(documents.c.system, documents.c.entity, documents.c.business_key)
    if system is not None:
        query = query.where(documents.c.system == system)
    if entity is not None:
        query = query.where(documents.c.entity == entity)
    return [_document(row) for row in tx.execute(query)]


def mark_seen(tx: Connection, system: str, entity: str, keys: Iterable[str], pulled_at: datetime) -> None:
    """A pull that began at `pulled_at` showed these documents; an earlier sighting never replaces a later one."""
    statement = (
        update(documents)
        .where(
            documents.c.system == system,
            documents.c.entity == entity,
            documents.c.business_key == bindparam("at_key"),
            or_(documents.c.seen_in_pull_at.is_(None), documents.c.seen_in_pull_at < pulled_at),
        )
        .values(seen_in_pull_at=pulled_at)
    )
    rows = [{"at_key": key} for key in sorted(set(keys))]
    if rows:
        tx.execute(statement, rows)
