"""A match run: blocking, scores that add up, decisions that hold, small tables."""

import numpy as np
import pytest

from canonical.errors import ConfigurationError
from mdm.block import analyse_blocking
from mdm.calibration import chance_free, two_groups
from mdm.evaluate import evaluate
from mdm.matching import match, prepare_run
from mdm.profiling import profile
from mdm.rivals import best_others, lead_over

MAKERS = ["Sony", "Bosch", "Festo", "Omron", "Siemens"]
THINGS = ["cordless drill", "pressure sensor", "power supply", "motor starter", "label printer", "valve terminal"]


def catalogue(count: int = 60) -> tuple[list[dict[str, str]], list[dict[str, str]], list[tuple[str, str]]]:
    """Two catalogues; the right one writes codes with a hyphen and the name the other way round."""
    left, right = [], []
    for k in range(count):
        maker, thing = MAKERS[k % 5], THINGS[k % 6]
        left.append({"id": f"a{k}", "name": f"{maker} {thing} {maker[:2].upper()}{1000 + 37 * k}X"})
        right.append({"id": f"b{k}", "name": f"{thing} by {maker} {maker[:2].upper()}-{1000 + 37 * k}-X"})
    return left, right, [(f"a{k}", f"b{k}") for k in range(count)]


def test_evaluate__catalogues_without_labels() -> None:
    left, right, truth = catalogue()
    result = evaluate(left, right[:40], [pair for pair in truth if int(pair[0][1:]) < 40])
    assert result.f1 >= 0.97
    assert result.auto_precision == 1.0
    assert result.blocking.completeness == 1.0


def test_explain__contributions_sum_to_the_score() -> None:
    left, right, _ = catalogue()
    outcome = match(prepare_run(left, right, profile(left, right, ("id", "id"))))
    for row in range(0, len(outcome.pairs), 50):
        odds = sum(part for _, _, part in outcome.explain(row))
        assert 1 / (1 + np.exp(-odds)) == pytest.approx(outcome.scored.score[row])


def test_match__decisions_outrank_the_model() -> None:
    left, right, _ = catalogue()
    run = prepare_run(left, right, profile(left, right, ("id", "id")))
    joined = sorted(match(run).joined)
    wrong = joined[0]
    again = match(run, {wrong: False})
    assert wrong not in again.joined


def test_match__handful_of_records_merges_nothing_by_itself() -> None:
    left, right, _ = catalogue(3)
    outcome = match(prepare_run(left, right, profile(left, right, ("id", "id"))))
    assert "auto" not in outcome.bands
    assert len(outcome.joined) == 3


def test_evaluate__unknown_key_in_the_truth() -> None:
    left, right, _ = catalogue(3)
    with pytest.raises(ConfigurationError, match="truth"):
        evaluate(left, right, [("a0", "nowhere")])


def test_evaluate__empty_table() -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        evaluate([], [{"id": "1", "name": "x"}], [])


def test_best_others__second_best_for_the_best_itself() -> None:
    group, score = np.array([0, 0, 0, 1]), np.array([0.9, 0.5, 0.7, 0.4])
    assert best_others(group, score).tolist() == [0.7, 0.9, 0.9, -1.0]
    removed = np.array([True, False, False, False])
    assert best_others(group, score, removed).tolist() == [0.7, 0.7, 0.5, -1.0]


def test_lead_over__is_behind_where_another_is_nearer() -> None:
    left, right = np.array([0, 0, 1]), np.array([0, 1, 1])
    assert lead_over(left, right, np.array([0.9, 0.5, 0.7])) == pytest.approx([0.4, -0.4, 0.2])


def test_two_groups__finds_the_share_that_has_no_partner() -> None:
    rng = np.random.default_rng(1)
    null = rng.beta(2, 8, 500)
    observed = np.r_[rng.beta(9, 2, 600), rng.beta(2, 8, 400)]
    posterior, absent = two_groups(observed, null, np.array([0.05, 0.95]))
    assert 0.35 < absent < 0.45
    assert posterior[0] < 0.2
    assert posterior[1] > 0.99


def test_chance_free__few_cases_prove_no_safety() -> None:
    observed = np.r_[np.full(400, 0.99), np.full(20, 0.1)]
    thin = chance_free(observed, np.full(10, 0.1), 1.0)
    assert thin[0] > 0.995
    assert thin[-1] < 0.5
    assert chance_free(np.full(20, 0.99), np.zeros(0), 1.0).max() < 0.97


def test_two_groups__doubles_of_a_partner_say_nothing_about_records_without_one() -> None:
    rng = np.random.default_rng(1)
    null = np.r_[rng.beta(2, 8, 400), rng.beta(9, 2, 150)]
    observed = np.r_[rng.beta(9, 2, 900), rng.beta(2, 8, 100)]
    assert two_groups(observed, null, observed)[1] < 0.15


def test_analyse_blocking__share_of_truth_kept() -> None:
    left, right, _ = catalogue(5)
    run = prepare_run(left, right, profile(left, right, ("id", "id")))
    assert analyse_blocking(run.pairs, (5, 5), [(0, 0)]).completeness == 1.0
    assert analyse_blocking(run.pairs, (5, 5)).completeness is None
