"""What one pass of the stream came to, read from the store: whoever ran it, and however."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.cli.terminal import Terminal
from store import runs
from store.runs import StageCounts
from store.unit_of_work import Transaction

STAGES = ("land", "conform", "reconcile", "judge", "plan", "decide", "deliver", "measure")
IN_ORDER = (*STAGES[:4], "forecast", *STAGES[4:])
"""Every stage in the order it runs; not all deployments forecast."""


@dataclass(frozen=True, slots=True)
class PassReport:
    """One pass: counts by stage (summed over streams, entities and systems), seconds by stage, what halted."""

    run_id: str
    state: str
    by_stage: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, float]
    read: Mapping[str, int]
    halted: Mapping[str, str]

    @property
    def outcomes(self) -> Mapping[str, Mapping[str, int]]:
        """System → outcome → commands that ended so in this pass."""
        found: Mapping[str, Mapping[str, int]] = self.by_stage.get("deliver", {}).get("outcomes", {})
        return found


def report(tx: Transaction, run_id: str) -> PassReport | None:
    """The report of a pass; None when there is no such run."""
    run = runs.run(tx, run_id)
    if run is None:
        return None
    stages = runs.stages(tx, run_id)
    landed = [one for one in stages if one.stage == "land"]
    read: Counter[str] = Counter()
    for one in landed:
        read[one.part.partition("/")[0]] += one.counts.get("rows", 0)
    return PassReport(
        run_id=run_id,
        state=run.state,
        by_stage=_sums(stages),
        seconds=seconds(run.started_at, stages),
        read=dict(read),
        halted={one.part: one.counts["halted"] for one in landed if one.counts.get("halted")},
    )


def _sums(stages: list[StageCounts]) -> dict[str, dict[str, Any]]:
    """Counts of a stage's parts added up; what is no number is kept as the last part said it."""
    found: dict[str, dict[str, Any]] = {}
    for one in stages:
        into = found.setdefault(one.stage, {})
        for name, value in one.counts.items():
            adds = isinstance(value, int) and not isinstance(value, bool)
            if adds:
                into[name] = into.get(name, 0) + value
            elif isinstance(value, dict):
                into[name] = value
    return {stage: found[stage] for stage in (*IN_ORDER, *sorted(found.keys() - set(IN_ORDER))) if stage in found}


def seconds(started_at: datetime, stages: list[StageCounts]) -> dict[str, float]:
    """Wall-clock seconds by stage: the time since whatever ended before belongs to the part that ended."""
    found: dict[str, float] = dict.fromkeys(STAGES, 0.0)
    before = started_at
    for one in sorted(stages, key=lambda part: part.finished_at):
        found[one.stage] = found.get(one.stage, 0.0) + (one.finished_at - before).total_seconds()
        before = one.finished_at
    return {stage: round(spent, 2) for stage, spent in found.items()}


def draw_stages(terminal: Terminal, passed: PassReport) -> None:
    """One line a stage: what came in, was rejected, decided and written."""
    rows = []
    for stage, counts in passed.by_stage.items():
        plain = {name: value for name, value in counts.items() if not isinstance(value, dict)}
        told = ", ".join(f"{count_name(terminal, name)} {value}" for name, value in plain.items())
        nested = "; ".join(
            f"{count_name(terminal, name)}: {_told(terminal, value, 'progress' if name == 'orders' else '')}"
            for name, value in counts.items()
            if isinstance(value, dict) and value
        )
        rows.append(
            (
                _stage_name(terminal, stage),
                f"{passed.seconds.get(stage, 0.0):.1f}",
                "; ".join(filter(None, (told, nested))),
            )
        )
    terminal.table(("col.stage", "col.seconds", "col.result"), rows, right=[1])


def draw_halted(terminal: Terminal, passed: PassReport) -> None:
    """A line for each reason for which a system brought nothing."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for part, why in sorted(passed.halted.items()):
        system, _, stream = part.partition("/")
        grouped.setdefault((system, why), []).append(stream)
    for (system, why), streams in grouped.items():
        said = terminal.told(why.removeprefix(f"{system}: "))
        terminal.line(
            "run.halted", system=system, streams=", ".join(streams), why=said, press=f"millstream probe {system}"
        )


def _told(terminal: Terminal, value: Mapping[str, Any], kind: str = "") -> str:
    return ", ".join(
        f"{_words(terminal, name, kind)} {{{_told(terminal, part, kind)}}}"
        if isinstance(part, Mapping)
        else f"{_words(terminal, name, kind)} {part}"
        for name, part in value.items()
    )


def _words(terminal: Terminal, name: str, kind: str) -> str:
    """`planned_order created`, `mes.order_work`, `in_production`: each word by itself."""
    return " ".join(".".join(terminal.term(part, kind) for part in word.split(".")) for word in name.split(" "))


def _stage_name(terminal: Terminal, stage: str) -> str:
    key = f"stage.{stage}"
    return terminal.say(key) if terminal.words.knows(key) else terminal.term(stage)


def count_name(terminal: Terminal, name: str) -> str:
    """The word for a count in the caller's language."""
    key = f"count.{name}"
    return terminal.say(key) if terminal.words.knows(key) else name
