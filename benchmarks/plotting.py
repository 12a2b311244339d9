"""Draws how time grows with size as an SVG, both axes in powers of ten, beside the line of equal growth."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 640, 400, 60
Points = Sequence[tuple[float, float]]


def growth_plot(path: Path, title: str, points: Points, *, x: str, y: str) -> None:
    """Write the plot of these (size, seconds)."""
    left, right = floor(log10(min(a for a, _ in points))), ceil(log10(max(a for a, _ in points)))
    low, high = floor(log10(min(b for _, b in points))), ceil(log10(max(b for _, b in points)))

    def at(size: float, seconds: float) -> tuple[float, float]:
        across = (log10(size) - left) / max(right - left, 1)
        up = (log10(seconds) - low) / max(high - low, 1)
        return MARGIN + across * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
            f'<text x="{WIDTH / 2}" y="24" text-anchor="middle" font-size="14">{title}</text>'
            f'<text x="{WIDTH / 2}" y="{HEIGHT - 14}" text-anchor="middle">{x}</text>'
            f'<text x="16" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 {HEIGHT / 2})">{y}</text>'
        )
    ]
    for power in range(left, right + 1):
        across, bottom = at(10**power, 10**low)
        parts.append(f'<path d="M{across} {MARGIN}V{bottom}" stroke="#ddd"/>')
        parts.append(f'<text x="{across}" y="{bottom + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(low, high + 1):
        begin, up = at(10**left, 10.0**power)
        parts.append(f'<path d="M{begin} {up}H{WIDTH - MARGIN}" stroke="#ddd"/>')
        parts.append(f'<text x="{begin - 6}" y="{up + 4}" text-anchor="end">{10.0**power:g}</text>')
    first = points[0]
    equal = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(size, first[1] * size / first[0]) for size, _ in points))
    drawn = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(*point) for point in points))
    parts.append(f'<polyline points="{equal}" fill="none" stroke="#999" stroke-dasharray="5 4"/>')
    parts.append(f'<polyline points="{drawn}" fill="none" stroke="#06c" stroke-width="2"/>')
    for size, seconds in points:
        across, up = at(size, seconds)
        parts.append(f'<circle cx="{across:.1f}" cy="{up:.1f}" r="4" fill="#06c"/>')
        parts.append(f'<text x="{across + 8:.1f}" y="{up - 8:.1f}">{seconds:.2g} s</text>')
    path.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")
