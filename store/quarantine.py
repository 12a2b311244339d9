"""Records that cannot be used, each with the rule it breaks and its payload, until they can."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, select, update

from store import queue
from store.prepared import Prepared
from store.statements import Keyed, upsert
from store.tables import quarantine


class QuarantineState(StrEnum):
    """`REPLAYED` means that a person sent the row through again and it has not been judged since."""

    OPEN = "open"
    RESOLVED = "resolved"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rule broken by one record; `path` is the field, empty for the whole record."""

    source_key: str
    rule: str
    message: str
    path: str = ""
    payload: Any = None


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A rejection as it stands in quarantine."""

    stage: str
    system: str
    entity: str
    rejection: Rejection
    first_seen: datetime
    last_seen: datetime
    state: QuarantineState


@dataclass(frozen=True, slots=True)
class Turnover:
    """How many rows were opened (or reopened), are open now, and were resolved because they no longer fail."""

    opened: int
    open: int
    resolved: int


_Key = tuple[str, str, str]
_HERE = tuple(quarantine.c[name] == bindparam(f"at_{name}") for name in ("stage", "system", "entity"))
_KNOWN = select(*(quarantine.c[name] for name in ("source_key", "rule", "path", "first_seen", "state"))).where(*_HERE)
_KNOWN_OF = Keyed(_KNOWN, quarantine.c.source_key)
_WAITING = Prepared(
    select(quarantine.c.state, func.count(quarantine.c.source_key.distinct()).label("records"))
    .where(*_HERE)
    .group_by(quarantine.c.state)
)


def replace(
    tx: Connection,
    stage: str,
    system: str,
    entity: str,
    rows: Iterable[Rejection],
    *,
    now: datetime,
    within: Collection[str] | None = None,
) -> Turnover:
    """Make `rows` what is in quarantine for one stage, system and entity; what no longer fails is resolved.

    `within` limits the resolving to these source keys, when only a neighbourhood was looked at.
    """
    here, rows = {"at_stage": stage, "at_system": system, "at_entity": entity}, list(rows)
    if within is None:
        known: Iterable[Row[Any]] = tx.execute(_KNOWN, here)
    else:
        known = _KNOWN_OF.rows(tx, {*within, *(row.source_key for row in rows)}, **here)
    first: dict[_Key, datetime] = {}
    unresolved: set[_Key] = set()
    for row in known:
        key = (row.source_key, row.rule, row.path)
        first[key] = row.first_seen
        if row.state != QuarantineState.RESOLVED:
            unresolved.add(key)
    wanted = {(row.source_key, row.rule, row.path): row for row in rows}
    place = {"stage": stage, "system": system, "entity": entity}
    columns = [
        {
            **place, "source_key": row.source_key, "rule": row.rule, "path": row.path, "message": row.message,
            "payload": row.payload, "first_seen": first.get(key, now), "last_seen": now, "state": QuarantineState.OPEN,
        }
        for key, row in wanted.items()
    ]  # fmt: skip
    upsert(tx, quarantine, columns, ["message", "payload", "last_seen", "state"])
    gone = [key for key in sorted(unresolved - wanted.keys()) if within is None or key[0] in within]
    if stage == "reconcile":
        queue.mark(tx, entity, {f"{queue.RECORD}{system}:{key[0]}" for key in (*gone, *(wanted.keys() - unresolved))})
    _set_state(tx, place, gone, QuarantineState.RESOLVED)
    return Turnover(opened=len(wanted.keys() - unresolved), open=len(wanted), resolved=len(gone))


def unresolved(tx: Connection, stage: str, system: str, entity: str, source_keys: Collection[str]) -> bool:
    """Whether any of these records waits, or was sent through again."""
    here = {"at_stage": stage, "at_system": system, "at_entity": entity}
    return any(row.state != QuarantineState.RESOLVED for row in _KNOWN_OF.rows(tx, source_keys, **here))


def _set_state(tx: Connection, place: dict[str, str], keys: list[_Key], state: QuarantineState) -> None:
    if keys:
        here = {f"at_{name}": part for name, part in place.items()}
        rows = [{f"at_{name}": part for name, part in zip(_ROW, key, strict=True)} for key in keys]
        _SET_STATE.write(tx, *({**here, **row, "becomes": state} for row in rows))


_ROW = ("source_key", "rule", "path")
_SET_STATE = Prepared(
    update(quarantine)
    .where(*_HERE, *(quarantine.c[name] == bindparam(f"at_{name}") for name in _ROW))
    .values(state=bindparam("becomes"))
)


def mark_replayed(tx: Connection, stage: str, system: str, entity: str, source_keys: Collection[str]) -> int:
    """A person sends these records through again; returns how many open rows that concerns."""
    place = {"stage": stage, "system": system, "entity": entity}
    keys = [
        (row.rejection.source_key, row.rejection.rule, row.rejection.path)
        for row in listed(tx, stage=stage, system=system, entity=entity)
        if row.rejection.source_key in source_keys and row.state is QuarantineState.OPEN
    ]
    _set_state(tx, place, keys, QuarantineState.REPLAYED)
    return len(keys)


def listed(
    tx: Connection,
    *,
    stage: str | None = None,
    system: str | None = None,
    entity: str | None = None,
    rule: str | None = None,
    source_keys: Collection[str] | None = None,
    resolved: bool = False,
    limit: int | None = None,
) -> list[QuarantineRow]:
    """Rows in quarantine (with `resolved`, also those that are out again), in key order."""
    query = select(quarantine).order_by(*quarantine.primary_key).limit(limit)
    query = query.where(*_named({"stage": stage, "system": system, "entity": entity, "rule": rule}))
    if source_keys is not None:
        query = query.where(quarantine.c.source_key.in_(sorted(source_keys)))
    if not resolved:
        query = query.where(_OUT_OF_USE)
    return [_row(row) for row in tx.execute(query)]


def waiting_of(tx: Connection, entity: str) -> list[QuarantineRow]:
    """Every row of an entity in quarantine, in key order."""
    return [_row(row) for row in _WAITING_OF.rows(tx, {"of": entity})]


def _named(filters: Mapping[str, str | None]) -> list[ColumnElement[bool]]:
    return [quarantine.c[name] == value for name, value in filters.items() if value is not None]


def _row(row: Row[Any]) -> QuarantineRow:
    rejection = Rejection(row.source_key, row.rule, row.message, row.path, row.payload)
    return QuarantineRow(
        row.stage, row.system, row.entity, rejection, row.first_seen, row.last_seen, QuarantineState(row.state)
    )


_RECORD = tuple(quarantine.c[name] for name in ("stage", "system", "entity", "source_key"))
"""What names a record, however many rules it breaks."""
_OUT_OF_USE = quarantine.c.state != QuarantineState.RESOLVED
_WAITING_OF = Prepared(
    select(quarantine).where(quarantine.c.entity == bindparam("of"), _OUT_OF_USE).order_by(*quarantine.primary_key)
)


def count_records(tx: Connection, filters: Mapping[str, str | None]) -> int:
    """How many records are in quarantine; `filters`: stage, system, entity and rule, None for any."""
    here = select(*_RECORD).distinct().where(_OUT_OF_USE, *_named(filters)).subquery()
    return tx.execute(select(func.count()).select_from(here)).scalar_one()


def records(tx: Connection, filters: Mapping[str, str | None], *, limit: int, offset: int) -> list[list[QuarantineRow]]:
    """Records in key order, each with the rows that pass the filters (`count_records`)."""
    wanted = (_OUT_OF_USE, *_named(filters))
    here = select(*_RECORD).distinct().where(*wanted).order_by(*_RECORD).limit(limit).offset(offset).subquery()
    joined = and_(*(one == here.c[one.name] for one in _RECORD))
    query = select(quarantine).join(here, joined).where(*wanted).order_by(*quarantine.primary_key)
    rows = (_row(row) for row in tx.execute(query))
    return [list(group) for _, group in groupby(rows, place_of)]


def place_of(row: QuarantineRow) -> tuple[str, str, str, str]:
    """What names a record: stage, system, entity and source key."""
    return row.stage, row.system, row.entity, row.rejection.source_key


def rules(tx: Connection) -> dict[tuple[str, str, str, str], int]:
    """(stage, system, entity, rule) → how many rows in quarantine say so."""
    place = (*_RECORD[:3], quarantine.c.rule)
    rows = tx.execute(select(*place, func.count().label("rows")).where(_OUT_OF_USE).group_by(*place))
    return {(row.stage, row.system, row.entity, row.rule): row.rows for row in rows}


def waiting(tx: Connection, stage: str, system: str, entity: str) -> tuple[int, bool]:
    """How many records of one place are in quarantine, and whether a person sent some of them through again."""
    rows = _WAITING.rows(tx, {"at_stage": stage, "at_system": system, "at_entity": entity})
    found = {QuarantineState(row.state): row.records for row in rows}
    return found.get(QuarantineState.OPEN, 0), QuarantineState.REPLAYED in found


def counts(tx: Connection) -> dict[tuple[str, str, str], int]:
    """(stage, system, entity) → records in quarantine, however many rules each breaks."""
    place = (quarantine.c.stage, quarantine.c.system, quarantine.c.entity)
    rows = tx.execute(
        select(*place, func.count(quarantine.c.source_key.distinct()))
        .where(quarantine.c.state != QuarantineState.RESOLVED)
        .group_by(*place)
    )
    return {(stage, system, entity): count for stage, system, entity, count in rows}
