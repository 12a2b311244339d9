"""What a delivering worker does to the outbox: claim, intent, receipt, finish or defer.

A worker holds a command by a lease with its owner token, unique to that worker's life. Every update
checks the token and says whether it still held: False means another worker or a person took over,
and the caller must stop. An intent is settled by a receipt or by `void_intent` (the target surely
did not carry the step out) and by nothing else, so a step is never sent again blindly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    ScalarSelect,
    Text,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from canonical.commands import OPEN_STATES, Command, State, StepReceipt
from store import step_records
from store.database import is_postgresql
from store.due_commands import CLAIMABLE, LOCKED, NOW, may_go
from store.outbox import StepRecord, command_of, same_key, steps, tell_followers, unanswered
from store.statements import Keyed, chunks, is_one_of
from store.tables import documents, outbox, outbox_steps

_FINAL = frozenset(State) - OPEN_STATES
_FREE: dict[str, Any] = {"lease_owner": None, "lease_until": None}
Ended = tuple[str, State, str | None]
"""Command, the state in which its delivery ends, and what went wrong."""
_DEFER = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("at_id"),
        outbox.c.lease_owner == bindparam("at_owner"),
        is_one_of(outbox.c.state, OPEN_STATES),
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
    awaits: bool = False
    """Whether it waited for another document when it was claimed."""
    stands: bool = True
    """Whether a document stands under its business key."""
    half_made: bool = False
    """Whether an earlier command for the same document carried a step of it out, or perhaps did, and was given up."""
    sent_before: bool = False
    """Whether an earlier command for it was sent at all and given up: a refusal may leave part of a document behind."""

    @property
    def receipts(self) -> dict[str, StepReceipt]:
        """Step → receipt, for the steps whose last attempt is done."""
        last = {record.step: record.receipt for record in self.steps}
        return {step: receipt for step, receipt in last.items() if receipt is not None}


def claim(
    tx: Connection,
    owner: str,
    now: datetime,
    *,
    lease_seconds: float,
    limit: int,
    systems: Collection[str],
    among: Collection[Command] | None = None,
) -> list[ClaimedCommand]:
    """Lease up to `limit` commands of `systems` that are due, in order; at most one for each business key.

    `among`: commands that were due a moment ago; no others are looked for. A command whose former worker left a step
    unanswered comes `in_doubt`. Each claim counts as an attempt, so that a command that kills its worker is seen.
    """
    read = {command.id: command for command in among or ()}
    ids = _locked(tx, now, systems, limit) if among is None else _still_there(tx, read)
    if not ids:
        return []
    until = now + timedelta(seconds=lease_seconds)
    statement = _CLAIM if among is None else _CLAIM_READ
    rows = sorted(statement.rows(tx, ids, owner=owner, until=until, now=now), key=lambda row: int(row.position))
    there = {row.id: row for row in _FOUND.rows(tx, [row.id for row in rows])}
    found = steps(tx, [row.id for row in there.values() if row.begun])
    return [
        ClaimedCommand(
            read.get(row.id) or command_of(row),
            owner,
            until,
            row.attempts,
            row.state == State.IN_DOUBT,
            found.get(row.id, ()),
            row.not_before,
            awaits=row.state == State.AWAITING,
            stands=bool(there[row.id].stands),
            half_made=there[row.id].trace == _CARRIED_OUT,
            sent_before=there[row.id].trace is not None,
        )
        for row in rows
    ]


_STANDS = exists(
    select(1)
    .where(*(documents.c[name] == outbox.c[name] for name in ("system", "entity", "business_key")))
    .correlate(outbox)
)
_BEGUN = exists(select(1).where(outbox_steps.c.command_id == outbox.c.id).correlate(outbox))
_GIVEN_UP = (State.REJECTED, State.PARKED, State.SUPERSEDED)


_SENT_BACK, _CARRIED_OUT = 1, 2


def _trace() -> ScalarSelect[int]:
    """What earlier commands for the same document may have left behind when they were given up; null: nothing."""
    earlier = outbox.alias()
    return (
        select(func.max(case((outbox_steps.c.state == "void", _SENT_BACK), else_=_CARRIED_OUT)))
        .select_from(earlier.join(outbox_steps, outbox_steps.c.command_id == earlier.c.id))
        .where(same_key(earlier, outbox), earlier.c.kind == outbox.c.kind, earlier.c.position < outbox.c.position)
        .where(is_one_of(earlier.c.state, _GIVEN_UP))
        .correlate(outbox)
        .scalar_subquery()
    )


_FOUND = Keyed(
    select(outbox.c.id, _BEGUN.label("begun"), _STANDS.label("stands"), _trace().label("trace")),
    outbox.c.id,
)
"""Not returned by the claim: SQLite serves a query inside of what is returned by no index."""
_CLAIMED = (
    update(outbox)
    # Asked again, as others may have claimed, or a person brought an earlier command of the same key back, meanwhile.
    .where(is_one_of(outbox.c.state, CLAIMABLE), *may_go())
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
        updated_at=NOW,
    )
)
_NEWS = (outbox.c[name] for name in ("id", "position", "state", "attempts", "not_before"))
_CLAIM = Keyed(_CLAIMED.returning(*outbox.c), outbox.c.id)
_CLAIM_READ = Keyed(_CLAIMED.returning(*_NEWS), outbox.c.id)
"""What a command says never changes, so who has read it is told the rest only."""
_LOCK = Keyed(select(outbox.c.id).with_for_update(skip_locked=True), outbox.c.id)


def _locked(tx: Connection, now: datetime, systems: Collection[str], limit: int) -> list[str]:
    """Ids of commands that are due, locked where rows can be locked."""
    ids: list[str] = []
    for system, query in ((system, query) for system in sorted(systems) for query in LOCKED):
        if len(ids) < limit:
            ids += tx.execute(query, {"system": system, "now": now, "limit": limit - len(ids)}).scalars()
    return ids


def _still_there(tx: Connection, ids: Collection[str]) -> Collection[str]:
    """Those nobody is about to claim; where rows cannot be locked, who writes is alone."""
    return [row.id for row in _LOCK.rows(tx, ids)] if is_postgresql(tx) else ids


def known(claimed: Iterable[ClaimedCommand]) -> step_records.Attempts:
    """What whoever claimed commands knows of their steps, kept up by all that is written with it.

    Nobody else writes down steps of a command under lease, and what takes a lease away ends what its owner may write.
    """
    return step_records.attempts_of((one.command.id, record) for one in claimed for record in one.steps)


def begin_steps(
    tx: Connection,
    claimed: Iterable[ClaimedCommand],
    intents: Collection[tuple[str, str]],
    known: step_records.Attempts,
    now: datetime,
) -> None:
    """The first steps, in the transaction of the claim itself: what they were waiting for stands. See `exchange`."""
    sent = {command_id for command_id, _ in intents}
    waited = [one.command.id for one in claimed if one.awaits and one.command.id in sent]
    if waited:
        _WAIT_NO_LONGER.rows(tx, waited)
    step_records.intended(tx, intents, known, now)


_WAIT_NO_LONGER = Keyed(
    update(outbox)
    .where(outbox.c.state == State.AWAITING)
    .values(state=literal(State.PENDING.value))
    .returning(outbox.c.id),
    outbox.c.id,
)


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
    endings: Collection[Ended] = (),
    lease_seconds: float,
    known: step_records.Attempts | None = None,
) -> frozenset[str]:
    """What came of the steps that went out, what ends with it, and the steps that go out next.

    One transaction for all spares every step but the first a commit; see the functions for each. Which commands are
    still held, whose leases run anew from `now` unless they end; of the others nothing is written. `known`: what the
    claim knew, see there.
    """
    until = now + timedelta(seconds=lease_seconds)
    over = {command_id for command_id, _, _ in endings}
    named = {command_id for command_id, _ in (*receipts, *voids, *intents)} - over
    held = _held(tx, named, owner, now, sets_out=bool(intents), lease_until=until)
    ended = _ended(tx, endings, owner, now)
    ours = held | ended
    known = step_records.attempts(tx, ours) if known is None else known
    step_records.answered(tx, [one for one in receipts if one[0] in ours], known, now)
    step_records.voided(tx, [one for one in voids if one[0] in ours], known, now)
    step_records.intended(tx, [one for one in intents if one[0] in held], known, now)
    _close(tx, [one for one in endings if one[0] in ended], known, now)
    return ours


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
    if not ids:
        return frozenset()
    given = {"mine": owner, "now": now, **{f"new_{name}": value for name, value in values.items()}}
    return frozenset(row.id for row in _while_held_all(sets_out, tuple(values)).rows(tx, ids, **given))


@lru_cache
def _while_held_all(sets_out: bool, names: tuple[str, ...]) -> Keyed:  # noqa: FBT001 - part of a key
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    if sets_out:
        waited = outbox.c.state == State.AWAITING
        values["state"] = case((waited, literal(State.PENDING.value)), else_=outbox.c.state)
    ours = (outbox.c.lease_owner == bindparam("mine"), is_one_of(outbox.c.state, OPEN_STATES))
    return Keyed(
        update(outbox).where(*ours).values(updated_at=bindparam("now"), **values).returning(outbox.c.id), outbox.c.id
    )


def record_receipts(
    tx: Connection,
    receipts: Collection[tuple[str, StepReceipt]],
    owner: str,
    now: datetime,
    known: step_records.Attempts | None = None,
) -> frozenset[str]:
    """The target answered, or a look-up found the step done (without an intent it is written down too).

    Which commands are still held; of the others nothing is written.
    """
    held = _held(tx, [command_id for command_id, _ in receipts], owner, now)
    kept = [(command_id, receipt) for command_id, receipt in receipts if command_id in held]
    step_records.answered(tx, kept, step_records.attempts(tx, held) if known is None else known, now)
    return held


def record_receipt(tx: Connection, command_id: str, owner: str, receipt: StepReceipt, now: datetime) -> bool:
    """One receipt; False when the lease was lost. See `record_receipts`."""
    return bool(record_receipts(tx, [(command_id, receipt)], owner, now))


def void_intents(
    tx: Connection,
    intents: Collection[tuple[str, str]],
    owner: str,
    now: datetime,
    known: step_records.Attempts | None = None,
) -> frozenset[str]:
    """The target surely did not carry the steps out: it refused, was never reached, or was looked up in vain."""
    held = _held(tx, [command_id for command_id, _ in intents], owner, now)
    known = step_records.attempts(tx, held) if known is None else known
    step_records.voided(tx, [one for one in intents if one[0] in held], known, now)
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


def finish_all(tx: Connection, endings: Collection[Ended], owner: str, now: datetime) -> frozenset[str]:
    """End deliveries and give their leases back; which commands were still held.

    Raises `ValueError` for an open state, and when a step is unanswered unless the command is parked.
    """
    return exchange(tx, owner, now, endings=endings, lease_seconds=0.0)


def _ended(tx: Connection, endings: Collection[Ended], owner: str, now: datetime) -> frozenset[str]:
    by_ending: dict[tuple[State, str | None], list[str]] = defaultdict(list)
    for command_id, state, error in endings:
        if state not in _FINAL:
            raise ValueError(f"{state} ends no delivery: use defer")
        by_ending[state, error].append(command_id)
    return frozenset().union(
        *(
            _held(tx, ids, owner, now, state=state, last_error=error, not_before=None, **_FREE)
            for (state, error), ids in by_ending.items()
        )
    )


def _close(tx: Connection, ended: Collection[Ended], known: step_records.Attempts, now: datetime) -> None:
    """What follows a parked command hears of it; no other may leave a step unanswered."""
    doubtful = {command_id for (command_id, _), (_, unsettled) in known.items() if unsettled is not None}
    for command_id, state, _ in sorted(ended):
        if state is State.PARKED:
            tell_followers(tx, command_id, now)
        elif command_id in doubtful:
            raise ValueError(f"command {command_id} cannot be {state}: a step of it is unanswered")


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
        if one.state not in CLAIMABLE:
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
