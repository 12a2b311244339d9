"""Statistical forecast: each item's monthly demand by the model that said its last months best, the error shown.

An item's history decides which models are tried (Syntetos, Boylan and Croston, "On the categorization of demand
patterns", 2005: how often it is asked for, and how much the quantities vary); a backtest over its last months decides
among them. Errors are squared for the choice, since stock follows the mean, and shown as WAPE and MASE.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import numpy as np

from planning.demand_models import MODELS, YEAR, Series

Pattern = Literal["smooth", "erratic", "intermittent", "lumpy", "short"]
OFTEN, EVEN = 1.32, 0.49
"""Mean interval between demands, and squared variation of their quantities: the cut-offs of the categorisation."""
SHORT = 6
"""Months below which nothing but an average is honest."""
TESTED = 6
"""Months of the backtest, where there are that many."""
LEARNT = 4
"""Months a model has to see before it is tested."""
TRIED: Mapping[Pattern, tuple[str, ...]] = {
    "smooth": ("average", "smoothing", "damped_trend"),
    "erratic": ("average", "smoothing", "tsb"),
    "intermittent": ("average", "croston_sba", "tsb"),
    "lumpy": ("average", "croston_sba", "tsb"),
    "short": ("average",),
}
SEASONAL = ("seasonal_naive", "holt_winters")
"""Tried as well for what is asked for often, where there are two years and a test after them."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """How a model did on the last months, one step ahead.

    `wape`: absolute errors over demand (None where nothing was asked for); `mase`: over the mean change from month to
    month before the test; `bias`: what was said less what came, over demand.
    """

    model: str
    months: int
    wape: float | None
    mase: float | None
    bias: float | None
    squared: float


@dataclass(frozen=True, slots=True)
class ItemForecast:
    """One item's forecast: first days of months → quantity in stocking units.

    `tests` are the backtests of all models tried, the chosen one first; none for an item too young to be tested.
    """

    item: str
    pattern: Pattern
    model: str
    history: int
    """Months from its first demand to the last whole one."""
    months: tuple[tuple[date, Decimal], ...]
    tests: tuple[Backtest, ...]

    @property
    def test(self) -> Backtest | None:
        """How the chosen model did."""
        return self.tests[0] if self.tests else None


def forecast(item: str, demand: Mapping[date, Decimal], first: date, months: int) -> ItemForecast | None:
    """The forecast of `months` months from `first` (a month's first day); None for what was never asked for.

    `demand`: first day of a month → quantity; what is not before `first` does not count.
    """
    known = {month: quantity for month, quantity in demand.items() if month < first and quantity > 0}
    if not known:
        return None
    history = _series(known, first)
    pattern = pattern_of(history)
    tests = _tested(history, pattern)
    model = tests[0].model if tests else "average"
    said = np.clip(MODELS[model](history, len(history)).coming(months), 0, None)
    places = (
        Decimal(1) if all(quantity == quantity.to_integral_value() for quantity in known.values()) else Decimal("0.001")
    )
    rounded = tuple(
        (after(first, number), Decimal(repr(float(value))).quantize(places, ROUND_HALF_UP))
        for number, value in enumerate(said)
    )
    return ItemForecast(item, pattern, model, len(history), rounded, tests)


def _series(known: Mapping[date, Decimal], first: date) -> Series:
    """Demand by month from the first one to the last before `first`, months without any included."""
    begin = min(known)
    count = (first.year - begin.year) * YEAR + first.month - begin.month
    return np.array([float(known.get(after(begin, number), 0)) for number in range(count)])


def after(month: date, months: int) -> date:
    """The first day of the month so many months later."""
    years, number = divmod(month.month - 1 + months, YEAR)
    return date(month.year + years, number + 1, 1)


def pattern_of(history: Series) -> Pattern:
    """How an item is asked for."""
    if len(history) < SHORT:
        return "short"
    positive = history[history > 0]
    often = len(history) / len(positive) < OFTEN
    even = float(positive.var() / positive.mean() ** 2) < EVEN
    if often:
        return "smooth" if even else "erratic"
    return "intermittent" if even else "lumpy"


def _tested(history: Series, pattern: Pattern) -> tuple[Backtest, ...]:
    """Backtests of all models that fit the pattern, the best first; ties go to the simpler one."""
    tested = min(TESTED, len(history) - LEARNT)
    if tested < 1:
        return ()
    learnt = len(history) - tested
    names = TRIED[pattern] + (SEASONAL if learnt >= 2 * YEAR and pattern in {"smooth", "erratic"} else ())
    tests = [_backtest(name, history, learnt) for name in names]
    return tuple(sorted(tests, key=lambda test: (test.squared, names.index(test.model))))


def _backtest(name: str, history: Series, learnt: int) -> Backtest:
    said = np.clip(MODELS[name](history, learnt).past, 0, None)
    came = history[learnt:]
    errors = said - came
    demand, steps = float(came.sum()), float(np.abs(np.diff(history[:learnt])).mean())
    return Backtest(
        model=name,
        months=len(came),
        wape=float(np.abs(errors).sum()) / demand if demand else None,
        mase=float(np.abs(errors).mean()) / steps if steps else None,
        bias=float(errors.sum()) / demand if demand else None,
        squared=float((errors**2).mean()),
    )
