"""Which commands may be claimed now, when the next may be, and what has to be finished before them.

All of it reads only, so it may be asked often; `store.deliveries` claims under the same conditions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    union_all,
    update,
)

from canonical.commands import Command, State
from store.columns import UtcDateTime
from store.connections import ConnectionState
from store.outbox import command_of, same_key, unfinished_before
from store.prepared import Prepared
from store.statements import chunks, is_one_of, one_of
from store.tables import connections, outbox

CLAIMABLE: Final = (State.IN_DOUBT, State.PENDING, State.AWAITING)
NOW: Final = bindparam("now", type_=UtcDateTime)


def _in_the_way() -> ColumnElement[bool]:
    """Whether another command of the same key has to be finished first, or is being delivered."""
    other = outbox.alias()
    being_delivered = and_(other.c.position != outbox.c.position, other.c.lease_until > NOW)
    blocks = and_(same_key(other, outbox), or_(unfinished_before(other, outbox), being_delivered))
    return exists(select(1).where(blocks).correlate(outbox))


def _braked() -> ColumnElement[bool]:
    """Whether the connection of a command is in shadow or paused."""
    brake = select(1).where(
        connections.c.system == outbox.c.system,
        connections.c.state != literal_column(f"'{ConnectionState.LIVE.value}'", Text),
    )
    return exists(brake.correlate(outbox))


def may_go() -> tuple[ColumnElement[bool], ...]:
    """Conditions of a command, in whatever state, that may be claimed `:now`: its connection has no brake on."""
    return (
        or_(outbox.c.not_before.is_(None), outbox.c.not_before <= NOW),
        or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= NOW),
        ~_in_the_way(),
        ~_braked(),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """Commands for some entities, or for all others; at first those for all."""

    entities: frozenset[str] = frozenset()
    others: bool = True

    def holds(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions of a command of this part."""
        if not self.entities:
            return () if self.others else (false(),)
        ours = is_one_of(outbox.c.entity, self.entities)
        return (not_(ours),) if self.others else (ours,)


ALL: Final = Part()


def _due(state: State, *columns: ColumnElement[Any], part: Part = ALL) -> Select[Any]:
    """Of commands of one `:system` in one state that may be claimed `:now`, in order: an index serves it."""
    return (
        select(*columns)
        .where(
            outbox.c.state == literal(state.value, Text),
            outbox.c.system == bindparam("system", type_=Text),
            *part.holds(),
            *may_go(),
        )
        .order_by(outbox.c.position)
        .limit(bindparam("limit", type_=Integer))
    )


@lru_cache
def _due_of(part: Part) -> Prepared:
    return Prepared(union_all(*(select(_due(state, *outbox.c, part=part).subquery()) for state in CLAIMABLE)))


LOCKED: Final = tuple(_due(state, outbox.c.id).with_for_update(of=outbox, skip_locked=True) for state in CLAIMABLE)
"""The ids, of each state in turn, locked where rows can be locked."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is still to be delivered to a system, and when a worker should look again."""

    open: int
    due_at: datetime | None
    """When the first command may be claimed; None while each of them waits for another of its key."""
    timed: bool
    """Whether time alone brings something on: a pause ends, a lease runs out. If not, all wait for another document."""


def due(tx: Connection, now: datetime, system: str, limit: int = 1, part: Part = ALL) -> list[Command]:
    """The commands that a claim would find."""
    rows = _due_of(part).rows(tx, {"system": system, "now": now, "limit": limit})
    first = sorted(rows, key=lambda row: (CLAIMABLE.index(row.state), row.position))
    return [command_of(row) for row in first[:limit]]


def due_next(tx: Connection, now: datetime, system: str, part: Part = ALL) -> datetime | None:
    """When the first command of a system may be claimed; None where none is open, or each waits for another."""
    due_at: datetime | None = _free_of(part).value(tx, {"system": system, "now": now})
    return due_at


def outlook(tx: Connection, now: datetime, system: str) -> Outlook:
    """How things stand with a system's open commands."""
    place = {"system": system, "now": now}
    (free,) = _free_of(ALL).rows(tx, place)
    return Outlook(_OPEN_OF.value(tx, place), free.due_at, bool(free.timed))


@lru_cache
def _free_of(part: Part) -> Prepared:
    """Of the commands no other stands in the way of: when the first is due, and whether time is all they wait for."""
    paused, leased = outbox.c.not_before, outbox.c.lease_until
    under_lease = leased > NOW
    moment = case(
        (and_(under_lease, or_(paused.is_(None), leased > paused)), leased),
        (paused > NOW, paused),
        else_=NOW,
    )
    timed = case((under_lease, 1), (outbox.c.state == State.AWAITING, 0), else_=1)
    free = select(func.min(moment).label("due_at"), func.max(timed).label("timed"))
    return Prepared(free.where(*_OPEN_HERE, *part.holds(), ~_in_the_way(), ~_braked()))


_OPEN_HERE = (outbox.c.system == bindparam("system", type_=Text), one_of(outbox.c.state, CLAIMABLE))
_OPEN_OF = Prepared(select(func.count()).select_from(outbox).where(*_OPEN_HERE))


def wake(tx: Connection, now: datetime, *, ids: Collection[str] = (), systems: Collection[str] = ()) -> int:
    """What awaits a document may be tried at once: commands by id, or all of some systems; how many there were."""
    woken = sum(tx.execute(_WAKE_IDS, {"now": now, "of": chunk}).rowcount for chunk in chunks(ids))
    return woken + sum(tx.execute(_WAKE_SYSTEMS, {"now": now, "of": chunk}).rowcount for chunk in chunks(systems))


def _wake(column: ColumnElement[str]) -> Update:
    return (
        update(outbox)
        .where(
            column.in_(bindparam("of", expanding=True)),
            outbox.c.state == State.AWAITING,
            outbox.c.not_before > NOW,
            or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= NOW),
        )
        .values(not_before=NOW, updated_at=NOW)
    )


_WAKE_IDS, _WAKE_SYSTEMS = _wake(outbox.c.id), _wake(outbox.c.system)
