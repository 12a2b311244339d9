"""The product structure in columns: what `planning.intake` and `planning.bom` do line by line, for millions of lines.

A line is a *piece*: from one day until another a parent draws so much of a component. Blowing a phantom through joins
its pieces to those of what draws it, days cut and ratios multiplied; what a parent draws on a day is the sum of the
pieces that hold then. Where something is wrong with the structure as a whole (a cycle, numbers beyond 64 bits) there
is no answer here, and `planning.bom` gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from canonical.plan import PlanBomLine, PlanProblem
from canonical.plan_lines import line_frame
from planning.intake import CONSUMING, NEVER, line_problem, ratio_of
from planning.lot_sizing import MILLION
from planning.ratios import Ratios
from planning.tidying import rows_in

if TYPE_CHECKING:
    from fractions import Fraction

    from canonical.plan import PlanningSnapshot
    from planning.bom import Arc, Ratio
    from planning.columns import Ints
    from planning.intake import Admitted

EPOCH = 719_163
"""The ordinal of 1970-01-01, from which polars counts days."""
MOST_GROWTH = 20
"""Pieces for each line, beyond which phantoms are blown through one by one."""


class Pieces(NamedTuple):
    """Equally long columns: items by number, the ratio by number, day ordinals `first` until before `until`."""

    parent: Ints
    component: Ints
    ratio: Ints
    first: Ints
    until: Ints

    def at(self, rows: Ints) -> Pieces:
        """Some of the rows."""
        return Pieces(*(column[rows] for column in self))


class ColumnStructure:
    """What each parent consumes once phantoms are blown through, and how deep each item lies.

    Twin of `planning.bom.Explosion` without cycles. Items are numbered as `codes` are, `own` are all pieces by parent
    and component, phantoms blown through; those whose days ended up empty count for `levels` and `components` alone.
    """

    cycles: tuple[tuple[str, ...], ...] = ()

    def __init__(self, codes: list[str], own: Pieces, ratios: Ratios, depth: Ints, arcs: frozenset[Arc]) -> None:
        self.codes, self.arcs, self.ratios = codes, arcs, ratios
        self.number = {code: n for n, code in enumerate(codes)}
        self.levels: dict[str, int] = dict(zip(codes, depth.tolist(), strict=True))
        self._own = own
        self._from = np.searchsorted(own.parent, np.arange(len(codes) + 1))
        starts, sums = ratios.totals(own.parent * len(codes) + own.component, own.ratio)
        self.components: Mapping[str, tuple[Ratio, ...]] = _Components(
            self, own.parent[starts], own.component[starts], sums
        )

    def components_on(self, parent: str, day: int) -> tuple[Ratio, ...]:
        """What an order of the parent draws that starts on this day (an ordinal)."""
        at = self.number.get(parent)
        if at is None:
            return ()
        own, rows = self._own, slice(self._from[at], self._from[at + 1])
        drawn: dict[int, Fraction] = {}
        for component, ratio, first, until in zip(*(column[rows].tolist() for column in own[1:]), strict=True):
            if first <= day < until:
                value = self.ratios.values[ratio]
                drawn[component] = drawn[component] + value if component in drawn else value
        return tuple((self.codes[code], ratio.numerator, ratio.denominator) for code, ratio in sorted(drawn.items()))

    def changes(self, parent: str) -> list[int]:
        """The days on which what an order of the parent draws may change, ascending."""
        at = self.number.get(parent)
        if at is None:
            return []
        rows = slice(self._from[at], self._from[at + 1])
        return sorted({*self._own.first[rows].tolist(), *self._own.until[rows].tolist()} - {0, NEVER})

    def lines(self, today: int, forever: int) -> Pieces:
        """What is drawn from the planning day on, one row for each component of a parent and span of days.

        Days count from the planning day. Nothing is drawn twice on a day, so what is drawn can be rounded row by row.
        """
        holds = (self._own.until > today) & (self._own.first < self._own.until)
        rows = self._own.at(np.flatnonzero(holds))
        until = np.where(rows.until == NEVER, forever, rows.until - today)
        rows = rows._replace(first=np.maximum(rows.first - today, 0), until=until)
        opens = np.diff(rows.parent * len(self.codes) + rows.component, prepend=-1) != 0
        alone = opens & np.append(opens[1:], np.ones(1, bool))[: len(opens)]
        starts = np.flatnonzero(opens)
        ends = np.append(starts[1:], len(opens))
        several = np.flatnonzero(ends - starts > 1)
        parted = [
            self._spans(rows, *bounds) for bounds in zip(starts[several].tolist(), ends[several].tolist(), strict=True)
        ]
        added = np.array([row for found in parted for row in found], np.int64).reshape(-1, len(rows)).T
        return Pieces(*(np.append(column[alone], more) for column, more in zip(rows, added, strict=True)))

    def _spans(self, rows: Pieces, start: int, end: int) -> list[list[int]]:
        """One row for each span of days in which what is drawn of one component stays the same."""
        held = list(zip(*(column[start:end].tolist() for column in rows[2:]), strict=True))
        days = sorted({day for _, *window in held for day in window})
        found: list[list[int]] = []
        for first, until in pairwise(days):
            holding = [self.ratios.values[ratio] for ratio, begins, ends in held if begins <= first < ends]
            if not holding:
                continue
            ratio = self.ratios.number(sum(holding[1:], holding[0]))
            if found and found[-1][2] == ratio and found[-1][4] == first:
                found[-1][4] = until
            else:
                found.append([int(rows.parent[start]), int(rows.component[start]), ratio, first, until])
        return found


class _Components(Mapping[str, "tuple[Ratio, ...]"]):
    """Parent → what it draws on any day, by component code; made when it is asked for."""

    def __init__(self, structure: ColumnStructure, parent: Ints, component: Ints, ratio: Ints) -> None:
        self._structure, self._component, self._ratio = structure, component, ratio
        self._from = np.searchsorted(parent, np.arange(len(structure.codes) + 1))

    def __getitem__(self, parent: str) -> tuple[Ratio, ...]:
        codes, values = self._structure.codes, self._structure.ratios.values
        at = self._structure.number[parent]
        first, last = self._from[at], self._from[at + 1]
        if first == last:
            raise KeyError(parent)
        rows = zip(self._component[first:last].tolist(), self._ratio[first:last].tolist(), strict=True)
        return tuple((codes[code], values[ratio].numerator, values[ratio].denominator) for code, ratio in rows)

    def __contains__(self, parent: object) -> bool:
        at = self._structure.number.get(parent) if isinstance(parent, str) else None
        return at is not None and bool(self._from[at] < self._from[at + 1])

    def __iter__(self) -> Iterator[str]:
        return (self._structure.codes[at] for at in np.flatnonzero(np.diff(self._from)).tolist())

    def __len__(self) -> int:
        return int(np.count_nonzero(np.diff(self._from)))


def explode_columns(admitted: Admitted, snapshot: PlanningSnapshot) -> ColumnStructure | None:
    """The structure of the snapshot's lines, those left out named in `admitted`; None where only `explode` can tell."""
    frame = line_frame(snapshot.bom)
    if frame is None:
        return None
    codes, ratios, problems = list(admitted.items), Ratios(), list[PlanProblem]()
    number = {code: n for n, code in enumerate(codes)}
    pieces = _pieces(admitted, snapshot, frame, ratios, problems)
    if _depths(len(codes), pieces.parent, pieces.component) is None:
        return None
    phantom = np.array([item.sourcing == "phantom" for item in admitted.items.values()], bool)
    flat = _blown_through(pieces, phantom, ratios)
    if flat is None:
        return None
    arcs = frozenset(admitted.rules.arcs())
    above, below = np.array([(number[one], number[other]) for one, other in sorted(arcs)], np.int64).reshape(-1, 2).T
    real = ~phantom[flat.parent]
    parents, components = np.append(flat.parent[real], above), np.append(flat.component[real], below)
    depth = _depths(len(codes), parents, components)
    if depth is None:
        return None
    admitted.problems.extend(problems)
    return ColumnStructure(codes, flat, ratios, depth, arcs)


def _pieces(
    admitted: Admitted, snapshot: PlanningSnapshot, frame: pl.DataFrame, ratios: Ratios, problems: list[PlanProblem]
) -> Pieces:
    """Twin of `intake.admit_bom`."""
    items, divided = admitted.items, snapshot.policies.component_scrap == "divide"
    kind = pl.Enum(list(items))
    dates = ("effective_from", "effective_until")
    lines = frame.with_columns(
        pl.col("parent", "component").cast(kind, strict=False).to_physical().cast(pl.Int64).fill_null(-1),
        *(pl.col(name).to_physical().cast(pl.Int64) + EPOCH for name in dates),
    )
    parent, component = lines["parent"].to_numpy(), lines["component"].to_numpy()
    least = lines.select(pl.min_horizontal("numerator", "denominator")).to_series().to_numpy()
    scrap = lines["scrap_ppm"].to_numpy()
    ends = lines.select((pl.col(dates[0]) >= pl.col(dates[1])).fill_null(value=False)).to_series().to_numpy()
    bad = (parent < 0) | (component < 0) | (least <= 0) | (scrap < 0) | ends | (divided & (scrap >= MILLION))
    for row in np.flatnonzero(bad).tolist():
        found = line_problem(items, PlanBomLine(*frame.row(row)), divided=divided)
        if found is not None:
            problems.append(found)
    consuming = np.array([item.sourcing in CONSUMING for item in items.values()], bool)
    kept = np.flatnonzero(~bad)
    kept = kept[consuming[parent[kept]]]
    first, until = lines[dates[0]].fill_null(0).to_numpy(), lines[dates[1]].fill_null(NEVER).to_numpy()
    numbers = _ratio_numbers(admitted, frame[kept], parent[kept], ratios, divided=divided)
    return _merged(Pieces(parent[kept], component[kept], numbers, first[kept], until[kept]), ratios)


def _ratio_numbers(admitted: Admitted, frame: pl.DataFrame, parent: Ints, ratios: Ratios, *, divided: bool) -> Ints:
    """What each line draws for a unit, by the number of the ratio."""
    names = ["numerator", "denominator", "scrap_ppm"]
    distinct = frame.select(names).unique(maintain_order=True)
    found = [ratios.number(ratio_of(*row, divided=divided)) for row in distinct.iter_rows()]
    known = distinct.with_columns(pl.Series("ratio", found, pl.Int64))
    plain = frame.select(names).join(known, on=names, how="left", maintain_order="left")["ratio"].to_numpy()
    lossy = np.array([code in admitted.rules.operations for code in admitted.items], bool)
    asks = np.flatnonzero(lossy[parent] & frame["operation"].is_not_null().to_numpy())
    if len(asks):
        steps = frame[asks].select("parent", "operation")
        factors = steps.unique(maintain_order=True)
        numbers = [ratios.number(admitted.rules.operation_factor(code, step)) for code, step in factors.iter_rows()]
        factors = factors.with_columns(pl.Series("factor", numbers, pl.Int64))
        factor = steps.join(factors, on=["parent", "operation"], how="left", maintain_order="left")["factor"].to_numpy()
        plain = plain.copy()
        plain[asks] = ratios.products(plain[asks], factor)
    return plain


def _merged(pieces: Pieces, ratios: Ratios) -> Pieces:
    """By parent, component and days; pieces of the same days are one."""
    window = np.zeros(len(pieces.parent), np.int64)
    dated = np.flatnonzero((pieces.first != 0) | (pieces.until != NEVER))
    windows, window[dated] = np.unique(pieces.first[dated] << 31 | pieces.until[dated], return_inverse=True)
    window[dated] += 1
    count = 1 + int(max(pieces.parent.max(initial=0), pieces.component.max(initial=0)))
    key = (pieces.parent * count + pieces.component) * (len(windows) + 1) + window
    order = np.argsort(key, kind="stable")
    first, sums = ratios.totals(key[order], pieces.ratio[order])
    return pieces.at(order[first])._replace(ratio=sums)


def _blown_through(pieces: Pieces, phantom: Ints, ratios: Ratios) -> Pieces | None:
    """Phantoms that have pieces give way to those; None where that makes too many. `pieces` are by parent."""
    starts = np.searchsorted(pieces.parent, np.arange(len(phantom) + 1))
    gives_way = phantom & (np.diff(starts) > 0)
    done, current = list[Pieces](), pieces
    while True:
        through = gives_way[current.component]
        done.append(current.at(np.flatnonzero(~through)))
        if not through.any():
            break
        upper = current.at(np.flatnonzero(through))
        below, (begin, end) = rows_in(starts[upper.component], starts[upper.component + 1])
        if len(below) > MOST_GROWTH * len(pieces.parent):
            return None
        above = np.repeat(np.arange(len(begin)), end - begin)
        lower, upper = pieces.at(below), upper.at(above)
        days = np.maximum(upper.first, lower.first), np.minimum(upper.until, lower.until)
        empty = days[0] >= days[1]
        first, until = np.where(empty, 0, days[0]), np.where(empty, 0, days[1])
        made = Pieces(upper.parent, lower.component, ratios.products(upper.ratio, lower.ratio), first, until)
        current = _merged(made, ratios)
    return _merged(Pieces(*(np.concatenate(columns) for columns in zip(*done, strict=True))), ratios)


def _depths(count: int, parent: Ints, component: Ints) -> Ints | None:
    """By item the longest way down to it; None where one consumes itself (Kahn 1962, a whole level at a time)."""
    order = np.argsort(parent, kind="stable")
    below, starts = component[order], np.searchsorted(parent[order], np.arange(count + 1))
    waits = np.bincount(component, minlength=count)
    depth, seen, level = np.zeros(count, np.int64), 0, 0
    front = np.flatnonzero(waits == 0)
    while len(front):
        depth[front], seen, level = level, seen + len(front), level + 1
        rows, _ = rows_in(starts[front], starts[front + 1])
        reached, times = np.unique(below[rows], return_counts=True)
        waits[reached] -= times
        front = reached[waits[reached] == 0]
    return depth if seen == count else None
