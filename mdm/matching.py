"""One match run from records to groups: block, compare, score, cluster, and put every pair in its band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mdm.block import Pairs, Side, as_pairs, block, prepare
from mdm.cluster import ClusterRules, Edge, clusters, joined_pairs
from mdm.compare import Compared, compare
from mdm.match_items import Mask, Scored, match_items
from mdm.match_partners import Linked, link_partners
from mdm.match_policy import MatchPolicy, Record
from mdm.sameness import identical, spelt_alike, vouched

Band = Literal["auto", "review", "distinct"]
ByPosition = Mapping[tuple[int, int], bool]
"""Positions of a left and a right record → whether a steward says the two are the same."""

TRUSTED = 0.93
"""Without decisions nothing merges by itself unless the run expects at least this F1 of itself."""
NEAREST_UP_TO = 50_000
"""Partners of a larger table are blocked by Splink's keys alone: nearest texts cost the square of the size."""
_JOINS = 0.5


@dataclass(frozen=True, slots=True)
class Matched:
    """The outcome: candidate pairs with scores and bands, and the groups (right records numbered after the left)."""

    pairs: Pairs
    scored: Scored
    bands: tuple[Band, ...]
    groups: tuple[tuple[int, ...], ...]
    joined: frozenset[tuple[int, int]]
    """(left, right) positions in one group."""
    vetoes: tuple[tuple[str, ...], ...]
    expected_f1: float

    def explain(self, row: int) -> tuple[tuple[str, float, float], ...]:
        """(feature, value, contribution in log-odds) of one pair, the weightiest first."""
        parts = zip(
            self.scored.names, self.scored.features[row].tolist(), self.scored.weights[row].tolist(), strict=True
        )
        return tuple(sorted(parts, key=lambda part: -abs(part[2])))


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything about a run that decisions do not change; positions count in `left.records` and `right.records`."""

    policy: MatchPolicy
    left: Side
    right: Side
    pairs: Pairs
    compared: Compared
    identical: Mask
    """Pairs that nothing tells apart."""


def prepare_run(left: Sequence[Record], right: Sequence[Record], policy: MatchPolicy) -> Prepared:
    """Standardise, block and compare. Records are put in an order of their own, so that theirs does not matter."""
    ours, theirs = prepare(_sorted(left), policy, "left"), prepare(_sorted(right), policy, "right")
    if policy.matcher == "items":
        pairs = block(ours, theirs, policy)
        compared = compare(ours, theirs, pairs, policy)
        return Prepared(policy, ours, theirs, pairs, compared, identical(ours, theirs, pairs, policy))
    linked = link_partners(ours, theirs, policy)
    near = block(ours, theirs, policy) if max(len(ours), len(theirs)) <= NEAREST_UP_TO else as_pairs([])
    pairs = as_pairs({*_keys(near), *_keys(linked.pairs)})
    compared = _weighed(compare(ours, theirs, pairs, policy), pairs, linked)
    return Prepared(policy, ours, theirs, pairs, compared, identical(ours, theirs, pairs, policy))


def _sorted(records: Sequence[Record]) -> list[Record]:
    return sorted(records, key=lambda record: sorted(record.items()))


def _keys(pairs: Pairs) -> list[tuple[int, int]]:
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


def _weighed(compared: Compared, pairs: Pairs, linked: Linked) -> Compared:
    """Splink's match weight as one more feature; a pair it left out has its lowest weight."""
    if not len(linked.pairs):
        return compared
    known = dict(zip(_keys(linked.pairs), linked.weight.tolist(), strict=True))
    lowest = float(linked.weight.min())
    weight = np.array([known.get(pair, lowest) for pair in _keys(pairs)])
    return replace(
        compared,
        names=(*compared.names, "splink:weight"),
        matrix=np.column_stack([compared.matrix, weight]),
        base=compared.base + np.clip(weight / 40, -0.5, 0.5),
    )


def match(run: Prepared, decisions: ByPosition | None = None) -> Matched:
    """Score, cluster and band; the same records and decisions give the same outcome."""
    decided = _positions(run.pairs, decisions or {})
    plain = ~_codes_differ(run) & vouched(run.left, run.right, run.pairs, run.policy)
    scored = match_items(run.pairs, run.compared, run.policy, decided, plain)
    offset = len(run.left)
    sources = ["left"] * offset + ["right"] * len(run.right)
    edges = _edges(run, scored, decided)
    groups = clusters(sources, [*edges, *_twins(run, scored)], _rules(run, decided))
    joined = frozenset((a, b - offset) for a, b in joined_pairs(groups, sources))
    expected = _expected_f1(run, scored, joined)
    bands = _bands(run, scored, joined, decided, expected)
    return Matched(run.pairs, scored, bands, tuple(groups), joined, run.compared.vetoes, expected)


def _positions(pairs: Pairs, decisions: ByPosition) -> dict[int, bool]:
    place = {pair: row for row, pair in enumerate(_keys(pairs))}
    return {place[pair]: same for pair, same in sorted(decisions.items()) if pair in place}


def _edges(run: Prepared, scored: Scored, decided: Mapping[int, bool]) -> list[Edge]:
    offset = len(run.left)
    kept = np.flatnonzero((scored.posterior >= run.policy.review) | (scored.score >= _JOINS))
    rows = sorted({*kept.tolist(), *decided})
    # The posterior is flat at its ends; the score orders within.
    weight = np.clip(scored.posterior + 1e-6 * scored.score, 0, 1)
    return [
        Edge(int(run.pairs.left[row]), int(run.pairs.right[row]) + offset, float(weight[row]), decided.get(row, False))
        for row in rows
    ]


def _rules(run: Prepared, decided: Mapping[int, bool]) -> ClusterRules:
    offset = len(run.left)
    apart = {row for row, same in decided.items() if not same}
    apart |= {row for row in np.flatnonzero(run.compared.vetoed).tolist() if not decided.get(row)}
    return ClusterRules(
        one_to_one=frozenset(run.policy.one_to_one),
        cap=run.policy.cluster_cap,
        apart=frozenset((int(run.pairs.left[row]), int(run.pairs.right[row]) + offset) for row in apart),
    )


def _twins(run: Prepared, scored: Scored) -> list[Edge]:
    """Records of one side that compete for one record and look as alike as matches do: duplicates in that side."""
    accepted = scored.posterior >= _JOINS
    if not accepted.any():
        return []
    usual = float(np.median(run.compared.base[accepted]))
    found: list[Edge] = []
    for side, offset, ours, theirs in (
        (run.left, 0, run.pairs.right, run.pairs.left),
        (run.right, len(run.left), run.pairs.left, run.pairs.right),
    ):
        # A duplicate's pair scores low beside its twin's, so every candidate as alike as a match is looked at.
        bound = accepted | (np.isin(ours, ours[accepted]) & (run.compared.base >= usual) & ~run.compared.vetoed)
        contested = _contested(ours[bound].tolist(), theirs[bound].tolist())
        if contested:
            pairs = as_pairs(contested)
            seen = compare(side, side, pairs, run.policy)
            missed = seen.matrix[:, seen.names.index("code:missed")]
            alike = (seen.base >= usual) & ~seen.vetoed & (missed == 0) & _same_facts(run.policy, side, pairs)
            found += [
                Edge(int(a) + offset, int(b) + offset, 1.0)
                for a, b in zip(pairs.left[alike], pairs.right[alike], strict=True)
            ]
    return found


def _same_facts(policy: MatchPolicy, side: Side, pairs: Pairs) -> Mask:
    """Two records of one source are duplicates only if what it writes as figures, dates and codes is the same."""
    same = np.ones(len(pairs), dtype=bool)
    for index, column in enumerate(policy.columns):
        if column.kind in {"number", "date", "code", "category"}:
            values = side.columns[index]
            said = [(values[a], values[b]) for a, b in _keys(pairs)]
            same &= np.array([not x or not y or x == y for x, y in said], dtype=bool)
    return same


def _contested(shared: Sequence[int], rivals_: Sequence[int]) -> set[tuple[int, int]]:
    wanted: dict[int, list[int]] = {}
    for one, rival in zip(shared, rivals_, strict=True):
        wanted.setdefault(one, []).append(rival)
    return {(min(a, b), max(a, b)) for some in wanted.values() for a in some for b in some if a != b}


def _expected_f1(run: Prepared, scored: Scored, joined: frozenset[tuple[int, int]]) -> float:
    """What the run expects of itself: posterior mass of what it joined against what it estimates to exist."""
    held = _rows_of(run.pairs, joined)
    right = float(scored.posterior[held].sum())
    exist = max(right, scored.matched_share * len(run.left))
    return 2 * right / max(1.0, float(held.sum()) + exist)


def _rows_of(pairs: Pairs, joined: frozenset[tuple[int, int]]) -> Mask:
    return np.array([pair in joined for pair in _keys(pairs)], dtype=bool)


def _bands(
    run: Prepared, scored: Scored, joined: frozenset[tuple[int, int]], decided: Mapping[int, bool], expected: float
) -> tuple[Band, ...]:
    held = _rows_of(run.pairs, joined)
    auto = scored.sure >= run.policy.auto_precision
    if expected < TRUSTED:
        auto &= False
    auto = held & (auto | run.identical & ~run.compared.vetoed)
    for row, same in decided.items():
        auto[row] = same
    review = ~auto & (held | (scored.posterior >= run.policy.review))
    for row in decided:
        review[row] = False
    return tuple("auto" if a else "review" if r else "distinct" for a, r in zip(auto, review, strict=True))


def _codes_differ(run: Prepared) -> Mask:
    """Products whose rarest code the other record does not say: a variant, a successor, or a typing slip.

    Where two Chinese specifications say the same parts, `M8*20` and `M8x2cm` are no codes that differ.
    """
    if not run.policy.of_kind("name"):
        return np.zeros(len(run.pairs), dtype=bool)
    feature = dict(zip(run.compared.names, run.compared.matrix.T, strict=True))
    coded = [np.array([bool(codes) for codes in side.codes], dtype=np.bool_) for side in (run.left, run.right)]
    unsaid = (coded[0][run.pairs.left] | coded[1][run.pairs.right]) & (feature["code:held"] <= 0)
    found: Mask = ((feature["code:missed"] > 0) | unsaid) & ~spelt_alike(run.left, run.right, run.pairs, run.policy)
    return found
