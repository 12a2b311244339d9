"""What is asked, and what is answered. Quantities are in the item's scale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

LinkKind = Literal["order", "receipt", "firm", "planned", "work_centre"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a customer asks for; a lower `priority` goes before others in what is planned anew."""

    item: str
    quantity: int
    wanted: date
    customer: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain that decides a day: what waits, and until when.

    `order` is a new order of the item (`by` names the supplier, where one is), `receipt` and `firm` what is on order,
    `planned` what a planned order has over (`by` is its key), `work_centre` where `by` has no time before.
    """

    kind: LinkKind
    item: str
    by: str
    day: date


class Slot(NamedTuple):
    """Minutes of a work centre on a day, in thousandths of a second."""

    item: str
    work_centre: str
    day: date
    time: int


@dataclass(frozen=True, slots=True)
class Promise:
    """When it can be there: `promised` None says never.

    `from_stock`, `from_receipts` (what is on order, and what planned orders have over) and `to_make` add up to the
    quantity. `deliveries` says how much can be there when, if it may come in parts. `chain` is what decides the day,
    from the item asked for downwards; it is empty where the day wanted is kept. `missing` are the items that nothing
    covers, `slots` the time it takes of work centres.
    """

    item: str
    quantity: int
    wanted: date
    promised: date | None
    from_stock: int
    from_receipts: int
    to_make: int
    deliveries: tuple[tuple[date, int], ...]
    chain: tuple[Link, ...]
    missing: tuple[str, ...]
    slots: tuple[Slot, ...]

    @property
    def kept(self) -> bool:
        """Whether all of it is there on the day wanted."""
        return self.promised is not None and self.promised <= self.wanted

    @property
    def in_time(self) -> int:
        """How much can be there on the day wanted."""
        return sum(quantity for day, quantity in self.deliveries if day <= self.wanted)


@dataclass(frozen=True, slots=True)
class Found:
    """What a book found: days count from the planning day, `day` None says never.

    `parts` are (there, quantity, whether it lies in stock) of what exists already.
    """

    day: int | None
    parts: tuple[tuple[int, int, bool], ...] = ()
    chain: tuple[Link, ...] = ()
    missing: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()


def answer(asked: Asked, found: Found, as_of: date) -> Promise:
    """The promise for what a book found."""
    if found.day is None:
        return Promise(
            asked.item, asked.quantity, asked.wanted, None, 0, 0, 0, (), found.chain, found.missing, ()
        )  # fmt: skip
    promised, earliest = as_of + timedelta(found.day), max(asked.wanted, as_of)
    deliveries: dict[date, int] = {}
    for there, quantity, _ in found.parts:
        day = max(as_of + timedelta(there), earliest)
        deliveries[day] = deliveries.get(day, 0) + quantity
    stock = sum(quantity for _, quantity, lies in found.parts if lies)
    received = sum(quantity for _, quantity, lies in found.parts if not lies)
    made = asked.quantity - stock - received
    if made:
        deliveries[promised] = deliveries.get(promised, 0) + made
    return Promise(
        asked.item, asked.quantity, asked.wanted, promised, stock, received, made, tuple(sorted(deliveries.items())),
        found.chain, (), found.slots,
    )  # fmt: skip
