"""Exact ratios by number, so that columns of them can be multiplied and added: a plant's lines share few ratios."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from planning.columns import Ints


class Ratios:
    """Each ratio once; a column of ratios is a column of their numbers, and arithmetic is done once a distinct pair."""

    def __init__(self) -> None:
        self.values: list[Fraction] = []
        self._numbers: dict[tuple[int, int], int] = {}

    def number(self, value: Fraction) -> int:
        """The number of a ratio, a new one for a new ratio."""
        key = value.numerator, value.denominator
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.values)
            self.values.append(value)
        return found

    def products(self, left: Ints, right: Ints) -> Ints:
        """Row by row the one times the other."""
        return self._pairwise(left, right, lambda one, other: one * other)

    def sums(self, left: Ints, right: Ints) -> Ints:
        """Row by row the one and the other."""
        return self._pairwise(left, right, lambda one, other: one + other)

    def _pairwise(self, left: Ints, right: Ints, work: Callable[[Fraction, Fraction], Fraction]) -> Ints:
        known = max(len(self.values), 1)
        pairs, back = np.unique(left * known + right, return_inverse=True)
        values = self.values
        found = [
            self.number(work(values[one], values[other])) for one, other in (divmod(p, known) for p in pairs.tolist())
        ]
        return np.array(found, np.int64)[back] if len(pairs) else left

    def totals(self, groups: Ints, ratios: Ints) -> tuple[Ints, Ints]:
        """The first row and the sum of each group of equal neighbours."""
        first = np.flatnonzero(np.diff(groups, prepend=-1))
        sums, size, step = ratios[first], np.diff(first, append=len(groups)), 1
        while len(more := np.flatnonzero(size > step)):
            sums[more] = self.sums(sums[more], ratios[first[more] + step])
            step += 1
        return first, sums
