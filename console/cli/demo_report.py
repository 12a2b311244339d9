"""Draws a demo as it goes: what came in, was rejected, decided and written, and what the plant's people did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.cli.passes import draw_halted, draw_stages
from console.cli.terminal import Terminal, shown

if TYPE_CHECKING:
    from console.cli.demo import DemoPass


def draw_pass(terminal: Terminal, passed: DemoPass) -> None:
    """One pass: a line a stage, then what each system accepted."""
    terminal.line()
    terminal.heading(f"demo.{passed.name}")
    draw_stages(terminal, passed.report)
    draw_halted(terminal, passed.report)
    if passed.error:
        terminal.text(passed.error, "red")
    read = ", ".join(f"{system} {count}" for system, count in sorted(passed.report.read.items()))
    terminal.line("demo.read", read=read)
    rows = [
        (system, operation, counted.get("created", 0), counted.get("updated", 0))
        for system, operations in passed.writes.items()
        for operation, counted in operations.items()
    ]
    if rows:
        terminal.table(("col.system", "col.operation", "col.created", "col.updated"), rows, right=[2, 3])
    else:
        terminal.line("demo.unwritten")
    terminal.line(
        "demo.pass", seconds=f"{passed.elapsed:.1f}", quarantined=passed.quarantined, conflicts=passed.conflicts
    )


def draw_work(terminal: Terminal, number: int, done: Mapping[str, Any]) -> None:
    """What shop floor, sales desk and dispatch say they did."""
    terminal.line()
    terminal.heading("demo.work", number=number)
    terminal.table(("col.system", "col.did"), [(system, _did(said)) for system, said in done.items() if said])


def _did(said: object) -> str:
    """A summary in one line; long lists as their length."""
    if not isinstance(said, Mapping):
        return shown(said)
    return ", ".join(f"{name}: {_short(value)}" for name, value in said.items())


def _short(value: object) -> str:
    if isinstance(value, list):
        return str(len(value)) if len(value) > 2 else ", ".join(map(str, value)) or "0"  # noqa: PLR2004
    return shown(value)


def draw_end(terminal: Terminal, answer: Mapping[str, Any], folder: Path, more: Sequence[tuple[str, str]] = ()) -> None:
    """The sums, and where to look next; `more` are further commands, each with the key of what it shows."""
    terminal.line()
    terminal.heading("demo.end")
    rows = [(system, counted["read"], counted["written"]) for system, counted in answer["systems"].items()]
    terminal.table(("col.system", "col.read", "col.written"), rows, right=[1, 2])
    counted = {terminal.term(state): count for state, count in answer["commands"].items()}
    terminal.line("demo.commands", commands=shown(counted))
    terminal.line(
        "demo.sums", quarantined=answer["quarantined"], conflicts=answer["conflicts"], notices=answer["notices"],
        again=answer["second_run_writes"], seconds=answer["total_seconds"],
    )  # fmt: skip
    terminal.line()
    terminal.heading("demo.next")
    terminal.text(f"  source {near(folder)}/env.sh")
    for command, key in (*_doors(answer["example_order"]), *more):
        terminal.text(f"  {command:<38} # {terminal.say(key)}")


def _doors(order: str | None) -> list[tuple[str, str]]:
    return [
        *([(f"millstream trace {order}", "demo.see.trace")] if order else []),
        ("millstream status", "demo.see.status"),
        ("millstream outbox list", "demo.see.outbox"),
        ("millstream quarantine list", "demo.see.quarantine"),
        ("millstream conflicts list", "demo.see.conflicts"),
        ("millstream notices list", "demo.see.notices"),
        ("millstream serve", "demo.see.serve"),
        ('millstream people password "$(id -un)"', "demo.see.password"),
        ("dagster dev", "demo.see.dagster"),
    ]


def near(folder: Path) -> Path:
    """The folder as seen from here, where it lies below."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
