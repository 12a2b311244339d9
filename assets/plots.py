"""Plots of a plan for Dagster's pages: load by work centre and week, and what comes too late, as SVG in Markdown."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

from planning.answers import ShortLine
from planning.sop import Reviewed
from store.plan_rows import LoadRow

WEEKS, ITEMS = 16, 20
CELL, LEFT, TOP, BAR = 34, 150, 40, 18
FULL = 1.0


def load_plot(loads: Sequence[LoadRow]) -> str:
    """A cell for each work centre and week, darker the fuller it is, red where it is more than full."""
    weeks = sorted({row.week for row in loads})[:WEEKS]
    centres = sorted({row.work_centre for row in loads})
    parts = [_text(LEFT + CELL * at + 2, TOP - 8, f"{week:%m-%d}", 9) for at, week in enumerate(weeks)]
    parts += [_text(6, TOP + CELL * at + 20, centre) for at, centre in enumerate(centres)]
    for row in loads:
        if row.week in weeks:
            x, y = LEFT + CELL * weeks.index(row.week), TOP + CELL * centres.index(row.work_centre)
            share = row.needed / row.available if row.available else None
            said = "?" if share is None else f"{share:.0%}"
            parts.append(_box(x, y, CELL - 2, CELL - 2, _colour(share)) + _text(x + 3, y + 20, said, 9))
    return _image("load", LEFT + CELL * len(weeks), TOP + CELL * len(centres), parts)


def shortage_plot(rows: Iterable[ShortLine], names: dict[str, str]) -> str:
    """A bar for each item that comes too late, as long as the most days one of its needs waits; never: dark."""
    days: dict[str, tuple[int, bool]] = {}
    for row in rows:
        late = 0 if row.expected is None else (row.expected - row.wanted).days
        longest, never = days.get(row.item, (0, False))
        days[row.item] = max(longest, late), never or row.expected is None
    worst = sorted(days.items(), key=lambda pair: (not pair[1][1], -pair[1][0], pair[0]))[:ITEMS]
    longest = max((late for _, (late, _) in worst), default=0) or 1
    parts = []
    for at, (item, (late, never)) in enumerate(worst):
        y, width = 10 + BAR * at, 300 * (1 if never else late / longest)
        parts.append(_text(6, y + 12, f"{item} {names.get(item, '')}"[:34]))
        parts.append(_box(240, y, width, BAR - 4, "#555" if never else "#d62"))
        parts.append(_text(246 + width, y + 12, "never" if never else f"{late} d"))
    return _image("shortages", 620, 20 + BAR * len(worst), parts)


def review_plot(found: Reviewed) -> str:
    """For each month what is asked for, what is feasible, and what each band adds."""
    months = found.review.months
    wanted = [sum(product.demand.get(month, 0.0) for product in found.review.products) for month in months]
    plans = [("plan", found.plan), *((band.stretched, band.plan) for band in found.bands)]
    made = [(name, [sum(one[month] for one in plan.ready.values()) for month in months]) for name, plan in plans]
    longest = max([*wanted, *(quantity for _, row in made for quantity in row)], default=0) or 1
    parts, y = [], 10
    for at, month in enumerate(months):
        for name, quantity, colour in [("asked", wanted[at], "#999"), *((n, row[at], "#59d") for n, row in made)]:
            parts.append(_text(6, y + 12, f"{month:%Y-%m} {name}"[:30]))
            parts.append(_box(220, y, 300 * quantity / longest, BAR - 4, colour))
            parts.append(_text(226 + 300 * quantity / longest, y + 12, f"{quantity:g}"))
            y += BAR
        y += BAR // 2
    return _image("review", 620, y + 10, parts)


def _colour(share: float | None) -> str:
    if share is None:
        return "#ccc"
    return "#e66" if share > FULL else f"rgb({int(240 - 150 * share)},{int(245 - 75 * share)},250)"


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" fill="{colour}"/>'


def _text(x: float, y: float, said: str, size: int = 11) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}">{escape(said)}</text>'


def _image(name: str, width: int, height: int, parts: Iterable[str]) -> str:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>'
    )
    return f"![{name}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"
