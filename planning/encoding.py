"""Turns an admitted snapshot into columns for the compiled planner, or says why that planner does not cover it.

Text becomes numbers whose order is the text's: roots by their name, consumers by the place they would have among all
consumers of their root. A planned order's key is known only when it is planned, but its place is not in doubt: it is
its item's, then its number's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from canonical.plan import INT64_MAX
from planning.columns import (
    CLAIM,
    DOCUMENT,
    FIXED,
    ITEM,
    LIMIT,
    LINE,
    NEED,
    SUPPLY,
    Columns,
    Rules,
    ints,
    table,
)
from planning.intake import STOCK_ROOT
from planning.lot_sizing import lot_bounds, lot_unit
from planning.preparation import order_prefix, safety_stock_key, sorted_pegs
from planning.sourcing import shortest_lead

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from canonical.plan import PlanItem
    from planning.columns import Ints, Table
    from planning.preparation import Prepared

MAX_DAYS = 40_000
MAX_DIGITS = 8
PACKED = 2**62
FAR_SUB = 2**40
NO_ROOTS = frozenset({"", STOCK_ROOT})


class NotCovered(Exception):
    """The compiled planner does not know this case; the message names it. The plain planner does."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the numbers of the columns stand for."""

    codes: list[str]
    roots: list[str]
    fixed_keys: list[str]
    fixed_roots: list[str | None]
    supply_keys: list[str]
    urgencies: list[tuple[int, int]]


@dataclass(slots=True)
class _Supply:
    """One existing supply on its way into the columns."""

    item: int
    key: str
    day: int
    quantity: int
    reserved: int = -1
    traced: int = 0
    on_hand: int = 0
    origin: str | None = None


@dataclass(slots=True)
class _Draft:
    """An independent need on its way into the columns."""

    item: int
    urgency: tuple[int, int]
    day: int
    fixed: int
    quantity: int


def encode(prepared: Prepared) -> tuple[Columns, Names]:
    """The snapshot in columns. Raises NotCovered."""
    try:
        return _Encoding(prepared).columns()
    except OverflowError as error:
        raise NotCovered("a quantity beyond 64 bits") from error


def text_sub(number: str) -> int:
    """A number's place among others as text sorts them; twin of `kernels.sorting.number_sub`."""
    code = 0
    for digit in number.ljust(MAX_DIGITS, "/"):
        code = code * 11 + (ord(digit) - ord("/"))
    return code


class _Encoding:
    """One encoding: the numbering first, then each table."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.admitted = prepared.admitted
        self.policies = prepared.snapshot.policies
        self.today = prepared.snapshot.as_of.toordinal()
        self.codes = prepared.sequence()
        self.number = {code: n for n, code in enumerate(self.codes)}
        self.prefixes = {order_prefix(code): n for n, code in enumerate(self.codes)}
        self.prior = sorted_pegs(prepared.snapshot.prior_pegs)
        self.fixed_keys: list[str] = []
        self.fixed_roots: list[str | None] = []
        self.drafts: list[_Draft] = []
        self._needs()
        self.days = 1 + max((draft.day for draft in self.drafts), default=0)
        if self.days > MAX_DAYS:
            raise NotCovered(f"a horizon of more than {MAX_DAYS} days")
        self._refuse()
        self.roots = self._roots()
        self.root_number = {root: n for n, root in enumerate(self.roots)}

    # -- numbering -------------------------------------------------------------------------------------------

    def _fix(self, key: str, root: str | None) -> int:
        self.fixed_keys.append(key)
        self.fixed_roots.append(root)
        return len(self.fixed_keys) - 1

    def _needs(self) -> None:
        """Twin of `_Run._gather_needs`."""
        items, blocked, today = self.admitted.items, self.prepared.blocked, self.today
        for row in self.admitted.demands:
            who, day = self._fix(row.key, row.root), max(row.due.toordinal() - today, 0)
            if items[row.item].sourcing == "phantom" and row.item not in blocked:
                self._blow_through(row.item, row.quantity, (0, row.priority), day, who)
            else:
                self.drafts.append(_Draft(self.number[row.item], (0, row.priority), day, who, row.quantity))
        for firm in self.admitted.firm_orders:
            who = self._fix(firm.key, firm.root)
            day = max(firm.due.toordinal() - (items[firm.item].lead_time_days or 0) - today, 0)
            drawn: dict[str, int] = {}
            for component in firm.components:
                drawn[component.item] = drawn.get(component.item, 0) + component.quantity
            for code, quantity in drawn.items():
                if quantity:
                    self.drafts.append(_Draft(self.number[code], (0, 0), day, who, quantity))
        tier = 1 if self.policies.safety_stock == "served_last" else -1
        for code, item in items.items():
            if item.safety_stock and item.sourcing != "phantom":
                who = self._fix(safety_stock_key(code), None)
                self.drafts.append(_Draft(self.number[code], (tier, 0), 0, who, item.safety_stock))

    def _blow_through(self, parent: str, quantity: int, urgency: tuple[int, int], day: int, who: int) -> None:
        for code, numerator, denominator in self.prepared.explosion.components.get(parent, ()):
            required = -(-quantity * numerator // denominator)
            self.drafts.append(_Draft(self.number[code], urgency, day, who, required))

    def _refuse(self) -> None:
        """What the kernel does not know, and what the numbering cannot hold apart."""
        if self.prepared.explosion.dated is not None:
            raise NotCovered("dated BOM lines")
        firm = {row.key for row in self.admitted.firm_orders}
        if len(set(self.fixed_keys)) < len(self.fixed_keys):
            raise NotCovered("a demand, a firm order and a safety stock with one key")
        for key in self.fixed_keys:
            head, bar, _ = key.partition("|")
            if bar and head + bar in self.prefixes and key.count("|") > 1 and key not in firm:
                raise NotCovered("a demand keyed like a planned order")
        named = {*self.fixed_roots, *(row.reserved_for for row in self.admitted.receipts)}
        if named & NO_ROOTS:
            raise NotCovered("a root without a name, or named like stocking")

    def _roots(self) -> list[str]:
        names = {STOCK_ROOT, *(root for root in self.fixed_roots if root is not None)}
        names.update(row.reserved_for for row in self.admitted.receipts if row.reserved_for is not None)
        names.update(
            peg_owner
            for peg_owner in map(_owner_in, (peg.supply for peg in self.prior if peg.kind == "planned"))
            if peg_owner
        )
        if self.policies.order_grouping == "need_date":
            names.update(date.fromordinal(self.today + day).isoformat() for day in range(self.days))
        return sorted(names)

    def _root(self, root: str | None) -> int:
        return self.root_number[STOCK_ROOT if root is None else root]

    def _planned_key(self, key: str) -> tuple[int, int, int] | None:
        """(item, root, number) of a planned order key this run may use, else None."""
        base, _, number = key.rpartition("|")
        head, bar, owner = base.partition("|")
        item, root = self.prefixes.get(head + bar), self.root_number.get(owner)
        if item is None or root is None or len(number) > MAX_DIGITS:
            return None
        return (item, root, int(number)) if number.isascii() and number.isdecimal() and number[0] != "0" else None

    # -- tables ----------------------------------------------------------------------------------------------

    def columns(self) -> tuple[Columns, Names]:
        """Every table, and the names behind the numbers."""
        urgencies = sorted({draft.urgency for draft in self.drafts})
        fixed, item_places, places = self._places()
        supplies = self._supplies()
        claims, targets, claim_numbers = self._claims(supplies)
        roots = len(self.roots)
        if max(len(urgencies), 1) * self.days * (roots + 1) * places > PACKED:
            raise NotCovered("more consumers than a rank can hold")
        if (len(self.codes) + 1) * roots * claim_numbers > PACKED:
            raise NotCovered("earlier order numbers beyond what a code can hold")
        by_date = self.policies.order_grouping == "need_date"
        rules = Rules(
            latest_first=self.policies.supply_order == "latest_first",
            take_late=self.policies.late_receipts != "never",
            by_date=by_date,
            days=self.days,
            roots=roots,
            places=places,
            stock_root=self._root(None),
            claim_numbers=claim_numbers,
        )
        days = range(self.days if by_date else 0)
        needs, lines, documents = self._need_rows(), self._line_rows(), self._document_rows()
        columns = Columns(
            rules=rules,
            items=self._items(item_places, needs, [s.item for s in supplies], lines, documents, claims),
            needs=self._need_table(needs, urgencies),
            fixed=fixed,
            supplies=self._supply_table(supplies),
            lines=table(LINE, {"parent": lines[1], "numerator": lines[2], "denominator": lines[3]}),
            documents=table(DOCUMENT, {"root": documents[1], "number": documents[2]}),
            claims=table(CLAIM, dict(zip(CLAIM.names or (), claims[1:], strict=True))),
            targets=ints(targets),
            date_root=ints([self.root_number[date.fromordinal(self.today + day).isoformat()] for day in days]),
        )
        keys = [supply.key for supply in supplies]
        return columns, Names(self.codes, self.roots, self.fixed_keys, self.fixed_roots, keys, urgencies)

    def _items(self, places: Ints, *owners: Any) -> Table:  # noqa: ANN401 - rows or item columns of the other tables
        """One row an item, and the row that says where the last one's rows end."""
        needs, supplies, lines, documents, claims = owners
        items: list[PlanItem] = [self.admitted.items[code] for code in self.codes]
        bounds = [lot_bounds(item.lot) for item in items]
        columns: dict[str, Any] = {
            "lead": [shortest_lead(item) for item in items],
            "unit": _within([lot_unit(item.lot) for item in items]),
            "smallest": _within([smallest for smallest, _ in bounds]),
            "largest": _within([largest for _, largest in bounds]),
            "period": _within([item.lot.period_days if item.lot.rule == "period" else 0 for item in items]),
            "blocked": [code in self.prepared.blocked for code in self.codes],
            "place": places,
        }
        rows = np.append(table(ITEM, columns), np.zeros(1, ITEM))
        counted = np.arange(len(items) + 1)
        rows["need_from"] = np.searchsorted(ints([draft.item for draft in needs]), counted)
        rows["supply_from"] = np.searchsorted(ints(supplies), counted)
        rows["line_from"] = np.searchsorted(lines[0], counted)
        rows["document_from"] = np.searchsorted(documents[0], counted)
        rows["claim_from"] = np.searchsorted(claims[0], counted)
        return rows

    def _need_rows(self) -> list[_Draft]:
        return sorted(self.drafts, key=lambda draft: draft.item)

    def _need_table(self, drafts: list[_Draft], urgencies: list[tuple[int, int]]) -> Table:
        rank = {urgency: n for n, urgency in enumerate(urgencies)}
        return table(
            NEED,
            {
                "urgency": [rank[draft.urgency] for draft in drafts],
                "day": [draft.day for draft in drafts],
                "fixed": [draft.fixed for draft in drafts],
                "quantity": _within([draft.quantity for draft in drafts]),
            },
        )

    def _places(self) -> tuple[Table, Ints, int]:
        """The place of every fixed consumer and of every item's orders, and how many places there are."""
        inside = [self._prefix_of(key) for key in self.fixed_keys]
        alone = [key for key, prefix in zip(self.fixed_keys, inside, strict=True) if prefix is None]
        place = {text: n for n, text in enumerate(sorted(chain(alone, self.prefixes)))}
        rank: dict[str, int] = {}
        if len(alone) < len(self.fixed_keys):
            rank = {key: n for n, key in enumerate(sorted(self.fixed_keys))}
        subs = [
            0 if prefix is None else self._sub(key[len(prefix) :], root, rank[key])
            for key, root, prefix in zip(self.fixed_keys, self.fixed_roots, inside, strict=True)
        ]
        fixed = table(
            FIXED,
            {
                "place": [place[prefix or key] for key, prefix in zip(self.fixed_keys, inside, strict=True)],
                "sub": subs,
                "root": [self._root(root) for root in self.fixed_roots],
            },
        )
        return fixed, ints([place[prefix] for prefix in self.prefixes]), max(len(place), 1)

    def _prefix_of(self, key: str) -> str | None:
        head, bar, _ = key.partition("|")
        return head + bar if bar and head + bar in self.prefixes else None

    def _sub(self, rest: str, root: str | None, rank: int) -> int:
        """Where a fixed consumer stands among the planned orders of one item for its root: before, between, after."""
        own = f"{STOCK_ROOT if root is None else root}|"
        if not rest.startswith(own):
            return rank - FAR_SUB if rest < own else rank + FAR_SUB
        number = rest[len(own) :]
        if not (number.isascii() and number.isdecimal() and len(number) <= MAX_DIGITS):
            raise NotCovered("a firm order keyed like a planned order, but without its number")
        return text_sub(number)

    def _supplies(self) -> list[_Supply]:
        """Twin of `_Run._gather_supplies`, sorted by item and key."""
        found = [_Supply(self.number[row.item], row.key, 0, row.quantity, on_hand=1) for row in self.admitted.stock]
        for row in self.admitted.receipts:
            day = max(row.available.toordinal() - self.today, 0)
            reserved = -1 if row.reserved_for is None else self._root(row.reserved_for)
            traced = int(row.origin is not None)
            found.append(
                _Supply(self.number[row.item], row.key, day, row.quantity, reserved, traced, origin=row.origin)
            )
        for firm in self.admitted.firm_orders:
            day = max(firm.due.toordinal() - self.today, 0)
            reserved = -1 if firm.root is None else self._root(firm.root)
            found.append(_Supply(self.number[firm.item], firm.key, day, firm.quantity, reserved, traced=1))
        if len({supply.key for supply in found}) < len(found):
            raise NotCovered("two supplies with one key")
        return sorted(found, key=lambda supply: (supply.item, supply.key))

    def _supply_table(self, supplies: list[_Supply]) -> Table:
        return table(
            SUPPLY,
            {
                "day": [supply.day for supply in supplies],
                "quantity": _within([supply.quantity for supply in supplies]),
                "reserved": [supply.reserved for supply in supplies],
                "traced": [supply.traced for supply in supplies],
                "on_hand": [supply.on_hand for supply in supplies],
            },
        )

    def _line_rows(self) -> list[Ints]:
        """Component, parent, numerator, denominator, by component; lines that can never draw are left out."""
        rows = [
            (self.number[code], self.number[parent], numerator, denominator)
            for parent, drawn in self.prepared.explosion.components.items()
            if self.admitted.items[parent].sourcing not in {"buy", "phantom"}
            for code, numerator, denominator in drawn
        ]
        found = _unzip(rows, 4)
        component, parent, numerator, denominator = found
        if np.any(parent >= component) or self._draws_phantom():
            raise NotCovered("a component planned before what draws on it")
        if np.any(numerator > LIMIT) or np.any(denominator > LIMIT):
            raise NotCovered("a BOM ratio beyond the limit")
        sequence = np.argsort(component, kind="stable")
        return [column[sequence] for column in found]

    def _draws_phantom(self) -> bool:
        """Whether something but a demand asks for a phantom, so that orders for phantoms arise."""
        items = self.admitted.items
        return any(items[c.item].sourcing == "phantom" for f in self.admitted.firm_orders for c in f.components)

    def _document_rows(self) -> list[Ints]:
        found = (self._planned_key(key) for key in self.prepared.documents)
        return _unzip(sorted(key for key in found if key is not None), 3)

    # -- prior pegs ------------------------------------------------------------------------------------------

    def _claims(self, supplies: list[_Supply]) -> tuple[list[Ints], list[int], int]:
        """Prior pegs by item, the supplies they are on, and one more than their consumers' highest order number."""
        by_key = self._supplies_by_key(supplies) if self.prior else {}
        fixed = {key: -1 - n for n, key in enumerate(self.fixed_keys)} if self.prior else {}
        consumers = {key: self._planned_key(key) for key in {peg.consumer for peg in self.prior} - fixed.keys()}
        highest = 1 + max((key[2] for key in consumers.values() if key is not None), default=0)
        codes = {
            key: (planned[0] * len(self.roots) + planned[1]) * highest + planned[2]
            for key, planned in consumers.items()
            if planned is not None
        } | fixed
        rows: list[tuple[int, int, int, int, int, int, int]] = []
        targets: list[int] = []
        for peg in self.prior:
            item, consumer = self.number.get(peg.item), codes.get(peg.consumer)
            if item is None or consumer is None:
                continue
            if not 0 < peg.quantity <= LIMIT:
                raise NotCovered("a prior peg of an absurd quantity")
            found = by_key.get((item, peg.supply), ())
            owner = -1
            if peg.kind == "planned" and not found and peg.supply not in self.prepared.documents:
                owner = self._claimed_owner(item, peg.supply)
                if owner < 0:
                    continue
            first = len(targets)
            targets.extend(found)
            rows.append((item, consumer, peg.quantity, owner, int(peg.kind == "on_hand"), first, len(targets)))
        rows.sort(key=lambda row: row[:2])
        return _unzip(rows, 7), targets, highest

    def _supplies_by_key(self, supplies: list[_Supply]) -> dict[tuple[int, str], list[int]]:
        by_key: dict[tuple[int, str], list[int]] = {}
        for n in sorted(range(len(supplies)), key=lambda n: (supplies[n].day, supplies[n].key)):
            supply = supplies[n]
            by_key.setdefault((supply.item, supply.key), []).append(n)
            if supply.origin is not None and supply.origin != supply.key:
                by_key.setdefault((supply.item, supply.origin), []).append(n)
        return by_key

    def _claimed_owner(self, item: int, key: str) -> int:
        """The root a planned order was for, where the key is one of this item's, else -1."""
        base, _, number = key.rpartition("|")
        head, bar, owner = base.partition("|")
        if self.prefixes.get(head + bar) != item or not bar or not number.isdecimal():
            return -1
        if owner == "":
            raise NotCovered("a root without a name, or named like stocking")
        return self.root_number[owner]


def _owner_in(key: str) -> str:
    return key.rpartition("|")[0].partition("|")[2]


def _within(values: Sequence[int]) -> Ints:
    """Quantities the compiled planner may add up without a second look."""
    if max(values, default=0) > LIMIT or min(values, default=0) < -INT64_MAX:
        raise NotCovered("a quantity beyond the limit")
    return ints(values)


def _unzip(rows: Iterable[tuple[int, ...]], width: int) -> list[Ints]:
    """The columns of equally long rows."""
    found = ints(list(rows)).reshape(-1, width)
    return [np.ascontiguousarray(found[:, column]) for column in range(width)]
