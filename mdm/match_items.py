"""The item matcher: scores pairs without labels from day one, and learns from every steward's decision.

Seeds are mutual-best pairs with a clear lead. A model learns them against what the same records would meet if their
partner were missing; the scores of those thought-away cases are the null against which every pair is calibrated, so
a posterior means the same whether all records have partners or only a few. Contradicting parts veto.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdm.block import Floats, Index, Pairs
from mdm.calibration import FEWEST, best_per_group, chance_free, two_groups
from mdm.compare import Compared
from mdm.match_policy import MatchPolicy
from mdm.rivals import CONTEXT_NAMES, best_others, context, lead_over, mutual_best, rivals

Mask = NDArray[np.bool_]
_Examples = tuple[Floats, NDArray[np.int64], Floats]
"""Features, target, weight."""

FOLDS = 6
"""More of them cost time, fewer leave too little to learn from where few records have partners."""
ROUNDS = 3
FEWEST_SEEDS = 12
TOGETHER = "together"
"""The part of a score that no single feature explains: its start, and the corners the forest found."""
MOST_NEGATIVES = 8000
"""Of each kind; more of them cost time and teach nothing new."""
AUTO_LEAD = 0.05
"""A merge without a steward needs this lead in similarity over every rival of both records."""
Absent = tuple[float, float]
"""Shares of left and of right records without a partner."""
UNKNOWN: Absent = (0.5, 0.5)
_GOLDEN = 0.6180339887498949
"""Its multiples fall evenly between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Per pair: the model's score, the posterior that it is one thing, and the features behind them."""

    score: Floats
    posterior: Floats
    names: tuple[str, ...]
    features: Floats
    weights: Floats
    """Contribution of each feature to the score's log-odds, one row per pair."""
    matched_share: float
    """Estimated share of left records that have a partner."""
    sure: Floats
    """The posterior where a pair may merge without a steward, chance counted among those that would; 0 elsewhere."""


Decisions = Mapping[int, bool]
"""Position of a pair → whether a steward says the two are the same."""


def match_items(
    pairs: Pairs, compared: Compared, policy: MatchPolicy, decisions: Decisions | None = None, plain: Mask | None = None
) -> Scored:
    """Score every candidate pair; decisions are kept whatever the model says.

    `plain`: pairs of which nothing that they say forbids a merge without a steward.
    """
    decided = dict(decisions or {})
    if not len(pairs):
        none, nothing = np.zeros(0), np.zeros((0, 0))
        return Scored(none, none, (), nothing, nothing, 0.0, none)
    sight = _Sight(pairs, compared, policy, np.ones(len(pairs), dtype=np.bool_) if plain is None else plain)
    standing = np.where(compared.vetoed, 0.0, compared.base / max(1e-9, float(compared.base.max())))
    seeds = _first_seeds(sight, standing)
    outcome, absent = _unlearnt(sight, standing), UNKNOWN
    for _ in range(ROUNDS):
        if seeds.sum() < FEWEST_SEEDS or seeds.all():
            break
        outcome, absent = _round(sight, standing, _Lesson(seeds, decided), absent)
        standing = np.where(compared.vetoed, 0.0, outcome.score)
        seeds = _next_seeds(sight, outcome, decided)
    posterior, sure = (np.where(compared.vetoed, 0.0, each) for each in (outcome.posterior, outcome.sure))
    for row, same in decided.items():
        posterior[row] = sure[row] = 1.0 if same else 0.0
    return replace(outcome, posterior=posterior, sure=sure)


def _unlearnt(sight: _Sight, standing: Floats) -> Scored:
    """Too few records to learn from: the plain similarity orders the queue, and nothing is sure."""
    pairs, compared = sight.pairs, sight.compared
    best = mutual_best(pairs.left, pairs.right, standing)
    close = np.where(compared.vetoed, 0.0, np.clip(compared.base / (1 + 0.5 * (compared.base > 1)), 0, 0.95))
    posterior = np.where(best, close, close * 0.3)
    share = float(posterior[best].sum()) / max(1, len(np.unique(pairs.left)))
    weights = np.zeros((len(pairs), compared.matrix.shape[1] + 1))
    features = np.column_stack([compared.matrix, close])
    names, nothing = (*compared.names, TOGETHER), np.zeros(len(pairs))
    return Scored(close, posterior, names, features, weights, min(1.0, share), nothing)


@dataclass(frozen=True, slots=True)
class _Sight:
    pairs: Pairs
    compared: Compared
    policy: MatchPolicy
    plain: Mask

    @property
    def similarity(self) -> Floats:
        """What a lead without a steward is measured by, at most about 1."""
        standing = np.where(self.compared.vetoed, 0.0, self.compared.base)
        return standing / max(1e-9, float(standing.max(initial=0)))


def _first_seeds(sight: _Sight, standing: Floats) -> Mask:
    """Mutual-best pairs whose lead is above the middle of all mutual-best leads."""
    pairs = sight.pairs
    best = mutual_best(pairs.left, pairs.right, standing) & ~sight.compared.vetoed
    against = rivals(pairs.left, pairs.right, standing)
    lead = standing - np.maximum(against.left, against.right) + 0.25 * standing
    return best & (lead >= np.median(lead[best])) if best.any() else best


def _next_seeds(sight: _Sight, outcome: Scored, decided: Decisions) -> Mask:
    best = mutual_best(sight.pairs.left, sight.pairs.right, outcome.score)
    seeds: Mask = best & (outcome.posterior >= 0.9) & ~sight.compared.vetoed  # noqa: PLR2004
    for row, same in decided.items():
        seeds[row] = same
    return seeds


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What is taken for true: seeds by the matcher itself, decisions by stewards."""

    seeds: Mask
    decided: Decisions


def _round(sight: _Sight, standing: Floats, lesson: _Lesson, absent: Absent) -> tuple[Scored, Absent]:
    pairs, compared, seeds = sight.pairs, sight.compared, lesson.seeds
    lifts = _category_lifts(compared, seeds)
    features = np.column_stack([compared.matrix, *lifts])
    names = (*compared.names, *(f"category:{k}" for k in range(len(lifts))), *CONTEXT_NAMES)
    against = rivals(pairs.left, pairs.right, standing)
    real = np.column_stack([features, context(standing, against)])
    views = [
        _without_partner(sight, standing, seeds, features, seen_from)
        for seen_from in zip(("left", "right"), absent[::-1], strict=True)
    ]
    score, weights, view_scores = _cross_fitted(sight, real, views, lesson)
    (posterior, sure), absent = _calibrated(sight, score, views, view_scores, seeds)
    known = np.column_stack([real, score])
    return Scored(score, posterior, (*names, TOGETHER), known, weights, 1 - absent[0], sure), absent


def _category_lifts(compared: Compared, seeds: Mask) -> list[Floats]:
    """How much more often two categories meet among seeds than among all: `VLDB` comes to mean `Very Large…` too."""
    found = []
    for ours, theirs in compared.categories:
        width = int(theirs.max(initial=0)) + 2
        key = (ours + 1) * width + theirs + 1
        size = int(key.max(initial=0)) + 1
        among_seeds, among_all = np.bincount(key[seeds], minlength=size), np.bincount(key, minlength=size)
        rate = (among_seeds + 1) / (seeds.sum() + size) / ((among_all + 1) / (len(key) + size))
        lift = np.clip(np.log(rate), -4, 4)[key]
        found.append(np.where((ours < 0) | (theirs < 0), np.nan, lift))
    return found


@dataclass(frozen=True, slots=True)
class _View:
    """Candidates of one side's records as they would stand were the record's sure partner missing."""

    rows: Index
    group: Index
    holders: Index
    """Records that have a sure partner; one without any other candidate has no row."""
    features: Floats
    widowed: Mask
    """Whether the candidate is taken to have no partner of its own."""


def _without_partner(
    sight: _Sight, standing: Floats, seeds: Mask, features: Floats, seen_from: tuple[str, float]
) -> _View:
    """`seen_from`: the side, and how many of the other side's records are taken to have no partner either."""
    side, share = seen_from
    pairs = sight.pairs
    ours, theirs = (pairs.left, pairs.right) if side == "left" else (pairs.right, pairs.left)
    has_seed = np.zeros(int(ours.max()) + 1, dtype=bool)
    has_seed[ours[seeds]] = True
    rows = np.flatnonzero(has_seed[ours] & ~seeds)
    mine = best_others(ours, standing, removed=seeds)
    # The candidate's own partner may be missing as well: an even share of the candidates is taken to have none.
    widowed = (theirs * _GOLDEN) % 1.0 < share
    other = np.where(widowed, best_others(theirs, standing, removed=seeds), best_others(theirs, standing))
    ahead = standing - mine, standing - other
    ahead = ahead if side == "left" else ahead[::-1]
    near = np.column_stack([*ahead, np.minimum(*ahead)])
    seen = np.column_stack([features, np.clip(near, -1, 1)])[rows]
    return _View(rows, ours[rows], np.unique(ours[seeds]), seen, widowed[rows])


def _cross_fitted(
    sight: _Sight, real: Floats, views: Sequence[_View], lesson: _Lesson
) -> tuple[Floats, Floats, list[Floats]]:
    """Every pair scored by a model that did not see its left record."""
    fold = sight.pairs.left % FOLDS
    score, weights = np.zeros(len(real)), np.zeros((len(real), real.shape[1] + 1))
    view_scores = [np.zeros(len(view.rows)) for view in views]
    for k in range(FOLDS):
        model = _Model.fit(sight, _examples(sight, real, views, lesson, fold != k))
        mine = fold == k
        score[mine], weights[mine] = model.score(real[mine])
        for view, scores in zip(views, view_scores, strict=True):
            inside = fold[view.rows] == k
            if inside.any():
                scores[inside] = model.score(view.features[inside])[0]
    return score, weights, view_scores


class _Model:
    """A forest and a logistic regression, averaged in log-odds: the one finds corners, the other extrapolates."""

    def __init__(self, forest: Any, linear: Any, fill: Floats, scale: Floats) -> None:  # noqa: ANN401
        self._forest, self._linear, self._fill, self._scale = forest, linear, fill, scale

    @classmethod
    def fit(cls, sight: _Sight, examples: _Examples) -> _Model:
        """Learn seeds and decisions against thought-away partners and the seeds' beaten rivals."""
        from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

        features, target, weight = examples
        said = np.isfinite(features)
        fill = np.where(said, features, 0.0).sum(axis=0) / np.maximum(said.sum(axis=0), 1)
        full = _filled(features, fill)
        scale = np.maximum(full.std(axis=0), 1e-6)
        forest = RandomForestClassifier(
            n_estimators=80, min_samples_leaf=3, max_features="sqrt", random_state=sight.policy.seed, n_jobs=1
        ).fit(full, target, sample_weight=weight)
        linear = LogisticRegression(C=0.3, max_iter=300).fit((full - fill) / scale, target, sample_weight=weight)
        return cls(forest, linear, fill, scale)

    def score(self, features: Floats) -> tuple[Floats, Floats]:
        """Probability-like score, and each feature's part in its log-odds; the last part is the whole's."""
        full = _filled(features, self._fill)
        chance = np.clip(self._forest.predict_proba(full)[:, 1], 0.005, 0.995)
        parts = (full - self._fill) / self._scale * self._linear.coef_[0]
        odds = np.clip(parts.sum(axis=1) + self._linear.intercept_[0], -8, 8)
        blended = 0.5 * np.log(chance / (1 - chance)) + 0.5 * odds
        return 1 / (1 + np.exp(-blended)), np.column_stack([0.5 * parts, blended - 0.5 * parts.sum(axis=1)])


def _filled(features: Floats, fill: Floats) -> Floats:
    return np.where(np.isfinite(features), features, fill)


def _examples(sight: _Sight, real: Floats, views: Sequence[_View], lesson: _Lesson, allowed: Mask) -> _Examples:
    pairs, seeds, decided = sight.pairs, lesson.seeds, lesson.decided
    told = np.array(sorted(decided), dtype=np.int64)
    told = told[allowed[told]] if len(told) else told
    same = np.array([decided[row] for row in told.tolist()], dtype=bool)
    sure = np.flatnonzero(seeds & allowed & ~np.isin(np.arange(len(seeds)), told))
    beaten = np.zeros(len(seeds), dtype=bool)
    beaten[np.isin(pairs.left, pairs.left[seeds]) | np.isin(pairs.right, pairs.right[seeds])] = True
    lost = np.flatnonzero(beaten & ~seeds & allowed & ~np.isin(np.arange(len(seeds)), told))
    lost = _thinned(lost, MOST_NEGATIVES)
    blocks, targets, weights = (
        [real[sure], real[lost]],
        [np.ones(len(sure)), np.zeros(len(lost))],
        [np.ones(len(sure)), np.full(len(lost), 0.5)],
    )
    for view in views:
        inside = _thinned(np.flatnonzero(allowed[view.rows] & ~np.isin(view.rows, told)), MOST_NEGATIVES)
        blocks.append(view.features[inside])
        targets.append(np.zeros(len(inside)))
        weights.append(np.full(len(inside), 0.5))
    blocks.append(real[told])
    targets.append(same.astype(float))
    weights.append(np.full(len(told), 10.0))
    target, weight = np.concatenate(targets), np.concatenate(weights)
    for value in (0, 1):
        share = weight[target == value].sum()
        weight[target == value] *= len(target) / 2 / share if share else 1
    return np.vstack(blocks), target.astype(np.int64), weight


def _thinned(rows: Index, most: int) -> Index:
    """At most about `most` rows, evenly taken."""
    return rows[:: max(1, -(-len(rows) // most))]


def _calibrated(
    sight: _Sight, score: Floats, views: Sequence[_View], view_scores: Sequence[Floats], seeds: Mask
) -> tuple[tuple[Floats, Floats], Absent]:
    """Posterior of every pair (with and without a steward), and the shares without a partner.

    Mutual bests are held against mutual bests, and those that would merge without a steward against those that would.
    """
    usable = ~sight.compared.vetoed
    standing = np.where(usable, score, 0.0)
    left, right = sight.pairs.left, sight.pairs.right
    best = mutual_best(left, right, standing) & usable
    alone = best & sight.plain & (lead_over(left, right, sight.similarity) >= AUTO_LEAD)
    plain, mutual, absent = [], [], []
    for ours, theirs, view, scores in zip((left, right), (right, left), views, view_scores, strict=True):
        # A record whose every candidate contradicts it has met nobody: that is a best of zero, not a missing case.
        observed = best_per_group(ours, standing)
        met = np.where(usable[view.rows], scores, 0.0)
        null = best_per_group(np.r_[view.group, view.holders], np.r_[met, np.zeros(len(view.holders))])
        posterior, missing = two_groups(observed, null, score)
        each = missing * len(observed) / max(1, len(view.holders))
        plain.append(posterior)
        chance = (met > 0) & (met >= best_others(view.group, met)) & (met >= _rival(theirs, standing, view, seeds))
        led = chance & sight.plain[view.rows] & (_lead_without(sight, (ours, theirs), view, seeds) >= AUTO_LEAD)
        mutual.append(
            (
                chance_free(score[best], met[chance], each),
                chance_free(score[alone], met[led], each),
            )
        )
        absent.append(missing)
    found = np.minimum(*plain) * _against_best(sight, score)
    sure = np.zeros(len(found))
    if min(len(view.holders) for view in views) >= FEWEST:
        found[best], sure[alone] = (np.minimum(*both) for both in zip(*mutual, strict=True))
    return (found, sure), (absent[0], absent[1])


def _rival(theirs: Index, standing: Floats, view: _View, seeds: Mask) -> Floats:
    """The best other candidate of what each record meets without its partner."""
    without, with_ = best_others(theirs, standing, removed=seeds), best_others(theirs, standing)
    return np.where(view.widowed, without[view.rows], with_[view.rows])


def _lead_without(sight: _Sight, sides: tuple[Index, Index], view: _View, seeds: Mask) -> Floats:
    """Lead in similarity of what each record meets without its partner."""
    alike, (ours, theirs) = sight.similarity, sides
    mine = best_others(ours, alike, removed=seeds)[view.rows]
    lead: Floats = alike[view.rows] - np.maximum(mine, _rival(theirs, alike, view, seeds))
    return lead


def _against_best(sight: _Sight, score: Floats) -> Floats:
    """Odds of a pair over the odds of its records' best other pair, at most 1: two partners if both fit."""
    odds = score / np.maximum(1 - score, 1e-9)
    usable = np.where(sight.compared.vetoed, 0.0, odds)
    best = [best_others(group, usable) for group in (sight.pairs.left, sight.pairs.right)]
    share: Floats = np.clip(odds / np.maximum(np.maximum(*best), 1e-12), 0, 1)
    return share
