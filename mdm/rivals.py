"""Rivalry: how a pair stands against the other candidates of its two records.

Whether a record has a partner at all is not assumed. To learn what a record without one looks like, the partner of
a sure pair is thought away and its next candidate takes the place: those are the hard negatives and the null.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdm.block import Floats, Index

NONE = -1.0


@dataclass(frozen=True, slots=True)
class Rivals:
    """Per pair: the best other candidate of its left and of its right record (`NONE` without one)."""

    left: Floats
    right: Floats


def best_others(group: Index, score: Floats, removed: NDArray[np.bool_] | None = None) -> Floats:
    """Per pair, the best score among the other pairs of its group, pairs in `removed` thought away."""
    size = int(group.max(initial=-1)) + 1
    first, second = np.full(size, NONE), np.full(size, NONE)
    holder = np.full(size, -1, dtype=np.int64)
    rows = np.arange(len(group)) if removed is None else np.flatnonzero(~removed)
    order = rows[np.lexsort((rows, -score[rows], group[rows]))]
    groups = group[order]
    start = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(order) else np.zeros(0, dtype=np.int64)
    first[groups[start]], holder[groups[start]] = score[order[start]], order[start]
    after = start + 1
    after = after[(after < len(order))]
    after = after[groups[np.minimum(after, len(groups) - 1)] == groups[after - 1]]
    second[groups[after]] = score[order[after]]
    return np.where(holder[group] == np.arange(len(group)), second[group], first[group])


def rivals(left: Index, right: Index, score: Floats) -> Rivals:
    """How every pair stands as things are."""
    return Rivals(best_others(left, score), best_others(right, score))


def context(score: Floats, against: Rivals) -> Floats:
    """Rivalry features: lead over the best rival on either side."""
    ahead = np.column_stack([score - against.left, score - against.right])
    return np.column_stack([np.clip(ahead, -1, 1), np.clip(ahead.min(axis=1), -1, 1)])


CONTEXT_NAMES = ("rival:left", "rival:right", "rival:both")


def lead_over(left: Index, right: Index, score: Floats) -> Floats:
    """How far every pair is ahead of the best rival of either record."""
    against = rivals(left, right, score)
    lead: Floats = score - np.maximum(against.left, against.right)
    return lead


def mutual_best(left: Index, right: Index, score: Floats) -> NDArray[np.bool_]:
    """Pairs that are the best of both their records."""
    against = rivals(left, right, score)
    return (score >= against.left) & (score >= against.right)
