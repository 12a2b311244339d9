"""Turns net requirements into order quantities, by named policy and in exact ints.

Every policy is a closure: sizing a quantity between the net requirement and its lot size gives the same lot size.
That is what lets later needs draw on a lot's surplus without changing the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING

from canonical.plan import DEFAULT_SCALE

if TYPE_CHECKING:
    from canonical.plan import LotPolicy, ScrapRule

MAX_LOTS = 10_000
MILLION = 1_000_000


def ceil_to(quantity: int, unit: int) -> int:
    """The smallest multiple of `unit` that is at least `quantity`."""
    return -(-quantity // unit) * unit


def lot_unit(policy: LotPolicy) -> int:
    """The step order quantities move in."""
    return policy.fixed if policy.rule == "fixed" else policy.multiple or 1


def lot_bounds(policy: LotPolicy) -> tuple[int, int]:
    """The smallest and the largest order the policy allows, on its own steps; 0 as largest means unbounded."""
    unit = lot_unit(policy)
    return ceil_to(max(policy.minimum, 1), unit), policy.maximum // unit * unit


def is_consistent(policy: LotPolicy) -> bool:
    """Whether at least one order quantity satisfies the policy."""
    if min(policy.minimum, policy.multiple, policy.maximum, policy.fixed, policy.period_days) < 0:
        return False
    if (policy.rule == "fixed" and not policy.fixed) or (policy.rule == "period" and not policy.period_days):
        return False
    smallest, largest = lot_bounds(policy)
    return not policy.maximum or smallest <= largest


def lot_size(net: int, policy: LotPolicy) -> int:
    """The quantity ordered in all for a net requirement: 0 for none, else at least `net`."""
    if net <= 0:
        return 0
    unit = lot_unit(policy)
    smallest, largest = lot_bounds(policy)
    full = (net - 1) // largest if policy.maximum else 0
    return full * largest + max(smallest, ceil_to(net - full * largest, unit))


def gross_of(good: int, ppm: int, rule: ScrapRule, scale: int) -> int:
    """What must be started so that `good` comes out, where `ppm` parts per million are lost; all in scaled units.

    multiply: good x (1 + rate); divide: good / (1 - rate); add_percent_round_up (SAP's assembly scrap): whole stocking
    units of scrap on top; sqrt (Orlicky's scrap allowance): rate x the square root of good in stocking units, the root
    taken in double precision and rounded up to a scaled unit.
    """
    if not ppm or good <= 0:
        return good
    if rule == "multiply":
        return -(-good * (MILLION + ppm) // MILLION)
    if rule == "divide":
        return -(-good * MILLION // (MILLION - ppm))
    if rule == "add_percent_round_up":
        return good + -(-good * ppm // (MILLION * scale)) * scale
    root = ceil(sqrt(float(good) * float(scale)))
    return good + -(-ppm * root // MILLION)


def good_of(gross: int, ppm: int, rule: ScrapRule, scale: int) -> int:
    """The most that comes out good where `gross` is started: the inverse of `gross_of`."""
    if not ppm or gross <= 0:
        return gross
    if rule == "multiply":
        return gross * MILLION // (MILLION + ppm)
    if rule == "divide":
        return gross * (MILLION - ppm) // MILLION
    low, high = 0, gross
    while low < high:
        middle = (low + high + 1) // 2
        if gross_of(middle, ppm, rule, scale) <= gross:
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(frozen=True, slots=True)
class Sizing:
    """How an item's orders are sized: its lot policy over what must be started, its scrap rates by the order's due day.

    `rates` are (first day as an ordinal, parts per million), ascending. Quantities asked for and given back are good
    ones, so that pegs never speak of what will be lost.
    """

    policy: LotPolicy
    rates: tuple[tuple[int, int], ...] = ()
    rule: ScrapRule = "divide"
    scale: int = DEFAULT_SCALE

    def rate_on(self, day: int) -> int:
        """The scrap rate of an order due on this day."""
        found = 0
        for first, ppm in self.rates:
            if first > day:
                break
            found = ppm
        return found

    def capacity(self, day: int) -> int:
        """What the largest lot yields; 0 where there is no largest."""
        return good_of(lot_bounds(self.policy)[1], self.rate_on(day), self.rule, self.scale)

    def started(self, good: int, day: int) -> int:
        """What one lot must start so that `good` comes out."""
        gross = gross_of(good, self.rate_on(day), self.rule, self.scale)
        return max(lot_bounds(self.policy)[0], ceil_to(gross, lot_unit(self.policy)))

    def total(self, net: int, day: int) -> int:
        """What comes out good in all where `net` is needed."""
        if net <= 0:
            return 0
        if not self.rates:
            return lot_size(net, self.policy)
        capacity = self.capacity(day)
        full = (net - 1) // capacity if capacity else 0
        started = self.started(net - full * capacity, day)
        return full * capacity + good_of(started, self.rate_on(day), self.rule, self.scale)

    def lots(self, good: int, day: int) -> list[int]:
        """A sized quantity as what single lots yield, the largest first."""
        capacity = self.capacity(day)
        if not capacity or good <= 0:
            return [good] if good > 0 else []
        full, rest = divmod(good, capacity)
        return [capacity] * full + ([rest] if rest else [])
