"""Charts drawn on the server as SVG: no script, no inline style, and a sentence for who cannot see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 420, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 24


@dataclass(frozen=True, slots=True)
class Dot:
    """One value on the drawing, in its units, with what to say of it."""

    x: float
    y: float
    said: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line over time: everything a template needs to draw it."""

    dots: tuple[Dot, ...]
    path: str
    area: str
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT


def line(values: Sequence[tuple[str, float]], *, percent: bool = False) -> Line:
    """Labelled values from left to right; as shares of one, the scale ends at 100 % and begins below the least."""
    low, high = _scale([value for _, value in values], percent=percent)
    step = (WIDTH - _LEFT - _RIGHT) / max(len(values) - 1, 1)
    bottom = HEIGHT - _BOTTOM

    def y_of(value: float) -> float:
        return round(bottom - (value - low) / (high - low) * (bottom - _TOP), 1)

    dots = tuple(
        Dot(round(_LEFT + step * index, 1), y_of(value), f"{label}: {_said(value, percent=percent)}")
        for index, (label, value) in enumerate(values)
    )
    path = " ".join(f"{'M' if index == 0 else 'L'}{dot.x} {dot.y}" for index, dot in enumerate(dots))
    area = f"{path} L{dots[-1].x} {bottom} L{dots[0].x} {bottom} Z" if dots else ""
    rows = tuple(Tick(y_of(value), _said(value, percent=percent)) for value in (low, (low + high) / 2, high))
    ends = (0, len(values) - 1) if len(values) > 1 else range(len(values))
    return Line(dots, path, area, rows, tuple(Tick(dots[end].x, values[end][0]) for end in ends))


def _scale(values: Sequence[float], *, percent: bool) -> tuple[float, float]:
    if percent:
        least = min(values, default=1.0)
        low = next(floor for floor in (0.99, 0.95, 0.9, 0.75, 0.5, 0.0) if floor <= least)
        return low, 1.0
    return 0.0, max(*values, 1.0) if len(values) > 1 else max([*values, 1.0])


def _said(value: float, *, percent: bool) -> str:
    return f"{value * 100:.4g} %" if percent else f"{value:,.4g}"
