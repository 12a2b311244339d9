"""What people do to commands: hold, approve, park, retry, resolve. Every act is written to the audit trail.

Whether the actor's role allows it is for the caller to check. A command that a person touches loses
its lease, so the worker that held it stops at its next update.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Row, func, select, update

from canonical.actors import Actor
from canonical.commands import OPEN_STATES, State, StepReceipt
from canonical.errors import MillstreamError
from store import audit, documents
from store.deliveries import settle
from store.documents import Document
from store.outbox import HoldCause, blocked_by, entry, steps, tell_followers, unanswered
from store.statements import chunks
from store.tables import outbox

_RESOLUTIONS = frozenset({State.APPLIED, State.UNCHANGED, State.REJECTED, State.SUPERSEDED})


def park(tx: Connection, command_id: str, actor: Actor | str, reason: str, now: datetime) -> bool:
    """Stop an open command until a person decides; False when it is not open."""
    if _lock(tx, command_id) not in OPEN_STATES:
        return False
    _set(tx, command_id, State.PARKED, now, error=reason)
    tell_followers(tx, command_id, now)
    _audit(tx, actor, "command parked", command_id, now, reason=reason)
    return True


def retry(tx: Connection, command_id: str, actor: Actor | str, now: datetime) -> State | None:
    """Send a parked or rejected command again; returns its new state, None when it is neither.

    It comes back `in_doubt` (looked up first) when a step is unanswered, and is `superseded` instead
    when a newer revision of its document was decided.
    """
    if _lock(tx, command_id) not in {State.PARKED, State.REJECTED}:
        return None
    doubtful = tx.execute(select(unanswered(outbox)).where(outbox.c.id == command_id)).scalar_one()
    state = State.IN_DOUBT if doubtful else State.SUPERSEDED if is_outdated(tx, command_id) else State.PENDING
    _set(tx, command_id, state, now, attempts=0)
    _audit(tx, actor, "command retried", command_id, now, state=state)
    return state


def resolve(
    tx: Connection,
    command_id: str,
    actor: Actor | str,
    state: State,
    now: datetime,
    *,
    note: str,
    receipt: StepReceipt | None = None,
) -> bool:
    """A person looked and says how a command ended; its unanswered steps are settled accordingly.

    `applied`: they were carried out (`receipt` says as what, and the document it names is remembered as the
    command's own, so that later revisions change it); anything else: they were not. False when the command
    has ended well already. Raises `ValueError` for a state that is no ending, `MillstreamError` where the
    document belongs to another command.
    """
    if state not in _RESOLUTIONS:
        raise ValueError(f"{state} resolves nothing")
    if _lock(tx, command_id) not in OPEN_STATES | {State.PARKED, State.REJECTED}:
        return False
    for record in steps(tx, [command_id]).get(command_id, ()):
        if record.state == "intent":
            answer = _answer(record.step, receipt, note, now) if state is State.APPLIED else None
            settle(tx, command_id, now, step=record.step, receipt=answer)
    if state is State.APPLIED and receipt is not None and receipt.native_id is not None:
        _remember(tx, command_id, receipt, receipt.native_id, now)
    _set(tx, command_id, state, now, error=note)
    _free_followers(tx, command_id, now)
    _audit(tx, actor, "command resolved", command_id, now, state=state, note=note)
    return True


def _remember(tx: Connection, command_id: str, receipt: StepReceipt, native_id: str, now: datetime) -> None:
    """The document a person found in the target, as the one this command made."""
    claimed = entry(tx, command_id)
    assert claimed is not None
    command = claimed.command
    made = Document(
        command.system, command.entity, command.business_key, native_id, receipt.native_number, command.revision,
        command.body, "created", now,
    )  # fmt: skip
    for conflict in documents.record(tx, [made]):
        raise MillstreamError(
            f"document {native_id} is that of {conflict.standing.business_key}",
            system=command.system, entity=command.entity, key=command.business_key,
            hint="look in the target again",
        )  # fmt: skip


def _answer(step: str, receipt: StepReceipt | None, note: str, now: datetime) -> StepReceipt:
    if receipt is not None and receipt.step == step:
        return receipt
    return StepReceipt(step, None, None, None, now, {"resolved": note})


def hold(tx: Connection, command_ids: Collection[str], cause: HoldCause, now: datetime) -> int:
    """Make pending commands wait; returns how many. A command under way is not touched."""
    held = 0
    for chunk in chunks(command_ids):
        held += tx.execute(
            update(outbox)
            .where(outbox.c.id.in_(chunk), outbox.c.state == State.PENDING, outbox.c.lease_owner.is_(None))
            .values(state=State.HELD, held_for=cause, updated_at=now)
        ).rowcount
    return held


def release(tx: Connection, system: str, actor: Actor | str, now: datetime) -> int:
    """A connection goes live: its commands that waited for that are pending; returns how many."""
    released = tx.execute(
        update(outbox)
        .where(outbox.c.system == system, outbox.c.state == State.HELD, outbox.c.held_for == "connection")
        .values(state=State.PENDING, held_for=None, updated_at=now)
    ).rowcount
    if released:
        detail = {"commands": released}
        audit.append(tx, now, actor, "held commands released", f"connection/{system}", detail=detail)
    return released


def approve(tx: Connection, command_ids: Collection[str], actor: Actor | str, now: datetime) -> list[str]:
    """Let held commands go; returns the ids that were waiting for approval."""
    approved: list[str] = []
    for command_id in command_ids:
        result = tx.execute(
            update(outbox)
            .where(outbox.c.id == command_id, outbox.c.state == State.HELD, outbox.c.held_for == "approval")
            .values(state=State.PENDING, held_for=None, approved_by=str(actor), updated_at=now)
        )
        if result.rowcount:
            approved.append(command_id)
            _audit(tx, actor, "command approved", command_id, now)
    return approved


def _lock(tx: Connection, command_id: str) -> State | None:
    """The command's state, with all commands of its business key locked: nobody claims one meanwhile."""
    key = select(outbox.c.system, outbox.c.business_key).where(outbox.c.id == command_id).subquery()
    rows: list[Row[str, str]] = list(
        tx.execute(
            select(outbox.c.id, outbox.c.state)
            .join(key, (outbox.c.system == key.c.system) & (outbox.c.business_key == key.c.business_key))
            .order_by(outbox.c.position)
            .with_for_update(of=outbox)
        )
    )
    return next((State(row.state) for row in rows if row.id == command_id), None)


def is_outdated(tx: Connection, command_id: str) -> bool:
    """Whether a newer revision of its document was decided: it is not sent again."""
    mine, newer = outbox.alias(), outbox.alias()
    query = select(func.count()).where(
        mine.c.id == command_id,
        newer.c.system == mine.c.system,
        newer.c.kind == mine.c.kind,
        newer.c.business_key == mine.c.business_key,
        newer.c.revision > mine.c.revision,
    )
    return tx.execute(query).scalar_one() > 0


def _set(
    tx: Connection,
    command_id: str,
    state: State,
    now: datetime,
    *,
    error: str | None = None,
    attempts: int | None = None,
) -> None:
    values: dict[str, object] = {
        "state": state, "last_error": error, "updated_at": now,
        "not_before": None, "held_for": None, "lease_owner": None, "lease_until": None,
    }  # fmt: skip
    if attempts is not None:
        values["attempts"] = attempts
    tx.execute(update(outbox).where(outbox.c.id == command_id).values(**values))


def _free_followers(tx: Connection, command_id: str, now: datetime) -> None:
    """What waited for this command only is pending again."""
    mine, other = outbox.alias(), outbox.alias()
    waiting = select(other.c.id).where(
        mine.c.id == command_id,
        other.c.system == mine.c.system,
        other.c.business_key == mine.c.business_key,
        other.c.position > mine.c.position,
        other.c.state == State.AWAITING,
    )
    for follower in tx.execute(waiting.order_by(other.c.position)).scalars().all():
        if blocked_by(tx, follower) is None:
            _set(tx, follower, State.PENDING, now)


def _audit(tx: Connection, actor: Actor | str, action: str, command_id: str, now: datetime, **detail: str) -> None:
    audit.append(tx, now, actor, action, f"command/{command_id}", detail=detail or None)
