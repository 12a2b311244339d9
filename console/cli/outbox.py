"""`millstream outbox`: what is to be written to other systems, where it stands, and what a person may do about it."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from canonical.commands import Command, State
from canonical.errors import ConfigurationError, MillstreamError
from console.cli.failures import NotKnown
from console.cli.state import now, opened
from console.cli.terminal import Exit, Terminal, as_json, shown
from store import audit, interventions, outbox
from store.outbox import OutboxEntry, StepRecord
from store.unit_of_work import Transaction

Caller = Annotated[Terminal, Parameter(parse=False)]
StateName = Literal[
    "pending", "awaiting", "in_doubt", "held", "applied", "unchanged", "superseded", "parked", "rejected"
]
Ending = Literal["applied", "unchanged", "rejected", "superseded"]
SHORT_ID = 12
"""So many characters of a command's id are shown, and are enough to name it."""


def listed(
    *,
    state: tuple[StateName, ...] = (),
    system: str | None = None,
    order: str | None = None,
    limit: int = 50,
    terminal: Caller,
) -> Exit:
    """List commands in the order they were decided.

    Parameters
    ----------
    state
        Only commands in this state; may be given several times.
    system
        Only commands to this system.
    order
        Only commands that serve this sales order (number or golden id).
    limit
        At most so many.
    """
    with opened(terminal) as store, store.read() as tx:
        found = outbox.entries(
            tx,
            states=[State(name) for name in state] or None,
            systems=[system] if system else None,
            sales_order=_golden_order(tx, order) if order else None,
            limit=limit,
        )
        total = Counter(place[1].value for place, count in outbox.counts(tx).items() for _ in range(count))
    terminal.answer([summary(entry) for entry in found], lambda: _draw_list(terminal, found, total))
    return Exit.OK


def _golden_order(tx: Transaction, order: str) -> str:
    from console.cli.trace_lookup import golden_order

    return golden_order(tx, order) or order


def _draw_list(terminal: Terminal, found: list[OutboxEntry], total: Counter[str]) -> None:
    columns = ("col.command", "col.state", "col.system", "col.operation", "col.document", "col.tries", "col.said")
    terminal.table(
        columns,
        [
            (
                entry.command.id[:SHORT_ID], terminal.term(entry.state), entry.command.system,
                operation(terminal, entry.command),
                entry.command.business_key, entry.attempts, said(terminal, reason(entry)),
            )
            for entry in found
        ],
        right=[5],
    )  # fmt: skip
    counted = ", ".join(f"{count} {terminal.term(state)}" for state, count in sorted(total.items()))
    terminal.line("outbox.total", shown=len(found), total=counted or 0)
    if total["parked"] or total["rejected"]:
        terminal.line("outbox.press")


def operation(terminal: Terminal, command: Command) -> str:
    """What a command does, with its revision; a cancelled one says so."""
    return f"{'✗ ' if command.cancelled else ''}{terminal.term(command.kind)} r{command.revision}"


def reason(entry: OutboxEntry) -> str | None:
    """Why an entry stands where it stands."""
    if entry.state is State.HELD:
        return entry.held_for
    return entry.last_error


def said(terminal: Terminal, reason: str | None) -> str | None:
    """A reason in the caller's words; what a system said stays as it is."""
    return terminal.words.why(reason) if reason else reason


def summary(entry: OutboxEntry) -> dict[str, Any]:
    """One command as JSON."""
    command = entry.command
    return {
        "id": command.id, "state": entry.state.value, "system": command.system, "operation": command.kind,
        "entity": command.entity, "business_key": command.business_key, "revision": command.revision,
        "cancelled": command.cancelled, "sales_orders": list(command.sales_orders), "attempts": entry.attempts,
        "reason": reason(entry), "actor": command.actor, "cause": command.cause,
        "created_at": entry.created_at, "updated_at": entry.updated_at,
    }  # fmt: skip


def show(command: str, /, *, terminal: Caller) -> Exit:
    """Show one command: its content, each step sent, and who touched it.

    Parameters
    ----------
    command
        Its id, or the first characters of it.
    """
    with opened(terminal) as store, store.read() as tx:
        entry = the_command(tx, terminal, command)
        steps = outbox.steps(tx, [entry.command.id]).get(entry.command.id, ())
        acts = audit.listed(tx, f"command/{entry.command.id}")
        blocker = outbox.blocked_by(tx, entry.command.id)
    answer = {
        **summary(entry), "body": entry.command.body, "after": list(entry.command.after), "blocked_by": blocker,
        "steps": list(steps), "audit": acts,
    }  # fmt: skip
    terminal.answer(answer, lambda: _draw_one(terminal, answer, steps))
    return Exit.OK


def _draw_one(terminal: Terminal, answer: dict[str, Any], steps: tuple[StepRecord, ...]) -> None:
    drawn = {"body", "steps", "audit"}
    plain = {name: value for name, value in answer.items() if name not in drawn and value not in ([], None, False)}
    words = {"state", "entity", "operation"}
    terminal.table(
        ("col.field", "col.value"),
        [
            (terminal.term(name, "field"), terminal.term(value) if name in words else _shown(terminal, name, value))
            for name, value in plain.items()
        ],
    )
    terminal.line()
    terminal.heading("outbox.body")
    terminal.text(as_json(answer["body"]))
    draw_steps(terminal, steps)
    for act in answer["audit"]:
        detail = ", ".join(
            f"{terminal.term(name)} {terminal.term(shown(part))}" for name, part in (act.detail or {}).items()
        )
        terminal.line("outbox.act", at=act.at, actor=act.actor, action=terminal.words.act(act.action), detail=detail)
    if terminal.words.knows(key := f"outbox.next.{answer['state']}"):
        terminal.line(key, id=answer["id"][:SHORT_ID], system=answer["system"])


def _shown(terminal: Terminal, name: str, value: object) -> str:
    if name == "reason":
        return said(terminal, str(value)) or ""
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else shown(value)


def draw_steps(terminal: Terminal, steps: tuple[StepRecord, ...]) -> None:
    """The steps of one command, as they were sent."""
    terminal.table(
        ("col.step", "col.try", "col.state", "col.sent", "col.settled", "col.number"),
        [
            (
                one.step, one.attempt, terminal.term(one.state), one.sent_at, one.settled_at,
                one.receipt and (one.receipt.native_number or one.receipt.native_id),
            )
            for one in steps
        ],
    )  # fmt: skip


def the_command(tx: Transaction, terminal: Terminal, given: str) -> OutboxEntry:
    """The command with this id, or whose id alone begins so; raises `NotKnown`."""
    entry = outbox.entry(tx, given)
    if entry is not None:
        return entry
    found = [one for one in outbox.entries(tx) if one.command.id.startswith(given)]
    if len(found) == 1:
        return found[0]
    key = "outbox.ambiguous" if found else "outbox.unknown"
    raise NotKnown(terminal.say(key, given=given, count=len(found)), hint=terminal.say("outbox.unknown.hint"))


def retry(command: str, /, *, terminal: Caller) -> Exit:
    """Send a parked or rejected command again; one in doubt is looked up first.

    Parameters
    ----------
    command
        Its id, or the first characters of it.
    """
    with opened(terminal) as store, store.begin() as tx:
        entry = the_command(tx, terminal, command)
        state = interventions.retry(tx, entry.command.id, terminal.person, now())
    return _touched(terminal, entry, state)


def park(command: str, /, *, reason: str, terminal: Caller) -> Exit:
    """Stop an open command until a person decides.

    Parameters
    ----------
    command
        Its id, or the first characters of it.
    reason
        Why, for whoever finds it parked.
    """
    with opened(terminal) as store, store.begin() as tx:
        entry = the_command(tx, terminal, command)
        done = interventions.park(tx, entry.command.id, terminal.person, reason, now())
    return _touched(terminal, entry, State.PARKED if done else None)


def approve(*commands: str, terminal: Caller) -> Exit:
    """Let commands go that wait for a person's approval.

    Parameters
    ----------
    commands
        Their ids, or the first characters; `all` approves everything that waits.
    """
    with opened(terminal) as store, store.begin() as tx:
        waiting = [one for one in outbox.entries(tx, states=[State.HELD]) if one.held_for == "approval"]
        everything = commands == ("all",)
        ids = [one.command.id for one in (waiting if everything else (the_command(tx, terminal, c) for c in commands))]
        approved = interventions.approve(tx, ids, terminal.person, now())
    terminal.answer({"approved": approved}, lambda: terminal.line("outbox.approved", count=len(approved)))
    return Exit.OK if len(approved) == len(ids) else Exit.FINDINGS


def resolve(
    command: str, /, *, as_: Annotated[Ending, Parameter(name="--as")], note: str, native_id: str | None = None,
    terminal: Caller,
) -> Exit:  # fmt: skip
    """Say how a command ended, after looking in the target system.

    Parameters
    ----------
    command
        Its id, or the first characters of it.
    as_
        How it ended: applied (it was carried out), unchanged, rejected or superseded (it was not).
    note
        What you saw, for the audit trail.
    native_id
        The target's own id of the document it made, where it was applied: later changes then go to that document.
        Left out, the target is asked what stands under our reference.
    """
    from console.cli.resolving import seen

    if native_id is not None and as_ != "applied":
        raise ConfigurationError(terminal.say("outbox.resolve.native_id"))
    with opened(terminal) as store, store.read() as tx:
        entry = the_command(tx, terminal, command)
    if native_id is None and as_ == "applied":
        native_id = _made(terminal, entry.command)
    with opened(terminal) as store, store.begin() as tx:
        receipt = native_id and seen(tx, entry.command.id, native_id, note, now())
        done = interventions.resolve(
            tx, entry.command.id, terminal.person, State(as_), now(), note=note, receipt=receipt or None
        )
    return _touched(terminal, entry, State(as_) if done else None)


def _made(terminal: Terminal, command: Command) -> str | None:
    """The target's own id of what it made; None, and said so, where it cannot be asked."""
    from console.cli.resolving import made_there, the_only
    from pipeline.hub import open_hub

    try:
        with closing(open_hub(terminal.environ)) as hub:
            found = made_there(hub, command)
    except MillstreamError as error:
        terminal.complain(terminal.say("outbox.resolve.not_asked", why=error.message), style="yellow")
        return None
    return the_only(terminal.words, command, found)


def _touched(terminal: Terminal, entry: OutboxEntry, state: State | None) -> Exit:
    command = entry.command
    if state is None:
        raise MillstreamError(
            terminal.say("outbox.cannot", state=terminal.term(entry.state)),
            system=command.system, entity=command.entity, key=command.business_key,
            hint=terminal.say("outbox.cannot.hint"),
        )  # fmt: skip
    answer = {"id": command.id, "was": entry.state.value, "state": state.value}
    terminal.answer(
        answer,
        lambda: terminal.line(
            "outbox.touched", id=command.id[:SHORT_ID], was=terminal.term(entry.state), state=terminal.term(state)
        ),
    )
    return Exit.OK
