"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def asked_for(total: int, number: int, rows: Callable[[int, int], Sequence[T]], size: int = ON_A_PAGE) -> Part[T]:
    """One part of a list too long to be read whole; `rows` takes how many are wanted and how many come before."""
    last = max(1, -(-total // size))
    number = min(max(number, 1), last)
    return Part(rows(size, (number - 1) * size), number, last, total)


def part(rows: Sequence[T], number: int, size: int = ON_A_PAGE) -> Part[T]:
    """The rows of one part; a number beyond the list is its last part."""
    return asked_for(len(rows), number, lambda most, before: rows[before : before + most], size)
