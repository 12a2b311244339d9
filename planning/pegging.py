"""Planned orders of one item and who they are for, and the trace from an order down to what feeds it.

A group is what is ordered together: one item for one root (or one day, see `PlanPolicies.order_grouping`). Its lot
size covers its own needs and whatever others were pegged to it before; what the lot leaves over serves later needs.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canonical.plan import LOT_FOR_LOT
from planning.preparation import order_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from canonical.plan import Peg, Plan
    from planning.lot_sizing import Sizing
    from planning.netting import Claim, Need

FAR = 10**9


def order_base(item: str, owner: str) -> str:
    """The part of a planned order key before its number; `|` in the item code is escaped, so keys are unambiguous."""
    return f"{order_prefix(item)}{owner}"


class Group:
    """The planned orders of one item for one owner, in the making."""

    __slots__ = ("base", "day", "owner", "shares", "sized", "total")

    def __init__(self, base: str, owner: str) -> None:
        self.base = base
        self.owner = owner
        self.shares: dict[Need, int] = {}
        self.total = 0
        self.sized = 0
        self.day = FAR

    @property
    def surplus(self) -> int:
        """What the lot leaves over."""
        return self.sized - self.total

    def give(self, need: Need, most: int) -> None:
        """Peg up to `most` of the open need to this group; the group grows when its lot does not hold it."""
        quantity = min(most, need.open)
        if quantity <= 0:
            return
        need.open -= quantity
        self.shares[need] = self.shares.get(need, 0) + quantity
        self.total += quantity
        self.day = min(self.day, need.day)

    def resize(self, sizing: Sizing) -> None:
        """Set the lot size for what is pegged."""
        plain = sizing.policy is LOT_FOR_LOT and not sizing.rates
        self.sized = self.total if plain else sizing.total(self.total, self.day)


class Ordering:
    """Plans the orders of one item for the needs that existing supply leaves open, which come in rank order."""

    def __init__(self, item: str, sizing: Sizing, owner_of: Callable[[Need], str], *, apart: bool = False) -> None:
        self.item = item
        self.sizing = sizing
        self.lot = sizing.policy
        self.owner_of = owner_of
        self.apart = apart
        self.groups: dict[str, Group] = {}
        self._over: list[tuple[int, str]] = []

    def keep(self, needs: list[Need], planned: dict[str, list[Claim]]) -> None:
        """Keep what was pegged to planned orders before, under the old keys."""
        prefix = order_base(self.item, "")
        for need in needs:
            for key, _, quantity in planned.get(need.consumer, ()):
                base, _, number = key.rpartition("|")
                if not base.startswith(prefix) or not number.isdecimal():
                    continue
                if not self.apart or base[len(prefix) :] == self.owner_of(need):
                    self._group(base, base[len(prefix) :]).give(need, quantity)
        for group in self.groups.values():
            group.resize(self.sizing)
            self._note_surplus(group)

    def order(self, needs: list[Need]) -> None:
        """Cover the open needs, owner by owner in the order of each owner's first need."""
        by_owner: dict[str, list[Need]] = {}
        for need in needs:
            by_owner.setdefault(self.owner_of(need), []).append(need)
        for owner, own in by_owner.items():
            base = order_base(self.item, owner)
            for need in own:
                if base in self.groups:
                    self._give_own_surplus(self.groups[base], need)
                if self._over and not self.apart:
                    self._take_surplus(need)
                if need.open:
                    self._grow(self._group(base, owner), need, needs)

    def _group(self, base: str, owner: str) -> Group:
        group = self.groups.get(base)
        if group is None:
            group = self.groups[base] = Group(base, owner)
        return group

    def _give_own_surplus(self, group: Group, need: Need) -> None:
        before = group.day
        group.give(need, group.surplus)
        if group.day != before:
            self._note_surplus(group)

    def _grow(self, group: Group, need: Need, needs: list[Need]) -> None:
        group.give(need, need.open)
        if self.lot.rule == "period":
            for other in needs:
                if group.day <= other.day < group.day + self.lot.period_days and self._shares(group, other):
                    group.give(other, other.open)
        group.resize(self.sizing)
        self._note_surplus(group)

    def _shares(self, group: Group, need: Need) -> bool:
        return not self.apart or self.owner_of(need) == group.owner

    def _note_surplus(self, group: Group) -> None:
        if group.sized > group.total:
            insort(self._over, (group.day, group.base))

    def _take_surplus(self, need: Need) -> None:
        """Draw on lots that are there in time, the latest first."""
        position = bisect_right(self._over, (need.day, "\U0010ffff")) - 1
        while need.open and position >= 0:
            day, base = self._over[position]
            group = self.groups[base]
            if group.day == day:
                group.give(need, group.surplus)
            if group.day != day or not group.surplus:
                del self._over[position]
            position -= 1

    def absurd(self, most: int, most_lots: int) -> list[Group]:
        """Take out and return the groups that order or start more than `most`, or more lots than `most_lots`."""
        found = []
        for _, group in sorted(self.groups.items()):
            group.resize(self.sizing)
            capacity = self.sizing.capacity(group.day)
            lot = min(capacity or group.sized, group.sized)
            if group.sized > most or self.sizing.started(lot, group.day) > most or group.sized > most_lots * lot:
                found.append(group)
        for group in found:
            del self.groups[group.base]
        return found

    def lots(self) -> Iterator[tuple[Group, list[int]]]:
        """Every group with its order quantities, by due day and key."""
        for group in sorted(self.groups.values(), key=lambda group: (group.day, group.base)):
            if group.sized:
                yield group, self.sizing.lots(group.sized, group.day)


def distribute(group: Group, quantities: list[int], owner_of: Callable[[Need], str]) -> list[list[tuple[Need, int]]]:
    """Share the group's orders among its needs, its owner's first. One list of (need, quantity) per order."""
    if len(quantities) == 1 and len(group.shares) == 1:
        return [list(group.shares.items())]
    ranked = [((owner_of(need) != group.owner, need.rank), need, share) for need, share in group.shares.items()]
    shares = [(need, share) for _, need, share in sorted(ranked, key=lambda row: row[0], reverse=True)]
    result: list[list[tuple[Need, int]]] = []
    for room in quantities:
        left, given = room, []
        while shares and left:
            need, wanted = shares.pop()
            quantity = min(wanted, left)
            given.append((need, quantity))
            left -= quantity
            if wanted > quantity:
                shares.append((need, wanted - quantity))
        result.append(given)
    return result


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One step of a trace: `depth` 0 feeds the traced key itself."""

    depth: int
    peg: Peg


def trace_down(plan: Plan, key: str) -> Iterator[TraceLine]:
    """What feeds a demand or order, through all levels, each order's own supplies right below it (shown once)."""
    seen = {key}
    waiting = [TraceLine(0, peg) for peg in reversed(plan.supplies_of(key))]
    while waiting:
        line = waiting.pop()
        yield line
        if line.peg.supply not in seen:
            seen.add(line.peg.supply)
            waiting.extend(TraceLine(line.depth + 1, peg) for peg in reversed(plan.supplies_of(line.peg.supply)))


def trace_up(plan: Plan, key: str) -> Iterator[TraceLine]:
    """Whom a supply or order serves, through all levels up to the demands (each order shown once)."""
    seen = {key}
    waiting = [TraceLine(0, peg) for peg in reversed(plan.consumers_of(key))]
    while waiting:
        line = waiting.pop()
        yield line
        if line.peg.consumer not in seen:
            seen.add(line.peg.consumer)
            waiting.extend(TraceLine(line.depth + 1, peg) for peg in reversed(plan.consumers_of(line.peg.consumer)))
