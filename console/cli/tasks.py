"""`millstream tasks`: what rules ask people to settle, and settling it; `millstream timers`: what rules wait for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from console.cli.failures import NotKnown
from console.cli.state import now, opened
from console.cli.terminal import Exit, Terminal
from store import tasks, timers
from store.tasks import OPEN, TaskState, Verdict

Caller = Annotated[Terminal, Parameter(parse=False)]
EVERY: tuple[TaskState, ...] = ("open", "done", "refused", "withdrawn")


def listed(*, owner: str | None = None, settled: bool = False, limit: int = 50, terminal: Caller) -> Exit:
    """List what somebody has to settle, the nearest deadline first.

    Parameters
    ----------
    owner
        Only tasks of these people, such as production.
    settled
        Those that are settled as well.
    limit
        At most so many.
    """
    with opened(terminal) as store, store.read() as tx:
        found = tasks.listed(tx, EVERY if settled else OPEN, owner=owner, limit=limit)
    language = terminal.words.language

    def draw() -> None:
        rows = [
            (
                one.number, one.due_at, one.owner, one.title.get(language, one.title.get("en")),
                terminal.say(f"task.{one.state}"), one.closed_by, one.note,
            )
            for one in found
        ]  # fmt: skip
        columns = ("col.number", "col.deadline", "col.owner", "col.task", "col.state", "col.actor", "col.note")
        terminal.table(columns, rows)

    terminal.answer([asdict(one) for one in found], draw)
    return Exit.OK


def done(number: int, /, *, note: str | None = None, terminal: Caller) -> Exit:
    """Settle a task: it is done, or what it asks is agreed to.

    Parameters
    ----------
    number
        The task's number.
    note
        What the next person should know.
    """
    return _settle(terminal, number, "done", note)


def refuse(number: int, /, *, note: str, terminal: Caller) -> Exit:
    """Settle a task: what it asks cannot be, and why.

    Parameters
    ----------
    number
        The task's number.
    note
        Why not; it is told to those who asked.
    """
    return _settle(terminal, number, "refused", note)


def _settle(terminal: Terminal, number: int, verdict: Verdict, note: str | None) -> Exit:
    with opened(terminal) as store, store.begin() as tx:
        known = tasks.find(tx, number)
        if known is None:
            raise NotKnown(terminal.say("tasks.unknown", number=number), hint="millstream tasks list")
        settled = tasks.close(tx, number, verdict, terminal.person, now(), note=note)
        if settled is None:
            state = terminal.say(f"task.{known.state}")
            raise NotKnown(terminal.say("tasks.settled", number=number, state=state), hint="millstream tasks list")
    terminal.answer(asdict(settled), lambda: terminal.line(f"tasks.{verdict}", number=number))
    return Exit.OK


def timers_listed(*, limit: int = 50, terminal: Caller) -> Exit:
    """List what rules wait for, and what has run out and not happened yet.

    Parameters
    ----------
    limit
        At most so many.
    """
    with opened(terminal) as store, store.read() as tx:
        found = timers.listed(tx, limit=limit)

    def draw() -> None:
        rows = [(one.due_at, one.rule, one.key, terminal.say(f"timer.{one.state}"), one.fired_at) for one in found]
        terminal.table(("col.deadline", "col.rule", "col.key", "col.state", "col.at"), rows)

    terminal.answer([asdict(one) for one in found], draw)
    return Exit.OK
