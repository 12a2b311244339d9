"""Plans changed demands beside the plan that stands: only what they reach, and what comes out is the whole plan anew.

A rush order reaches its item, what that item's orders are made of, and whoever shares a supply with those
(`planning.kernels.replanning`). Nothing is copied but what says where an item's rows stand: new rows are written after
the old ones, and leaving the change leaves the plan as it was.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from planning.beside import Beside
from planning.columns import LIMIT, NotCovered
from planning.decoding import decode
from planning.encoding import NO_ROOTS, encode
from planning.encoding_merging import coupled
from planning.encoding_rules import customer_numbers
from planning.forecast import remaining
from planning.intake import admitted_demands
from planning.kernels.replanning import Links
from planning.kernels.solving import single_pegs, solve
from planning.preparation import order_prefix, prepare
from planning.tidying import tidied

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from canonical.plan import Plan, PlanDemand, PlanForecast, PlanningSnapshot
    from planning.columns import Columns, Ints, Result, Table
    from planning.encoding import Names
    from planning.preparation import Prepared

ROOM = 2_048
"""Demands that one change can add."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An independent need: item and urgency by number, days from the planning day."""

    item: int
    urgency: tuple[int, int]
    day: int
    key: str
    root: str | None
    quantity: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The plan with the change in it, while the change lasts; `items` are the numbers of those that came out otherwise.

    `planned` are the numbers of those that were planned again, whatever came out, and `days` says by item when what it
    is asked for may be otherwise (`planning.beside`). `added` are the demands it has more and `dropped` the keys of
    those it has not; `number` numbers the added ones.
    """

    prepared: Prepared
    columns: Columns
    names: Names
    result: Result
    items: Ints
    planned: Ints
    days: Ints
    added: tuple[PlanDemand, ...]
    dropped: frozenset[str]
    number: Mapping[str, int]

    def plan(self) -> Plan:
        """The whole plan as rows, equal to planning the changed snapshot."""
        admitted = replace(self.prepared.admitted, problems=list(self.prepared.admitted.problems))
        prepared = replace(self.prepared, admitted=admitted)
        return decode(prepared, self.columns, self.names, tidied(self.columns, self.result))


class StandingPlan:
    """A plan in tables, and what it takes to change demands in it. Raises NotCovered as `plan_compiled` does."""

    def __init__(self, snapshot: PlanningSnapshot) -> None:
        self.prepared = prepare(snapshot, in_columns=True)
        self.columns, self.names = encode(self.prepared, ROOM)
        result = solve(self.columns)
        if not result.ok:
            raise NotCovered("a quantity beyond the limit")
        self.links = _links(self.columns)
        self.beside = Beside(self.columns, result, self.links)
        self.lock = Lock()
        self.known = {key: n for n, key in enumerate(self.names.fixed_keys)}
        self.number = {code: n for n, code in enumerate(self.names.codes)}
        self.root = {root: n for n, root in enumerate(self.names.roots)}
        self.pegged = {peg.consumer for peg in (*snapshot.prior_pegs, *snapshot.reservations)}
        self.demands: dict[str, dict[str, PlanDemand]] = defaultdict(dict)
        self.forecasts: dict[str, list[PlanForecast]] = defaultdict(list)
        self.of_root: dict[str, list[PlanDemand]] = defaultdict(list)
        for row in self.prepared.admitted.demands:
            self.demands[row.item][row.key] = row
            self.of_root[row.root].append(row)
        for forecast in snapshot.forecasts:
            self.forecasts[forecast.item].append(forecast)
        self.item_of = {row.key: row.item for row in self.prepared.admitted.demands}
        named = {
            row.item for row in self.prepared.admitted.problems if row.kind in {"duplicate_key", "absurd_quantity"}
        }
        self.doubled = {row.key for row in self.prepared.admitted.problems if row.kind == "duplicate_key"}
        self.unsure = {code for code in named if code in self.forecasts or code in self.demands}
        self.prefixes = {order_prefix(code) for code in self.names.codes}
        self.customers = customer_numbers(self.prepared)
        rules = self.prepared.admitted.rules.substitutes
        self.asked = any(row.product or row.customer for rows in rules.values() for row in rows)

    @property
    def result(self) -> Result:
        """The plan that stands."""
        return self.beside.base

    def pegs_of(self, *codes: str) -> Table:
        """The pegs of these items' supplies and orders in the plan that stands, need by need (`columns.PEG`)."""
        chosen = np.array([self.number[code] for code in codes], np.int64)
        with self.lock:
            return single_pegs(self.columns, self.result, chosen, self.beside.benches[0])[0]

    @contextmanager
    def changed(self, added: Sequence[PlanDemand] = (), dropped: Collection[str] = ()) -> Iterator[Changed]:
        """The plan with these demands more and those fewer; one with the key of a dropped one takes its place.

        Raises NotCovered where only planning everything tells, and KeyError for a dropped key it does not have.
        """
        with self.lock:
            change = _Change(self, added, dropped)
            try:
                yield change.outcome()
            finally:
                change.undo()


class _Change:
    """One change: the rows of the items it touches, written into the spare rows of the tables, and taken out again."""

    def __init__(self, base: StandingPlan, added: Sequence[PlanDemand], dropped: Collection[str]) -> None:
        self.base = base
        self.names = base.names
        self.columns = base.columns
        self.fixed, self.roots = len(self.names.fixed_keys), len(self.names.roots)
        self.used = int(self.columns.items["need_to"].max(initial=0))
        self.new_keys: dict[str, int] = {}
        self.urgencies = list(self.names.urgencies)
        self.ranges: list[tuple[int, int, int]] = []
        self.gone = gone = {key: base.item_of[key] for key in dropped}
        self.rows = rows = admitted_demands(base.prepared.admitted, added)
        if len(rows) < len(added) or len(rows) > ROOM:
            raise NotCovered("a demand that is left out, or too many")
        if any(row.key in base.known and row.key not in gone for row in rows):
            raise NotCovered("a demand keyed like another")
        if self.gone.keys() & base.doubled:
            raise NotCovered("a demand with a double that was left out")
        self.touched = {*gone.values(), *(row.item for row in rows)}
        if self.touched & base.unsure:
            raise NotCovered("rows of an item that were left out")
        self.demands = {
            code: [row for key, row in base.demands[code].items() if key not in gone]
            + [row for row in rows if row.item == code]
            for code in sorted(self.touched)
        }
        self.rivals = sorted(row.key for each in self.demands.values() for row in each)
        self._check_roots(rows, gone)

    def _check_roots(self, rows: Sequence[PlanDemand], gone: dict[str, str]) -> None:
        base = self.base
        for row in rows:
            head, bar, _ = row.key.partition("|")
            if row.root in NO_ROOTS or (bar and head + bar in base.prefixes):
                raise NotCovered("a demand keyed like a planned order, or with a root like stocking")
            if row.key in gone and base.demands[gone[row.key]][row.key].root != row.root:
                raise NotCovered("a demand with another root")
            if row.key in base.pegged and row.key not in gone:
                raise NotCovered("a demand that something is pegged to already")
        for root in {row.root for row in rows} | {base.demands[code][key].root for key, code in gone.items()}:
            before = base.of_root.get(root, [])
            after = [row for row in before if row.key not in gone] + [row for row in rows if row.root == root]
            if base.asked and before and after and _asks(before) != _asks(after):
                raise NotCovered("a root with another product or customer")

    def outcome(self) -> Changed:
        """Write the rows, plan what they reach."""
        base = self.base
        self._name_roots()
        due: set[int] = set()
        for code in sorted(self.touched):
            due |= self._rewrite(code)
        reached = base.beside.plan(self.columns, due)
        names = replace(self.names, urgencies=self.urgencies)
        numbers = {row.key: base.known.get(row.key, self.new_keys.get(row.key, -1)) for row in self.rows}
        return Changed(
            base.prepared, self.columns, names, reached.result, np.flatnonzero(reached.changed),
            np.flatnonzero(reached.planned), reached.days, tuple(self.rows), frozenset(self.gone), numbers,
        )  # fmt: skip

    def undo(self) -> None:
        """The tables as they were."""
        self.base.beside.undo()
        for item, first, last in self.ranges:
            self.columns.items["need_from"][item], self.columns.items["need_to"][item] = first, last
        del self.names.fixed_keys[self.fixed :], self.names.fixed_roots[self.fixed :], self.names.roots[self.roots :]

    # -- writing -----------------------------------------------------------------------------------------------

    def _name_roots(self) -> None:
        """Number the new roots, and rank all anew where there are some."""
        base = self.base
        asked = {
            row.root: row
            for rows in self.demands.values()
            for row in sorted(rows, key=lambda each: each.key, reverse=True)
        }
        new = sorted(root for root in asked if root not in base.root)
        if not new:
            return
        if np.any(self.columns.fixed["sub"][: self.fixed]) or len(new) > ROOM:
            raise NotCovered("roots beside a firm order keyed like a planned one, or too many")
        before = np.array([bisect_left(self.names.roots, root) for root in new])
        rank = np.arange(len(self.columns.root_rank))
        rank += np.searchsorted(before, rank, side="right")
        rank[self.roots : self.roots + len(new)] = before + np.arange(len(new))
        self.columns = self.columns._replace(root_rank=rank)
        if base.asked:
            self._ask(new, asked)
        self.names.roots.extend(new)

    def _ask(self, new: list[str], asked: dict[str, PlanDemand]) -> None:
        """Product and customer of the new roots, for substitutes that ask for them."""
        product, customer = self.columns.root_product.copy(), self.columns.root_customer.copy()
        known = self.base.customers
        for place, root in enumerate(new, start=self.roots):
            row = asked[root]
            if row.customer is not None and row.customer not in known:
                raise NotCovered("a customer who is new")
            product[place] = self.base.number[row.item]
            customer[place] = -1 if row.customer is None else known[row.customer]
        self.columns = self.columns._replace(root_product=product, root_customer=customer)

    def _root_of(self, root: str | None) -> int:
        if root is None:
            return self.columns.rules.stock_root
        found = self.base.root.get(root)
        return self.names.roots.index(root, self.roots) if found is None else found

    def _rewrite(self, code: str) -> set[int]:
        """Write the needs of the items that this code's demands and forecasts ask for; returns those items."""
        base = self.base
        policies = base.prepared.snapshot.policies
        old = [*base.demands[code], *(row.key for row in base.forecasts[code])]
        rows: list[PlanDemand | PlanForecast] = [*self.demands[code]]
        rows += remaining(base.forecasts[code], self.demands[code], policies)
        gone = {base.known[key] for key in old if key in base.known}
        drafts = [draft for row in rows for draft in self._drafts(row)]
        needs, items = self.columns.needs, self.columns.items
        explosion = base.prepared.explosion
        involved = {draft.item for draft in drafts} | {base.number[code]}
        if self._blown_through(code):
            involved |= {base.number[component] for component, *_ in explosion.components.get(code, ())}
        for item in involved:
            first, last = int(items["need_from"][item]), int(items["need_to"][item])
            kept = [row for row in range(first, last) if int(needs["fixed"][row]) not in gone]
            own = [draft for draft in drafts if draft.item == item]
            if self.used + len(kept) + len(own) > len(needs):
                raise NotCovered("more changed needs than there is room for")
            self.ranges.append((item, first, last))
            start = self.used
            needs[start : start + len(kept)] = needs[kept]
            for at, draft in enumerate(own, start=start + len(kept)):
                needs[at] = self._urgency(draft.urgency), draft.day, self._consumer(draft), draft.quantity
            self.used = start + len(kept) + len(own)
            items["need_from"][item], items["need_to"][item] = start, self.used
        return involved

    def _blown_through(self, code: str) -> bool:
        prepared = self.base.prepared
        return prepared.admitted.items[code].sourcing == "phantom" and code not in prepared.blocked

    def _drafts(self, row: PlanDemand | PlanForecast) -> Iterator[Draft]:
        """Twin of `PlanningRun._independent`."""
        today = self.base.prepared.snapshot.as_of.toordinal()
        day = max(row.due.toordinal() - today, 0)
        if not self._blown_through(row.item):
            yield self._draft(row, row.item, day, row.quantity)
            return
        for code, numerator, denominator in self.base.prepared.explosion.components_on(row.item, today + day):
            yield self._draft(row, code, day, -(-row.quantity * numerator // denominator))

    def _draft(self, row: PlanDemand | PlanForecast, code: str, day: int, quantity: int) -> Draft:
        prepared = self.base.prepared
        day = max(day - prepared.admitted.items[code].safety_time_days, 0)
        day -= day % prepared.snapshot.policies.bucket_days
        if day >= self.columns.rules.days or quantity > LIMIT:
            raise NotCovered("a day or a quantity beyond the limit")
        root = getattr(row, "root", None)
        return Draft(self.base.number[code], (0, row.priority), day, row.key, root, quantity)

    def _urgency(self, urgency: tuple[int, int]) -> int:
        """The rank of an urgency; a new one takes the room between two others."""
        if urgency in self.urgencies:
            return self.urgencies.index(urgency)
        at = bisect_left([each for each in self.base.names.urgencies if each is not None], urgency)
        if self.urgencies[2 * at] is not None:
            raise NotCovered("two new priorities between the same two")
        self.urgencies[2 * at] = urgency
        return 2 * at

    def _consumer(self, draft: Draft) -> int:
        """The number of the consumer; a new one gets a row that sorts it among the others."""
        known = self.base.known.get(draft.key, self.new_keys.get(draft.key))
        if known is not None:
            return known
        number = len(self.names.fixed_keys)
        if number >= len(self.columns.fixed):
            raise NotCovered("more new demands than there is room for")
        place = 2 * bisect_left(self.names.places, draft.key)
        # Those that come between the same two are told apart by `sub`: their order as text.
        self.columns.fixed[number] = place, bisect_left(self.rivals, draft.key), self._root_of(draft.root), -1
        self.names.fixed_keys.append(draft.key)
        self.names.fixed_roots.append(draft.root)
        self.new_keys[draft.key] = number
        return number


def _asks(rows: Sequence[PlanDemand]) -> tuple[str, str | None]:
    """Product and customer of a root: those of its first demand."""
    first = min(rows, key=lambda row: row.key)
    return first.item, first.customer


def _links(columns: Columns) -> Links:
    """Whom each item reaches."""
    items = columns.items
    count = len(items) - 1
    below = np.repeat(np.arange(count), np.diff(items["line_from"]))
    heirs = np.repeat(np.arange(count), np.diff(items["yield_from"]))
    parents = np.concatenate([columns.lines["parent"], columns.yields["parent"]])
    reached = np.concatenate([below, heirs])
    sequence = np.argsort(parents, kind="stable")
    least = coupled(columns, count)
    sizes = np.bincount(least, minlength=count)
    heads = np.flatnonzero(sizes > 1)
    pool = np.full(count, -1)
    pool[np.isin(least, heads)] = np.searchsorted(heads, least[np.isin(least, heads)])
    members = np.flatnonzero(pool >= 0)
    members = members[np.argsort(pool[members], kind="stable")]
    return Links(
        np.searchsorted(parents[sequence], np.arange(count + 1)), reached[sequence], pool,
        np.searchsorted(pool[members], np.arange(len(heads) + 1)), members,
    )  # fmt: skip
