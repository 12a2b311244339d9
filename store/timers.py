"""Timers that outlive processes: one row each, started and cancelled where a change is decided.

A timer stands for (rule, fact, key): `waiting` until it runs out, then `fired`; once what was waited for happens
it is `cancelled` (in time) or `closed` (too late). Only one may stand at a time, and `fire` lets go each row once,
whatever the clock does and however many processes ask.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Integer, Row, Select, bindparam, func, select, update

from store.prepared import Prepared
from store.statements import Keyed, insert_missing, one_of
from store.tables import timers

TimerState = Literal["waiting", "fired", "cancelled", "closed"]
TimerKey = tuple[str, str, str]
"""Rule, fact and key of the record it is about."""
STANDING: tuple[TimerState, ...] = ("waiting", "fired")


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer of one rule for one record, counted from `base`; `cause` is the event that started it.

    The store gives `number`, `state` and the moments.
    """

    rule: str
    fact: str
    key: str
    base: datetime
    due_at: datetime
    cause: str
    number: int | None = None
    state: TimerState = "waiting"
    set_at: datetime | None = None
    fired_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def about(self) -> TimerKey:
        """What it stands for."""
        return self.rule, self.fact, self.key


def standing(tx: Connection, facts: Collection[str], keys: Collection[str]) -> list[Timer]:
    """Timers that wait or have fired, for records of these facts with these keys."""
    return [_timer(row) for row in _STANDING_OF.rows(tx, keys, of=sorted(facts))]


_STANDING_OF = Keyed(select(timers).where(one_of(timers.c.state, STANDING)), timers.c.key, of=timers.c.fact)


def start(tx: Connection, rows: Iterable[Timer], now: datetime) -> None:
    """Start timers; where one stands already for the same rule and record, it stays as it is."""
    insert_missing(
        tx,
        timers,
        [
            {
                "rule": row.rule, "fact": row.fact, "key": row.key, "base": row.base, "due_at": row.due_at,
                "cause": row.cause, "state": "waiting", "set_at": now,
            }
            for row in rows
        ],
    )  # fmt: skip


def end(tx: Connection, about: Iterable[TimerKey], now: datetime) -> None:
    """What was waited for has happened: what waits is cancelled, what has fired is closed."""
    for rule, fact, key in about:
        here = (timers.c.rule == rule, timers.c.fact == fact, timers.c.key == key)
        for old, new in (("waiting", "cancelled"), ("fired", "closed")):
            tx.execute(update(timers).where(*here, timers.c.state == old).values(state=new, ended_at=now))


def due(tx: Connection, now: datetime, limit: int = 1000) -> list[Timer]:
    """Timers that have run out and have not fired, the longest overdue first."""
    return [_timer(row) for row in _DUE.rows(tx, {"now": now, "most": limit})]


_DUE = Prepared(
    select(timers)
    .where(timers.c.state == "waiting", timers.c.due_at <= bindparam("now", type_=timers.c.due_at.type))
    .order_by(timers.c.due_at, timers.c.position)
    .limit(bindparam("most", type_=Integer))
)


def fire(tx: Connection, found: Iterable[Timer], now: datetime) -> list[Timer]:
    """Mark timers fired; answers those that this transaction lets go: each one only once, ever."""
    fired = []
    for timer in found:
        waiting = (timers.c.position == timer.number, timers.c.state == "waiting")
        if tx.execute(update(timers).where(*waiting).values(state="fired", fired_at=now)).rowcount:
            fired.append(timer)
    return fired


def next_due(tx: Connection) -> datetime | None:
    """When the next timer runs out."""
    moment: datetime | None = tx.execute(
        select(timers.c.due_at).where(timers.c.state == "waiting").order_by(timers.c.due_at).limit(1)
    ).scalar_one_or_none()
    return moment


def listed(tx: Connection, states: Collection[TimerState] = STANDING, limit: int = 1000) -> list[Timer]:
    """Timers in these states, the first to run out first."""
    query: Select[Any] = select(timers).where(timers.c.state.in_(states))
    return [_timer(row) for row in tx.execute(query.order_by(timers.c.due_at, timers.c.position).limit(limit))]


def counts(tx: Connection) -> dict[str, int]:
    """State → timers."""
    query = select(timers.c.state, func.count().label("timers")).group_by(timers.c.state)
    return {row.state: row.timers for row in tx.execute(query)}


def _timer(row: Row[Any]) -> Timer:
    return Timer(
        rule=row.rule, fact=row.fact, key=row.key, base=row.base, due_at=row.due_at, cause=row.cause,
        number=row.position, state=row.state, set_at=row.set_at, fired_at=row.fired_at, ended_at=row.ended_at,
    )  # fmt: skip
