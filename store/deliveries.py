"""What a delivering worker does to the outbox: claim, intent, receipt, finish or defer.

A worker holds a command by a lease with its owner token, unique to that worker's life. Every update
checks the token and says whether it still held: False means another worker or a person took over,
and the caller must stop. An intent is settled by a receipt or by `void_intent` (the target surely
did not carry the step out) and by nothing else, so a step is never sent again blindly.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, exists, func, insert, literal, or_, select, update

from canonical.commands import OPEN_STATES, Command, State, StepReceipt
from store.outbox import StepRecord, command_of, same_key, steps, tell_followers, unanswered, unfinished_before
from store.tables import outbox, outbox_steps

_CLAIMABLE = (State.PENDING, State.AWAITING, State.IN_DOUBT)
_FINAL = frozenset(State) - OPEN_STATES
_FREE: dict[str, Any] = {"lease_owner": None, "lease_until": None}


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
    ids = list(tx.execute(_due(now, systems).limit(limit).with_for_update(of=outbox, skip_locked=True)).scalars())
    if not ids:
        return []
    until = now + timedelta(seconds=lease_seconds)
    tx.execute(
        update(outbox)
        .where(outbox.c.id.in_(ids))
        .values(
            lease_owner=owner,
            lease_until=until,
            attempts=outbox.c.attempts + 1,
            state=case((unanswered(outbox), literal(State.IN_DOUBT.value)), else_=outbox.c.state),
            updated_at=now,
        )
    )
    found = steps(tx, ids)
    rows = tx.execute(select(outbox).where(outbox.c.id.in_(ids)).order_by(outbox.c.position))
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


def _due(now: datetime, systems: Collection[str]) -> Any:  # noqa: ANN401 - a select of ids
    other = outbox.alias()
    being_delivered = and_(other.c.position != outbox.c.position, other.c.lease_until > now)
    in_the_way = and_(same_key(other, outbox), or_(unfinished_before(other, outbox), being_delivered))
    return (
        select(outbox.c.id)
        .where(
            outbox.c.state.in_(_CLAIMABLE),
            outbox.c.system.in_(sorted(systems)),
            or_(outbox.c.not_before.is_(None), outbox.c.not_before <= now),
            or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= now),
            ~exists(select(1).where(in_the_way).correlate(outbox)),
        )
        .order_by(outbox.c.position)
    )


def renew(tx: Connection, command_id: str, owner: str, now: datetime, lease_seconds: float) -> bool:
    """Prolong a lease that is still held."""
    return _while_held(tx, command_id, owner, now, lease_until=now + timedelta(seconds=lease_seconds))


def _while_held(tx: Connection, command_id: str, owner: str, now: datetime, **values: object) -> bool:
    result = tx.execute(
        update(outbox)
        .where(outbox.c.id == command_id, outbox.c.lease_owner == owner, outbox.c.state.in_(OPEN_STATES))
        .values(updated_at=now, **values)
    )
    return result.rowcount == 1


def record_intent(tx: Connection, command_id: str, owner: str, step: str, now: datetime) -> bool:
    """The step is about to be sent; commit before sending it.

    Raises `ValueError` when an earlier attempt at the step is unanswered: look it up and void it first.
    """
    state = case((outbox.c.state == State.AWAITING, literal(State.PENDING.value)), else_=outbox.c.state)
    if not _while_held(tx, command_id, owner, now, state=state):
        return False
    mine = and_(outbox_steps.c.command_id == command_id, outbox_steps.c.step == step)
    if tx.execute(select(exists().where(mine, outbox_steps.c.state == "intent"))).scalar_one():
        raise ValueError(f"step {step} of command {command_id} is unanswered: look it up, then void it or record it")
    attempt = tx.execute(select(func.coalesce(func.max(outbox_steps.c.attempt), 0)).where(mine)).scalar_one() + 1
    row = {"command_id": command_id, "step": step, "attempt": attempt, "state": "intent", "sent_at": now}
    tx.execute(insert(outbox_steps).values(**row))
    return True


def record_receipt(tx: Connection, command_id: str, owner: str, receipt: StepReceipt, now: datetime) -> bool:
    """The target answered the step, or a look-up found it done; a done step without an intent is written down too."""
    if not _while_held(tx, command_id, owner, now):
        return False
    settle(tx, command_id, now, step=receipt.step, receipt=receipt)
    return True


def void_intent(tx: Connection, command_id: str, owner: str, step: str, now: datetime) -> bool:
    """The target surely did not carry the step out: it refused, was never reached, or was looked up in vain."""
    if not _while_held(tx, command_id, owner, now):
        return False
    settle(tx, command_id, now, step=step)
    return True


def settle(tx: Connection, command_id: str, now: datetime, *, step: str, receipt: StepReceipt | None = None) -> None:
    """Turn an unanswered step into done (with a receipt) or void (without)."""
    written = None if receipt is None else asdict(receipt)
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


def finish(
    tx: Connection, command_id: str, owner: str, state: State, now: datetime, *, error: str | None = None
) -> bool:
    """End the delivery of a command and give its lease back.

    Raises `ValueError` for an open state, and when a step is unanswered unless the command is parked.
    """
    if state not in _FINAL:
        raise ValueError(f"{state} ends no delivery: use defer")
    if not _while_held(tx, command_id, owner, now, state=state, last_error=error, not_before=None, **_FREE):
        return False
    if state is State.PARKED:
        tell_followers(tx, command_id, now)
    elif tx.execute(select(unanswered(outbox)).where(outbox.c.id == command_id)).scalar_one():
        raise ValueError(f"command {command_id} cannot be {state}: a step of it is unanswered")
    return True


def defer(
    tx: Connection, command_id: str, owner: str, state: State, now: datetime, *, not_before: datetime, error: str
) -> bool:
    """Try again later: `pending`, `awaiting` (a reference is not known yet) or `in_doubt`; gives the lease back.

    A command with an unanswered step is in doubt whatever the caller says. Awaiting uses up no attempt.
    """
    if state not in _CLAIMABLE:
        raise ValueError(f"{state} is no reason to wait: use finish")
    waiting = 1 if state is State.AWAITING else 0
    return _while_held(
        tx,
        command_id,
        owner,
        now,
        state=case((unanswered(outbox), literal(State.IN_DOUBT.value)), else_=literal(state.value)),
        not_before=not_before,
        last_error=error,
        attempts=outbox.c.attempts - waiting,
        **_FREE,
    )


def lease_owners(tx: Connection, now: datetime) -> frozenset[str]:
    """Owner tokens of the leases in force."""
    rows = tx.execute(select(outbox.c.lease_owner).where(outbox.c.lease_until > now).distinct())
    return frozenset(owner for owner in rows.scalars() if owner is not None)


def end_leases(tx: Connection, owners: Collection[str], now: datetime) -> int:
    """End the leases of workers that are known to be gone; what they had sent is claimed in doubt."""
    ended = update(outbox).where(outbox.c.lease_owner.in_(sorted(owners)), outbox.c.lease_until > now)
    return tx.execute(ended.values(lease_until=now)).rowcount
