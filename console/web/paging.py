"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Part `number` of `last` parts of a list; `total`: how many there are in all."""

    rows: Sequence[T]
    number: int
    last: int
    total: int


def part(rows: Sequence[T], number: int, size: int = ON_A_PAGE) -> Part[T]:
    """The rows of one part; a number beyond the list is its last part."""
    last = max(1, -(-len(rows) // size))
    number = min(max(number, 1), last)
    return Part(rows[(number - 1) * size : number * size], number, last, len(rows))
