"""Promises that were accepted: who promised what for when, and what they hold until they end.

A promise is about a key, the sales order line it is for or a name of its own; of one key one is open at a time. Every
act is audited in the transaction it is done in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from canonical.actors import Actor
from store import audit
from store.prepared import Prepared
from store.tables import promises

PromiseState = Literal["open", "released", "expired", "done"]


@dataclass(frozen=True, slots=True)
class AcceptedPromise:
    """One promise; `quantity` in millionths of the stocking unit. `held` is what it holds, as the pipeline wrote it."""

    key: str
    item: str
    quantity: int
    wanted: date
    promised: date
    customer: str | None
    held: Mapping[str, Any]
    expires_at: datetime | None = None
    number: int | None = None
    state: PromiseState = "open"
    accepted_by: str = ""
    accepted_at: datetime | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None
    note: str | None = None


def accept(tx: Connection, promise: AcceptedPromise, actor: Actor, now: datetime) -> int:
    """Write a promise down; raises `IntegrityError` where one of its key is open. Returns its number."""
    row = {
        "key": promise.key, "item": promise.item, "quantity": promise.quantity, "wanted": promise.wanted,
        "promised": promise.promised, "customer": promise.customer, "held": dict(promise.held), "state": "open",
        "accepted_by": str(actor), "accepted_at": now, "expires_at": promise.expires_at, "note": promise.note,
    }  # fmt: skip
    number = tx.execute(insert(promises).values(**row)).inserted_primary_key
    assert number is not None
    detail = {
        "item": promise.item, "quantity": promise.quantity, "wanted": promise.wanted.isoformat(),
        "promised": promise.promised.isoformat(),
    }  # fmt: skip
    audit.append(tx, now, actor, "promise_accepted", f"promise/{promise.key}", detail=detail)
    return int(number[0])


def end(
    tx: Connection, key: str, state: PromiseState, actor: Actor | str, now: datetime, *, note: str | None = None
) -> AcceptedPromise | None:
    """A promise ends and holds nothing any more; None where none of this key is open."""
    found = find(tx, key)
    if found is None:
        return None
    ending = {"state": state, "ended_by": str(actor), "ended_at": now}
    tx.execute(update(promises).where(promises.c.position == found.number).values(**ending))
    audit.append(tx, now, actor, f"promise_{state}", f"promise/{key}", detail={"note": note} if note else None)
    return found


def find(tx: Connection, key: str) -> AcceptedPromise | None:
    """The open promise of a key."""
    query = select(promises).where(promises.c.key == key, promises.c.state == "open")
    row = tx.execute(query).one_or_none()
    return _promise(row) if row else None


def standing(tx: Connection, now: datetime) -> list[AcceptedPromise]:
    """The promises that hold something now, in the order they were accepted."""
    return [one for one in listed(tx) if one.expires_at is None or one.expires_at > now]


def listed(tx: Connection, *, ended: bool = False, limit: int | None = None) -> list[AcceptedPromise]:
    """Promises in the order they were accepted, the open ones only unless told."""
    if limit is None and not ended:
        return [_promise(row) for row in _OPEN.rows(tx)]
    query = _LISTED if ended else _LISTED_OPEN
    return [_promise(row) for row in tx.execute(query.limit(limit))]


_LISTED = select(promises).order_by(promises.c.position)
_LISTED_OPEN = _LISTED.where(promises.c.state == "open")
_OPEN = Prepared(_LISTED_OPEN)


def expire(tx: Connection, now: datetime) -> list[str]:
    """End those whose time has run out; their keys."""
    late = [one.key for one in listed(tx) if one.expires_at is not None and one.expires_at <= now]
    for key in late:
        end(tx, key, "expired", "expiry", now)
    return late


def _promise(row: Row[Any]) -> AcceptedPromise:
    return AcceptedPromise(
        key=row.key, item=row.item, quantity=row.quantity, wanted=row.wanted, promised=row.promised,
        customer=row.customer, held=row.held, expires_at=row.expires_at, number=row.position, state=row.state,
        accepted_by=row.accepted_by, accepted_at=row.accepted_at, ended_by=row.ended_by, ended_at=row.ended_at,
        note=row.note,
    )  # fmt: skip
