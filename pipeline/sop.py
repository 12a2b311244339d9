"""The demand review of a plant: what is asked for in the coming months, and what capacity and parts leave of it.

Demand of a month is what was ordered for it, or what is expected where that is more. Capacity is the working time of
the work centres a product and its made parts pass through. Parts limit the weeks before an order placed today arrives.
Stock of made parts below a product is not counted: it shortens the work, and a review is meant to be careful.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from canonical.plan import PlanBomLine, PlanItem
from pipeline.demand import Expected, expected, frame_rows, statistical
from pipeline.hub import Hub
from pipeline.open_documents import delivered
from pipeline.plan_desk import Desk
from pipeline.snapshot import routings, rows
from planning.demand import after
from planning.sop import UNBOUND, Product, Resource, Review
from planning.workdays import WorkDays, work_days

WEEK = 7
FIVE = 5
MINUTES = 60
MADE = frozenset({"make", "subcontract", "phantom"})
Uses = Mapping[str, float]
"""Work centre, or part → minutes, or pieces, for one piece of a product."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One product's month as the review shows it."""

    item: str
    month: date
    ordered: float
    expected: float

    @property
    def demand(self) -> float:
        """What the month asks for: orders use up what was expected."""
        return max(self.ordered, self.expected)


def asked(desk: Desk, expectations: Iterable[Expected], months: int) -> list[Asked]:
    """What is asked for of each product in the months from this one on; what is overdue is asked for now.

    What has been delivered already is expected no more, and what is delivered from a site is asked of the plant.
    """
    first = desk.picture.as_of.replace(day=1)
    coming = [after(first, number) for number in range(months)]
    ordered: defaultdict[tuple[str, date], float] = defaultdict(float)
    scales = {item.code: item.scale for item in desk.picture.items}
    for row in desk.picture.demands:
        month = max(row.due.replace(day=1), first)
        if row.item in scales:
            ordered[desk.planning.item_of(row.item), month] += row.quantity / scales[row.item]
    gone: defaultdict[tuple[str, date], float] = defaultdict(float)
    for line, quantity in delivered(desk.frames, first):
        gone[line["item"], line["due"].replace(day=1)] += float(quantity)
    places = ((one.item, one.month, float(one.quantity)) for one in expectations)
    likely = {(item, month): max(0.0, quantity - gone[item, month]) for item, month, quantity in places}
    return [
        Asked(item, month, ordered.get((item, month), 0.0), likely.get((item, month), 0.0))
        for item, month in sorted({*ordered, *likely})
        if month in coming and item in scales
    ]


def review_of(desk: Desk, demand: Iterable[Asked], months: int, overtime: float | None = None) -> Review:
    """Everything the review knows; `overtime`: by what share capacity can be stretched (None: as far as needed)."""
    weeks = _weeks(desk.picture.as_of, months)
    by_item: defaultdict[str, dict[date, float]] = defaultdict(dict)
    for one in demand:
        if one.demand:
            by_item[one.item][one.month] = one.demand
    known = {item.code: item for item in desk.picture.items}
    work, parts = _Uses(desk, known).of(by_item)
    bought = {item for item in by_item if known[item].sourcing not in MADE}
    products = tuple(_product(desk, item, by_item[item], weeks, bought) for item in sorted(by_item))
    total = {product.item: sum(product.demand.values()) for product in products}
    resources = (*_capacities(desk, work, weeks, overtime), *_supplies(desk, parts, weeks, known, total))
    return Review(weeks, products, resources)


def _weeks(as_of: date, months: int) -> tuple[date, ...]:
    """The first days of the weeks to come: today, then every Monday; the turn of a month parts a week."""
    first = as_of.replace(day=1)
    end = after(first, months)
    turns = {after(first, number) for number in range(1, months)}
    monday = as_of + timedelta(WEEK - as_of.weekday())
    mondays = {monday + timedelta(WEEK * number) for number in range((end - monday).days // WEEK + 1)}
    return tuple(sorted({as_of, *turns, *(day for day in mondays if day < end)}))


def _ends(weeks: tuple[date, ...]) -> tuple[date, ...]:
    """The days after the weeks."""
    return (*weeks[1:], after(weeks[-1].replace(day=1), 1))


def _product(desk: Desk, item: str, demand: Mapping[date, float], weeks: tuple[date, ...], bought: set[str]) -> Product:
    scale = next(one.scale for one in desk.picture.items if one.code == item)
    whole = all(quantity == int(quantity) for quantity in demand.values())
    step = 1.0 if whole else 0.001
    if item in bought:  # its stock and orders are those of the part it is
        return Product(item, demand, step=step)
    home = desk.planning.item_of
    opening = sum(row.quantity for row in desk.picture.stock if home(row.item) == item and row.quantity > 0) / scale
    arriving: defaultdict[int, float] = defaultdict(float)
    for day, quantity in _coming(desk, item):
        arriving[_week(weeks, day)] += quantity / scale
    return Product(item, demand, opening, dict(arriving), step=step)


def _coming(desk: Desk, item: str) -> Iterator[tuple[date, int]]:
    home = desk.planning.item_of
    yield from ((row.available, row.quantity) for row in desk.picture.receipts if home(row.item) == item)
    yield from ((row.due, row.quantity) for row in desk.picture.firm_orders if home(row.item) == item)


def _week(weeks: tuple[date, ...], day: date) -> int:
    """The week a day lies in; the last one for days after it."""
    return max((number for number, week in enumerate(weeks) if week <= day), default=0)


class _Uses:
    """What one piece of a product takes of each work centre, and of each part that is bought."""

    def __init__(self, desk: Desk, known: Mapping[str, PlanItem]) -> None:
        self.known = known
        self.lines: defaultdict[str, list[PlanBomLine]] = defaultdict(list)
        for line in desk.picture.bom:
            if line.effective_from is None:
                self.lines[line.parent].append(line)
        self.steps = routings(desk.frames)
        self._found: dict[str, tuple[dict[str, float], dict[str, float]]] = {}

    def of(self, items: Iterable[str]) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
        """Work centre → product → minutes, and part → product → pieces."""
        work: defaultdict[str, dict[str, float]] = defaultdict(dict)
        parts: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for item in items:
            for into, taken in zip((work, parts), self._piece(item, ()), strict=True):
                for name, quantity in taken.items():
                    into[name][item] = quantity
        return work, parts

    def _piece(self, item: str, above: tuple[str, ...]) -> tuple[dict[str, float], dict[str, float]]:
        if item not in self._found and item not in above:
            self._found[item] = self._worked_out(item, (*above, item))
        return self._found.get(item, ({}, {}))

    def _worked_out(self, item: str, above: tuple[str, ...]) -> tuple[dict[str, float], dict[str, float]]:
        if item not in self.known or self.known[item].sourcing not in MADE:
            return {}, {item: 1.0}
        work: defaultdict[str, float] = defaultdict(float)
        parts: defaultdict[str, float] = defaultdict(float)
        for step in self.steps.get(item, ()):
            if step["work_centre"] is not None:
                work[step["work_centre"]] += float(step["run_minutes"] or 0)
        for line in self.lines.get(item, ()):
            if line.component not in self.known:
                continue
            ratio = Fraction(line.numerator, line.denominator)
            ratio *= Fraction(self.known[item].scale, self.known[line.component].scale)
            share = float(ratio) * (1 + line.scrap_ppm / 1_000_000)
            for into, taken in zip((work, parts), self._piece(line.component, above), strict=True):
                for name, quantity in taken.items():
                    into[name] += share * quantity
        return dict(work), dict(parts)


# -- what limits -----------------------------------------------------------------------------------------------------


def _capacities(
    desk: Desk, work: Mapping[str, Uses], weeks: tuple[date, ...], overtime: float | None
) -> Iterator[Resource]:
    """Work centres with their working time; one that says no hours limits nothing."""
    calendars = {calendar.name: work_days(calendar) for calendar in desk.picture.calendars}
    differing = {(row["calendar"], row["day"]): float(row["hours"]) for row in rows(desk.frames, "calendar_day")}
    for row in rows(desk.frames, "work_centre"):
        name, hours = row["golden_id"], row["hours_per_day"]
        if name in work and hours is not None:
            on = _hours_on(calendars.get(row["calendar"]), float(hours), row["calendar"], differing)
            limits = tuple(sum(on(day) for day in days) * MINUTES for days in _days(weeks))
            stretched = tuple(UNBOUND if overtime is None else limit * (1 + overtime) for limit in limits)
            yield Resource(name, "capacity", limits, stretched, work[name], "overtime")


def _hours_on(
    calendar: WorkDays | None, hours: float, named: str | None, differing: Mapping[tuple[str, date], float]
) -> Callable[[date], float]:
    def on(day: date) -> float:
        if named is not None and (named, day) in differing:
            return differing[named, day]
        number = day.toordinal()
        works = day.weekday() < FIVE if calendar is None else calendar.number(number + 1) > calendar.number(number)
        return hours if works else 0.0

    return on


def _days(weeks: tuple[date, ...]) -> Iterator[list[date]]:
    for week, end in zip(weeks, _ends(weeks), strict=True):
        yield [week + timedelta(number) for number in range((end - week).days)]


def _supplies(
    desk: Desk, parts: Mapping[str, Uses], weeks: tuple[date, ...], known: Mapping[str, PlanItem],
    total: Mapping[str, float],
) -> Iterator[Resource]:  # fmt: skip
    """Parts that could run short before an order placed today arrives."""
    held: defaultdict[str, float] = defaultdict(float)
    coming: defaultdict[str, list[tuple[date, float]]] = defaultdict(list)
    for row in desk.picture.stock:
        if row.quantity > 0:
            held[desk.planning.item_of(row.item)] += row.quantity
    for receipt in desk.picture.receipts:
        coming[desk.planning.item_of(receipt.item)].append((receipt.available, receipt.quantity))
    for name, uses in sorted(parts.items()):
        item = known.get(name)
        if item is None or not _lead(item):
            continue
        there = desk.picture.as_of + timedelta(_lead(item))
        limits = tuple(
            UNBOUND
            if end > there
            else (held[name] + sum(quantity for day, quantity in coming[name] if day <= week)) / item.scale
            for week, end in zip(weeks, _ends(weeks), strict=True)
        )
        needed = sum(total[product] * use for product, use in uses.items())
        if min(limits) < needed:
            yield Resource(name, "supply", limits, (UNBOUND,) * len(weeks), uses, "expedited")


def _lead(item: PlanItem) -> int:
    """Days until a purchase arrives, from the fastest supplier where any is named."""
    if item.suppliers:
        return min(one.lead_time_days for one in item.suppliers)
    return item.lead_time_days or 0


# -- the whole of it -------------------------------------------------------------------------------------------------


def demand_review(hub: Hub, desk: Desk, months: int, overtime: float | None = None) -> Review:
    """The review of a hub as its records are now, the forecast that is kept, and what sales said."""
    statistics = frame_rows(hub) or statistical(hub, desk.picture.as_of)[0]
    return review_of(desk, asked(desk, expected(hub, desk.frames, statistics), months), months, overtime)


def names(desk: Desk) -> dict[str, str]:
    """Golden id → what people call an item or a work centre."""
    centres = {row["golden_id"]: row["name"] or row["code"] for row in rows(desk.frames, "work_centre")}
    return {**centres, **desk.names}
