"""What somebody has to settle: opened by a rule in the transaction that decided it, closed by a person.

A task is about a business key (`SO-26-00042`), of a kind (`custom_order_review`), and has one owner, an audience.
Of these three one task is open at a time: asked for again, it takes the new wording and keeps its deadline.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, func, select, update

from canonical.actors import Actor
from store import audit
from store.statements import Keyed, insert_missing
from store.tables import tasks

TaskState = Literal["open", "done", "refused", "withdrawn"]
Verdict = Literal["done", "refused"]
OPEN: tuple[TaskState, ...] = ("open",)


@dataclass(frozen=True, slots=True)
class Task:
    """One task with its title in both languages; `cause` is the event that led to it.

    The store gives `number`, `state` and how it was closed.
    """

    kind: str
    owner: str
    key: str
    title: Mapping[str, str]
    actor: str
    cause: str
    due_at: datetime | None = None
    number: int | None = None
    state: TaskState = "open"
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    note: str | None = None


def open_all(tx: Connection, rows: Iterable[Task], now: datetime) -> None:
    """Open tasks; one that is open already keeps its number and deadline, and says the new title."""
    latest = {(row.kind, row.owner, row.key): row for row in rows}
    insert_missing(
        tx,
        tasks,
        [
            {
                "kind": row.kind, "owner": row.owner, "key": row.key, "title": dict(row.title), "actor": row.actor,
                "cause": row.cause, "due_at": row.due_at, "state": "open", "opened_at": now,
            }
            for row in latest.values()
        ],
    )  # fmt: skip
    for row in latest.values():
        tx.execute(update(tasks).where(*_open(row.kind, row.key, row.owner)).values(title=dict(row.title)))


def withdraw(tx: Connection, kind: str, key: str, now: datetime, *, owner: str | None = None, by: str) -> int:
    """Nobody needs to settle it any more; how many were open."""
    closing = {"state": "withdrawn", "closed_at": now, "closed_by": by}
    return tx.execute(update(tasks).where(*_open(kind, key, owner)).values(**closing)).rowcount


def close(
    tx: Connection, number: int, verdict: Verdict, actor: Actor, now: datetime, *, note: str | None = None
) -> Task | None:
    """A person has settled it, and the act is audited; None where it was not open."""
    here = (tasks.c.position == number, tasks.c.state == "open")
    closing = {"state": verdict, "closed_at": now, "closed_by": str(actor), "note": note}
    if not tx.execute(update(tasks).where(*here).values(**closing)).rowcount:
        return None
    audit.append(tx, now, actor, f"task_{verdict}", f"task/{number}", detail={"note": note} if note else None)
    return find(tx, number)


def find(tx: Connection, number: int) -> Task | None:
    """The task of that number."""
    row = tx.execute(select(tasks).where(tasks.c.position == number)).one_or_none()
    return _task(row) if row else None


def listed(
    tx: Connection,
    states: Collection[TaskState] = OPEN,
    *,
    owner: str | None = None,
    limit: int | None = 1000,
    offset: int = 0,
) -> list[Task]:
    """Tasks in these states, those with the nearest deadline first, then in the order they were opened."""
    query = select(tasks).where(tasks.c.state.in_(states))
    if owner is not None:
        query = query.where(tasks.c.owner == owner)
    order = (tasks.c.due_at.is_(None), tasks.c.due_at, tasks.c.position)
    return [_task(row) for row in tx.execute(query.order_by(*order).limit(limit).offset(offset))]


def owners(tx: Connection, state: TaskState) -> dict[str, int]:
    """Owner → how many tasks are in that state."""
    query = select(tasks.c.owner, func.count()).where(tasks.c.state == state).group_by(tasks.c.owner)
    return dict(tx.execute(query.order_by(tasks.c.owner)).all())


def count_open(tx: Connection) -> int:
    """How many tasks wait for somebody."""
    return tx.execute(select(func.count()).select_from(tasks).where(tasks.c.state.in_(OPEN))).scalar_one()


def latest(tx: Connection, kind: str, keys: Iterable[str]) -> list[Task]:
    """The newest task of each owner about each of these keys, whatever became of it: what facts are derived from."""
    rows = sorted(_OF_KEYS.rows(tx, keys, of=kind), key=attrgetter("position"))
    return [_task(row) for row in {(row.owner, row.key): row for row in rows}.values()]


_OF_KEYS = Keyed(select(tasks).where(tasks.c.kind == bindparam("of")), tasks.c.key)


def _open(kind: str, key: str, owner: str | None) -> list[Any]:
    here = [tasks.c.kind == kind, tasks.c.key == key, tasks.c.state == "open"]
    return here if owner is None else [*here, tasks.c.owner == owner]


def _task(row: Row[Any]) -> Task:
    known = Task(
        kind=row.kind, owner=row.owner, key=row.key, title=row.title, actor=row.actor, cause=row.cause,
        due_at=row.due_at,
    )  # fmt: skip
    return replace(
        known, number=row.position, state=row.state, opened_at=row.opened_at, closed_at=row.closed_at,
        closed_by=row.closed_by, note=row.note,
    )  # fmt: skip
