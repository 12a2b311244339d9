"""`millstream mdm …`: matching, from the command line. Files are read here; the matching itself is pure."""

from __future__ import annotations

import time
from collections import Counter
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
    ours, theirs, pairs = _filled(left), _filled(right), [_pair(row, truth) for row in _filled(truth)]
    keys = _keys(left, ours), _keys(right, theirs)
    _refuse_strangers(truth, pairs, keys, (left, right))
    for path, rows, side in ((left, ours, "left"), (right, theirs, "right")):
        _refuse_lacking(path, rows, [getattr(column, side) for column in declared.columns] if declared else [])
    started = time.monotonic()
    terminal.progress("mdm.evaluating", left=len(ours), right=len(theirs))
    figures = measured(ours, theirs, pairs, declared, labels=labels)
    answer: dict[str, Any] = _plain(figures) | {"seconds": round(time.monotonic() - started, 2), "peak_mb": peak_mb()}
    terminal.answer(answer, lambda: _draw(terminal, answer))
    return Exit.OK


def _filled(path: Path) -> list[dict[str, str]]:
    rows = read_table(path)
    if not rows or not rows[0]:
        raise ConfigurationError(f"{path} has no rows")
    return rows


def _keys(path: Path, rows: list[dict[str, str]]) -> set[str]:
    """The keys of a table's first column, each of which stands for one record."""
    column = next(iter(rows[0]))
    counted = Counter(row[column] for row in rows)
    key, often = counted.most_common(1)[0]
    if often > 1:
        message = f"{path}: {key!r} stands {often} times in column {column!r}"
        raise ConfigurationError(message, hint="the first column is the key of the records")
    return set(counted)


def _refuse_strangers(
    truth: Path, pairs: list[tuple[str, str]], keys: tuple[set[str], set[str]], paths: tuple[Path, Path]
) -> None:
    for place in (0, 1):
        lost = [pair[place] for pair in pairs if pair[place] not in keys[place]]
        if lost:
            message = f"{truth}: {len(lost)} rows name records that {paths[place]} does not hold, first {lost[0]!r}"
            raise ConfigurationError(message, hint="the truth's columns are the left key and the right key")


def _refuse_lacking(path: Path, rows: list[dict[str, str]], wanted: list[str]) -> None:
    lacking = next((column for column in wanted if column not in rows[0]), None)
    if lacking is not None:
        message = f"{path} has no column {lacking!r}, which the policy compares"
        raise ConfigurationError(message, hint=f"its columns: {', '.join(rows[0])}")


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
