"""Sales and operations planning: what of the demand can be made with the capacity and the parts there are.

Months are planned in weeks, for a part that comes in ten days holds up only the weeks before it. One linear programme
says how much of each product is made in each week so that as little demand as possible stays open, valued by weight and
month; among equal plans it makes things late rather than early. The *elastic bands* are the same with one constraint
after the other stretched, each time the one that binds most: what would then be feasible, and what it takes.

HiGHS solves the programme (Huangfu and Hall, "Parallelizing the dual revised simplex method", 2018), through scipy.
Quantities are floats inside and rounded down to whole `step`s where they come out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Literal

import numpy as np

ResourceKind = Literal["capacity", "supply"]
UNBOUND = float("inf")
Place = Any
"""The number of a product, week or month, or an array of such."""
_ENOUGH = 1e-6
_NEARLY = 1e-3
"""So much of a step may be missing for a whole one: the solver is that exact."""
_BINDS = 2e-2
"""Below this a constraint moves pieces about and keeps none from its customer."""
_HOLDING = 1e-3
"""What a piece made a week early costs, beside one that stays open a month."""
_STRETCHING = 1e-2
"""What it costs to stretch a constraint for a piece, so that nothing is stretched without need."""
_SOONER = 0.9
"""An open piece of a later month counts so much less, or months would be traded for one another."""


@dataclass(frozen=True, slots=True)
class Product:
    """What customers ask for; `opening` pieces are there at the start. The higher `weight`, the more it counts."""

    item: str
    demand: Mapping[date, float]
    """First day of a month → pieces asked for in it."""
    opening: float = 0.0
    arriving: Mapping[int, float] | None = None
    """Week → pieces that orders under way bring."""
    weight: float = 1.0
    step: float = 1.0


@dataclass(frozen=True, slots=True)
class Resource:
    """What limits the plan, week by week.

    `capacity`: minutes of a work centre, gone with the week; `supply`: pieces of a part that have come by then, those
    of the weeks before included. `stretched`: the most there could be, and `by` what means (`inf`: as much as is
    needed).
    """

    name: str
    kind: ResourceKind
    limits: tuple[float, ...]
    stretched: tuple[float, ...]
    uses: Mapping[str, float]
    """Product → how much of it one piece takes."""
    by: str = ""


@dataclass(frozen=True)
class Review:
    """Everything one review knows: weeks by their first day, products and what limits them."""

    weeks: tuple[date, ...]
    products: tuple[Product, ...]
    resources: tuple[Resource, ...]

    @cached_property
    def months(self) -> tuple[date, ...]:
        """The months the weeks belong to, by first day; a week belongs to the month it begins in."""
        return tuple(dict.fromkeys(week.replace(day=1) for week in self.weeks))

    @cached_property
    def last_week(self) -> dict[date, int]:
        """Month → its last week."""
        return {week.replace(day=1): number for number, week in enumerate(self.weeks)}


@dataclass(frozen=True, slots=True)
class Taken:
    """What a stretched constraint takes in one week beyond what there is."""

    resource: str
    week: date
    extra: float


@dataclass(frozen=True)
class Feasible:
    """A feasible plan: item → month → pieces ready for its customers, and pieces made by week.

    `binding` are the constraints that hold it back, the worst first.
    """

    ready: Mapping[str, Mapping[date, float]]
    made: Mapping[str, tuple[float, ...]]
    binding: tuple[str, ...]
    used: Mapping[str, tuple[float, ...]]

    @property
    def total(self) -> float:
        """All that is ready, of all products and months."""
        return sum(sum(months.values()) for months in self.ready.values())


@dataclass(frozen=True)
class Band:
    """What is feasible once `stretched` is, beside all that the bands before stretched."""

    stretched: str
    kind: ResourceKind
    by: str
    plan: Feasible
    takes: tuple[Taken, ...]


@dataclass(frozen=True)
class Reviewed:
    """The feasible plan and its elastic bands, narrow to wide."""

    review: Review
    plan: Feasible
    bands: tuple[Band, ...]


def review(of: Review) -> Reviewed:
    """The plan that is feasible, and what each constraint stretched in turn would make of it."""
    plan = feasible(of)
    bands: list[Band] = []
    lifted: list[str] = []
    standing = plan
    while (name := next((one for one in standing.binding if one not in lifted), None)) is not None:
        if _all_there(of, standing):
            break  # what is left could only come sooner
        lifted.append(name)
        standing = feasible(of, lifted)
        if standing.total <= (bands[-1].plan if bands else plan).total + _ENOUGH:
            continue  # another one holds it back as well
        resource = next(one for one in of.resources if one.name == name)
        bands.append(Band(name, resource.kind, resource.by, standing, _takes(of, standing, lifted)))
    return Reviewed(of, plan, tuple(bands))


def _all_there(of: Review, plan: Feasible) -> bool:
    """Whether not one more step of any product can be ready."""
    for product in of.products:
        asked = sum(product.demand.get(month, 0.0) for month in of.months)
        if asked - sum(plan.ready[product.item].values()) >= product.step - _ENOUGH:
            return False
    return True


def _takes(of: Review, plan: Feasible, lifted: Collection[str]) -> tuple[Taken, ...]:
    """For a part what was missing when it was missing most, for a work centre what each week needs on top."""
    found = []
    for resource in of.resources:
        if resource.name not in lifted:
            continue
        over = [used - limit for used, limit in zip(plan.used[resource.name], resource.limits, strict=True)]
        weeks = [number for number, extra in enumerate(over) if extra > _ENOUGH]
        if resource.kind == "supply" and weeks:
            weeks = [max(weeks, key=lambda number: (over[number], -number))]
        found += [Taken(resource.name, of.weeks[number], over[number]) for number in weeks]
    return tuple(found)


def feasible(of: Review, stretched: Collection[str] = ()) -> Feasible:
    """The plan with these constraints stretched. Raises ArithmeticError where the solver finds none."""
    return _Programme(of, frozenset(stretched)).solved()


class _Entries:
    """A sparse matrix as it is put together: entry by entry it would take longer than solving it."""

    def __init__(self) -> None:
        self._parts: list[tuple[Any, Any, Any]] = []

    def put(self, rows: Any, columns: Any, value: Any) -> None:  # noqa: ANN401 - arrays, or one number for all
        self._parts.append((rows, columns, np.broadcast_to(value, rows.shape)))

    def of_shape(self, rows: int, columns: int) -> Any:  # noqa: ANN401
        from scipy.sparse import coo_matrix  # noqa: PLC0415

        at, across, values = (np.concatenate(each) for each in zip(*self._parts, strict=True))
        return coo_matrix((values, (at, across)), shape=(rows, columns)).tocsr()


class _Programme:
    """The linear programme: for each product and week what is made, what is left over, and by month what stays open.

    Columns: made, then held at the end of a week (both product by week), then open at the end of a month, then what
    each limit of a stretched constraint is stretched by.
    """

    def __init__(self, of: Review, stretched: frozenset[str]) -> None:
        self.of, self.stretched = of, stretched
        self.weeks, self.months = len(of.weeks), len(of.months)
        self.size = len(of.products) * self.weeks
        self.rows: list[tuple[Resource, int]] = [
            (resource, week)
            for resource in of.resources
            for week, limit in enumerate(resource.limits)
            if limit < UNBOUND and resource.uses
        ]
        self.soft = [row for row, (resource, _) in enumerate(self.rows) if resource.name in stretched]
        self.first_soft = 2 * self.size + len(of.products) * self.months
        self.columns = self.first_soft + len(self.soft)

    def made(self, product: Place, week: Place) -> Any:  # noqa: ANN401 - one, or an array
        return product * self.weeks + week

    def held(self, product: Place, week: Place) -> Any:  # noqa: ANN401
        return self.size + product * self.weeks + week

    def open(self, product: Place, month: Place) -> Any:  # noqa: ANN401
        return 2 * self.size + product * self.months + month

    def solved(self) -> Feasible:
        from scipy.optimize import linprog  # noqa: PLC0415 - only a review waits for it

        if not self.of.products:
            return Feasible({}, {}, (), {one.name: (0.0,) * self.weeks for one in self.of.resources})
        upper, limits = self._within()
        equal, wanted = self._balanced()
        found = linprog(
            self._costs(), A_ub=upper, b_ub=limits, A_eq=equal, b_eq=wanted, bounds=self._bounds(), method="highs"
        )
        if not found.success:
            raise ArithmeticError(f"no feasible plan: {found.message}")
        prices = found.ineqlin.marginals if self.rows else ()
        return self._read(found.x, prices)

    def _costs(self) -> Any:  # noqa: ANN401 - an array
        costs = np.zeros(self.columns)
        for number, product in enumerate(self.of.products):
            for week in range(self.weeks):
                costs[self.held(number, week)] = _HOLDING * product.weight / self.weeks
            for month in range(self.months):
                costs[self.open(number, month)] = product.weight * _SOONER**month
        for place, row in enumerate(self.soft):
            costs[self.first_soft + place] = _STRETCHING / max(self.rows[row][0].uses.values())
        return costs

    def _bounds(self) -> list[tuple[float, float | None]]:
        bounds: list[tuple[float, float | None]] = [(0, None)] * self.first_soft
        for row in self.soft:
            resource, week = self.rows[row]
            most = resource.stretched[week] - resource.limits[week]
            bounds.append((0, None if most == UNBOUND else max(0.0, most)))
        return bounds

    def _balanced(self) -> tuple[Any, Any]:
        """What was held and is made is held on, or goes to the month's customers, those who still wait included."""
        matrix, wanted = _Entries(), np.zeros(self.size)
        each = np.arange(self.size)
        week = each % self.weeks
        matrix.put(each, each, 1.0)
        matrix.put(each, self.size + each, -1.0)
        matrix.put(each[week > 0], self.size + each[week > 0] - 1, 1.0)
        products = np.arange(len(self.of.products))
        for month, last in enumerate(self.of.last_week.values()):
            matrix.put(self.made(products, last), self.open(products, month), 1.0)
            if month:
                matrix.put(self.made(products, last), self.open(products, month - 1), -1.0)
        for number, product in enumerate(self.of.products):
            wanted[self.made(number, 0)] -= product.opening
            for arrives, pieces in (product.arriving or {}).items():
                wanted[self.made(number, arrives)] -= pieces
            for first, last in self.of.last_week.items():
                wanted[self.made(number, last)] += product.demand.get(first, 0.0)
        return matrix.of_shape(self.size, self.columns), wanted

    def _within(self) -> tuple[Any, Any]:
        if not self.rows:
            return None, None
        matrix = _Entries()
        place = {product.item: number for number, product in enumerate(self.of.products)}
        uses = {
            resource.name: (np.array([place[item] for item in resource.uses]), np.array([*resource.uses.values()]))
            for resource in self.of.resources
        }
        for row, (resource, week) in enumerate(self.rows):
            products, taken = uses[resource.name]
            weeks = np.arange(0 if resource.kind == "supply" else week, week + 1)
            columns = self.made(products[:, None], weeks[None, :])
            matrix.put(np.full(columns.size, row), columns.ravel(), np.repeat(taken, len(weeks)))
        matrix.put(np.array(self.soft, dtype=int), self.first_soft + np.arange(len(self.soft)), -1.0)
        return (
            matrix.of_shape(len(self.rows), self.columns),
            np.array([resource.limits[week] for resource, week in self.rows]),
        )

    def _read(self, values: Any, prices: Any) -> Feasible:  # noqa: ANN401 - arrays
        made = {
            product.item: tuple(float(values[self.made(number, week)]) for week in range(self.weeks))
            for number, product in enumerate(self.of.products)
        }
        ready = {product.item: self._ready(number, product, values) for number, product in enumerate(self.of.products)}
        worth: defaultdict[str, float] = defaultdict(float)
        for (resource, _), price in zip(self.rows, prices, strict=True):
            # Compared by what one piece more is worth, whatever it is counted in.
            worth[resource.name] = max(worth[resource.name], -float(price) * max(resource.uses.values()))
        binding = sorted((name for name, value in worth.items() if value > _BINDS), key=lambda one: (-worth[one], one))
        return Feasible(ready, made, tuple(binding), {one.name: _used(one, made) for one in self.of.resources})

    def _ready(self, number: int, product: Product, values: Any) -> dict[date, float]:  # noqa: ANN401
        """Pieces for customers of each month, those of months before who waited included."""
        waiting, found = 0.0, {}
        for month, first in enumerate(self.of.months):
            left = float(values[self.open(number, month)])
            pieces = product.demand.get(first, 0.0) + waiting - left
            steps = float(np.floor(pieces / product.step + _NEARLY))
            found[first] = max(0.0, round(steps * product.step, 6))
            waiting = left
        return found


def _used(resource: Resource, made: Mapping[str, tuple[float, ...]]) -> tuple[float, ...]:
    weeks = np.zeros(len(resource.limits))
    for item, use in resource.uses.items():
        weeks += use * np.array(made[item])
    return tuple(float(value) for value in (np.cumsum(weeks) if resource.kind == "supply" else weeks))


# -- scenarios -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangeAsked:
    """Other demand for an item in a month: `quantity` pieces."""

    item: str
    month: date
    quantity: float


@dataclass(frozen=True, slots=True)
class ChangeCapacity:
    """More or less of a work centre: minutes a week, in the weeks that begin within the days."""

    resource: str
    first: date
    last: date
    minutes: float


@dataclass(frozen=True, slots=True)
class MovePart:
    """What is to come of a part comes so many weeks later, or earlier (below zero)."""

    resource: str
    weeks: int


Delta = ChangeAsked | ChangeCapacity | MovePart


def changed(of: Review, deltas: Sequence[Delta]) -> Review:
    """The review with the changes in it; raises KeyError for a product or resource it does not have."""
    for delta in deltas:
        of = _apply(of, delta)
    return of


def _apply(of: Review, delta: Delta) -> Review:
    if isinstance(delta, ChangeAsked):
        if delta.item not in {product.item for product in of.products}:
            raise KeyError(delta.item)
        products = (
            replace(product, demand={**product.demand, delta.month: delta.quantity})
            if product.item == delta.item
            else product
            for product in of.products
        )
        return replace(of, products=tuple(products))
    if delta.resource not in {resource.name for resource in of.resources}:
        raise KeyError(delta.resource)
    resources = (_shifted(of, one, delta) if one.name == delta.resource else one for one in of.resources)
    return replace(of, resources=tuple(resources))


def _shifted(of: Review, resource: Resource, delta: ChangeCapacity | MovePart) -> Resource:
    if isinstance(delta, ChangeCapacity):
        more = [delta.minutes if delta.first <= week <= delta.last else 0.0 for week in of.weeks]
        limits, stretched = (
            tuple(max(0.0, limit + extra) for limit, extra in zip(limits, more, strict=True))
            for limits in (resource.limits, resource.stretched)
        )
        return replace(resource, limits=limits, stretched=stretched)
    count, last = len(of.weeks), len(of.weeks) - 1
    there = [min(last, max(0, week - delta.weeks)) for week in range(count)]
    limits = tuple(resource.limits[0] if week < delta.weeks else resource.limits[there[week]] for week in range(count))
    return replace(resource, limits=limits)
