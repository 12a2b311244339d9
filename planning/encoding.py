"""Turns an admitted snapshot into columns for the compiled planner, or says why that planner does not cover it.

Text becomes numbers whose order is the text's: roots by their name, consumers by the place they would have among all
consumers of their root. A planned order's key is known only when it is planned, but its place is not in doubt: it is
its item's, then its number's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
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
    OWNER_STEP,
    SCRAP_RULES,
    SUPPLY,
    Columns,
    NotCovered,
    Rules,
    ints,
    table,
    unzip,
)
from planning.encoding_claims import (
    MAX_DIGITS,
    EncodedSupply,
    Numbering,
    claim_rows,
    claimed_owners,
    is_day,
    text_sub,
)
from planning.encoding_merging import set_merging
from planning.encoding_rules import (
    Calendars,
    customer_numbers,
    line_rows,
    scrap_rows,
    substitute_rows,
    yield_rows,
)
from planning.intake import STOCK_ROOT
from planning.lot_sizing import lot_bounds, lot_unit
from planning.preparation import earlier_pegs, order_prefix, safety_stock_key
from planning.run import roots_of_demands
from planning.sourcing import shortest_lead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canonical.plan import PlanDemand, PlanForecast, PlanItem, PlanStock, ScheduledReceipt
    from planning.columns import Ints, Table
    from planning.preparation import Prepared

MAX_DAYS = 40_000
SPARE_DAYS = 28
PACKED = 2**62
NO_ROOTS = frozenset({"", STOCK_ROOT})


@dataclass(frozen=True, slots=True)
class Names:
    """What the numbers of the columns stand for."""

    codes: list[str]
    roots: list[str]
    fixed_keys: list[str]
    fixed_roots: list[str | None]
    supply_keys: list[str]
    urgencies: list[tuple[int, int] | None]
    places: list[str]


@dataclass(frozen=True, slots=True)
class _Drafts:
    """Independent needs on their way into the columns: equally long lists; days as asked for, no safety time off."""

    item: list[int] = field(default_factory=list)
    urgency: list[tuple[int, int]] = field(default_factory=list)
    day: list[int] = field(default_factory=list)
    fixed: list[int] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)


def encode(prepared: Prepared, room: int = 0) -> tuple[Columns, Names]:
    """The snapshot in columns, with room for so many more demands (see `planning.net_change`). Raises NotCovered."""
    try:
        return _Encoding(prepared, room).columns()
    except OverflowError as error:
        raise NotCovered("a quantity beyond 64 bits") from error


class _Encoding:
    """One encoding: the numbering first, then each table."""

    def __init__(self, prepared: Prepared, room: int) -> None:
        self.prepared = prepared
        self.room = room
        self.admitted = prepared.admitted
        self.policies = prepared.snapshot.policies
        self.today = prepared.snapshot.as_of.toordinal()
        self.codes = prepared.sequence()
        self.number = {code: n for n, code in enumerate(self.codes)}
        self.prefixes = {order_prefix(code): n for n, code in enumerate(self.codes)}
        self.rules = prepared.admitted.rules
        self.prior = earlier_pegs(prepared.snapshot)
        self.fixed_keys: list[str] = []
        self.fixed_roots: list[str | None] = []
        self.fixed_parents: list[int] = []
        self.safety_consumers: dict[int, int] = {}
        self.blown = {
            code
            for code, item in self.admitted.items.items()
            if item.sourcing == "phantom" and code not in prepared.blocked
        }
        self.drafts = _Drafts()
        self._needs()
        self.draft_days = self._draft_days()
        frozen = max((item.frozen_days for item in self.admitted.items.values()), default=0)
        self.days = 1 + int(self.draft_days.max(initial=0))
        self.days = max(self.days, 1 + frozen) + (SPARE_DAYS if room else 0)
        if self.days > MAX_DAYS:
            raise NotCovered(f"a horizon of more than {MAX_DAYS} days")
        self._refuse()
        self.roots = self._roots()
        self.root_number = {root: n for n, root in enumerate(self.roots)}
        self.date_roots = [self.root_number[day] for day in self._day_names()]
        self.numbering = Numbering(
            self.number,
            self.prefixes,
            self.root_number,
            self.fixed_keys,
            by_date=bool(self.date_roots),
            most_roots=len(self.roots) + room,
        )

    # -- numbering -------------------------------------------------------------------------------------------

    def _fix(self, key: str, root: str | None, parent: int = -1) -> int:
        self.fixed_keys.append(key)
        self.fixed_parents.append(parent)
        self.fixed_roots.append(root)
        return len(self.fixed_keys) - 1

    def _needs(self) -> None:
        """Twin of `PlanningRun._gather_needs`."""
        items, today = self.admitted.items, self.today
        self._independent(self.admitted.demands, [row.root for row in self.admitted.demands])
        self._independent(self.admitted.forecasts, [None] * len(self.admitted.forecasts))
        for firm in self.admitted.firm_orders:
            who = self._fix(firm.key, firm.root, self.number[firm.item])
            lead = items[firm.item].lead_time_days or 0
            day = max(self.rules.days_of(firm.item).start(firm.due.toordinal(), lead) - today, 0)
            drawn: dict[str, int] = {}
            for component in firm.components:
                drawn[component.item] = drawn.get(component.item, 0) + component.quantity
            for code, quantity in drawn.items():
                if quantity:
                    self._draft(code, (0, 0), day, who, quantity)
        tier = 1 if self.policies.safety_stock == "served_last" else -1
        for code, item in items.items():
            if item.safety_stock and item.sourcing != "phantom":
                who = self._fix(safety_stock_key(code), None)
                self.safety_consumers[self.number[code]] = who
                self._draft(code, (tier, 0), 0, who, item.safety_stock)

    def _independent(self, rows: Sequence[PlanDemand | PlanForecast], roots: Sequence[str | None]) -> None:
        """Needs of demands or forecasts: of the item itself, or of what a phantom is made of on that day."""
        number, today, drafts, blown = self.number, self.today, self.drafts, self.blown
        first = len(self.fixed_keys)
        self.fixed_keys += [row.key for row in rows]
        self.fixed_parents += [-1] * len(rows)
        self.fixed_roots += roots
        own = [(who, row) for who, row in enumerate(rows, start=first) if row.item not in blown]
        drafts.item.extend([number[row.item] for _, row in own])
        drafts.urgency.extend([(0, row.priority) for _, row in own])
        drafts.day.extend([row.due.toordinal() - today for _, row in own])
        drafts.fixed.extend([who for who, _ in own])
        drafts.quantity.extend([row.quantity for _, row in own])
        for who, row in enumerate(rows, start=first) if blown else ():
            if row.item in blown:
                day = max(row.due.toordinal() - today, 0)
                for code, top, bottom in self.prepared.explosion.components_on(row.item, today + day):
                    self._draft(code, (0, row.priority), day, who, -(-row.quantity * top // bottom))

    def _draft(self, code: str, urgency: tuple[int, int], day: int, who: int, quantity: int) -> None:
        drafts = self.drafts
        drafts.item.append(self.number[code])
        drafts.urgency.append(urgency)
        drafts.day.append(day)
        drafts.fixed.append(who)
        drafts.quantity.append(quantity)

    def _draft_days(self) -> Ints:
        """The day each draft is needed, safety time taken off: the first of its bucket."""
        safety = ints([self.admitted.items[code].safety_time_days for code in self.codes])
        days = np.maximum(np.maximum(ints(self.drafts.day), 0) - safety[ints(self.drafts.item)], 0)
        found: Ints = days - days % self.policies.bucket_days
        return found

    def _refuse(self) -> None:
        """What the kernel does not know, and what the numbering cannot hold apart."""
        if self._draws_phantom():
            raise NotCovered("a firm order that draws a phantom")
        firm = {row.key for row in self.admitted.firm_orders}
        if len(set(self.fixed_keys)) < len(self.fixed_keys):
            raise NotCovered("a demand, a firm order and a safety stock with one key")
        for key in self.fixed_keys:
            head, bar, _ = key.partition("|")
            if bar and head + bar in self.prefixes and key.count("|") > 1 and key not in firm:
                raise NotCovered("a demand keyed like a planned order")
        named = {row.root for row in self.admitted.demands} | {row.root for row in self.admitted.firm_orders}
        named |= self._reserved_roots()
        if (named - {None}) & NO_ROOTS:
            raise NotCovered("a root without a name, or named like stocking")

    def _reserved_roots(self) -> set[str]:
        rows: list[PlanStock | ScheduledReceipt] = [*self.admitted.receipts, *self.admitted.stock]
        return {row.reserved_for for row in rows if row.reserved_for is not None}

    def _roots(self) -> list[str]:
        names = {STOCK_ROOT, *(root for root in self.fixed_roots if root is not None), *self._reserved_roots()}
        names.update(claimed_owners(self.prior))
        names.update(self._day_names())
        return sorted(names)

    def _day_names(self) -> list[str]:
        """The owners of orders by need date."""
        if self.policies.order_grouping != "need_date":
            return []
        return [date.fromordinal(self.today + day).isoformat() for day in range(self.days)]

    def _root(self, root: str | None) -> int:
        return self.root_number[STOCK_ROOT if root is None else root]

    # -- tables ----------------------------------------------------------------------------------------------

    def columns(self) -> tuple[Columns, Names]:
        """Every table, and the names behind the numbers."""
        ranked = self._ranked_urgencies()
        fixed, item_places, places = self._places()
        supplies = self._supplies()
        claims, targets, claim_numbers = claim_rows(self.prepared, self.prior, self.numbering, supplies)
        rules = self._rules(len(ranked), 2 * len(places) + 1, claim_numbers)
        documents, lines = self._document_rows(), line_rows(self.prepared, self.number)
        scrap_items, scrap = scrap_rows(self.prepared, self.codes)
        replaced, substitutes = substitute_rows(self.prepared, self.number, self.codes)
        yielded, yields = yield_rows(self.prepared, self.number)
        calendars = Calendars(self.prepared, self.days)
        (work_number, work_day), (product, customer) = calendars.tables(), self._root_columns()
        columns = Columns(
            rules=rules,
            items=self._items(
                item_places,
                calendars,
                {
                    "need_from": np.sort(ints(self.drafts.item)),
                    "supply_from": [supply.item for supply in supplies],
                    "line_from": lines[0],
                    "document_from": documents[0],
                    "claim_from": claims[0],
                    "scrap_from": scrap_items,
                    "substitute_from": replaced,
                    "yield_from": yielded,
                },
            ),
            needs=np.append(self._need_table(ranked), np.zeros(8 * self.room, NEED)),
            fixed=np.append(fixed, np.zeros(self.room, FIXED)),
            supplies=self._supply_table(supplies),
            lines=table(LINE, dict(zip(LINE.names or (), lines[1:], strict=True))),
            documents=table(DOCUMENT, {"root": documents[1], "number": documents[2]}),
            claims=table(CLAIM, dict(zip(CLAIM.names or (), claims[1:], strict=True))),
            targets=ints(targets),
            date_root=ints(self.date_roots),
            scrap=scrap,
            substitutes=substitutes,
            yields=yields,
            work_number=work_number,
            work_day=work_day,
            root_product=product,
            root_customer=customer,
            root_rank=np.arange(len(self.roots) + self.room),
            first_day=np.arange(self.days) // self.policies.bucket_days * self.policies.bucket_days,
            level_from=self._level_bounds(),
        )
        set_merging(columns)
        return columns, self._names([supply.key for supply in supplies], ranked, places)

    def _names(self, supply_keys: list[str], ranked: list[tuple[int, int] | None], places: list[str]) -> Names:
        return Names(self.codes, self.roots, self.fixed_keys, self.fixed_roots, supply_keys, ranked, places)

    def _ranked_urgencies(self) -> list[tuple[int, int] | None]:
        """Every urgency by its rank; with room between two others, where more demands may come."""
        urgencies = sorted(set(self.drafts.urgency))
        step = 2 if self.room else 1
        ranked: list[tuple[int, int] | None] = [None] * (step * len(urgencies) + step - 1)
        ranked[step - 1 :: step] = urgencies
        return ranked

    def _rules(self, urgencies: int, places: int, claim_numbers: int) -> Rules:
        roots = len(self.roots) + self.room
        if max(urgencies, 1) * self.days * (roots + 1) * places > PACKED:
            raise NotCovered("more consumers than a rank can hold")
        if (len(self.codes) + 1) * roots * claim_numbers > PACKED:
            raise NotCovered("earlier order numbers beyond what a code can hold")
        return Rules(
            latest_first=self.policies.supply_order == "latest_first",
            take_late=self.policies.late_receipts != "never",
            by_date=self.policies.order_grouping == "need_date",
            reserved_waits=self.policies.reserved_surplus == "kept",
            scrap_rule=SCRAP_RULES.index(self.policies.assembly_scrap),
            days=self.days,
            roots=roots,
            places=places,
            stock_root=self._root(None),
            claim_numbers=claim_numbers,
            urgencies=max(urgencies, 1),
            bucket=self.policies.bucket_days,
        )

    def _level_bounds(self) -> Ints:
        """The first item of each level, and one more than the last."""
        levels = ints([self.prepared.explosion.levels.get(code, 0) for code in self.codes])
        return np.append(np.flatnonzero(np.diff(levels, prepend=-1)), len(levels))

    def _top_up(self, item: PlanItem) -> int:
        """What is ordered beyond the safety stock; nothing for a phantom, which keeps none."""
        return item.lot.order_up_to - item.safety_stock if self.number[item.code] in self.safety_consumers else 0

    def _items(self, places: Ints, calendars: Calendars, owners: dict[str, Any]) -> Table:
        """One row an item, and the row that says where the last one's rows end; `owners` are item columns."""
        items: list[PlanItem] = [self.admitted.items[code] for code in self.codes]
        bounds = [lot_bounds(item.lot) for item in items]
        leads = [shortest_lead(item) for item in items]
        days_of, end = self.rules.days_of, lru_cache(None)(lambda days, lead: days.end(self.today, lead) - self.today)
        ends = [end(days_of(item.code), lead) for item, lead in zip(items, leads, strict=True)]
        columns: dict[str, Any] = {
            "lead": leads,
            "unit": within([lot_unit(item.lot) for item in items]),
            "smallest": within([smallest for smallest, _ in bounds]),
            "largest": within([largest for _, largest in bounds]),
            "period": within([item.lot.period_days if item.lot.rule == "period" else 0 for item in items]),
            "top_up": within([self._top_up(item) for item in items]),
            "scale": within([item.scale if item.scrap else 1 for item in items]),
            "place": places,
            "blocked": [code in self.prepared.blocked for code in self.codes],
            "apart": [item.kept_apart for item in items],
            "calendar": [calendars.number(code) for code in self.codes],
            "safety": [item.safety_time_days for item in items],
            "frozen": [item.frozen_days for item in items],
            "arrival": [max(end, item.frozen_days) for end, item in zip(ends, items, strict=True)],
            "late_end": ends,
            "safety_consumer": [self.safety_consumers.get(n, 0) for n in range(len(items))],
        }
        rows = np.append(table(ITEM, columns), np.zeros(1, ITEM))
        counted = np.arange(len(items) + 1)
        for name, column in owners.items():
            rows[name] = np.searchsorted(ints(column), counted)
        rows["need_to"][:-1], rows["supply_to"][:-1] = rows["need_from"][1:], rows["supply_from"][1:]
        return rows

    def _root_columns(self) -> tuple[Ints, Ints]:
        """Product and customer of each root; -1 where unknown, nothing where no substitute asks."""
        of_root = roots_of_demands(self.prepared)
        if not of_root:
            return np.full(len(self.roots) + self.room, -1), np.full(len(self.roots) + self.room, -1)
        customers = customer_numbers(self.prepared)
        known = [of_root.get(root, (None, None)) for root in self.roots] + [(None, None)] * self.room
        products = [-1 if product is None else self.number[product] for product, _ in known]
        return ints(products), ints([-1 if customer is None else customers[customer] for _, customer in known])

    def _need_table(self, ranked: list[tuple[int, int] | None]) -> Table:
        rank, drafts = {urgency: n for n, urgency in enumerate(ranked)}, self.drafts
        by_item = np.argsort(ints(drafts.item), kind="stable")
        return table(
            NEED,
            {
                "urgency": ints([rank[urgency] for urgency in drafts.urgency])[by_item],
                "day": self.draft_days[by_item],
                "fixed": ints(drafts.fixed)[by_item],
                "quantity": within(drafts.quantity)[by_item],
            },
        )

    def _places(self) -> tuple[Table, Ints, list[str]]:
        """The place of every fixed consumer and of every item's orders, and what stands there, room left between."""
        inside = [self._prefix_of(key) for key in self.fixed_keys]
        alone = [key for key, prefix in zip(self.fixed_keys, inside, strict=True) if prefix is None]
        places = sorted(chain(alone, self.prefixes))
        place = {text: 2 * n + 1 for n, text in enumerate(places)}
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
                "parent": self.fixed_parents,
            },
        )
        return fixed, ints([place[prefix] for prefix in self.prefixes]), places

    def _prefix_of(self, key: str) -> str | None:
        head, bar, _ = key.partition("|")
        return head + bar if bar and head + bar in self.prefixes else None

    def _sub(self, rest: str, root: str | None, rank: int) -> int:
        """Where a fixed consumer stands among the planned orders of one item for its root: before, between, after."""
        below = -1
        for number in self._owners(root):
            own = f"{self.roots[number]}|"
            if rest.startswith(own):
                part = rest[len(own) :]
                if not (part.isascii() and part.isdecimal() and len(part) <= MAX_DIGITS):
                    raise NotCovered("a firm order keyed like a planned order, but without its number")
                return number * OWNER_STEP + text_sub(part)
            if own < rest:
                below = max(below, number)
        return below * OWNER_STEP + OWNER_STEP // 2 + rank

    def _owners(self, root: str | None) -> list[int]:
        """Who can own the planned orders that have this root."""
        if root is None and self.policies.order_grouping == "need_date":
            return [self._root(None), *(n for n, name in enumerate(self.roots) if is_day(name))]
        return [self._root(root)]

    def _supplies(self) -> list[EncodedSupply]:
        """Twin of `_Run._gather_supplies`, sorted by item and key."""
        number, today = self.number, self.today
        found = [
            EncodedSupply(number[row.item], row.key, 0, row.quantity, self._reserved(row), 0, 1)
            for row in self.admitted.stock
        ]
        found += [
            EncodedSupply(
                number[row.item], row.key, max(row.available.toordinal() - today, 0), row.quantity,
                self._reserved(row), int(row.origin is not None), 0, row.origin,
            )
            for row in self.admitted.receipts
        ]  # fmt: skip
        for firm in self.admitted.firm_orders:
            day = max(firm.due.toordinal() - self.today, 0)
            reserved = -1 if firm.root is None else self._root(firm.root)
            found.append(EncodedSupply(self.number[firm.item], firm.key, day, firm.quantity, reserved, traced=1))
        if len({supply.key for supply in found}) < len(found):
            raise NotCovered("two supplies with one key")
        return sorted(found)

    def _reserved(self, row: PlanStock | ScheduledReceipt) -> int:
        return -1 if row.reserved_for is None else self._root(row.reserved_for)

    def _supply_table(self, supplies: list[EncodedSupply]) -> Table:
        item, _, day, quantity, reserved, traced, on_hand, _ = zip(*supplies, strict=True) if supplies else [()] * 8
        return table(
            SUPPLY,
            {
                "day": day,
                "quantity": within(quantity),
                "reserved": reserved,
                "traced": traced,
                "on_hand": on_hand,
                "made": np.full(len(supplies), -1),
                "item": item,
            },
        )

    def _draws_phantom(self) -> bool:
        """Whether something but a demand asks for a phantom, so that orders for phantoms arise."""
        items = self.admitted.items
        return any(items[c.item].sourcing == "phantom" for f in self.admitted.firm_orders for c in f.components)

    def _document_rows(self) -> list[Ints]:
        found = (self.numbering.planned_key(key) for key in self.prepared.documents)
        return unzip(sorted(key for key in found if key is not None), 3)


def within(values: Sequence[int]) -> Ints:
    """Quantities the compiled planner may add up without a second look."""
    if max(values, default=0) > LIMIT or min(values, default=0) < -INT64_MAX:
        raise NotCovered("a quantity beyond the limit")
    return ints(values)
