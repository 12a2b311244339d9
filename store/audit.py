"""Who did what, when: rows are only ever added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from canonical.actors import Actor
from store.prepared import Prepared
from store.tables import audit


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act; `object` names what it was done to (`command/<id>`, `connection/erp`)."""

    at: datetime
    actor: str
    action: str
    object: str
    detail: Any


def append(tx: Connection, at: datetime, actor: Actor | str, action: str, on: str, *, detail: object = None) -> None:
    """Write down one act, in the transaction of the act itself."""
    row = {"at": at, "actor": str(actor), "action": action, "object": on, "detail": detail}
    _APPEND.write(tx, row)


_APPEND = Prepared(insert(audit))


def listed(tx: Connection, on: str | None = None, limit: int = 1000) -> list[AuditEntry]:
    """Acts, newest first, on one object where named."""
    query = select(audit).order_by(audit.c.position.desc()).limit(limit)
    if on is not None:
        query = query.where(audit.c.object == on)
    return [AuditEntry(row.at, row.actor, row.action, row.object, row.detail) for row in tx.execute(query)]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which acts are asked for: part of an actor, an action or an object, and a span of time."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def found(tx: Connection, wanted: AuditFilter, *, limit: int, offset: int = 0) -> list[AuditEntry]:
    """Acts that fit, newest first."""
    query = select(audit).order_by(audit.c.position.desc()).limit(limit).offset(offset)
    for name in ("actor", "action", "object"):
        text = getattr(wanted, name)
        if text is not None:
            query = query.where(audit.c[name].icontains(text, autoescape=True))
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    return [AuditEntry(row.at, row.actor, row.action, row.object, row.detail) for row in tx.execute(query)]
