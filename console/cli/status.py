"""`millstream status`: the last pass by stage, the outbox by state, and the oldest thing that is stuck."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter

from canonical.commands import State
from console.cli.circuits import in_words, not_closed
from console.cli.down import Down, down, draw_down
from console.cli.outbox import SHORT_ID, said, summary
from console.cli.passes import PassReport, draw_stages, report
from console.cli.state import now, opened
from console.cli.terminal import Exit, Terminal
from store import conflicts, doubles, outbox, quarantine, runs
from store.outbox import OutboxEntry

Caller = Annotated[Terminal, Parameter(parse=False)]
STUCK = (State.PARKED, State.IN_DOUBT, State.REJECTED, State.HELD, State.AWAITING, State.PENDING)
"""Open or failed, the most pressing first."""


def status(*, terminal: Caller) -> Exit:
    """Show how the stream stands: the last pass, the outbox, and what is stuck since when."""
    with opened(terminal) as store, store.read() as tx:
        last = next(iter(runs.last(tx, 1)), None)
        stages = report(tx, last.run_id) if last else None
        counted: dict[str, dict[str, int]] = {}
        for (system, state), count in sorted(outbox.counts(tx).items()):
            counted.setdefault(system, {})[state.value] = count
        present = {State(state) for states in counted.values() for state in states}
        stuck = [one for state in STUCK if state in present for one in outbox.entries(tx, states=[state], limit=1)]
        stopped = down(tx)
        answer: dict[str, Any] = {
            "last_run": last, "stages": stages and stages.by_stage, "commands": counted,
            "quarantined": sum(quarantine.counts(tx).values()), "conflicts": sum(conflicts.counts(tx).values()),
            "doubles": doubles.listed(tx),
            "down": [{**asdict(one), "press": one.press} for one in stopped],
            "circuits": not_closed(tx), "oldest_stuck": [_pressing(one) for one in stuck],
        }  # fmt: skip
    terminal.answer(answer, lambda: _draw(terminal, answer, stages, stopped))
    return Exit.PARKED if answer["doubles"] else _exit(present, stopped=bool(stopped))


def _exit(present: set[State], *, stopped: bool) -> Exit:
    """What waits for a person first, then what is out of reach."""
    if present & {State.PARKED, State.IN_DOUBT}:
        return Exit.PARKED
    if State.REJECTED in present:
        return Exit.FINDINGS
    return Exit.UNREACHABLE if stopped else Exit.OK


def _pressing(entry: OutboxEntry) -> dict[str, Any]:
    minutes = int((now() - entry.created_at).total_seconds() // 60)
    return {**summary(entry), "minutes": minutes, "press": press(entry)}


def press(entry: OutboxEntry) -> str:
    """The command a person types next."""
    short = entry.command.id[:SHORT_ID]
    if entry.state is State.HELD:
        if entry.held_for == "approval":
            return f"millstream outbox approve {short}"
        return f"millstream connections set {entry.command.system} live"
    if entry.state in {State.PARKED, State.REJECTED}:
        return f"millstream outbox show {short}"
    return "millstream run"


def _draw(terminal: Terminal, answer: dict[str, Any], stages: PassReport | None, stopped: list[Down]) -> None:
    last = answer["last_run"]
    if last is None:
        terminal.line("status.never")
        return
    terminal.heading("status.last", run=last.run_id, at=last.started_at, state=terminal.say(f"run.{last.state}"))
    if stages is not None:
        draw_stages(terminal, stages)
    draw_down(terminal, stopped, now())
    for row in answer["circuits"]:
        terminal.text(f"{row.system}: {in_words(terminal, row)}", "red")
    terminal.line()
    terminal.heading("status.outbox")
    terminal.table(
        ("col.system", "col.commands"),
        [
            (system, {terminal.term(state): count for state, count in counted.items()})
            for system, counted in answer["commands"].items()
        ],
    )
    terminal.line("status.waiting", quarantined=answer["quarantined"], conflicts=answer["conflicts"])
    for one in answer["doubles"]:
        terminal.line(
            "status.double", system=one.system, key=one.business_key, ids=", ".join(one.native_ids), at=one.found_at
        )
    if not answer["oldest_stuck"]:
        terminal.line("status.nothing")
        return
    terminal.line()
    terminal.heading("status.stuck")
    columns = ("col.state", "col.system", "col.document", "col.minutes", "col.said", "col.press")
    terminal.table(
        columns,
        [
            (
                terminal.term(o["state"]),
                o["system"],
                o["business_key"],
                o["minutes"],
                said(terminal, o["reason"]),
                o["press"],
            )
            for o in answer["oldest_stuck"]
        ],
        right=[3],
    )
