"""What a delivering worker does to the outbox: claim, intent, receipt, finish or defer.

A worker holds a command by a lease with its owner token, unique to that worker's life. Every update
checks the token and says whether it still held: False means another worker or a person took over,
and the caller must stop. An intent is settled by a receipt or by `void_intent` (the target surely
did not carry the step out) and by nothing else, so a step is never sent again blindly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

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
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from canonical.commands import OPEN_STATES, Command, State, StepReceipt
from store import step_records
from store.columns import UtcDateTime
from store.database import is_postgresql
from store.outbox import StepRecord, command_of, same_key, steps, tell_followers, unanswered, unfinished_before
from store.statements import Keyed, chunks
from store.tables import outbox, outbox_steps

_CLAIMABLE = (State.IN_DOUBT, State.PENDING, State.AWAITING)
_FINAL = frozenset(State) - OPEN_STATES
_FREE: dict[str, Any] = {"lease_owner": None, "lease_until": None}
_NOW = bindparam("now", type_=UtcDateTime)
_DEFER = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("at_id"),
        outbox.c.lease_owner == bindparam("at_owner"),
        or_(*(outbox.c.state == state.value for state in OPEN_STATES)),  # many rows at once bear no IN
    )
    .values(
        state=case((unanswered(outbox), literal(State.IN_DOUBT.value)), else_=bindparam("wanted", type_=Text)),
        not_before=bindparam("later"),
        last_error=bindparam("because"),
        attempts=outbox.c.attempts - bindparam("waiting", type_=Integer),
        updated_at=bindparam("now"),
        **_FREE,
    )
)


@dataclass(frozen=True, slots=True)
class ClaimedCommand:
    """A command on lease. `in_doubt`: a step was perhaps carried out; look up before anything else."""

    command: Command
    owner: str
    lease_until: datetime
    attempts: int
    in_doubt: bool
    steps: tuple[StepRecord, ...]
    not_before: datetime | None = None
    """When its last worker let go of it, it was not to be touched before this moment."""

    @property
    def receipts(self) -> dict[str, StepReceipt]:
        """Step → receipt, for the steps that are done."""
        return {record.step: record.receipt for record in self.steps if record.receipt is not None}


def claim(
    tx: Connection, owner: str, now: datetime, *, lease_seconds: float, limit: int, systems: Collection[str]
) -> list[ClaimedCommand]:
    """Lease up to `limit` commands of `systems` that are due, in order; at most one for each business key.

    A command whose former worker left a step unanswered comes `in_doubt`. Each claim counts as an
    attempt, so that a command that kills its worker is seen.
    """
    ids = _locked(tx, now, systems, limit)
    if not ids:
        return []
    until = now + timedelta(seconds=lease_seconds)
    lease = {"owner": owner, "until": until, "now": now, "ids": ids}
    rows = sorted(tx.execute(_CLAIM, lease), key=lambda row: int(row.position))
    found = steps(tx, ids)
    return [
        ClaimedCommand(
            command_of(row),
            owner,
            until,
            row.attempts,
            row.state == State.IN_DOUBT,
            found.get(row.id, ()),
            row.not_before,
        )
        for row in rows
    ]


_CLAIM = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        lease_owner=bindparam("owner"),
        lease_until=bindparam("until"),
        attempts=outbox.c.attempts + 1,
        state=case(
            (unanswered(outbox), literal(State.IN_DOUBT.value)),
            # Its doubt was answered, and its worker died before it sent the step again.
            (outbox.c.state == State.IN_DOUBT, literal(State.PENDING.value)),
            else_=outbox.c.state,
        ),
        updated_at=bindparam("now"),
    )
    .returning(outbox)
)


def _locked(tx: Connection, now: datetime, systems: Collection[str], limit: int) -> list[str]:
    """Ids of commands that are due, locked where rows can be locked."""
    ids: list[str] = []
    for system, query in ((system, query) for system in sorted(systems) for query in _DUE_LOCKED):
        if len(ids) < limit:
            ids += tx.execute(query, {"system": system, "now": now, "limit": limit - len(ids)}).scalars()
    if not ids or not is_postgresql(tx):
        return ids
    # A person may have brought an earlier command of the same key back after we had looked, before we had locked.
    way = select(outbox.c.id).where(outbox.c.id.in_(ids), ~_in_the_way())
    return list(tx.execute(way, {"now": now}).scalars())


def _in_the_way() -> ColumnElement[bool]:
    """Whether another command of the same key has to be finished first, or is being delivered."""
    other = outbox.alias()
    being_delivered = and_(other.c.position != outbox.c.position, other.c.lease_until > _NOW)
    blocks = and_(same_key(other, outbox), or_(unfinished_before(other, outbox), being_delivered))
    return exists(select(1).where(blocks).correlate(outbox))


def _due(state: State, *columns: ColumnElement[Any]) -> Select[Any]:
    """Of commands of one `:system` in one state that may be claimed `:now`, in order: an index serves it."""
    return (
        select(*columns)
        .where(
            outbox.c.state == literal(state.value, Text),
            outbox.c.system == bindparam("system", type_=Text),
            or_(outbox.c.not_before.is_(None), outbox.c.not_before <= _NOW),
            or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= _NOW),
            ~_in_the_way(),
        )
        .order_by(outbox.c.position)
        .limit(bindparam("limit", type_=Integer))
    )


_DUE = union_all(*(select(_due(state, *outbox.c).subquery()) for state in _CLAIMABLE))
_DUE_LOCKED = tuple(_due(state, outbox.c.id).with_for_update(of=outbox, skip_locked=True) for state in _CLAIMABLE)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is still to be delivered to a system, and when a worker should look again."""

    open: int
    due_at: datetime | None
    """When the first command may be claimed; None while each of them waits for another of its key."""
    timed: bool
    """Whether time alone brings something on: a pause ends, a lease runs out. If not, all wait for another document."""


def due(tx: Connection, now: datetime, system: str, limit: int = 1) -> list[Command]:
    """The commands that a claim would find; reads only, so it may be asked often."""
    rows = tx.execute(_DUE, {"system": system, "now": now, "limit": limit})
    first = sorted(rows, key=lambda row: (_CLAIMABLE.index(row.state), row.position))
    return [command_of(row) for row in first[:limit]]


def due_next(tx: Connection, now: datetime, system: str) -> datetime | None:
    """When the first command of a system may be claimed; None where none is open, or each waits for another."""
    return tx.execute(_FREE_OF, {"system": system, "now": now}).one()[0]


def outlook(tx: Connection, now: datetime, system: str) -> Outlook:
    """How things stand with a system's open commands."""
    place = {"system": system, "now": now}
    total = tx.execute(_OPEN_OF, place).scalar_one()
    due_at, timed = tx.execute(_FREE_OF, place).one()
    return Outlook(total, due_at, bool(timed))


def _free_of() -> Select[datetime, int]:
    """Of the commands no other stands in the way of: when the first is due, and whether time is all they wait for."""
    paused, leased = outbox.c.not_before, outbox.c.lease_until
    under_lease = leased > _NOW
    moment = case(
        (and_(under_lease, or_(paused.is_(None), leased > paused)), leased),
        (paused > _NOW, paused),
        else_=_NOW,
    )
    timed = case((under_lease, 1), (outbox.c.state == State.AWAITING, 0), else_=1)
    return select(func.min(moment), func.max(timed)).where(*_OPEN_HERE, ~_in_the_way())


_OPEN_HERE = (outbox.c.system == bindparam("system", type_=Text), outbox.c.state.in_(_CLAIMABLE))
_OPEN_OF = select(func.count()).select_from(outbox).where(*_OPEN_HERE)
_FREE_OF = _free_of()


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
            outbox.c.not_before > _NOW,
            or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= _NOW),
        )
        .values(not_before=_NOW, updated_at=_NOW)
    )


_WAKE_IDS, _WAKE_SYSTEMS = _wake(outbox.c.id), _wake(outbox.c.system)


def renew(tx: Connection, command_id: str, owner: str, now: datetime, lease_seconds: float) -> bool:
    """Prolong a lease that is still held."""
    return bool(renew_all(tx, [command_id], owner, now, lease_seconds))


def renew_all(tx: Connection, ids: Collection[str], owner: str, now: datetime, lease_seconds: float) -> frozenset[str]:
    """Prolong the leases that are still held; which they were."""
    return _held(tx, ids, owner, now, lease_until=now + timedelta(seconds=lease_seconds))


def record_intents(
    tx: Connection, intents: Collection[tuple[str, str]], owner: str, now: datetime, *, lease_seconds: float
) -> frozenset[str]:
    """The (command, step) pairs are about to be sent: commit before sending; which commands are still held.

    Their leases run anew from `now`. Raises `ValueError` when an earlier attempt at a step is unanswered:
    look it up and void it first.
    """
    return exchange(tx, owner, now, intents=intents, lease_seconds=lease_seconds)


def exchange(
    tx: Connection,
    owner: str,
    now: datetime,
    *,
    receipts: Collection[tuple[str, StepReceipt]] = (),
    voids: Collection[tuple[str, str]] = (),
    intents: Collection[tuple[str, str]] = (),
    lease_seconds: float,
) -> frozenset[str]:
    """What came of the steps that went out, and the steps that go out next: see the functions for each of them.

    One transaction for both spares every step but the first a commit. Which commands are still held, whose leases run
    anew from `now`; of the others nothing is written.
    """
    until = now + timedelta(seconds=lease_seconds)
    named = [command_id for command_id, _ in (*receipts, *voids, *intents)]
    held = _held(tx, named, owner, now, sets_out=bool(intents), lease_until=until)
    known = step_records.attempts(tx, held)
    step_records.answered(tx, [one for one in receipts if one[0] in held], known, now)
    step_records.voided(tx, [one for one in voids if one[0] in held], known, now)
    step_records.intended(tx, [one for one in intents if one[0] in held], known, now)
    return held


def record_intent(tx: Connection, command_id: str, owner: str, step: str, now: datetime) -> bool:
    """One step is about to be sent, under the lease as it stands; see `record_intents`."""
    row = tx.execute(select(outbox.c.lease_until).where(outbox.c.id == command_id)).one_or_none()
    if row is None or row.lease_until is None:
        return False
    left = (row.lease_until - now).total_seconds()
    return bool(record_intents(tx, [(command_id, step)], owner, now, lease_seconds=left))


def _held(
    tx: Connection, ids: Collection[str], owner: str, now: datetime, *, sets_out: bool = False, **values: object
) -> frozenset[str]:
    """Change those of the commands this owner still holds; their ids. `sets_out`: they wait no longer."""
    held: set[str] = set()
    statement = _while_held_all(sets_out, tuple(values))
    given = {"mine": owner, "now": now, **{f"new_{name}": value for name, value in values.items()}}
    for chunk in chunks(sorted(set(ids))):
        held.update(tx.execute(statement, {**given, "ids": chunk}).scalars())
    return frozenset(held)


@lru_cache
def _while_held_all(sets_out: bool, names: tuple[str, ...]) -> ReturningUpdate[Any]:  # noqa: FBT001 - part of a key
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    if sets_out:
        waited = outbox.c.state == State.AWAITING
        values["state"] = case((waited, literal(State.PENDING.value)), else_=outbox.c.state)
    ours = (outbox.c.lease_owner == bindparam("mine"), outbox.c.state.in_(OPEN_STATES))
    return (
        update(outbox)
        .where(outbox.c.id.in_(bindparam("ids", expanding=True)), *ours)
        .values(updated_at=bindparam("now"), **values)
        .returning(outbox.c.id)
    )


def record_receipts(
    tx: Connection, receipts: Collection[tuple[str, StepReceipt]], owner: str, now: datetime
) -> frozenset[str]:
    """The target answered, or a look-up found the step done (without an intent it is written down too).

    Which commands are still held; of the others nothing is written.
    """
    held = _held(tx, [command_id for command_id, _ in receipts], owner, now)
    kept = [(command_id, receipt) for command_id, receipt in receipts if command_id in held]
    step_records.answered(tx, kept, step_records.attempts(tx, held), now)
    return held


def record_receipt(tx: Connection, command_id: str, owner: str, receipt: StepReceipt, now: datetime) -> bool:
    """One receipt; False when the lease was lost. See `record_receipts`."""
    return bool(record_receipts(tx, [(command_id, receipt)], owner, now))


def void_intents(tx: Connection, intents: Collection[tuple[str, str]], owner: str, now: datetime) -> frozenset[str]:
    """The target surely did not carry the steps out: it refused, was never reached, or was looked up in vain."""
    held = _held(tx, [command_id for command_id, _ in intents], owner, now)
    step_records.voided(tx, [one for one in intents if one[0] in held], step_records.attempts(tx, held), now)
    return held


def void_intent(tx: Connection, command_id: str, owner: str, step: str, now: datetime) -> bool:
    """One step was surely not carried out; False when the lease was lost."""
    return bool(void_intents(tx, [(command_id, step)], owner, now))


def settle(tx: Connection, command_id: str, now: datetime, *, step: str, receipt: StepReceipt | None = None) -> None:
    """Turn an unanswered step into done (with a receipt) or void (without)."""
    written = None if receipt is None else step_records.written(receipt)
    state = "void" if receipt is None else "done"
    mine = (outbox_steps.c.command_id == command_id, outbox_steps.c.step == step)
    settled = tx.execute(
        update(outbox_steps)
        .where(*mine, outbox_steps.c.state == "intent")
        .values(state=state, settled_at=now, receipt=written)
    )
    if settled.rowcount or receipt is None:
        return
    attempt = tx.execute(select(func.coalesce(func.max(outbox_steps.c.attempt), 0)).where(*mine)).scalar_one() + 1
    place = {"command_id": command_id, "step": step, "attempt": attempt, "sent_at": now}
    tx.execute(insert(outbox_steps).values(**place, state=state, settled_at=now, receipt=written))


_UNANSWERED = Keyed(select(outbox.c.id).where(unanswered(outbox)), outbox.c.id)


def finish_all(
    tx: Connection, endings: Collection[tuple[str, State, str | None]], owner: str, now: datetime
) -> frozenset[str]:
    """End deliveries, (command, state, error) each, and give their leases back; which commands were still held.

    Raises `ValueError` for an open state, and when a step is unanswered unless the command is parked.
    """
    by_ending: dict[tuple[State, str | None], list[str]] = defaultdict(list)
    for command_id, state, error in endings:
        if state not in _FINAL:
            raise ValueError(f"{state} ends no delivery: use defer")
        by_ending[state, error].append(command_id)
    held: set[str] = set()
    for (state, error), ids in by_ending.items():
        ended = _held(tx, ids, owner, now, state=state, last_error=error, not_before=None, **_FREE)
        held |= ended
        if state is State.PARKED:
            for command_id in sorted(ended):
                tell_followers(tx, command_id, now)
        elif open_ended := _UNANSWERED.rows(tx, ended):
            raise ValueError(f"command {open_ended[0].id} cannot be {state}: a step of it is unanswered")
    return frozenset(held)


def finish(
    tx: Connection, command_id: str, owner: str, state: State, now: datetime, *, error: str | None = None
) -> bool:
    """End one delivery; False when the lease was lost. See `finish_all`."""
    return bool(finish_all(tx, [(command_id, state, error)], owner, now))


@dataclass(frozen=True, slots=True)
class Deferral:
    """A command to be tried again: `pending`, `awaiting` (a reference is not known yet) or `in_doubt`."""

    command_id: str
    state: State
    not_before: datetime
    error: str


def defer_all(tx: Connection, deferrals: Collection[Deferral], owner: str, now: datetime) -> None:
    """Give the leases that are still held back until later.

    A command with an unanswered step is in doubt whatever the caller says. Awaiting uses up no attempt.
    """
    rows = []
    for one in deferrals:
        if one.state not in _CLAIMABLE:
            raise ValueError(f"{one.state} is no reason to wait: use finish")
        waiting = 1 if one.state is State.AWAITING else 0
        place = {"at_id": one.command_id, "at_owner": owner, "now": now, "later": one.not_before}
        rows.append({**place, "because": one.error, "wanted": one.state.value, "waiting": waiting})
    if rows:
        tx.execute(_DEFER, rows)


def defer(
    tx: Connection, command_id: str, owner: str, state: State, now: datetime, *, not_before: datetime, error: str
) -> bool:
    """Try one again later; False when the lease was lost. See `defer_all`."""
    held = bool(_held(tx, [command_id], owner, now))
    defer_all(tx, [Deferral(command_id, state, not_before, error)], owner, now)
    return held


def doubt(tx: Connection, steps: Mapping[str, str], now: datetime) -> None:
    """Open commands (id → step) count as perhaps sent, although nobody wrote down that they were."""
    wanted = list(steps.items())
    known = step_records.attempts(tx, steps)
    rows = [
        {"command_id": one, "step": step, "attempt": last + 1, "state": "intent", "sent_at": now}
        for one, step in wanted
        for last, unsettled in [known.get((one, step), (0, None))]
        if unsettled is None
    ]
    if rows:
        tx.execute(insert(outbox_steps), rows)
    for chunk in chunks(steps):
        waiting = update(outbox).where(outbox.c.id.in_(chunk), outbox.c.state.in_((State.PENDING, State.AWAITING)))
        tx.execute(waiting.values(state=State.IN_DOUBT, not_before=None, updated_at=now))
        tx.execute(update(outbox).where(outbox.c.id.in_(chunk)).values(**_FREE))


def lease_owners(tx: Connection, now: datetime) -> frozenset[str]:
    """Owner tokens of the leases in force."""
    rows = tx.execute(select(outbox.c.lease_owner).where(outbox.c.lease_until > now).distinct())
    return frozenset(owner for owner in rows.scalars() if owner is not None)


def end_leases(tx: Connection, owners: Collection[str], now: datetime) -> int:
    """End the leases of workers that are known to be gone; what they had sent is claimed in doubt."""
    ended = update(outbox).where(outbox.c.lease_owner.in_(sorted(owners)), outbox.c.lease_until > now)
    return tx.execute(ended.values(lease_until=now)).rowcount
