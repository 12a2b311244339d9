"""`millstream mdm …`: matching, from the command line. Files are read here; the matching itself is pure."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from console.cli.tables import read_table
from console.cli.terminal import Exit, Terminal

Caller = Annotated[Terminal, Parameter(parse=False)]
_FIGURES = ("precision", "recall", "f1", "auto_precision", "auto_recall", "queue", "seconds", "peak_mb")


def evaluate(
    *, left: Path, right: Path, truth: Path, policy: Path | None = None, labels: int = 0, terminal: Caller
) -> Exit:
    """Match two tables and say how well it went against a known truth.

    Parameters
    ----------
    left
        Table (CSV, semicolons, tabs), its first column the key.
    right
        Table (CSV, semicolons, tabs), its first column the key.
    truth
        Table of the matching keys: left, right.
    policy
        YAML policy; without one the columns are profiled.
    labels
        How many decisions a simulated steward takes.
    """
    from mdm.evaluate import evaluate as measured
    from mdm.match_policy import load_match_policy

    if labels < 0:
        raise ConfigurationError("--labels must not be negative")
    declared = load_match_policy(policy) if policy else None
    ours, theirs, pairs = read_table(left), read_table(right), read_table(truth)
    started = time.monotonic()
    terminal.progress("mdm.evaluating", left=len(ours), right=len(theirs))
    figures = measured(ours, theirs, [_pair(row, truth) for row in pairs], declared, labels=labels)
    answer: dict[str, Any] = _plain(figures) | {"seconds": round(time.monotonic() - started, 2), "peak_mb": peak_mb()}
    terminal.answer(answer, lambda: _draw(terminal, answer))
    return Exit.OK


def _pair(row: dict[str, str], path: Path) -> tuple[str, str]:
    values = list(row.values())
    if len(values) < 2:  # noqa: PLR2004
        raise ConfigurationError(f"{path}: two columns are needed, the left and the right key")
    return values[0], values[1]


def peak_mb() -> float:
    """Peak memory of this process so far, MiB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _plain(figures: Any) -> dict[str, Any]:  # noqa: ANN401 - the class is imported when the verb runs
    from dataclasses import asdict

    plain = asdict(figures)
    plain["policy"] = figures.policy.model_dump(mode="json")
    return plain


def _draw(terminal: Terminal, answer: dict[str, Any]) -> None:
    rows = [(terminal.say(f"mdm.{name}"), f"{answer[name]:.4g}") for name in _FIGURES]
    terminal.table(("col.figure", "col.value"), rows, right=(1,))
