"""Documents that stand in a target more often than once, and up to when each target was read back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from canonical.commands import State
from store.statements import upsert
from store.tables import doubles, outbox, read_backs

_MAY_STAND = (State.APPLIED, State.UNCHANGED, State.PARKED, State.REJECTED)
"""A command in one of these states may have left a document behind."""


@dataclass(frozen=True, slots=True)
class Double:
    """One reference of ours that several documents of a target carry; `gone_at` when somebody had put that right."""

    system: str
    kind: str
    business_key: str
    native_ids: Sequence[str]
    found_at: datetime
    gone_at: datetime | None = None


def to_read_back(
    tx: Connection, system: str, kinds: Collection[str], after: datetime | None, until: datetime
) -> dict[str, list[str]]:
    """Operation → references of the documents written after one moment and until another."""
    query = select(outbox.c.kind, outbox.c.business_key).where(
        outbox.c.system == system,
        outbox.c.kind.in_(sorted(kinds)),
        outbox.c.state.in_(_MAY_STAND),
        outbox.c.updated_at <= until,
    )
    if after is not None:
        query = query.where(outbox.c.updated_at > after)
    found: dict[str, list[str]] = {}
    for row in tx.execute(query.distinct().order_by(outbox.c.kind, outbox.c.business_key)):
        found.setdefault(row.kind, []).append(row.business_key)
    return found


def read_back_until(tx: Connection, system: str) -> datetime | None:
    """Up to when a system's documents were read back; None before the first time."""
    return tx.execute(select(read_backs.c.until).where(read_backs.c.system == system)).scalar_one_or_none()


def note_read_back(tx: Connection, system: str, until: datetime) -> None:
    """A system's documents were read back up to a moment."""
    upsert(tx, read_backs, [{"system": system, "until": until}], ["until"])


def record(tx: Connection, found: Iterable[Double]) -> None:
    """Doubles that stand; one known before keeps the moment it was found."""
    rows = [{name: getattr(one, name) for name in Double.__slots__} for one in found]
    upsert(tx, doubles, rows, ["native_ids", "gone_at"])


def gone(tx: Connection, system: str, kind: str, keys: Collection[str], now: datetime) -> None:
    """These stand once again, or not at all."""
    here = (doubles.c.system == system, doubles.c.kind == kind, doubles.c.business_key.in_(sorted(keys)))
    tx.execute(update(doubles).where(*here, doubles.c.gone_at.is_(None)).values(gone_at=now))


def listed(tx: Connection, system: str | None = None, *, standing: bool = True) -> list[Double]:
    """Doubles, of one system where named; those that stand, or all ever found."""
    query = select(doubles).order_by(doubles.c.system, doubles.c.kind, doubles.c.business_key)
    if system is not None:
        query = query.where(doubles.c.system == system)
    if standing:
        query = query.where(doubles.c.gone_at.is_(None))
    return [
        Double(row.system, row.kind, row.business_key, row.native_ids, row.found_at, row.gone_at)
        for row in tx.execute(query)
    ]
