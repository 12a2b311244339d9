"""Ways to forecast one item's monthly demand: averages, exponential smoothing by statsmodels, Croston's kin.

Every model does two things: say the last months of a history one step ahead, its parameters chosen on the months before
them (so that its error there is an honest one), and say the months to come. Series are float arrays of monthly demand,
oldest first.

Sources: Croston, "Forecasting and stock control for intermittent demands" (1972); Syntetos and Boylan, "The accuracy
of intermittent demand estimates" (2005) for the corrected Croston (SBA); Teunter, Syntetos and Babai, "Intermittent
demand: linking forecasting to inventory obsolescence" (2011) for TSB; Hyndman et al., "Forecasting with exponential
smoothing" (2008) for the rest.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float64]
Model = Callable[[Series, int], "Said"]
"""History and how many of its months the parameters are chosen on → what the model says."""
YEAR = 12
_ALPHAS = (0.05, 0.1, 0.2, 0.3, 0.5)
_SOME_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Said:
    """`past`: the months after those the parameters were chosen on, each said from the months before it.

    `coming(n)`: the n months after the history.
    """

    past: Series
    coming: Callable[[int], Series]


def average(history: Series, chosen_on: int) -> Said:
    """The mean of up to a year."""
    past = [history[max(0, n - YEAR) : n].mean() for n in range(chosen_on, len(history))]
    return Said(np.array(past), lambda months: np.full(months, history[-YEAR:].mean()))


def seasonal_naive(history: Series, chosen_on: int) -> Said:
    """What was a year ago."""
    past = history[chosen_on - YEAR : len(history) - YEAR]
    return Said(past, lambda months: np.resize(history[-YEAR:], months))


def _level(history: Series, months: int) -> float:
    return float(history[: max(1, min(months, _SOME_MONTHS))].mean())


def _smoothed(history: Series, chosen_on: int, **kind: Any) -> Said:  # noqa: ANN401 - statsmodels' own arguments
    """Exponential smoothing; the first months give the start, the parameters minimise the squared error."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing  # noqa: PLC0415 - takes two seconds to import

    start: dict[str, Any] = {"initialization_method": "known", "initial_level": _level(history, chosen_on)}
    if "trend" in kind:
        start["initial_trend"] = 0.0
    if "seasonal" in kind:
        start["initial_seasonal"] = history[:YEAR] - history[:YEAR].mean()
        start["initial_level"] = float(history[:YEAR].mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a short series has no clear optimum is no news
        found = ExponentialSmoothing(history[:chosen_on], **kind, **start).fit()
        names = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")
        given = {name: found.params[name] for name in names if name in found.params}
        known = {name: value for name, value in given.items() if value is not None and not np.isnan(value)}
        whole = ExponentialSmoothing(history, **kind, **start).fit(optimized=False, **known)
    return Said(np.asarray(whole.fittedvalues)[chosen_on:], lambda months: np.asarray(whole.forecast(months)))


def smoothing(history: Series, chosen_on: int) -> Said:
    """Simple exponential smoothing: a level that moves."""
    return _smoothed(history, chosen_on)


def damped_trend(history: Series, chosen_on: int) -> Said:
    """Holt's trend, damped so that it does not run away."""
    return _smoothed(history, chosen_on, trend="add", damped_trend=True)


def holt_winters(history: Series, chosen_on: int) -> Said:
    """A level and a pattern of twelve months."""
    return _smoothed(history, chosen_on, seasonal="add", seasonal_periods=YEAR)


def croston_sba(history: Series, chosen_on: int) -> Said:
    """Croston's method with the correction of Syntetos and Boylan: size over interval, both smoothed."""
    return _best(history, chosen_on, _croston)


def tsb(history: Series, chosen_on: int) -> Said:
    """Size times the probability of a demand, which also fades while nothing is asked for."""
    return _best(history, chosen_on, _tsb)


def _best(history: Series, chosen_on: int, filtered: Callable[[Series, float], Series]) -> Said:
    """The smoothing factor with the least squared error on the months it may look at."""
    rates = {alpha: filtered(history, alpha) for alpha in _ALPHAS}
    errors = {alpha: float(((rates[alpha][:chosen_on] - history[:chosen_on]) ** 2)[1:].sum()) for alpha in _ALPHAS}
    best = rates[min(_ALPHAS, key=lambda alpha: (errors[alpha], alpha))]
    return Said(best[chosen_on:-1], lambda months: np.full(months, best[-1]))


def _croston(history: Series, alpha: float) -> Series:
    """What is said of each month from those before it, and of the month after the last."""
    positive = history[history > 0]
    size, interval, since = float(positive[0]), float(np.argmax(history > 0) + 1), 0
    said = np.empty(len(history) + 1)
    for month, demand in enumerate(history):
        said[month] = (1 - alpha / 2) * size / interval
        since += 1
        if demand > 0:
            size += alpha * (demand - size)
            interval += alpha * (since - interval)
            since = 0
    said[-1] = (1 - alpha / 2) * size / interval
    return said


def _tsb(history: Series, alpha: float) -> Series:
    positive = history[history > 0]
    size, share = float(positive[0]), len(positive) / len(history)
    said = np.empty(len(history) + 1)
    for month, demand in enumerate(history):
        said[month] = share * size
        share += alpha * (float(demand > 0) - share)
        if demand > 0:
            size += alpha * (demand - size)
    said[-1] = share * size
    return said


MODELS: dict[str, Model] = {
    one.__name__: one for one in (average, seasonal_naive, smoothing, damped_trend, holt_winters, croston_sba, tsb)
}
"""Every model by name."""
