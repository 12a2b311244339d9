"""The record of every attempt at every step: intended, answered, or surely not carried out.

Who calls holds the command by a lease (`store.deliveries`) and knows its attempts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, bindparam, insert, select, update

from canonical.commands import StepReceipt
from store.prepared import Prepared
from store.statements import Keyed
from store.tables import outbox_steps

Attempts = dict[tuple[str, str], tuple[int, int | None]]
"""(Command, step) → its last attempt, and the attempt that is unanswered; what is written is entered too."""


class Attempt(Protocol):
    """One attempt at a step as its row says it."""

    @property
    def step(self) -> str:
        """Its name."""

    @property
    def attempt(self) -> int:
        """Which it is, from 1."""

    @property
    def state(self) -> str:
        """`intent`, `done` or `void`."""


_BEGIN = Prepared(insert(outbox_steps))
_SETTLE = Prepared(
    update(outbox_steps)
    .where(
        outbox_steps.c.command_id == bindparam("at_command"),
        outbox_steps.c.step == bindparam("at_step"),
        outbox_steps.c.attempt == bindparam("at_attempt"),
        outbox_steps.c.state == "intent",
    )
    .values(state=bindparam("state"), settled_at=bindparam("settled_at"), receipt=bindparam("receipt"))
)

_ATTEMPTS = Keyed(
    select(*(outbox_steps.c[name] for name in ("command_id", "step", "attempt", "state"))), outbox_steps.c.command_id
)


def attempts(tx: Connection, command_ids: Iterable[str]) -> Attempts:
    """Of every step of some commands."""
    return attempts_of((row.command_id, row) for row in _ATTEMPTS.rows(tx, command_ids))


def attempts_of(records: Iterable[tuple[str, Attempt]]) -> Attempts:
    """The same, of records that were read: (command, attempt) each."""
    found: Attempts = {}
    for command_id, row in records:
        last, unsettled = found.get((command_id, row.step), (0, None))
        unsettled = row.attempt if row.state == "intent" else unsettled
        found[command_id, row.step] = max(last, row.attempt), unsettled
    return found


def intended(tx: Connection, wanted: Collection[tuple[str, str]], known: Attempts, now: datetime) -> None:
    """These (command, step) are about to be sent; raises `ValueError` where an earlier attempt is unanswered."""
    rows: list[dict[str, Any]] = []
    for command_id, step in wanted:
        attempt, unsettled = known.get((command_id, step), (0, None))
        if unsettled is not None:
            raise ValueError(
                f"step {step} of command {command_id} is unanswered: look it up, then void it or record it"
            )
        place = {"command_id": command_id, "step": step, "attempt": attempt + 1}
        rows.append({**place, "state": "intent", "sent_at": now})
        known[command_id, step] = attempt + 1, attempt + 1
    _BEGIN.write(tx, *rows)


def written(receipt: StepReceipt) -> dict[str, Any]:
    """A receipt as it stands in its row."""
    return {field.name: getattr(receipt, field.name) for field in fields(receipt)}


def answered(tx: Connection, receipts: Collection[tuple[str, StepReceipt]], known: Attempts, now: datetime) -> None:
    """The target answered, or a look-up found the step done, which is written down without an intent too."""
    settled, fresh = [], []
    for command_id, receipt in receipts:
        last, unsettled = known.get((command_id, receipt.step), (0, None))
        done = {"state": "done", "settled_at": now, "receipt": written(receipt)}
        if unsettled is not None:
            settled.append({"at_command": command_id, "at_step": receipt.step, "at_attempt": unsettled, **done})
        else:
            place = {"command_id": command_id, "step": receipt.step, "attempt": last + 1}
            fresh.append({**place, "sent_at": now, **done})
            last += 1
        known[command_id, receipt.step] = last, None
    _SETTLE.write(tx, *settled)
    _BEGIN.write(tx, *fresh)


def voided(tx: Connection, intents: Collection[tuple[str, str]], known: Attempts, now: datetime) -> None:
    """These (command, step) were surely not carried out."""
    settled = []
    for command_id, step in intents:
        last, unsettled = known.get((command_id, step), (0, None))
        if unsettled is not None:
            settled.append({"at_command": command_id, "at_step": step, "at_attempt": unsettled})
            known[command_id, step] = last, None
    if settled:
        voided = {"state": "void", "settled_at": now, "receipt": None}
        _SETTLE.write(tx, *({**place, **voided} for place in settled))
