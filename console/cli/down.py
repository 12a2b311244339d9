"""Systems that bring nothing: since when, why, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from console.cli.terminal import Terminal
from store import circuits, runs
from store.circuits import CircuitRow
from store.unit_of_work import Transaction

PASSES_LOOKED_BACK = 200
_WORKS = "closed"


@dataclass(frozen=True, slots=True)
class Down:
    """One system that is down, or left alone for a while."""

    system: str
    since: datetime
    streams: tuple[str, ...]
    said: str

    @property
    def press(self) -> str:
        """What a person types: it tries at once and says what stands in the way."""
        return f"millstream probe {self.system}"


def down(tx: Transaction) -> list[Down]:
    """Systems whose last pull was halted, or whose circuit is not closed; by name."""
    known, pulls = circuits.listed(tx), list(_pulls(tx))
    systems = {name for name, circuit in known.items() if circuit.state != _WORKS}
    systems |= {system for system, halted in (pulls[0][1] if pulls else {}).items() if halted}
    found = (_down(name, pulls, known.get(name)) for name in sorted(systems))
    return [one for one in found if one is not None]


Pull = tuple[datetime, Mapping[str, Mapping[str, str]]]


def _pulls(tx: Transaction) -> Iterator[Pull]:
    """Passes that pulled anything, newest first: when each began, and system → stream → why it brought nothing."""
    for run in runs.last(tx, PASSES_LOOKED_BACK):
        halted: dict[str, dict[str, str]] = {}
        for one in runs.stages(tx, run.run_id):
            if one.stage == "land":
                system, _, stream = one.part.partition("/")
                streams = halted.setdefault(system, {})
                if one.counts.get("halted"):
                    streams[stream] = one.counts["halted"]
        if halted:
            yield run.started_at, halted


def _down(system: str, pulls: list[Pull], circuit: CircuitRow | None) -> Down | None:
    streams: Mapping[str, str] = pulls[0][1].get(system, {}) if pulls else {}
    starts = [circuit.since] if circuit and circuit.state != _WORKS else []
    for began, halted in pulls:
        if system not in halted:
            continue  # this pass did not ask it
        if not halted[system]:
            break
        starts.append(began)
    if not starts:
        return None
    said = next(iter(streams.values()), circuit.said if circuit else "")
    return Down(system, min(starts), tuple(sorted(streams)), said.removeprefix(f"{system}: "))


def draw_down(terminal: Terminal, found: list[Down], now: datetime) -> None:
    """A line each; nothing where everything answers."""
    if not found:
        return
    terminal.line()
    terminal.heading("status.down")
    rows = [
        (
            one.system, one.since, int((now - one.since).total_seconds() // 60),
            ", ".join(one.streams), terminal.told(one.said), one.press,
        )
        for one in found
    ]  # fmt: skip
    columns = ("col.system", "col.since", "col.minutes", "col.streams", "col.said", "col.press")
    terminal.table(columns, rows, right=[2])
    terminal.line("status.down.hint")
