"""A score as a waterfall: where each bar of the chart stands, in the units of an SVG 340 wide.

From top to bottom every part of the score moves the sum of the log-odds; two lines show from where a pair is put to a
steward and from where it may merge by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.stewardship import Explanation

WIDTH = 340.0
ROW = 34.0
HEAD = 22.0
_BAR = 12.0
_PAD = 6.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of the score: its feature and weight, and the rectangle that shows it."""

    feature: str
    weight: float
    total: float
    x: float
    width: float
    label_y: float
    bar_y: float
    """The sum after it, as a place between left and right."""
    end: float


@dataclass(frozen=True, slots=True)
class Line:
    """A threshold."""

    name: str
    posterior: float
    x: float

    @property
    def anchor(self) -> str:
        """To which side its name leans, so that it stays inside the chart."""
        return "end" if self.x > WIDTH / 2 else "start"


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The chart's measures, in its own units."""

    width: float
    height: float
    bar_height: float
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    zero: float


def odds_of(posterior: float) -> float:
    """Log-odds of a probability strictly between 0 and 1."""
    return math.log(posterior / (1 - posterior))


def waterfall(told: Explanation) -> Waterfall:
    """The chart of an explanation; every sum and threshold lies inside it."""
    marks = {"review": told.review, "auto": min(told.auto, 1 - 1e-9)}
    places = [0.0, *(odds_of(one) for one in marks.values()), *(step.after for step in told.steps)]
    low, high = min(places), max(places)

    def at(odds: float) -> float:
        return round(_PAD + (odds - low) / ((high - low) or 1.0) * (WIDTH - 2 * _PAD), 1)

    bars = []
    for number, step in enumerate(told.steps):
        left, right = sorted((at(step.before), at(step.after)))
        top = HEAD + number * ROW
        bars.append(
            Bar(
                step.part.feature, step.part.weight, step.after, left, max(1.5, round(right - left, 1)), top + 12,
                top + 16, at(step.after),
            )
        )  # fmt: skip
    lines = tuple(Line(name, posterior, at(odds_of(posterior))) for name, posterior in marks.items())
    return Waterfall(WIDTH, HEAD + len(bars) * ROW + 4, _BAR, tuple(bars), lines, at(0.0))
