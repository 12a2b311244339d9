"""`millstream connections`: the brake of each system, shadow, live or paused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from canonical.strict_yaml import suggest
from console.cli.failures import NotKnown
from console.cli.state import now, opened, settings_of
from console.cli.terminal import Exit, Terminal
from store import connections, interventions, outbox
from store.connections import ConnectionState

Caller = Annotated[Terminal, Parameter(parse=False)]


def listed(*, terminal: Caller) -> Exit:
    """List the connected systems, how each stands, and what waits for it."""
    deployment = settings_of(terminal).load_deployment()
    with opened(terminal, create=True) as store, store.read() as tx:
        known, counted = connections.listed(tx), outbox.counts(tx)
    answer = [
        {
            "system": name, "role": chosen.role,
            "state": known[name].state.value if name in known else chosen.state,
            "held": sum(n for (system, state), n in counted.items() if system == name and state.value == "held"),
            "adopted_at": known[name].adopted_at if name in known else None,
            "changed_at": known[name].changed_at if name in known else None,
            "changed_by": known[name].changed_by if name in known else None,
        }
        for name, chosen in deployment.systems.items()
    ]  # fmt: skip
    columns = ("col.system", "col.role", "col.state", "col.held", "col.adopted", "col.changed", "col.actor")
    terminal.answer(answer, lambda: terminal.table(columns, [_drawn(terminal, row) for row in answer], right=[3]))
    return Exit.OK


def _drawn(terminal: Terminal, row: dict[str, Any]) -> list[object]:
    return list({**row, "state": terminal.term(row["state"])}.values())


def set_state(system: str, state: Literal["live", "shadow", "paused"], /, *, terminal: Caller) -> Exit:
    """Set a connection live (send), shadow (decide, never send) or paused (neither send nor forget).

    Parameters
    ----------
    system
        The system's name, as in the deployment file.
    state
        live, shadow or paused. Going live releases what was held.
    """
    deployment = settings_of(terminal).load_deployment()
    if system not in deployment.systems:
        known = ", ".join(deployment.systems)
        raise NotKnown(
            terminal.say("system.unknown", given=system, known=known), hint=suggest(system, list(deployment.systems))
        )
    who, released = terminal.person, 0
    with opened(terminal, create=True) as store, store.begin() as tx:
        changed = connections.set_state(tx, system, ConnectionState(state), who, now())
        if state == "live":
            released = interventions.release(tx, system, who, now())
    answer = {"system": system, "state": state, "changed": changed, "released": released}

    def draw() -> None:
        terminal.line("connections.set", system=system, state=terminal.term(state))
        if released:
            terminal.line("connections.released", released=released)

    terminal.answer(answer, draw)
    return Exit.OK
