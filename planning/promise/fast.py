"""The compiled book of promises: thousands a second, each the same as the plain book's."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from canonical.plan import Plan, PlanItem, PlanningSnapshot
from planning.columns import LIMIT, NotCovered
from planning.promise.asking import Asked, Found, Link, Slot, answer
from planning.promise.building import Building
from planning.promise.kept import solve
from planning.promise.opening import opening
from planning.promise.tables import (
    BEYOND,
    CENTRE_LINK,
    LINK,
    MISFIT,
    MOST_LINKS,
    NEED,
    NODE,
    ON_SHELF,
    ORDER_LINK,
    OVER_LINK,
    SLOT,
    TAKE,
    Desk,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planning.promise.asking import LinkKind, Promise
    from planning.promise.opening import Opening
    from planning.promise.tables import Product

NOBODY = -2
MISSING, TOO_SHORT = -2, -3
ROOM = 4096


class CompiledBook:
    """Promises one order after the other, as `PlainBook` does; leaves the opening as it is.

    Raises NotCovered where quantities or ratios are beyond what 64 bits hold.
    """

    def __init__(self, begin: Opening) -> None:
        self.opening = begin
        self.building = Building(begin)
        self.codes = self.building.codes
        self.centres = list(self.building.centres)
        self.book = self.building.book()
        self.desk = _desk(1, 1, ROOM)
        as_of = begin.prepared.snapshot.as_of
        self._dates = [as_of + timedelta(day) for day in range(BEYOND + 1)]
        self._products: dict[str, Product] = {}
        self._suppliers: dict[str, str] = {}

    def promise(self, asked: Asked) -> Promise:
        """The first day found for it, which is taken; the item must be one of the snapshot's."""
        if asked.quantity > LIMIT:
            raise NotCovered("a quantity beyond the limit")
        product = self.know(asked.item)
        as_of = self.opening.prepared.snapshot.as_of
        wanted = max((asked.wanted - as_of).days, 0)
        customer = self.building.customers.get(asked.customer or "", NOBODY)
        who = self.building.number[asked.item], customer if asked.customer is not None else NOBODY
        self._make_room(product, 0)
        day = solve(wanted, asked.quantity, who, self.book, product, self.desk)
        while day == TOO_SHORT:
            self._make_room(product, 2 * len(self.desk.takes))
            day = solve(wanted, asked.quantity, who, self.book, product, self.desk)
        return answer(asked, self._found(day, product), as_of)

    def promise_all(self, asked: Iterable[Asked]) -> list[Promise]:
        """One promise after the other."""
        return [self.promise(one) for one in asked]

    # -- room ------------------------------------------------------------------------------------------------------

    def know(self, code: str) -> Product:
        """All below a product, worked out at its first promise unless asked for before."""
        found = self._products.get(code)
        if found is None:
            found = self._products[code] = self.building.product(code)
        return found

    def _make_room(self, product: Product, takes: int) -> None:
        nodes, desk, lots = len(product.items), self.desk, self.book.lots
        if nodes > len(desk.nodes) or len(product.lines) >= len(desk.needs) or takes:
            self.desk = _desk(nodes, len(product.lines) + 1, max(takes, len(desk.takes)))
        if int(self.book.lot_count[0]) + nodes > len(lots):
            self.book = self.book._replace(lots=np.append(lots, np.zeros(len(lots) + ROOM + nodes, lots.dtype)))

    # -- what came of it -------------------------------------------------------------------------------------------

    def _found(self, day: int, product: Product) -> Found:
        desk, many = self.desk, self.desk.counts.tolist()
        if day == MISSING:
            nodes = np.flatnonzero(desk.nodes["missing"][: len(product.items)])
            return Found(None, missing=tuple(sorted(self.codes[item] for item in product.items[nodes])))
        chain = tuple(self._link(*row) for row in desk.links[: many[3]].tolist())
        if day < 0:
            return Found(None, chain=chain)
        codes, centres, dates = [self.codes[item] for item in product.items.tolist()], self.centres, self._dates
        slots = tuple(
            [
                Slot(codes[node], centres[centre], dates[at], time)
                for time, node, centre, at in desk.slots[: many[2]].tolist()
            ]
        )
        takes = desk.takes[: many[1]]
        own = takes[takes["need"] == 0].tolist()
        parts = tuple(self._part(covered, kind, source) for _, covered, kind, source, _ in own)
        return Found(day, parts, chain, slots=slots)

    def _part(self, covered: int, kind: int, source: int) -> tuple[int, int, bool]:
        if kind != ON_SHELF:
            return int(self.book.lots[source]["there"]), covered, False
        free = self.building.supplies[source]
        return free.day, covered, free.kind == "on_hand"

    def _link(self, kind: int, item: int, by: int, day: int) -> Link:
        code, name = self.codes[item], ""
        said: LinkKind = "order"
        if kind == ORDER_LINK:
            name = self._supplier(code)
        elif kind == CENTRE_LINK:
            said, name = "work_centre", self.centres[by]
        elif kind == OVER_LINK:
            said, name = "planned", self.building.over[by].key if by < len(self.building.over) else ""
        else:
            free = self.building.supplies[by]
            said, name = "firm" if free.kind == "firm" else "receipt", free.key
        return Link(said, code, name, self._dates[min(day, BEYOND)])

    def _supplier(self, code: str) -> str:
        found = self._suppliers.get(code)
        if found is None:
            found = self._suppliers[code] = self.opening.fastest_supplier(code)
        return found


def _desk(nodes: int, needs: int, takes: int) -> Desk:
    return Desk(
        np.zeros(needs, NEED),
        np.zeros(nodes, NODE),
        np.zeros(takes, TAKE),
        np.zeros(takes, SLOT),
        np.zeros(MOST_LINKS, LINK),
        np.zeros(nodes, MISFIT),
        np.zeros(6, np.int64),
    )


def warm() -> None:
    """Compile, unless that was done before: about half a minute once for each change of the kernel's sources."""
    day = date(2000, 1, 1)
    snapshot = PlanningSnapshot(day, (PlanItem("ITEM", "buy"),))
    CompiledBook(opening(Plan(), snapshot)).promise(Asked("ITEM", 1, day))
