"""Statistical forecast: which model an item gets, what it says, and how wrong it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import pi, sin

import numpy as np
import pytest

from planning.demand import ItemForecast, after, forecast, pattern_of
from planning.demand_models import MODELS

FIRST = date(2026, 11, 1)


def said(values: Sequence[float], months: int = 3) -> ItemForecast:
    begin = after(FIRST, -len(values))
    found = forecast("A", {after(begin, n): Decimal(str(value)) for n, value in enumerate(values)}, FIRST, months)
    assert found is not None
    return found


def test_after__counts_across_years() -> None:
    assert after(date(2026, 11, 1), 3) == date(2027, 2, 1)
    assert after(date(2026, 1, 1), -1) == date(2025, 12, 1)


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ([10] * 5, "short"),
        ([10, 11, 9, 10, 12, 8, 10], "smooth"),
        ([1, 90, 2, 100, 1, 80, 3], "erratic"),
        ([5, 0, 0, 5, 0, 5, 0, 0], "intermittent"),
        ([1, 0, 0, 90, 0, 2, 0, 0], "lumpy"),
    ],
)
def test_pattern__how_often_and_how_evenly(values: list[float], pattern: str) -> None:
    assert pattern_of(np.array(values, dtype=float)) == pattern


def test_forecast__of_what_was_never_asked_for_is_none() -> None:
    assert forecast("A", {FIRST: Decimal(5), after(FIRST, -1): Decimal(0)}, FIRST, 3) is None


def test_forecast__a_young_item_gets_its_average_and_no_claim_about_error() -> None:
    found = said([4, 8])
    assert (found.pattern, found.model, found.test) == ("short", "average", None)
    assert [quantity for _, quantity in found.months] == [Decimal(6)] * 3
    assert [month for month, _ in found.months] == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]


def test_forecast__a_season_is_found_where_there_are_years_to_learn_it() -> None:
    values = [round(100 + 40 * sin(n * pi / 6) + (n * 7 % 5), 0) for n in range(36)]
    found = said(values, 12)
    assert found.model in {"holt_winters", "seasonal_naive"}
    quantities = [float(quantity) for _, quantity in found.months]
    assert np.corrcoef(quantities, values[-12:])[0, 1] > 0.95
    assert found.test is not None
    assert found.test.wape is not None
    assert found.test.wape < 0.1


def test_forecast__the_chosen_model_did_best() -> None:
    found = said([50 + 3 * n + (n * 7 % 4) for n in range(24)])
    assert found.model == "damped_trend"
    assert [test.squared for test in found.tests] == sorted(test.squared for test in found.tests)
    assert found.months[0][1] > 118  # it goes on where the trend was


def test_forecast__fading_demand_fades() -> None:
    """TSB, and the average of a year, know that nobody asks for it any more; Croston never does."""
    values = [6, 0, 5, 0, 6, 0, 0, 5, 0, 6, *[0] * 14]
    found = said(values)
    tried = [test.model for test in found.tests]
    assert tried.index("tsb") < tried.index("croston_sba")
    assert found.months[0][1] <= 1


def test_backtest__errors_are_those_of_the_definitions() -> None:
    """An average over a level of 10 that ends in 10, 14, 10, 14, 10, 14: errors worked out by hand."""
    values = [10.0] * 3 + [12.0] + [10.0, 14.0] * 3
    found = said(values)
    test = next(one for one in found.tests if one.model == "average")
    past = [float(np.mean(values[max(0, n - 12) : n])) for n in range(4, 10)]
    errors = [one - two for one, two in zip(past, values[4:], strict=True)]
    assert test.months == 6
    assert test.wape == pytest.approx(sum(map(abs, errors)) / 72)
    assert test.bias == pytest.approx(sum(errors) / 72)
    assert test.mase == pytest.approx((sum(map(abs, errors)) / 6) / (2 / 3))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_models__the_past_is_said_without_looking_at_it(name: str) -> None:
    """Another last month changes nothing that was said before it."""
    values = np.array([20.0 + (n % 12) + (n * 7 % 5) * (n % 2) for n in range(30)])
    other = values.copy()
    other[-1] = 500.0
    one, two = (MODELS[name](each, 24).past for each in (values, other))
    assert len(one) == 6
    assert one == pytest.approx(two)


def test_forecast__pieces_stay_whole_and_never_below_zero() -> None:
    found = said([30, 25, 20, 15, 10, 5, 2, 1])
    assert all(quantity >= 0 and quantity == quantity.to_integral_value() for _, quantity in found.months)
    assert any(quantity % 1 for _, quantity in said([1.25, 2.5, 1.75, 2.0, 1.5, 2.25, 1.0, 3.0]).months)
