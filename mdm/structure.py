"""A merge must not make an item its own component: two items of one BOM path are not one item."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


def closing_cycle(
    lines: Iterable[tuple[str, str]], merged: Mapping[str, str], of: Collection[str]
) -> tuple[str, ...] | None:
    """The first cycle through one of the items `of`, once the ids in `merged` are others; None where there is none.

    `lines`: (parent, component) of every BOM line, as golden ids. The cycle begins and ends with the same item.
    """
    components: dict[str, set[str]] = {}
    for parent, component in lines:
        components.setdefault(merged.get(parent, parent), set()).add(merged.get(component, component))
    for item in sorted({merged.get(one, one) for one in of}):
        found = _back_to(item, components)
        if found is not None:
            return found
    return None


def _back_to(start: str, components: Mapping[str, Collection[str]]) -> tuple[str, ...] | None:
    """A path from an item through its components back to itself."""
    came_from: dict[str, str] = {}
    front = [start]
    while front:
        item = front.pop()
        for component in sorted(components.get(item, ())):
            if component == start:
                return _path(came_from, start, item)
            if component not in came_from:
                came_from[component] = item
                front.append(component)
    return None


def _path(came_from: Mapping[str, str], start: str, last: str) -> tuple[str, ...]:
    path = [start]
    at = last
    while at != start:
        path.append(at)
        at = came_from[at]
    return (start, *reversed(path[1:]), start) if len(path) > 1 else (start, start)
