"""What people are told: kept here in the transaction that decided it, so that no notice is lost.

A notice's position is its number: every message that carries it says so, at every attempt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from canonical.actors import Actor
from store import audit
from store.statements import insert_missing, select_in
from store.tables import notices


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to an audience (`production_supervisor`), in English and Chinese, and why it was sent.

    `number` and `at` are given by the store; `read_at` is when somebody acknowledged it.
    """

    audience: str
    key: str
    text: Mapping[str, str]
    actor: str
    cause: str
    at: datetime | None = None
    urgent: bool = False
    number: int | None = None
    read_at: datetime | None = None


def add(tx: Connection, rows: Iterable[Notice], now: datetime) -> None:
    """Keep notices; the same notice for the same cause is kept once."""
    insert_missing(
        tx,
        notices,
        [
            {
                "audience": row.audience, "key": row.key, "text": row.text,
                "actor": row.actor, "cause": row.cause, "at": now, "urgent": row.urgent,
            }
            for row in rows
        ],
    )  # fmt: skip


def listed(
    tx: Connection, audience: str | None = None, limit: int | None = 1000, *, unread: bool = False, offset: int = 0
) -> list[Notice]:
    """Notices, newest first; `unread` ones are those nobody acknowledged."""
    query = select(notices).order_by(notices.c.position.desc()).limit(limit).offset(offset)
    if audience is not None:
        query = query.where(notices.c.audience == audience)
    if unread:
        query = query.where(notices.c.read_at.is_(None))
    return [notice_of(row) for row in tx.execute(query)]


def audiences(tx: Connection, *, unread: bool = False) -> dict[str, int]:
    """Audience → how many notices it has; `unread` ones are those nobody acknowledged."""
    query = select(notices.c.audience, func.count()).group_by(notices.c.audience).order_by(notices.c.audience)
    if unread:
        query = query.where(notices.c.read_at.is_(None))
    return dict(tx.execute(query).all())


def unread_numbers(tx: Connection, audience: str | None, newest: int) -> list[int]:
    """The numbers of notices nobody acknowledged, none after `newest`."""
    query = select(notices.c.position).where(notices.c.read_at.is_(None), notices.c.position <= newest)
    if audience is not None:
        query = query.where(notices.c.audience == audience)
    return [row.position for row in tx.execute(query)]


def newest_unread(tx: Connection, audience: str | None = None) -> int:
    """The number of the newest notice nobody acknowledged; 0 where there is none."""
    query = select(func.max(notices.c.position)).where(notices.c.read_at.is_(None))
    if audience is not None:
        query = query.where(notices.c.audience == audience)
    return tx.execute(query).scalar_one() or 0


def count_unread(tx: Connection) -> int:
    """How many notices nobody acknowledged."""
    return tx.execute(select(func.count()).select_from(notices).where(notices.c.read_at.is_(None))).scalar_one()


def notice_of(row: Row[Any]) -> Notice:
    """The notice of a row of its table."""
    return Notice(
        audience=row.audience, key=row.key, text=row.text, actor=row.actor, cause=row.cause, at=row.at,
        urgent=row.urgent, number=row.position, read_at=row.read_at,
    )  # fmt: skip


def acknowledge(tx: Connection, numbers: Collection[int], actor: Actor, now: datetime) -> list[int]:
    """Somebody has taken note: nobody is told any more. Which were open until now; the others stay as they were."""
    query = select(notices.c.position).where(notices.c.read_at.is_(None))
    still_open = [row.position for row in select_in(tx, query, notices.c.position, numbers)]
    changed = [
        number
        for number in still_open
        if tx.execute(
            update(notices).where(notices.c.position == number, notices.c.read_at.is_(None)).values(read_at=now)
        ).rowcount
    ]
    for number in changed:
        audit.append(tx, now, actor, "acknowledge", f"notice/{number}")
    return changed


def known(tx: Connection, numbers: Collection[int]) -> frozenset[int]:
    """Those of the numbers that some notice bears."""
    return frozenset(row.position for row in select_in(tx, select(notices.c.position), notices.c.position, numbers))
