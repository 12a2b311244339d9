"""Turns net requirements into order quantities, by named policy and in exact ints.

Every policy is a closure: sizing a quantity between the net requirement and its lot size gives the same lot size.
That is what lets later needs draw on a lot's surplus without changing the order.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, isqrt
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from canonical.plan import LotPolicy

MAX_LOTS = 10_000
ScrapRule = Literal["multiply", "divide", "add_percent_round_up", "sqrt"]


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


def split(quantity: int, policy: LotPolicy) -> list[int]:
    """A lot-sized quantity as single orders, the largest allowed first."""
    if not policy.maximum or quantity <= 0:
        return [quantity] if quantity > 0 else []
    largest = lot_bounds(policy)[1]
    full, rest = divmod(quantity, largest)
    return [largest] * full + ([rest] if rest else [])


def with_scrap(net: Fraction, rate: Fraction, rule: ScrapRule) -> Fraction:
    """What must be started so that `net` comes out good.

    multiply: net x (1 + rate); divide: net / (1 - rate); add_percent_round_up: whole pieces of scrap on top;
    sqrt: net + rate x sqrt(net), the root rounded up to whole units.
    """
    if rule == "multiply":
        return net * (1 + rate)
    if rule == "divide":
        return net / (1 - rate)
    if rule == "add_percent_round_up":
        return net + ceil(net * rate)
    root = isqrt(ceil(net))
    return net + rate * (root if root * root >= net else root + 1)
