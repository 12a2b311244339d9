"""Where sources disagree about one attribute of a golden record: open until they agree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from store import queue
from store.columns import canonical_text
from store.prepared import Prepared
from store.statements import Keyed, upsert
from store.tables import conflicts

_KEY = ("entity", "golden_id", "attribute")


@dataclass(frozen=True, slots=True)
class Conflict:
    """One attribute on which systems disagree: `values` by system, and the one that survived."""

    entity: str
    golden_id: str
    attribute: str
    values: Mapping[str, Any]
    chosen: Any
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turnover:
    """How many were opened (or reopened), stayed open and were closed."""

    opened: int
    open: int
    closed: int


_OPEN = select(conflicts).where(conflicts.c.entity == bindparam("of"), conflicts.c.state == "open")
_OPEN_OF = Keyed(_OPEN, conflicts.c.golden_id)


def replace(
    tx: Connection, entity: str, rows: Iterable[Conflict], now: datetime, *, within: Collection[str] | None = None
) -> Turnover:
    """Make `rows` the open conflicts of an entity; open ones that are not among them are closed.

    `within` limits the closing to these golden ids, when only a neighbourhood was looked at.
    """
    wanted = {(row.golden_id, row.attribute): row for row in rows}
    if within is None:
        known: Sequence[Row[Any]] = tx.execute(_OPEN, {"of": entity}).all()
    else:
        known = _OPEN_OF.rows(tx, {*within, *(golden_id for golden_id, _ in wanted)}, of=entity)
    since = {(row.golden_id, row.attribute): row.since for row in known}
    said = {(row.golden_id, row.attribute): (row._mapping["values"], row.chosen) for row in known}  # noqa: SLF001
    upsert(
        tx,
        conflicts,
        [
            {
                "entity": entity, "golden_id": key[0], "attribute": key[1], "values": row.values, "chosen": row.chosen,
                "since": since.get(key, now), "state": "open", "closed_at": None,
            }
            for key, row in wanted.items()
        ],
        ["values", "chosen", "since", "state", "closed_at"],
    )  # fmt: skip
    fresh = [key for key, row in wanted.items() if key not in said or not _says(said[key], row)]
    gone = [key for key in since if key not in wanted and (within is None or key[0] in within)]
    _close(tx, entity, gone, now)
    queue.mark(tx, entity, {golden_id for golden_id, _ in (*fresh, *gone)})
    return Turnover(opened=len(wanted.keys() - since.keys()), open=len(wanted), closed=len(gone))


def _says(standing: tuple[Any, Any], row: Conflict) -> bool:
    """Whether a conflict stands just so already."""
    return canonical_text(list(standing)) == canonical_text([row.values, row.chosen])


def _close(tx: Connection, entity: str, keys: list[tuple[str, str]], now: datetime) -> None:
    if keys:
        tx.execute(
            update(conflicts)
            .where(
                conflicts.c.entity == entity,
                conflicts.c.golden_id == bindparam("at_golden_id"),
                conflicts.c.attribute == bindparam("at_attribute"),
            )
            .values(state="closed", closed_at=now),
            [{"at_golden_id": golden_id, "at_attribute": attribute} for golden_id, attribute in keys],
        )


def listed(
    tx: Connection, entity: str | None = None, golden_id: str | None = None, *, attribute: str | None = None
) -> list[Conflict]:
    """The open conflicts, the oldest first."""
    query = select(conflicts).where(conflicts.c.state == "open")
    if entity is not None:
        query = query.where(conflicts.c.entity == entity)
    if golden_id is not None:
        query = query.where(conflicts.c.golden_id == golden_id)
    if attribute is not None:
        query = query.where(conflicts.c.attribute == attribute)
    rows = tx.execute(query.order_by(conflicts.c.since, *(conflicts.c[name] for name in _KEY)))
    return [_conflict(row) for row in rows]


def of_golden(tx: Connection, entity: str, golden_ids: Iterable[str]) -> list[Conflict]:
    """The open conflicts of some golden records."""
    return [_conflict(row) for row in _OPEN_OF.rows(tx, golden_ids, of=entity)]


def _conflict(row: Row[Any]) -> Conflict:
    return Conflict(row.entity, row.golden_id, row.attribute, row._mapping["values"], row.chosen, row.since)  # noqa: SLF001


def counts(tx: Connection) -> dict[str, int]:
    """Entity → open conflicts."""
    return {row.entity: row.total for row in _COUNTS.rows(tx)}


_COUNTS = Prepared(
    select(conflicts.c.entity, func.count().label("total"))
    .where(conflicts.c.state == "open")
    .group_by(conflicts.c.entity)
)
