"""From one page to the next; a system that names the same page twice is stopped, not followed for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jmespath

from canonical.errors import SystemUnavailable
from connectors.spec import CursorPaging, NextPathPaging, NumberPaging, OffsetPaging, Paging


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next request shall begin."""

    cursor: str | None = None
    path: str | None = None
    offset: int = 0
    page: int = 1
    limit: int | None = None


Fetch = Callable[[Place], tuple[Any, Sequence[Any]]]
"""Gives the whole reply body and the records in it."""


def pages(paging: Paging, fetch: Fetch, system: str) -> Iterator[Sequence[Any]]:
    """Every page's records, in order."""
    place: Place | None = first(paging)
    seen: set[Place] = set()
    while place is not None:
        if place in seen:
            raise SystemUnavailable("the system names the same page twice", system=system)
        seen.add(place)
        body, records = fetch(place)
        yield records
        place = _after(paging, place, body, len(records))


def first(paging: Paging) -> Place:
    """Where the first request begins."""
    if isinstance(paging, NumberPaging):
        return Place(limit=paging.limit, page=paging.first)
    return Place(limit=paging.limit if isinstance(paging, OffsetPaging) else None)


def _after(paging: Paging, place: Place, body: object, count: int) -> Place | None:
    if isinstance(paging, CursorPaging):
        cursor = jmespath.search(paging.at, body)
        return Place(cursor=str(cursor)) if cursor else None
    if isinstance(paging, NextPathPaging):
        path = jmespath.search(paging.at, body)
        return Place(path=str(path)) if path else None
    if isinstance(paging, OffsetPaging) and count >= paging.limit:
        return Place(offset=place.offset + count, limit=paging.limit)
    if isinstance(paging, NumberPaging) and count >= paging.limit:
        return Place(page=place.page + 1, limit=paging.limit)
    return None
