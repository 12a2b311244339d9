"""Available to promise: what of stock and schedule no order has taken yet."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class DiscreteAtp:
    """Available to promise by bucket, in the item's scale.

    `raw` stands in the buckets that have supply and may be negative; `look_back` takes a negative bucket from earlier
    ones; `cumulative` sums `look_back`.
    """

    raw: tuple[int, ...]
    look_back: tuple[int, ...]
    cumulative: tuple[int, ...]


def discrete_atp(on_hand: int, supplies: list[int], orders: list[int]) -> DiscreteAtp:
    """Each supply covers the orders up to the next one (stock: up to the first supply after bucket 1)."""
    starts = [bucket for bucket, supply in enumerate(supplies) if supply or not bucket]
    raw = [0] * len(supplies)
    for start, end in zip(starts, [*starts[1:], len(supplies)], strict=True):
        raw[start] = supplies[start] - sum(orders[start:end]) + (0 if start else on_hand)
    look_back = list(raw)
    for bucket in reversed(range(len(raw))):
        for earlier in reversed(range(bucket)):
            taken = min(max(look_back[earlier], 0), max(-look_back[bucket], 0))
            look_back[earlier] -= taken
            look_back[bucket] += taken
    return DiscreteAtp(tuple(raw), tuple(look_back), tuple(accumulate(look_back)))
