"""The transactional outbox: commands stand here, in the transaction that decided them, before anything is sent.

Delivery works on it through `store.deliveries`, people through `store.interventions`. Two rules hold
everywhere: commands of one (system, business key) go in order, one at a time; and a command that
may have reached its target is never dropped, only settled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Text,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    type_coerce,
    update,
)

from canonical import strict_json
from canonical.commands import OPEN_STATES, Command, State, StepReceipt
from store.prepared import Prepared
from store.statements import Keyed, chunks, is_one_of
from store.tables import documents, outbox, outbox_steps

HoldCause = Literal["connection", "approval"]
"""Why a command is held: its connection is in shadow or paused, or a person has to approve it."""
UNDELIVERED = (State.PENDING, State.AWAITING, State.HELD, State.PARKED)
"""States in which a command that was never sent may be superseded."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One attempt at one step: `intent` (may have been sent), `done` (receipt), `void` (surely had no effect)."""

    step: str
    attempt: int
    state: Literal["intent", "done", "void"]
    sent_at: datetime
    settled_at: datetime | None
    receipt: StepReceipt | None


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A command and where it stands; `position` is the order of deciding."""

    position: int
    command: Command
    state: State
    held_for: str | None
    attempts: int
    not_before: datetime | None
    lease_owner: str | None
    lease_until: datetime | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    approved_by: str | None


@dataclass(frozen=True, slots=True)
class Enqueued:
    """Command ids that were added, those of older revisions that they replaced, and which of the new ones are held."""

    added: tuple[str, ...]
    superseded: tuple[str, ...]
    held: tuple[str, ...] = ()


def enqueue(
    tx: Connection, commands: Iterable[Command], now: datetime, *, held: Mapping[str, HoldCause] | None = None
) -> Enqueued:
    """Add commands (again: nothing happens) and supersede older undelivered revisions of the same documents.

    An older revision that is in doubt or has a step under way stays: it is settled first, then the
    newer goes. `held` (command id → cause) makes commands wait for `release` or `approve`; what replaces a
    command that nobody has approved waits for approval as well.
    """
    offered = {command.id: command for command in sorted(commands, key=lambda command: command.revision)}
    standing = _standing(tx, offered.values())
    known = {row.id for rows in standing.values() for row in rows}
    fresh = [command for command in offered.values() if command.id not in known]
    newest = _newest(standing, fresh)
    old = [
        row.id
        for command in fresh
        for row in standing.get(_document(command), ())
        if row.state in UNDELIVERED and row.revision < newest[_document(command)]
    ]
    superseded = sorted(set(old) - _under_way(tx, old))
    _supersede(tx, superseded, now)
    causes = {**(held or {}), **_not_approved(standing, superseded, fresh)}
    rows = [
        _columns(command, now, superseded=command.revision < newest[_document(command)], held=causes)
        for command in fresh
    ]
    _ENQUEUE.write(tx, *rows)
    for parked in _parked_in_doubt(tx, standing):
        tell_followers(tx, parked, now)
    waiting = tuple(str(row["id"]) for row in rows if row["state"] is State.HELD)
    return Enqueued(tuple(command.id for command in fresh), tuple(superseded), waiting)


_DocumentKey = tuple[str, str, str]
_ENQUEUE = Prepared(insert(outbox))
_SAME_KEYS = Keyed(
    select(
        *(outbox.c[name] for name in ("id", "system", "kind", "business_key", "revision", "state", "held_for"))
    ).with_for_update(),
    outbox.c.business_key,
)
_STEPS_OF = Keyed(
    select(outbox.c.id, outbox.c.state, outbox_steps.c.state.label("step_state")).join(
        outbox_steps, outbox_steps.c.command_id == outbox.c.id
    ),
    outbox.c.id,
)
_ATTEMPTS_OF = Keyed(select(outbox_steps), outbox_steps.c.command_id)


def _document(command: Command) -> _DocumentKey:
    return (command.system, command.kind, command.business_key)


def _standing(tx: Connection, commands: Iterable[Command]) -> dict[_DocumentKey, list[Row[Any]]]:
    """What stands for the same documents, locked: nobody starts a step on it until we are done."""
    rows = _SAME_KEYS.rows(tx, (command.business_key for command in commands))
    found: dict[_DocumentKey, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[(row.system, row.kind, row.business_key)].append(row)
    return found


def _newest(standing: Mapping[_DocumentKey, Sequence[Row[Any]]], fresh: Sequence[Command]) -> dict[_DocumentKey, int]:
    newest: dict[_DocumentKey, int] = {}
    for command in fresh:
        key = _document(command)
        before = max((row.revision for row in standing.get(key, ())), default=0)
        newest[key] = max(newest.get(key, before), command.revision)
    return newest


def _not_approved(
    standing: Mapping[_DocumentKey, Sequence[Row[Any]]], superseded: Collection[str], fresh: Iterable[Command]
) -> dict[str, HoldCause]:
    """The commands that replace one which waited for approval."""
    waited = {
        key for key, rows in standing.items() for row in rows if row.held_for == "approval" and row.id in superseded
    }
    return {command.id: "approval" for command in fresh if _document(command) in waited}


def _under_way(tx: Connection, ids: Collection[str]) -> set[str]:
    """Commands that must be settled rather than dropped: open with a step sent, or parked with one unanswered."""
    rows = _STEPS_OF.rows(tx, ids)
    return {
        row.id for row in rows if row.step_state == "intent" or (row.step_state == "done" and row.state != State.PARKED)
    }


def _parked_in_doubt(tx: Connection, standing: Mapping[_DocumentKey, Sequence[Row[Any]]]) -> list[str]:
    parked = [row.id for rows in standing.values() for row in rows if row.state == State.PARKED]
    return [row.id for row in _parked_unanswered().rows(tx, parked)] if parked else []


@lru_cache
def _parked_unanswered() -> Keyed:
    query = select(outbox.c.id).where(outbox.c.state == State.PARKED, unanswered(outbox))
    return Keyed(query, outbox.c.id)


def _supersede(tx: Connection, ids: Sequence[str], now: datetime) -> None:
    for chunk in chunks(ids):
        tx.execute(
            update(outbox)
            .where(outbox.c.id.in_(chunk))
            .values(state=State.SUPERSEDED, lease_owner=None, lease_until=None, held_for=None, updated_at=now)
        )


def _columns(command: Command, now: datetime, *, superseded: bool, held: Mapping[str, HoldCause]) -> dict[str, object]:
    cause = None if superseded else held.get(command.id)
    state = State.SUPERSEDED if superseded else State.HELD if cause else State.PENDING
    return {
        "id": command.id, "kind": command.kind, "system": command.system, "entity": command.entity,
        "business_key": command.business_key, "revision": command.revision, "body": command.body,
        "cancelled": command.cancelled, "actor": command.actor, "cause": command.cause,
        "sales_orders": list(command.sales_orders), "after": list(command.after),
        "state": state, "held_for": cause, "created_at": now, "updated_at": now,
    }  # fmt: skip


def unanswered(command: FromClause) -> ColumnElement[bool]:
    """Whether a row of the outbox has a step that was perhaps sent and is not settled."""
    return exists(
        select(1).where(outbox_steps.c.command_id == command.c.id, outbox_steps.c.state == "intent").correlate(command)
    )


def same_key(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Whether two commands concern one business key of one system."""
    return and_(one.c.system == other.c.system, one.c.business_key == other.c.business_key)


def unfinished_before(earlier: FromClause, later: FromClause) -> ColumnElement[bool]:
    """Whether `earlier`, of the same key, has to be finished before `later` may go."""
    return and_(
        earlier.c.position < later.c.position,
        or_(is_one_of(earlier.c.state, OPEN_STATES), and_(earlier.c.state == State.PARKED, unanswered(earlier))),
    )


def being_made(tx: Connection, system: str, entity: str, keys: Iterable[str]) -> set[str]:
    """Business keys of documents whose first command was tried and has not ended well: what stands may be half of it.

    A pull may show such a document before the command that makes it knows that it does.
    """
    return {row.business_key for row in _being_made().rows(tx, keys, of=system, what=entity)}


@lru_cache
def _being_made() -> Keyed:
    ended = outbox.alias()
    tried = exists(select(1).where(outbox_steps.c.command_id == outbox.c.id).correlate(outbox))
    made = exists(
        select(1)
        .where(same_key(ended, outbox), ended.c.entity == outbox.c.entity)
        .where(is_one_of(ended.c.state, (State.APPLIED, State.UNCHANGED)))
        .correlate(outbox)
    )
    query = select(outbox.c.business_key).where(
        outbox.c.system == bindparam("of"), outbox.c.entity == bindparam("what"),
        is_one_of(outbox.c.state, (*OPEN_STATES, State.PARKED)), tried, ~made,
    )  # fmt: skip
    return Keyed(query, outbox.c.business_key)


def asked(tx: Connection, kind: str, keys: Iterable[str]) -> set[str]:
    """Of these business keys, those for which a command of that kind was decided and not refused."""
    return {row.business_key for row in _ASKED.rows(tx, keys, of=kind)}


_ASKED = Keyed(
    select(outbox.c.business_key).where(outbox.c.kind == bindparam("of"), outbox.c.state != State.REJECTED),
    outbox.c.business_key,
)


def blocked_by(tx: Connection, command_id: str) -> str | None:
    """The id of the earliest command of the same business key that has to be finished first; None when it may go."""
    earlier, later = outbox.alias(), outbox.alias()
    query = select(earlier.c.id).where(
        later.c.id == command_id, same_key(earlier, later), unfinished_before(earlier, later)
    )
    return tx.execute(query.order_by(earlier.c.position).limit(1)).scalar_one_or_none()


def command_of(row: Row[Any]) -> Command:
    """The command of an outbox row."""
    return Command(
        kind=row.kind, system=row.system, entity=row.entity, business_key=row.business_key, revision=row.revision,
        body=row.body, actor=row.actor, cause=row.cause, cancelled=row.cancelled,
        sales_orders=tuple(row.sales_orders), after=tuple(row.after),
    )  # fmt: skip


def _entry(row: Row[Any]) -> OutboxEntry:
    return OutboxEntry(
        position=row.position, command=command_of(row), state=State(row.state), held_for=row.held_for,
        attempts=row.attempts, not_before=row.not_before, lease_owner=row.lease_owner, lease_until=row.lease_until,
        last_error=row.last_error, created_at=row.created_at, updated_at=row.updated_at, approved_by=row.approved_by,
    )  # fmt: skip


def entry(tx: Connection, command_id: str) -> OutboxEntry | None:
    """One command; None when there is none with this id."""
    row = tx.execute(select(outbox).where(outbox.c.id == command_id)).one_or_none()
    return _entry(row) if row else None


def entries(
    tx: Connection,
    *,
    states: Collection[State] | None = None,
    systems: Collection[str] | None = None,
    kind: str | None = None,
    entity: str | None = None,
    business_key: str | None = None,
    sales_order: str | None = None,
    limit: int | None = None,
) -> list[OutboxEntry]:
    """Commands in the order they were decided, filtered where named."""
    filters = {"kind": kind, "entity": entity, "business_key": business_key}
    query = (
        select(outbox)
        .where(*(outbox.c[name] == value for name, value in filters.items() if value is not None))
        .order_by(outbox.c.position)
        .limit(limit)
    )
    if states is not None:
        query = query.where(outbox.c.state.in_(states))
    if systems is not None:
        query = query.where(outbox.c.system.in_(systems))
    if sales_order is not None:
        query = query.where(
            type_coerce(outbox.c.sales_orders, Text).contains(strict_json.dumps(sales_order), autoescape=True)
        )
    return [_entry(row) for row in tx.execute(query)]


def longest(
    tx: Connection,
    states: Collection[State],
    system: str | None = None,
    *,
    newest: bool = False,
    limit: int = 50,
    offset: int = 0,
) -> list[OutboxEntry]:
    """Commands by how long they stand where they stand, the longest first; with `newest` the last to come there."""
    since = outbox.c.updated_at.desc() if newest else outbox.c.updated_at
    query = select(outbox).where(outbox.c.state.in_(states)).order_by(since, outbox.c.position)
    if system is not None:
        query = query.where(outbox.c.system == system)
    return [_entry(row) for row in tx.execute(query.limit(limit).offset(offset))]


def steps(tx: Connection, command_ids: Collection[str]) -> dict[str, tuple[StepRecord, ...]]:
    """Command id → its step attempts in the order they were sent; a command without any has no entry."""
    found: dict[str, list[StepRecord]] = defaultdict(list)
    for row in _ATTEMPTS_OF.rows(tx, command_ids):
        receipt = None
        if row.receipt is not None:
            received_at = datetime.fromisoformat(row.receipt["received_at"])
            receipt = StepReceipt(**{**row.receipt, "received_at": received_at})
        found[row.command_id].append(StepRecord(row.step, row.attempt, row.state, row.sent_at, row.settled_at, receipt))
    return {
        command_id: tuple(sorted(records, key=lambda record: (record.sent_at, record.attempt)))
        for command_id, records in found.items()
    }


def counts(tx: Connection) -> dict[tuple[str, State], int]:
    """(system, state) → commands."""
    rows = tx.execute(
        select(outbox.c.system, outbox.c.state, func.count().label("total")).group_by(outbox.c.system, outbox.c.state)
    )
    return {(row.system, State(row.state)): row.total for row in rows}


def in_flight(tx: Connection) -> list[OutboxEntry]:
    """Commands whose document planning cannot see yet: undelivered, in doubt, or applied and not yet in a pull.

    The newest of each document only: it states the whole desired document.
    """
    last = (
        select(func.max(outbox.c.position))
        .where(outbox.c.state.not_in((State.SUPERSEDED, State.REJECTED)))
        .group_by(outbox.c.system, outbox.c.kind, outbox.c.business_key)
    )
    unseen = exists(
        select(1).where(
            documents.c.system == outbox.c.system,
            documents.c.entity == outbox.c.entity,
            documents.c.business_key == outbox.c.business_key,
            or_(documents.c.seen_in_pull_at.is_(None), documents.c.seen_in_pull_at < documents.c.applied_at),
        )
    )
    query = (
        select(outbox)
        .where(
            outbox.c.position.in_(last),
            or_(
                outbox.c.state.in_((*OPEN_STATES, State.PARKED)),
                and_(outbox.c.state.in_((State.APPLIED, State.UNCHANGED)), unseen),
            ),
        )
        .order_by(outbox.c.position)
    )
    return [_entry(row) for row in tx.execute(query)]


def tell_followers(tx: Connection, command_id: str, now: datetime) -> None:
    """Later commands that this parked one blocks show `awaiting` and why."""
    parked, other = outbox.alias(), outbox.alias()
    followers = select(other.c.id).where(
        parked.c.id == command_id, same_key(parked, other), unfinished_before(parked, other)
    )
    tx.execute(
        update(outbox)
        .where(outbox.c.id.in_(followers), outbox.c.state == State.PENDING)
        .values(
            state=State.AWAITING,
            last_error=f"command {command_id} for the same document is parked: resolve it first",
            updated_at=now,
        )
    )
