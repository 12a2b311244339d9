"""How well a match run does against a known truth: the figures that decide whether a policy may go live."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from canonical.errors import ConfigurationError
from mdm.block import Blocking, analyse_blocking
from mdm.match_policy import MatchPolicy, Record
from mdm.matching import Matched, Prepared, match, prepare_run
from mdm.profiling import profile

BATCHES = 4
"""Simulated stewards are asked in batches; the model learns between them."""
_OPEN = 0.5


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of one run. Pairs are (left, right) records in one group."""

    precision: float
    recall: float
    f1: float
    auto_precision: float
    """1 where nothing merged by itself: nothing was merged wrongly."""
    auto_recall: float
    auto_merged: int
    queue: int
    """Pairs that wait for a steward."""
    decisions: int
    matched: int
    truth: int
    expected_f1: float
    """What the run expected of itself, without the truth."""
    blocking: Blocking
    policy: MatchPolicy


def evaluate(
    left: Sequence[Record],
    right: Sequence[Record],
    truth: Collection[tuple[str, str]],
    policy: MatchPolicy | None = None,
    *,
    labels: int = 0,
    keys: tuple[str, str] | None = None,
) -> Evaluation:
    """Match two tables and compare with the truth; the first column is the key unless `keys` names them.

    `labels`: decisions a simulated steward takes, on the pairs the queue shows first; they count as decided.
    Raises `ConfigurationError` when a table is empty or a key of the truth is unknown.
    """
    if not left or not right:
        raise ConfigurationError("there is nothing to match: a table is empty")
    named = keys or (next(iter(left[0])), next(iter(right[0])))
    run = prepare_run(left, right, policy or profile(left, right, named))
    positions = _positions(run.left.records, run.right.records, truth, named)
    outcome, asked = match(run), dict[tuple[int, int], bool]()
    for _ in range(BATCHES if labels else 0):
        asked |= {pair: pair in positions for pair in questions(run, outcome, asked, -(-labels // BATCHES))}
        asked = dict(list(asked.items())[:labels])
        outcome = match(run, asked)
    return _figures(run, outcome, positions, len(asked))


def _positions(
    left: Sequence[Record], right: Sequence[Record], truth: Collection[tuple[str, str]], keys: tuple[str, str]
) -> set[tuple[int, int]]:
    ours = {record[keys[0]]: row for row, record in enumerate(left)}
    theirs = {record[keys[1]]: row for row, record in enumerate(right)}
    lost = [pair for pair in truth if pair[0] not in ours or pair[1] not in theirs]
    if lost:
        raise ConfigurationError(f"{len(lost)} pairs of the truth name records that no table holds, first {lost[0]}")
    return {(ours[a], theirs[b]) for a, b in truth}


def questions(run: Prepared, outcome: Matched, asked: Collection[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """The pairs a steward should see next: the most doubtful first, one question per record and batch.

    Once nothing is doubtful, the best candidates of records that stayed alone follow.
    """
    pairs, posterior = run.pairs, outcome.scored.posterior
    joined_left = {a for a, _ in outcome.joined}
    joined_right = {b for _, b in outcome.joined}
    doubt = posterior * (1 - posterior)
    keys = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    alone = np.array([a not in joined_left and b not in joined_right for a, b in keys], dtype=bool)
    # A lonely pair with a fair score is worth a question even where its posterior is low.
    worth = doubt + np.where(alone, 0.15 + 0.1 * outcome.scored.score, 0.0)
    taken: set[tuple[str, int]] = set()
    known = set(asked)
    found: list[tuple[int, int]] = []
    for row in np.lexsort((np.arange(len(keys)), -outcome.scored.score, -worth)).tolist():
        a, b = keys[row]
        if len(found) == count:
            break
        if (a, b) in known or ("left", a) in taken or ("right", b) in taken or outcome.vetoes[row]:
            continue
        taken |= {("left", a), ("right", b)}
        found.append((a, b))
    return found


def _figures(run: Prepared, outcome: Matched, truth: set[tuple[int, int]], decisions: int) -> Evaluation:
    joined = outcome.joined
    right = len(joined & truth)
    precision, recall = _ratio(right, len(joined)), _ratio(right, len(truth))
    keys = list(zip(run.pairs.left.tolist(), run.pairs.right.tolist(), strict=True))
    auto = {pair for pair, band in zip(keys, outcome.bands, strict=True) if band == "auto"}
    return Evaluation(
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        auto_precision=_ratio(len(auto & truth), len(auto)) if auto else 1.0,
        auto_recall=_ratio(len(auto & truth), len(truth)),
        auto_merged=len(auto),
        queue=sum(band == "review" for band in outcome.bands),
        decisions=decisions,
        matched=len(joined),
        truth=len(truth),
        expected_f1=outcome.expected_f1,
        blocking=analyse_blocking(run.pairs, (len(run.left), len(run.right)), truth),
        policy=run.policy,
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
