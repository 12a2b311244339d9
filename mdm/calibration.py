"""What a score is worth: observed bests are held against the bests that records meet whose partner is thought away.

A score means nothing by itself; how many records have no partner, and what those meet, says how many of the pairs seen
at a score are chance. A two-groups model after Efron (2008); the share without a partner after Storey (2002).
"""

from __future__ import annotations

import numpy as np

from mdm.block import Floats, Index

FEWEST = 20
"""Fewer bests than this say nothing about the rest."""
PLAIN_UPTO = 0.5
"""A record that scores more without its partner met the partner's double; it says nothing about records without one."""
_LEVELS = (0.9, 0.95)
_MARGIN = 1.5
"""Standard errors by which chance is taken to be worse than was counted: a doubt is settled by a steward."""
_FLOOR = 1e-4


def best_per_group(group: Index, score: Floats) -> Floats:
    """The best score of every group that has one."""
    best = np.full(int(group.max(initial=-1)) + 1, -1.0)
    np.maximum.at(best, group, score)
    found: Floats = best[best >= 0]
    return found


def without_partner(observed: Floats, null: Floats) -> float:
    """Share of observed bests that are chance (0.005 … 1), told from those below what nearly all chance is below."""
    plain = null[null < PLAIN_UPTO]
    if not len(plain) or not len(observed):
        return 1.0
    shares = [(observed <= level).mean() / (plain <= level).mean() for level in np.quantile(plain, _LEVELS)]
    return float(np.clip(np.mean(shares), 0.005, 1.0))


def two_groups(observed: Floats, null: Floats, score: Floats, bins: int = 40) -> tuple[Floats, float]:
    """Posterior of each score that it is no chance best, and the estimated share of observed bests that are chance.

    Two-groups model: observed = share x null + (1 - share) x matched; monotone in the score.
    """
    if len(null) < FEWEST or len(observed) < FEWEST:
        return np.where(score > 0.5, 0.9, 0.05), 0.5  # noqa: PLR2004
    absent = without_partner(observed, null)
    edges = np.unique(np.quantile(np.r_[observed, null], np.linspace(0, 1, bins + 1)))
    seen, chance = np.histogram(observed, edges)[0], np.histogram(null, edges)[0]
    expected = absent * len(observed) * (chance + 0.5) / (len(null) + 0.5 * len(chance))
    wrong = np.clip(expected / np.maximum(seen, 1e-9), 0, 1)
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415

    middle = (edges[:-1] + edges[1:]) / 2
    fit = IsotonicRegression(increasing=True, out_of_bounds="clip").fit(middle, 1 - wrong, sample_weight=seen + 0.1)
    return np.clip(fit.predict(score), 0, 1 - _FLOOR), absent


def chance_free(observed: Floats, chance: Floats, each: float) -> Floats:
    """Posterior of each observed mutual best that it is no chance one; monotone in the score.

    `chance`: scores of the mutual bests that arise where partners are thought away; each stands for `each` expected
    ones. What was counted is raised by its standard error (Poisson), so that few cases never prove safety.
    """
    if not len(observed):
        return observed
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415

    pooled = np.r_[observed, chance]
    wrong = np.r_[np.zeros(len(observed)), np.ones(len(chance))]
    weight = np.r_[np.ones(len(observed)), np.full(len(chance), each)]
    fit = IsotonicRegression(increasing=False, out_of_bounds="clip").fit(pooled, wrong, sample_weight=weight)
    levels, place = np.unique(fit.predict(observed), return_inverse=True)
    seen = np.bincount(place)
    cases = levels / np.maximum(1 - levels, 1e-9) * seen / each
    expected = each * (cases + _MARGIN * np.sqrt(cases + 0.25))
    found: Floats = np.clip(1 - expected / seen, 0, 1 - _FLOOR)[place]
    return found
