"""Learning a pinned model's weights from pairs somebody has judged: logistic regression, held near the weights before.

The penalty draws towards the old weights, not towards zero: a plant's first ten decisions move the model a little, its
first thousand make it the plant's own. After Chapelle and Li's regularised online logistic regression (2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mdm.block import Floats
from mdm.judgement import Model, Profile, features_of, vetoes

ROUNDS = 30
_ENOUGH = 1e-8


@dataclass(frozen=True, slots=True)
class Lesson:
    """Two records, and whether they are one thing."""

    left: Profile
    right: Profile
    same: bool


def learn(model: Model, lessons: Sequence[Lesson], version: str, *, held: float = 10.0) -> Model:
    """A new version of a model; `held` is how firmly the old weights are kept. Vetoed pairs teach nothing."""
    told = [one for one in lessons if not vetoes(one.left, one.right)]
    names = sorted(model.weights)
    if not told:
        return model.model_copy(update={"version": version})
    rows = [features_of(model.entity, one.left, one.right) for one in told]
    features = np.array([[1.0, *(row.get(name, 0.0) for name in names)] for row in rows])
    target = np.array([float(one.same) for one in told])
    before = np.array([model.start, *(model.weights[name] for name in names)])
    after = _nearest_fit(features, target, before, held)
    weights = {name: round(float(weight), 4) for name, weight in zip(names, after[1:], strict=True)}
    learnt = {"weights": weights, "start": round(float(after[0]), 4), "version": version}
    return model.model_copy(update={**learnt, "decisions": model.decisions + len(lessons)})


def _nearest_fit(features: Floats, target: Floats, before: Floats, held: float) -> Floats:
    """Newton's method with halved steps on the log-loss plus `held`/2 times the squared distance from `before`."""

    def loss(weights: Floats) -> float:
        odds = features @ weights
        spread = float(((weights - before) ** 2).sum())
        return float((np.logaddexp(0, odds) - target * odds).sum()) + held / 2 * spread

    weights = before.copy()
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (chance - target) + held * (weights - before)
        bend = (features * (chance * (1 - chance))[:, None]).T @ features + held * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        length, now = 1.0, loss(weights)
        while loss(weights - length * step) > now and length > _ENOUGH:
            length /= 2
        weights = weights - length * step
        if float(np.abs(step).max()) < _ENOUGH:
            break
    return weights
