"""Encodes what planning knows beyond items and structure: dated lines, calendars, scrap, substitutes, by-products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planning.bom import Explosion
from planning.columns import LIMIT, SCRAP, SUBSTITUTE, YIELD, NotCovered, ints, table, unzip
from planning.intake import NEVER

if TYPE_CHECKING:
    from planning.bom import DatedStructure
    from planning.column_structure import ColumnStructure
    from planning.columns import Ints, Table
    from planning.preparation import Prepared

FOREVER = 10**9
MOST_RATIO = 2**30


def day_bounds(first: int, until: int, today: int) -> tuple[int, int]:
    """Day ordinals as days from the planning day."""
    return max(first - today, -1), min(until - today, FOREVER)


def line_rows(prepared: Prepared, number: dict[str, int]) -> list[Ints]:
    """Component, parent, numerator, denominator, first and last day, sorted by component, parent and first day.

    What never draws is left out.
    """
    explosion = prepared.explosion
    found = (
        _listed(prepared, explosion, number)
        if isinstance(explosion, Explosion)
        else _sifted(prepared, explosion, number)
    )
    component, parent, numerator, denominator = found[:4]
    if np.any(parent >= component):
        raise NotCovered("a component planned before what draws on it")
    if np.any(numerator > LIMIT) or np.any(denominator > LIMIT):
        raise NotCovered("a BOM ratio beyond the limit")
    sequence = np.lexsort((found[4], parent, component))
    return [column[sequence] for column in found]


def _listed(prepared: Prepared, explosion: Explosion, number: dict[str, int]) -> list[Ints]:
    rows: list[tuple[int, ...]] = []
    for parent, drawn in explosion.components.items():
        if prepared.admitted.items[parent].sourcing in {"buy", "phantom"}:
            continue
        if explosion.dated is not None and parent in explosion.dated.parents:
            rows += _dated_rows(explosion.dated, parent, number, prepared.snapshot.as_of.toordinal())
        else:
            rows += [(number[code], number[parent], top, bottom, 0, FOREVER) for code, top, bottom in drawn]
    return unzip(rows, 6)


def _dated_rows(dated: DatedStructure, parent: str, number: dict[str, int], today: int) -> list[tuple[int, ...]]:
    """One row for each component and span of days in which what is drawn stays the same."""
    starts = [today, *(day for day in dated.changes(parent) if today < day < NEVER)]
    spans: dict[str, list[tuple[int, int, tuple[int, int]]]] = {}
    for first, until in zip(starts, [*starts[1:], FOREVER + today], strict=True):
        for code, top, bottom in dated.on(parent, first):
            before = spans.setdefault(code, [])
            if before and before[-1][1:] == (first, (top, bottom)):
                before[-1] = before[-1][0], until, (top, bottom)
            else:
                before.append((first, until, (top, bottom)))
    return [
        (number[code], number[parent], *ratio, first - today, until - today)
        for code, found in spans.items()
        for first, until, ratio in found
    ]


def _sifted(prepared: Prepared, explosion: ColumnStructure, number: dict[str, int]) -> list[Ints]:
    drawn = explosion.lines(prepared.snapshot.as_of.toordinal(), FOREVER)
    items = prepared.admitted.items
    draws = np.array([items[code].sourcing not in {"buy", "phantom"} for code in explosion.codes], bool)
    place = ints([number[code] for code in explosion.codes])
    kept = drawn.at(np.flatnonzero(draws[drawn.parent]))
    used, back = np.unique(kept.ratio, return_inverse=True)
    ratios = [explosion.ratios.values[each] for each in used.tolist()]
    tops, bottoms = ints([ratio.numerator for ratio in ratios]), ints([ratio.denominator for ratio in ratios])
    return [place[kept.component], place[kept.parent], tops[back], bottoms[back], kept.first, kept.until]


class Calendars:
    """The calendars in use, numbered; 0 is the one on which every day is a working day."""

    def __init__(self, prepared: Prepared, days: int) -> None:
        self.today = prepared.snapshot.as_of.toordinal()
        self.days = days
        self.rules = prepared.admitted.rules
        self.distinct = list({id(each): each for each in self.rules.work_days.values()}.values())
        self.numbers = {id(each): n for n, each in enumerate(self.distinct, start=1)}

    def number(self, item: str) -> int:
        """The number of an item's calendar."""
        own = self.rules.work_days.get(item)
        return 0 if own is None else self.numbers[id(own)]

    def tables(self) -> tuple[Ints, Ints]:
        """`work_number` and `work_day` of every calendar; nothing where none is in use."""
        if not self.distinct:
            return ints([]), ints([])
        counts, works = list(range(self.days)), list(range(self.days))
        for calendar in self.distinct:
            base = calendar.number(self.today)
            counts += [calendar.number(self.today + day) - base for day in range(self.days)]
            works += [calendar.day(base + number) - self.today for number in range(self.days)]
        return ints(counts), ints(works)


def scrap_rows(prepared: Prepared, codes: list[str]) -> tuple[list[int], Table]:
    """Item of each row, and the rows."""
    today, sizings = prepared.snapshot.as_of.toordinal(), prepared.admitted.rules.sizings
    rows = [
        (n, day - today, ppm) for n, code in enumerate(codes) if code in sizings for day, ppm in sizings[code].rates
    ]
    owners, days, rates = unzip(rows, 3)
    return owners.tolist(), table(SCRAP, {"day": np.maximum(days, -1), "ppm": rates})


def substitute_rows(prepared: Prepared, number: dict[str, int], codes: list[str]) -> tuple[list[int], Table]:
    """Item of each row, and the rows, by priority; which row holds for no need is left out."""
    found = prepared.admitted.rules.substitutes
    customers = customer_numbers(prepared)
    today = prepared.snapshot.as_of.toordinal()
    rows = []
    for code in codes:
        for row in found.get(code, ()):
            if max(row.numerator, row.denominator) > MOST_RATIO:
                raise NotCovered("a substitute's ratio beyond the limit")
            if any(asked is not None and asked not in number for asked in (row.parent, row.product)):
                continue
            first = row.effective_from.toordinal() if row.effective_from else 0
            until = row.effective_until.toordinal() if row.effective_until else FOREVER + today
            rows.append(
                (
                    number[code],
                    number[row.substitute],
                    row.numerator,
                    row.denominator,
                    int(row.before_own),
                    -1 if row.parent is None else number[row.parent],
                    -1 if row.product is None else number[row.product],
                    -1 if row.customer is None else customers.get(row.customer, len(customers)),
                    *day_bounds(first, until, today),
                )
            )
    columns = unzip(rows, 10)
    return columns[0].tolist(), table(SUBSTITUTE, dict(zip(SUBSTITUTE.names or (), columns[1:], strict=True)))


def customer_numbers(prepared: Prepared) -> dict[str, int]:
    """Every customer of a demand, numbered."""
    names = {row.customer for row in prepared.admitted.demands if row.customer is not None}
    return {name: n for n, name in enumerate(sorted(names))}


def yield_rows(prepared: Prepared, number: dict[str, int]) -> tuple[list[int], Table]:
    """Item of each row, and the rows, by item and parent."""
    rows = []
    for made in prepared.admitted.rules.by_products.values():
        for place, row in enumerate(made):
            if max(row.numerator, row.denominator) > MOST_RATIO:
                raise NotCovered("a by-product's ratio beyond the limit")
            rows.append((number[row.item], number[row.parent], place, row.numerator, row.denominator))
    columns = unzip(sorted(rows), 5)
    fields = {"parent": columns[1], "numerator": columns[3], "denominator": columns[4]}
    return columns[0].tolist(), table(YIELD, fields)
