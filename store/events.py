"""What changed, and what each fact looked like when it was last decided on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

import polars as pl
from sqlalchemy import Connection, Row, bindparam, delete, select

from store.prepared import Prepared
from store.statements import Keyed, insert_missing, upsert
from store.tables import change_events, decided_facts

FACT_SCHEMA = pl.Schema({"key": pl.String(), "content": pl.String(), "hash": pl.String()})


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """One record that was created, changed or deleted, or whose timer ran out (`overdue`).

    `fields` are those that differ, `origin` is who caused it.
    """

    id: str
    entity: str
    key: str
    kind: Literal["created", "changed", "deleted", "overdue"]
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    fields: Sequence[str]
    origin: str
    at: datetime
    run_id: str
    revision: int | None = None
    """The revision of our own document that the record shows, where it shows what we wrote."""
    cause: str | None = None
    """The command of ours it follows from."""
    hops: int = 0
    """How many events in a row followed from commands of ours, this one included."""


_FIELDS = tuple(field.name for field in fields(ChangeEvent))


_RECENT = Keyed(
    select(change_events).where(change_events.c.at >= bindparam("since")),
    change_events.c.key,
    of=change_events.c.entity,
)
_BY_ID = Keyed(select(change_events), change_events.c.id)
_DECIDED = select(*(decided_facts.c[name] for name in FACT_SCHEMA)).where(decided_facts.c.entity == bindparam("of"))
_DECIDED_OF = Keyed(_DECIDED, decided_facts.c.key)
_DECIDED_AMONG = Keyed(
    select(decided_facts.c.entity, decided_facts.c.key, decided_facts.c.content),
    decided_facts.c.key,
    of=decided_facts.c.entity,
)
_UNDECIDE = Prepared(
    delete(decided_facts).where(decided_facts.c.entity == bindparam("of"), decided_facts.c.key == bindparam("at_key"))
)


def append(tx: Connection, events: Iterable[ChangeEvent]) -> None:
    """Append events; one whose id stands already is the same event and is left alone."""
    insert_missing(tx, change_events, [{name: getattr(event, name) for name in _FIELDS} for event in events])


def _event(row: Row[Any]) -> ChangeEvent:
    return ChangeEvent(**{name: getattr(row, name) for name in _FIELDS})


def listed(
    tx: Connection, entity: str | None = None, key: str | None = None, run_id: str | None = None, limit: int = 1000
) -> list[ChangeEvent]:
    """Events in the order they were appended, filtered where named."""
    filters = {"entity": entity, "key": key, "run_id": run_id}
    query = (
        select(change_events)
        .where(*(change_events.c[name] == value for name, value in filters.items() if value is not None))
        .order_by(change_events.c.position)
        .limit(limit)
    )
    return [_event(row) for row in tx.execute(query)]


def recent(
    tx: Connection, places: Collection[tuple[str, str]], since: datetime
) -> dict[tuple[str, str], list[ChangeEvent]]:
    """Entity and key → its events since a moment, oldest first."""
    found: dict[tuple[str, str], list[ChangeEvent]] = {place: [] for place in places}
    rows = _RECENT.rows(tx, (key for _, key in found), of=sorted({entity for entity, _ in found}), since=since)
    for row in sorted(rows, key=lambda row: row.position):
        if (place := (row.entity, row.key)) in found:
            found[place].append(_event(row))
    return found


def found(tx: Connection, event_ids: Iterable[str]) -> dict[str, ChangeEvent]:
    """Id → event, for those that stand."""
    return {row.id: _event(row) for row in _BY_ID.rows(tx, event_ids)}


def find(tx: Connection, event_id: str) -> ChangeEvent | None:
    """The event of that id."""
    row = tx.execute(select(change_events).where(change_events.c.id == event_id)).one_or_none()
    return _event(row) if row else None


def latest(tx: Connection, entity: str, key: str) -> ChangeEvent | None:
    """The last event of one record."""
    here = (change_events.c.entity == entity, change_events.c.key == key)
    row = tx.execute(
        select(change_events).where(*here).order_by(change_events.c.position.desc()).limit(1)
    ).one_or_none()
    return _event(row) if row else None


def decided_content(tx: Connection, entity: str, key: str) -> str | None:
    """One fact as it was when last decided on, as canonical JSON text; None where it is gone or never was."""
    here = (decided_facts.c.entity == entity, decided_facts.c.key == key)
    content: str | None = tx.execute(select(decided_facts.c.content).where(*here)).scalar_one_or_none()
    return content


def decided_frame(tx: Connection, entity: str, keys: Collection[str] | None = None) -> pl.DataFrame:
    """Each record as it was when last decided on: `key`, `content` (canonical JSON text), `hash`; of `keys` only."""
    return pl.DataFrame([tuple(row) for row in _decided(tx, entity, keys)], schema=FACT_SCHEMA, orient="row")


def decided_contents(tx: Connection, entity: str, keys: Collection[str] | None = None) -> list[str]:
    """Each record as it was when last decided on, as canonical JSON text, in the order of their keys."""
    return [row.content for row in _decided(tx, entity, keys)]


def decided_among(tx: Connection, wanted: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """`decided_contents` of many entities, of some keys each, in one look."""
    found: dict[str, list[tuple[str, str]]] = {entity: [] for entity in wanted}
    rows = _DECIDED_AMONG.rows(tx, (key for keys in wanted.values() for key in keys), of=sorted(wanted))
    for row in rows:
        if row.key in wanted[row.entity]:
            found[row.entity].append((row.key, row.content))
    return {entity: [content for _, content in sorted(rows)] for entity, rows in found.items()}


def _decided(tx: Connection, entity: str, keys: Collection[str] | None) -> list[Row[Any]]:
    if keys is None:
        return list(tx.execute(_DECIDED.order_by(decided_facts.c.key), {"of": entity}))
    return sorted(_DECIDED_OF.rows(tx, keys, of=entity), key=lambda row: str(row.key))


def mark_decided(tx: Connection, entity: str, changed: pl.DataFrame, gone: Collection[str] = ()) -> None:
    """Set the mark for changed facts (columns of `FACT_SCHEMA`) and drop it for facts that are gone.

    Belongs in the transaction that enqueues the commands.
    """
    rows = [(entity, *row) for row in changed.select(FACT_SCHEMA.names()).iter_rows()]
    mark_decided_rows(tx, rows, [(entity, key) for key in gone])


def mark_decided_rows(
    tx: Connection, changed: Iterable[tuple[str, str, str, str]], gone: Collection[tuple[str, str]] = ()
) -> None:
    """`mark_decided` for a few of any entity: entity, key, content and hash of each changed fact."""
    rows = [dict(zip(("entity", "key", "content", "hash"), row, strict=True)) for row in changed]
    upsert(tx, decided_facts, rows, ["content", "hash"])
    _UNDECIDE.write(tx, *({"of": entity, "at_key": key} for entity, key in gone))
