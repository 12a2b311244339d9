"""A plan in tables as frames, one row each: what a store or a file takes of a large plan, no object made of a row.

The rows are those of `planning.decoding`, in its order.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from planning.kernels.solving import THREADS, single_pegs
from planning.preparation import order_prefix
from planning.sourcing import Sourcing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planning.columns import Columns, Ints, Result
    from planning.encoding import Names
    from planning.preparation import Prepared
    from planning.workdays import WorkDays

EPOCH = 719_163
"""The ordinal of 1970-01-01, from which dates in frames count."""


class Planned(NamedTuple):
    """A plan in tables, and what its numbers stand for."""

    prepared: Prepared
    columns: Columns
    names: Names
    result: Result

    @property
    def today(self) -> int:
        """The planning day, an ordinal."""
        return self.prepared.snapshot.as_of.toordinal()


class _Timing(NamedTuple):
    """By order: days from the planning day."""

    release: Ints
    expected: Ints
    suppliers: pl.Series


def order_frame(planned: Planned) -> pl.DataFrame:
    """The planned orders: `number` from 0, then the fields of `PlannedOrder`, quantities in the item's scale."""
    columns, names, count = planned.columns, planned.names, int(planned.result.pages.filled[0])
    orders, draws = planned.result.pages.orders[:count], planned.result.pages.draws[:count]
    item, due, root = orders["item"], orders["due"].astype(np.int64), orders["root"]
    known = [planned.prepared.admitted.items[code] for code in names.codes]
    levels = [planned.prepared.explosion.levels.get(code, 0) for code in names.codes]
    timing, sourcings = _timing(planned), sorted({str(one.sourcing) for one in known})
    prefixes = pl.Series([order_prefix(code) for code in names.codes], dtype=pl.String)
    return pl.DataFrame(
        {
            "number": np.arange(count),
            "key": _keys(prefixes.gather(item), pl.Series(names.roots).gather(orders["owner"]), orders["number"]),
            "item": _category(names.codes, item),
            "sourcing": _category(sourcings, np.array([sourcings.index(one.sourcing) for one in known], int)[item]),
            "quantity": orders["quantity"],
            "surplus": orders["surplus"],
            "scrap": draws["quantity"] - orders["quantity"],
            "due": _dates(planned, due),
            "release": _dates(planned, timing.release),
            "start": _dates(planned, np.maximum(timing.release, 0)),
            "expected": _dates(planned, timing.expected),
            "late": timing.expected > due,
            "root": _texts(names.roots, np.where(root == columns.rules.stock_root, -1, root)),
            "level": np.array(levels, np.int64)[item],
            "supplier": timing.suppliers,
        }
    )


def key_frame(planned: Planned, orders: pl.DataFrame) -> pl.DataFrame:
    """What the numbers of `peg_frame` stand for: planned orders, then other supplies, then other consumers."""
    names = planned.names
    supplies = pl.DataFrame({"key": names.supply_keys}, schema={"key": pl.String})
    others = pl.DataFrame(
        {"key": names.fixed_keys, "root": names.fixed_roots}, schema={"key": pl.String, "root": pl.String}
    )
    rows = pl.concat([orders.select("key", "root"), supplies, others], how="diagonal")
    return rows.with_row_index("number")


def peg_frame(planned: Planned) -> pl.DataFrame:
    """Every single peg: who gives how much to whom by number (`key_frame`), what kind of supply, of which item."""
    halves = np.array_split(np.arange(len(planned.names.codes)), THREADS)
    with ThreadPoolExecutor(THREADS) as threads:
        parts = list(threads.map(_Pegs(planned).of, halves))
    return pl.concat(parts, rechunk=False)


class _Pegs:
    """What numbers of supplies and consumers stand for, by row of the shelf."""

    def __init__(self, planned: Planned) -> None:
        self.planned = planned
        names, pages, shelf = planned.names, planned.result.pages, planned.result.shelf
        self.orders, self.known = int(pages.filled[0]), len(names.supply_keys)
        # One row more, so that there is one to look at for pegs on planned orders.
        rows = np.append(shelf.rows[: int(shelf.used[0])], np.zeros(1, shelf.rows.dtype))
        kinds = np.full(len(rows), KINDS.index("by_product"), np.uint8)
        firm = {one.key for one in planned.prepared.admitted.firm_orders}
        kinds[: self.known] = [KINDS.index("firm" if key in firm else "receipt") for key in names.supply_keys]
        kinds[rows["on_hand"] != 0] = KINDS.index("on_hand")
        first = self.orders + np.arange(len(rows))
        self.number = np.where(np.arange(len(rows)) < self.known, first, rows["made"]).astype(np.uint32)
        self.kind, self.item = kinds, rows["item"].astype(np.uint32)

    def of(self, items: Ints) -> pl.DataFrame:
        """The pegs of some items, a stretch at a time: what fits a processor's cache is written in half the time."""
        pegs, starts = single_pegs(self.planned.columns, self.planned.result, items)
        count = len(pegs)
        supply, consumer = np.empty(count, np.uint32), np.empty(count, np.uint32)
        kind, item = np.empty(count, np.uint8), np.repeat(items.astype(np.uint32), np.diff(starts))
        for at in range(0, count, STRETCH):
            part = pegs[at : at + STRETCH]
            here = slice(at, at + len(part))
            given, taken = part["supply"], part["consumer"]
            own, row = given >= 0, np.where(given < 0, -1 - given, len(self.number) - 1)
            supply[here] = np.where(own, given, self.number[row])
            kind[here] = np.where(own, np.uint8(KINDS.index("planned")), self.kind[row])
            item[here] = np.where(own, item[here], self.item[row])
            consumer[here] = np.where(taken >= 0, taken, self.orders + self.known - 1 - taken)
        return pl.DataFrame(
            {
                "supply": supply,
                "kind": _category(list(KINDS), kind),
                "consumer": consumer,
                "item": _category(self.planned.names.codes, item),
                "quantity": np.ascontiguousarray(pegs["quantity"]),
            }
        )


STRETCH = 1 << 16
"""Pegs at a time."""
KINDS = ("on_hand", "receipt", "firm", "planned", "by_product")


def _category(texts: list[str], numbers: NDArray[Any]) -> pl.Series:
    """Texts by number, kept as numbers."""
    return pl.Series(numbers.astype(np.uint32, copy=False)).cat.to(pl.Enum(texts))


def _texts(texts: list[str], numbers: Ints) -> pl.Series:
    """Texts by number, null below 0."""
    found = pl.Series(texts or [""], dtype=pl.String).gather(np.maximum(numbers, 0))
    return pl.select(pl.when(pl.Series(numbers >= 0)).then(found)).to_series()


def _keys(prefixes: pl.Series, owners: pl.Series, numbers: Ints) -> pl.Series:
    frame = pl.DataFrame({"prefix": prefixes, "owner": owners, "number": numbers})
    return frame.select(pl.format("{}{}|{}", "prefix", "owner", "number")).to_series()


def _dates(planned: Planned, days: Ints) -> pl.Series:
    return pl.Series((days + planned.today - EPOCH).astype(np.int32)).cast(pl.Date)


def _timing(planned: Planned) -> _Timing:
    """Twin of `Decoding._orders`: when each order is released and there, and who delivers it."""
    columns, today, count = planned.columns, planned.today, int(planned.result.pages.filled[0])
    orders = planned.result.pages.orders[:count]
    item, items = orders["item"], planned.prepared.admitted.items
    aim = np.maximum(orders["due"], columns.items["frozen"][item]).astype(np.int64)
    known = [items[code] for code in planned.names.codes]
    lead = np.array([one.lead_time_days or 0 for one in known], np.int64)[item]
    suppliers = _choose(planned, aim, lead)
    calendar = columns.items["calendar"][item].astype(np.int64)
    release, expected = aim - lead, aim.copy()
    expected[release < 0] = lead[release < 0]
    for number in range(1, int(calendar.max(initial=0)) + 1):
        work = _calendar(planned, number)
        chosen = np.flatnonzero((calendar == number) & (lead > 0))
        release[chosen] = _each(aim[chosen], lead[chosen], lambda day, days, w=work: w.start(today + day, days) - today)
        late = chosen[release[chosen] < 0]
        expected[chosen] = aim[chosen]
        expected[late] = _each(
            np.zeros(len(late), np.int64), lead[late], lambda _, days, w=work: w.end(today, days) - today
        )
    return _Timing(release, expected, suppliers)


def _calendar(planned: Planned, number: int) -> WorkDays:
    first = int(np.flatnonzero(planned.columns.items["calendar"][:-1] == number)[0])
    return planned.prepared.admitted.rules.days_of(planned.names.codes[first])


def _each(days: Ints, leads: Ints, work: object) -> Ints:
    """`work(day, lead)` by row, asked once for each pair there is."""
    step = int(leads.max(initial=0)) + 1
    pairs, back = np.unique(days * step + leads, return_inverse=True)
    found = np.array([work(*divmod(pair, step)) for pair in pairs.tolist()], np.int64)  # type: ignore[operator]
    return found[back] if len(pairs) else leads


def _choose(planned: Planned, aim: Ints, lead: Ints) -> pl.Series:
    """The supplier of each order; writes the lead times of those who set them into `lead`."""
    count, items, today = len(aim), planned.prepared.admitted.items, planned.today
    orders, draws = planned.result.pages.orders[:count], planned.result.pages.draws[:count]
    known = [items[code] for code in planned.names.codes]
    asked = np.array([bool(one.suppliers) and one.sourcing in {"buy", "subcontract"} for one in known], bool)
    rows = np.flatnonzero(asked[orders["item"]]) if count else np.zeros(0, np.int64)
    source = Sourcing(today, planned.prepared.snapshot.policies, planned.prepared.admitted.rules.work_days).source
    columns = orders["item"][rows].tolist(), (aim[rows] + today).tolist(), draws["quantity"][rows].tolist()
    chosen = [source(known[number], due, started) for number, due, started in zip(*columns, strict=True)]
    lead[rows] = np.array([days for _, days in chosen], np.int64)
    places: dict[str | None, int] = {}
    numbers = np.full(count, -1)
    numbers[rows] = np.array([places.setdefault(name, len(places)) for name, _ in chosen], np.int64)
    return _texts([str(name) for name in places], numbers)
