"""Matches the needs of one item with what exists: reservations first, then free supply in order of need.

Works on day ordinals and on small mutable records that live for one item of one run only.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from canonical.plan import PlanSubstitute, SupplyKind

Urgency = tuple[int, int]
Rank = tuple[int, int, int, str, str]
NOT_WANTED = 10**9


class Need:
    """One requirement of an item; `rank` = (*urgency, day, root, consumer), urgency = (tier, priority), sorts.

    `parent` is the item whose order draws it.
    """

    __slots__ = ("consumer", "day", "open", "parent", "quantity", "rank", "root")

    def __init__(
        self,
        urgency: Urgency,
        day: int,
        root: str | None,
        consumer: str,
        quantity: int,
        *,
        parent: str | None = None,
    ) -> None:
        self.rank: Rank = (*urgency, day, root or "", consumer)
        self.parent = parent
        self.day = day
        self.root = root
        self.consumer = consumer
        self.quantity = quantity
        self.open = quantity


class Supply:
    """One supply of an item that planning it does not make.

    `free` is what no need has taken yet, `wanted` the first day one did. `place` sorts supplies of one day: by key,
    by-products of planned orders after all others, in the order they arise.
    """

    __slots__ = ("available", "free", "key", "kind", "origin", "place", "quantity", "reserved_for", "wanted")

    def __init__(
        self,
        key: str,
        kind: SupplyKind,
        available: int,
        quantity: int,
        *,
        reserved_for: str | None = None,
        origin: str | None = None,
        arising: int = 0,
    ) -> None:
        self.place = (arising, key)
        self.wanted = NOT_WANTED
        self.key = key
        self.kind = kind
        self.available = available
        self.quantity = quantity
        self.free = quantity
        self.reserved_for = reserved_for
        self.origin = origin

    @property
    def traced(self) -> bool:
        """Whether it is known which planned order of ours it came from."""
        return self.kind == "firm" or self.origin is not None


Allocation = tuple[Supply, Need, int]
Claim = tuple[str, str, int]


class Keeping(NamedTuple):
    """What of an item's supply is kept back: see `PlanItem.kept_apart` and `PlanPolicies.reserved_surplus`."""

    kept_apart: bool
    reserved_waits: bool

    def gives(self, supply: Supply) -> bool:
        """Whether what is free of the supply serves needs without a reservation."""
        return supply.free > 0 and (supply.reserved_for is None or not (self.kept_apart or self.reserved_waits))

    def gives_to(self, supply: Supply, need: Need, *, apart: bool) -> bool:
        """Whether it serves this need; `apart` says that the need's own item is kept apart."""
        if supply.free > 0 and supply.reserved_for is not None and supply.reserved_for == need.root:
            return True
        return self.gives(supply) and (need.root is None or not (self.kept_apart or apart))


FREELY = Keeping(kept_apart=False, reserved_waits=False)


def in_order(supplies: Iterable[Supply], *, latest_first: bool) -> list[Supply]:
    """Supplies as free ones are taken: by day (or the latest first), stock before all others, then by place."""
    sign = -1 if latest_first else 1
    return sorted(supplies, key=lambda supply: (sign * supply.available, supply.kind != "on_hand", supply.place))


class Matching:
    """The allocations of one item, in the making."""

    __slots__ = ("allocations", "needs", "substituted", "supplies")

    def __init__(self, needs: list[Need], supplies: list[Supply]) -> None:
        self.needs = sorted(needs, key=lambda need: need.rank)
        self.supplies = supplies
        self.allocations: list[Allocation] = []
        self.substituted: list[tuple[str, Supply, Need, int]] = []

    def take(self, supply: Supply, need: Need, most: int) -> int:
        """Give `need` up to `most` of `supply`; returns the quantity given."""
        quantity = min(most, need.open, supply.free)
        if quantity > 0:
            supply.free -= quantity
            supply.wanted = min(supply.wanted, need.day)
            need.open -= quantity
            self.allocations.append((supply, need, quantity))
        return quantity

    def open_needs(self) -> list[Need]:
        """What is still short, in rank order."""
        return [need for need in self.needs if need.open]

    def honour(self, prior: dict[str, list[Claim]], released: frozenset[str]) -> dict[str, list[Claim]]:
        """Keep the prior pegs on supplies that still exist; what arrived meanwhile is looked for on hand.

        `prior` gives per consumer (supply key, kind, quantity), `released` the planned keys known to be documents.
        Returns the prior pegs on planned orders that are still to be made.
        """
        by_key: dict[str, list[Supply]] = {}
        for supply in sorted(self.supplies, key=lambda supply: (supply.available, supply.place)):
            by_key.setdefault(supply.key, []).append(supply)
            if supply.origin is not None and supply.origin != supply.key:
                by_key.setdefault(supply.origin, []).append(supply)
        arrived: list[tuple[Need, int]] = []
        planned: dict[str, list[Claim]] = {}
        for need in self.needs:
            for claim in prior.get(need.consumer, ()):
                key, kind, quantity = claim
                if kind == "planned" and key not in by_key and key not in released:
                    planned.setdefault(need.consumer, []).append(claim)
                    continue
                kept = 0
                for supply in by_key.get(key, ()):
                    kept += self.take(supply, need, quantity - kept)
                if kind != "on_hand" and kept < quantity and need.open:
                    arrived.append((need, quantity - kept))
        self._from_stock(arrived)
        return planned

    def _from_stock(self, arrived: Iterable[tuple[Need, int]]) -> None:
        stock = sorted((s for s in self.supplies if s.kind == "on_hand"), key=lambda supply: supply.place)
        for need, quantity in arrived:
            missing = quantity
            for supply in stock:
                missing -= self.take(supply, need, missing)

    def reserve(self, *, traced: bool) -> None:
        """Give receipts reserved for a root to the needs of that root, whenever they arrive.

        `traced` ones come from our planned orders, whose pegs are honoured before; the others must go first, or what
        they were bought for would be ordered again.
        """
        reserved: dict[str, list[Supply]] = {}
        for supply in sorted(self.supplies, key=lambda supply: (supply.available, supply.place)):
            if supply.reserved_for is not None and supply.free and supply.traced == traced:
                reserved.setdefault(supply.reserved_for, []).append(supply)
        if not reserved:
            return
        for need in self.needs:
            for supply in reserved.get(need.root or "", ()):
                self.take(supply, need, need.open)

    def allocate(self, *, latest_first: bool, late_until: int | None, keeping: Keeping = FREELY) -> None:
        """Give free supply to the open needs in rank order, only what is there by the need's day.

        `late_until`, where given, is the day a new order would arrive: a later receipt up to then is taken too.
        """
        free = in_order((s for s in self.supplies if keeping.gives(s)), latest_first=latest_first)
        for need in self.needs:
            if not free:
                return
            if keeping.kept_apart and need.root is not None:
                continue
            if need.open:
                self._take_in_time(free, need, latest_first=latest_first)
            if need.open and late_until is not None:
                self._take_late(free, need, max(need.day, late_until))

    def substitute(self, need: Need, row: PlanSubstitute, supplies: Iterable[Supply]) -> int:
        """Cover the open need from another item's supplies that are there in time, as far as they go.

        Returns what was covered. Of the other item whole scaled units are taken, rounded up once per supply.
        """
        before = need.open
        for supply in supplies:
            if not need.open:
                break
            covered = min(need.open, supply.free * row.denominator // row.numerator)
            if supply.available <= need.day and covered > 0:
                taken = -(-covered * row.numerator // row.denominator)
                supply.free -= taken
                supply.wanted = min(supply.wanted, need.day)
                need.open -= covered
                self.substituted.append((row.substitute, supply, need, taken))
        return before - need.open

    def _take_in_time(self, free: list[Supply], need: Need, *, latest_first: bool) -> None:
        position = bisect_left(free, -need.day, key=lambda supply: -supply.available) if latest_first else 0
        while need.open and position < len(free) and free[position].available <= need.day:
            self.take(free[position], need, need.open)
            if free[position].free:
                position += 1
            else:
                del free[position]

    def _take_late(self, free: list[Supply], need: Need, until: int) -> None:
        late = [supply for supply in free if need.day < supply.available <= until]
        for supply in sorted(late, key=lambda supply: (supply.available, supply.place)):
            self.take(supply, need, need.open)
        free[:] = [supply for supply in free if supply.free]


def free_quantity(supplies: Sequence[Supply], kind: SupplyKind) -> int:
    """What no need has taken of the supplies of one kind."""
    return sum(supply.free for supply in supplies if supply.kind == kind)
