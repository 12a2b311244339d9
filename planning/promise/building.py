"""Turns an opening into the tables of the compiled book, or says that it cannot be held in 64 bits."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from planning.columns import LIMIT, SCRAP_RULES, NotCovered, ints, table
from planning.encoding_rules import Calendars, scrap_rows
from planning.lot_sizing import lot_bounds, lot_unit
from planning.promise.tables import (
    BEYOND,
    ENDLESS,
    HORIZON,
    ITEM,
    LINE,
    LOT,
    MOST_TRIES,
    STEP,
    SUBSTITUTE,
    SUPPLY,
    Book,
    Product,
    PromiseRules,
)
from planning.sourcing import shortest_lead

if TYPE_CHECKING:
    from canonical.plan import PlanItem, PlanSubstitute
    from planning.columns import Ints, Table
    from planning.promise.opening import Opening

FOREVER = 10**9
MOST_RATIO = 2**30


class Building:
    """One opening on its way into tables; items are numbered by `codes`, work centres by `centres`."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.codes = list(opening.place)
        self.number = opening.place
        self.centres = {centre: number for number, centre in enumerate(sorted(opening.capacity))}
        rules = opening.prepared.admitted.rules
        named = {row.customer for rows in rules.substitutes.values() for row in rows if row.customer is not None}
        self.customers = {name: number for number, name in enumerate(sorted(named))}
        self.supplies = [free for code in self.codes for free in opening.supplies.get(code, ())]
        self.over = [lot for code in self.codes for lot in opening.over.get(code, ())]

    def book(self) -> Book:
        """Every table. Raises NotCovered."""
        opening, policies = self.opening, self.opening.prepared.snapshot.policies
        scrap_items, scrap = scrap_rows(opening.prepared, self.codes)
        substitutes, steps = self._substitutes(), self._steps()
        calendars = Calendars(opening.prepared, BEYOND + 1)
        owners = {
            "scrap_from": scrap_items,
            "supply_from": [self.number[code] for code in self.codes for _ in opening.supplies.get(code, ())],
            "substitute_from": [owner for owner, _ in substitutes],
            "step_from": [owner for owner, _ in steps],
        }
        first_lot, lots = self._lots()
        number, day = calendars.tables()
        return Book(
            PromiseRules(SCRAP_RULES.index(policies.assembly_scrap), HORIZON, MOST_TRIES),
            self._items(calendars, owners),
            scrap,
            self._supply_table(),
            _table(SUBSTITUTE, [row for _, row in substitutes]),
            _table(STEP, [row for _, row in steps]),
            lots,
            first_lot,
            ints([len(self.over)]),
            self._days(opening.capacity),
            self._days(opening.free),
            number.reshape(-1, BEYOND + 1)[1:] if len(number) else np.zeros((0, BEYOND + 1), np.int64),
            day.reshape(-1, BEYOND + 1)[1:] if len(day) else np.zeros((0, BEYOND + 1), np.int64),
        )

    def _items(self, calendars: Calendars, owners: dict[str, list[int]]) -> Table:
        admitted, blocked = self.opening.prepared.admitted, self.opening.prepared.blocked
        items = [admitted.items[code] for code in self.codes]
        bounds = [lot_bounds(item.lot) for item in items]
        if any(max(lot_unit(item.lot), *bound) > LIMIT for item, bound in zip(items, bounds, strict=True)):
            raise NotCovered("a lot size beyond the limit")
        phantoms = [item.sourcing == "phantom" and item.code not in blocked for item in items]
        columns: dict[str, Any] = {
            "lead": [shortest_lead(item) for item in items],
            "unit": [lot_unit(item.lot) for item in items],
            "smallest": [smallest for smallest, _ in bounds],
            "largest": [largest for _, largest in bounds],
            "scale": [item.scale if item.scrap else 1 for item in items],
            "safety": [0 if phantom else item.safety_time_days for item, phantom in zip(items, phantoms, strict=True)],
            "frozen": [self.opening.frozen(item) for item in items],
            "calendar": [calendars.number(code) for code in self.codes],
            "apart": [item.kept_apart for item in items],
            "blocked": [code in blocked for code in self.codes],
            "phantom": phantoms,
            "late_until": [self._late_until(item) for item in items],
        }
        rows = np.append(table(ITEM, columns), np.zeros(1, ITEM))
        counted = np.arange(len(items) + 1)
        for field, column in owners.items():
            rows[field] = np.searchsorted(ints(column), counted)
        return rows

    def _late_until(self, item: PlanItem) -> int:
        if self.opening.prepared.snapshot.policies.late_receipts == "never":
            return -1
        return max(self.opening.end(item, 0), self.opening.frozen(item))

    def _supply_table(self) -> Table:
        """Supplies in the order they are taken, and which of an item's is next by day and key."""
        late, first = [], 0
        for code in self.codes:
            own = self.opening.supplies.get(code, ())
            places = range(first, first + len(own))
            late += sorted(places, key=lambda place: (self.supplies[place].day, self.supplies[place].key))
            first += len(own)
        rows = self.opening.prepared.admitted.rules.substitutes.values()
        largest = max((row.denominator for own in rows for row in own), default=1)
        if any(free.quantity > LIMIT // largest for free in self.supplies):
            raise NotCovered("a supply beyond the limit")
        supplies = zip(self.supplies, late, strict=True)
        return _table(SUPPLY, [(free.quantity, free.day, place) for free, place in supplies])

    def _lots(self) -> tuple[Ints, Table]:
        first, rows = np.full(len(self.codes), -1, np.int64), list[tuple[int, ...]]()
        for code in self.codes:
            own = self.opening.over.get(code, ())
            for place, lot in enumerate(own):
                at = len(rows)
                if not place:
                    first[self.number[code]] = at
                following = at + 1 if place + 1 < len(own) else -1
                rows.append((lot.quantity, lot.due, lot.there, following))
        return first, _table(LOT, rows)

    def _substitutes(self) -> list[tuple[int, tuple[int, ...]]]:
        """Owner and row, by owner and priority; which holds for no need is left out."""
        found = []
        rows = self.opening.prepared.admitted.rules.substitutes
        for code in self.codes:
            for row in rows.get(code, ()):
                if max(row.numerator, row.denominator) > MOST_RATIO:
                    raise NotCovered("a substitute's ratio beyond the limit")
                if all(named is None or named in self.number for named in (row.parent, row.product)):
                    found.append((self.number[code], self._substitute(row)))
        return found

    def _substitute(self, row: PlanSubstitute) -> tuple[int, ...]:
        today = self.opening.today
        first = max(row.effective_from.toordinal() - today, -1) if row.effective_from else -1
        until = row.effective_until.toordinal() - today if row.effective_until else FOREVER
        return (
            row.numerator,
            row.denominator,
            self.number[row.substitute],
            int(row.before_own),
            -1 if row.parent is None else self.number[row.parent],
            -1 if row.product is None else self.number[row.product],
            -1 if row.customer is None else self.customers[row.customer],
            first,
            max(until, -1),
        )

    def _steps(self) -> list[tuple[int, tuple[int, ...]]]:
        found: list[tuple[int, tuple[int, ...]]] = []
        for code in self.codes:
            for step in self.opening.steps.get(code, ()):
                if step.centre in self.centres:
                    if max(step.numerator, step.denominator) > MOST_RATIO * MOST_RATIO:
                        raise NotCovered("a running time beyond the limit")
                    row = min(step.setup, ENDLESS), step.numerator, step.denominator, self.centres[step.centre]
                    found.append((self.number[code], row))
        return found

    def _days(self, rows: Any) -> Ints:  # noqa: ANN401 - capacity or free time, by work centre
        found = ints([rows[centre] for centre in self.centres])
        return found.reshape(len(self.centres), BEYOND)

    def product(self, code: str) -> Product:
        """All that an order of an item is made of. Raises NotCovered."""
        codes = self.opening.below(code)
        node = {each: number for number, each in enumerate(codes)}
        rows, starts = list[tuple[int, ...]](), [0]
        for each in codes:
            rows += self._lines(each, node)
            starts.append(len(rows))
        if any(max(row[:2]) > LIMIT for row in rows):
            raise NotCovered("a BOM ratio beyond the limit")
        return Product(ints([self.number[each] for each in codes]), ints(starts), _table(LINE, rows))

    def _lines(self, parent: str, node: dict[str, int]) -> list[tuple[int, ...]]:
        prepared, today = self.opening.prepared, self.opening.today
        structure = prepared.explosion
        if prepared.admitted.items[parent].sourcing == "buy":
            return []
        changes = {day - today for day in structure.changes(parent)}
        days = [0, *sorted(day for day in changes if 0 < day < FOREVER), FOREVER]
        return [
            (top, bottom, node[code], first, until)
            for first, until in pairwise(days)
            for code, top, bottom in structure.components_on(parent, today + first)
        ]


def _table(row: np.dtype[np.void], rows: list[tuple[int, ...]]) -> Table:
    try:
        found: Table = np.array(rows, dtype=row) if rows else np.zeros(0, row)
    except OverflowError as error:
        raise NotCovered("a quantity beyond 64 bits") from error
    return found
