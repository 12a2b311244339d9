"""Many documents in one call: which requests may share it, and how they are put into words."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from canonical.errors import UnmappableRecord
from connectors.port import StepRequest
from connectors.spec import Batch, Rule
from connectors.template import unsafe

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Item:
    """One document of a batch: `payload` as mapped, `sent` as it stands in the call."""

    request: StepRequest
    payload: dict[str, Any]
    sent: Any
    rules: tuple[Rule, ...]


def calls(requests: Sequence[StepRequest], batch_of: Callable[[StepRequest], Batch | None]) -> list[list[int]]:
    """Places of the requests that go out in one call; at most a batch's size of one step, each reference once."""
    under_way: dict[tuple[str, str, str], list[int]] = {}
    found: list[list[int]] = []
    for place, request in enumerate(requests):
        batch = None if request.alone else batch_of(request)
        key = (request.operation, request.variant, request.step)
        group = under_way.get(key)
        if batch is None or group is None or len(group) >= batch.size or _named(requests, group, request):
            group = []
            found.append(group)
        if batch is not None:
            under_way[key] = group
        group.append(place)
    return found


def _named(requests: Sequence[StepRequest], group: Sequence[int], request: StepRequest) -> bool:
    return any(requests[place].reference == request.reference for place in group)


def joined(items: Sequence[Any], separator: str | None) -> Any:  # noqa: ANN401 - any JSON value
    """The items as a list, or as one text; raise `UnmappableRecord` where an item would be taken for two."""
    if separator is None:
        return list(items)
    texts = [str(item) for item in items]
    if any(separator in text for text in texts):
        raise UnmappableRecord(f"an item of the batch holds {separator!r}, which separates items")
    return separator.join(texts)


def quoted(references: Sequence[str]) -> str | None:
    """`'a','b'` for a query; None where a reference holds what could change the query's meaning."""
    if any(unsafe(reference) for reference in references):
        return None
    return ",".join(f"'{reference}'" for reference in references)


def chunks(values: Sequence[T], size: int) -> Iterator[list[T]]:
    """The values, each once, in lists of at most `size`."""
    rest = iter(dict.fromkeys(values))
    while chunk := list(itertools.islice(rest, size)):
        yield chunk


def parts_by_place(entries: object) -> dict[str, list[Mapping[str, Any]]]:
    """Entries of a reply under the place (`DIndex`) of the document they speak of."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            found.setdefault(str(entry.get("DIndex")), []).append(entry)
    return found
