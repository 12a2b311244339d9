"""What a changed sales order reaches, cut out of the whole: a small plant on which the same stages give the same.

From an order to its lines, their items and all they are made of; to the planned orders that serve them, and to what
those share with others. Of every supply there counts what others have not been given: a plan keeps its pegs, so
nobody else's change. Where a change reaches further than that, there is no neighbourhood and everything is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from canonical.plan import (
    FirmOrder,
    Peg,
    Plan,
    PlanDemand,
    PlannedOrder,
    PlanningSnapshot,
    PlanStock,
    ScheduledReceipt,
)
from pipeline.cuts import Cut, Part, Places
from pipeline.settings import Planning
from pipeline.snapshot import Frames, snapshot
from planning.preparation import prepare, safety_stock_key

REACHING = frozenset({"sales_order", "sales_order_line"})
"""Entities whose changes stay in a neighbourhood."""
_APART = "\0"
_BY_ITEM = (
    "stock", "purchase_request", "purchase_order", "subcontract_order", "work_order", "supplier_agreement", "rework",
    "transfer_order",
)  # fmt: skip
_OF_WORK = ("operation_report", "inspection")
Supply = TypeVar("Supply", PlanStock, ScheduledReceipt, FirmOrder)


@dataclass
class Standing:
    """The plan that stands, by what is asked of it; turns change it in place."""

    as_of: date
    demands: dict[str, PlanDemand]
    levels: Mapping[str, int]
    """Low-level codes, which a part of the structure does not show."""
    entangled: frozenset[str] = frozenset()
    """Items whose supply serves needs of other items, and those others."""
    orders: dict[str, PlannedOrder] = field(default_factory=dict)
    over: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Item → its planned orders that have something over."""
    drawn: defaultdict[str, list[Peg]] = field(default_factory=lambda: defaultdict(list))
    """Consumer → its pegs."""
    given: defaultdict[str, list[Peg]] = field(default_factory=lambda: defaultdict(list))
    """Supply → its pegs."""

    @classmethod
    def of(cls, plan: Plan, picture: PlanningSnapshot) -> Standing:
        """The plan of one picture."""
        levels = prepare(picture).explosion.levels
        tangled = {code for row in picture.substitutes for code in (row.item, row.substitute)}
        tangled |= {code for made in picture.by_products for code in (made.parent, made.item)}
        standing = cls(picture.as_of, {row.key: row for row in picture.demands}, levels, frozenset(tangled))
        standing.add(plan.planned_orders, plan.pegs)
        return standing

    def add(self, orders: Iterable[PlannedOrder], pegs: Iterable[Peg]) -> None:
        """Put orders and pegs in."""
        for order in orders:
            self.orders[order.key] = order
            if order.surplus:
                self.over[order.item].add(order.key)
        for peg in pegs:
            self.drawn[peg.consumer].append(peg)
            self.given[peg.supply].append(peg)

    def remove(self, orders: Iterable[str], pegs: Iterable[Peg]) -> None:
        """Take orders and pegs out."""
        for key in orders:
            self.over[self.orders.pop(key).item].discard(key)
        for peg in pegs:
            self.drawn[peg.consumer].remove(peg)
            self.given[peg.supply].remove(peg)

    def urgencies(self, consumers: Iterable[str]) -> dict[str, int | None]:
        """The priority of the most urgent demand each order or demand serves; None where it serves no demand alone."""
        told: dict[str, int | None] = {}
        for consumer in consumers:
            self._urgency(consumer, told)
        return told

    def _urgency(self, consumer: str, told: dict[str, int | None]) -> int | None:
        """Of one, and of those `told` before: orders serve others that serve the same."""
        if consumer in self.demands:
            told[consumer] = self.demands[consumer].priority
        elif consumer not in told:
            found = [self._urgency(peg.consumer, told) for peg in self.given.get(consumer, ())]
            told[consumer] = None if not found or None in found else min(one for one in found if one is not None)
        return told[consumer]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A small plant: its frames and its picture for the planner, and what of the standing plan it takes up."""

    orders: frozenset[str]
    """Sales orders."""
    lines: frozenset[str]
    frames: Frames
    picture: PlanningSnapshot
    planned: frozenset[str]
    """Planned orders that are planned again."""
    pegs: frozenset[Peg]


def components(frames: Frames) -> dict[str, set[str]]:
    """Item → what its BOMs name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    frame = frames.get("bom_line")
    for parent, component in [] if frame is None else frame.select("parent", "component").iter_rows():
        found[parent].add(component)
    return found


def neighbourhood(
    frames: Frames,
    standing: Standing,
    parts: Mapping[str, set[str]],
    places: Places,
    planning: Planning,
    *,
    orders: frozenset[str],
    lines: frozenset[str],
) -> Neighbourhood | None:
    """What these sales orders and lines, some of them new or gone, reach; None where that is not bounded."""
    own = places.cut("sales_order_line", frames["sales_order_line"], {"order": orders})
    roots = lines | {row["golden_id"] for row in own.rows}
    first = {row["item"] for row in own.rows} | {peg.item for root in roots for peg in standing.drawn.get(root, ())}
    items = down(first, parts)
    consumers = set(roots) | {safety_stock_key(item) for item in items}
    planned = _planned_again(standing, items, consumers)
    narrow = _narrowed(frames, places, own, orders, items)
    picture = snapshot(narrow, planning, standing.as_of, ())
    if not _bounded(picture, items, standing, planning):
        return None
    shared = _shared(standing, planned, consumers)
    if shared is None:
        return None
    taken = {peg for consumer in consumers for peg in standing.drawn.get(consumer, ())}
    prior = (*taken, *(replace(peg, consumer=_apart(peg)) for peg in shared))
    fenced = replace(
        picture,
        demands=(*(row for row in picture.demands if row.key in roots), *_demands(standing, shared)),
        stock=tuple(_left(standing, row, consumers) for row in picture.stock),
        receipts=tuple(_left(standing, row, consumers) for row in picture.receipts),
        firm_orders=tuple(_left(standing, row, consumers) for row in picture.firm_orders),
        prior_pegs=prior,
    )
    return Neighbourhood(orders, roots, narrow, fenced, frozenset(planned), frozenset((*taken, *shared)))


def _bounded(picture: PlanningSnapshot, items: set[str], standing: Standing, planning: Planning) -> bool:
    """Whether what is planned for one order there leaves alone what is planned for others.

    Not where the whole of an item's needs counts (quotas, filling up, lots by period), and not where one item's supply
    serves another's needs (substitutes, by-products) or another site's.
    """
    if planning.sites or picture.forecasts or picture.reservations or items & standing.entangled:
        return False
    if planning.policies.supplier_choice == "quota" or planning.policies.order_grouping != "root":
        return False
    return not any(item.lot.order_up_to or item.lot.rule == "period" or item.kept_apart for item in picture.items)


def down(first: Iterable[str], parts: Mapping[str, set[str]]) -> set[str]:
    """These items and all they are made of."""
    found, waiting = set(first), list(first)
    while waiting:
        for part in parts.get(waiting.pop(), ()):
            if part not in found:
                found.add(part)
                waiting.append(part)
    return found


def _planned_again(standing: Standing, items: set[str], consumers: set[str]) -> set[str]:
    """Planned orders that serve the consumers, or have something over; they become consumers themselves."""
    over = {key for item in items for key in standing.over.get(item, ())}
    found, waiting = set(over), [*consumers, *over]
    consumers |= over
    while waiting:
        for peg in standing.drawn.get(waiting.pop(), ()):
            if peg.supply in standing.orders and peg.supply not in found:
                found.add(peg.supply)
                consumers.add(peg.supply)
                waiting.append(peg.supply)
    return found


def _shared(standing: Standing, planned: set[str], consumers: set[str]) -> dict[Peg, int] | None:
    """What others draw on the orders that are planned again, and how urgent they are; None where one is not known."""
    found = [peg for key in planned for peg in standing.given.get(key, ()) if peg.consumer not in consumers]
    urgencies = standing.urgencies(peg.consumer for peg in found)
    known = {peg: urgency for peg in found if (urgency := urgencies[peg.consumer]) is not None and peg.root is not None}
    return known if len(known) == len(found) else None


def _apart(peg: Peg) -> str:
    """A consumer's name in the small plant: one that draws on several items is several demands there."""
    return f"{peg.consumer}{_APART}{peg.item}"


def _demands(standing: Standing, shared: Mapping[Peg, int]) -> list[PlanDemand]:
    found: dict[str, PlanDemand] = {}
    for peg, priority in shared.items():
        key = _apart(peg)
        demand, order = standing.demands.get(peg.consumer), standing.orders.get(peg.consumer)
        day = demand.due if demand else order.start if order else standing.as_of
        quantity = peg.quantity + (found[key].quantity if key in found else 0)
        found[key] = PlanDemand(key, peg.item, quantity, day, root=peg.root or "", priority=priority)
    return list(found.values())


def _left(standing: Standing, row: Supply, consumers: set[str]) -> Supply:
    """A supply less what others have been given of it."""
    others = sum(peg.quantity for peg in standing.given.get(row.key, ()) if peg.consumer not in consumers)
    return replace(row, quantity=max(0, row.quantity - others)) if others else row


def _narrowed(frames: Frames, places: Places, own: Part, orders: frozenset[str], items: set[str]) -> Cut:
    """The rows that have to do with the orders and items; frames nobody narrows stay whole."""
    of_item: dict[str, Collection[str]] = {"item": items}
    cuts: dict[str, dict[str, Collection[str]]] = {
        "sales_order": {"golden_id": orders},
        "shipment": {"sales_order": orders, **of_item},
        "item": {"golden_id": items},
        "bom": of_item,
        "bom_line": {"parent": items},
        **dict.fromkeys(("routing", "operation", "forecast", *_BY_ITEM), of_item),
    }
    parts = {name: places.cut(name, frames[name], cuts[name]) for name in cuts if name in frames}
    if "work_order" in parts:
        made = {"work_order": [row["golden_id"] for row in parts["work_order"].rows]}
        parts |= {name: places.cut(name, frames[name], made) for name in _OF_WORK if name in frames}
    parts["sales_order_line"] = own
    return Cut(parts | {name: places.all(name, frame) for name, frame in frames.items() if name not in parts})


Changed = Mapping[str, tuple[PlannedOrder | None, PlannedOrder | None]]
"""Planned order → as it was and as it is; what it has over for others does not count."""


def put_back(standing: Standing, near: Neighbourhood, made: Plan) -> tuple[Plan, Changed]:
    """The small plant's plan in the whole one's place, and the planned orders that changed.

    Gives the plan under the names of the whole, which `standing` now holds.
    """
    pegs = tuple(_together(peg) for peg in made.pegs)
    before = {key: standing.orders[key] for key in near.planned}
    orders = tuple(_at_level(order, standing.levels.get(order.item, 0)) for order in made.planned_orders)
    kept = replace(made, planned_orders=orders, pegs=pegs)
    standing.remove(near.planned, near.pegs)
    standing.add(kept.planned_orders, kept.pegs)
    for line in near.lines:
        standing.demands.pop(line, None)
    standing.demands.update({row.key: row for row in near.picture.demands if row.key in near.lines})
    after = {order.key: order for order in kept.planned_orders}
    pairs = {key: (before.get(key), after.get(key)) for key in before.keys() | after.keys()}
    return kept, {key: pair for key, pair in pairs.items() if not _alike(*pair)}


def _together(peg: Peg) -> Peg:
    """A peg under the name its consumer has in the whole plant."""
    return replace(peg, consumer=peg.consumer.partition(_APART)[0]) if _APART in peg.consumer else peg


def _at_level(order: PlannedOrder, level: int) -> PlannedOrder:
    return order if order.level == level else replace(order, level=level)


def _alike(before: PlannedOrder | None, after: PlannedOrder | None) -> bool:
    """Whether nothing changed but what an order has over."""
    if before is None or after is None:
        return before is after
    return before == after or before == replace(after, surplus=before.surplus)
