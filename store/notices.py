"""What people were told: kept here in the transaction that decided it, so that no notice is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from store.statements import insert_missing
from store.tables import notices


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to an audience (`production_supervisor`), in English and Chinese, and why it was sent."""

    audience: str
    key: str
    text: Mapping[str, str]
    actor: str
    cause: str
    at: datetime | None = None


def add(tx: Connection, rows: Iterable[Notice], now: datetime) -> None:
    """Keep notices; the same notice for the same cause is kept once."""
    insert_missing(
        tx,
        notices,
        [
            {
                "audience": row.audience, "key": row.key, "text": row.text,
                "actor": row.actor, "cause": row.cause, "at": now,
            }
            for row in rows
        ],
    )  # fmt: skip


def listed(tx: Connection, audience: str | None = None, limit: int = 1000) -> list[Notice]:
    """Notices, newest first."""
    query = select(notices).order_by(notices.c.position.desc()).limit(limit)
    if audience is not None:
        query = query.where(notices.c.audience == audience)
    return [Notice(row.audience, row.key, row.text, row.actor, row.cause, row.at) for row in tx.execute(query)]
