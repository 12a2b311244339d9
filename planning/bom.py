"""The shape of the product structure: cycles, phantoms blown through, low-level codes.

Only parents that consume material (make, subcontract, phantom) have components here; ratios are exact fractions of
scaled component units per scaled parent unit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from collections.abc import Set as AbstractSet

Structure = dict[str, dict[str, Fraction]]
Ratio = tuple[str, int, int]
Arc = tuple[str, str]
"""(before, after): the second is planned after the first."""
Windows = dict[str, dict[str, list[tuple[int, int, Fraction]]]]
"""By parent and component the dated part of what is drawn: from this day ordinal, before that one, how much."""


def _add(lines: dict[str, Fraction], component: str, ratio: Fraction) -> None:
    """Draw this much more; adding fractions is what exploding spends its time on, so none is added to nothing."""
    before = lines.get(component)
    lines[component] = ratio if before is None else before + ratio


class DatedStructure:
    """What parents with dated lines, their own or those of phantoms below them, consume on a day."""

    def __init__(self, structure: Structure, windows: Windows, phantoms: Collection[str], parents: set[str]) -> None:
        self.structure = structure
        self.windows = windows
        self.phantoms = phantoms
        self.parents = parents
        self._changes: dict[str, list[int]] = {}
        self._known: dict[tuple[str, int], dict[str, Fraction]] = {}

    def changes(self, parent: str) -> list[int]:
        """The days on which what an order of the parent draws may change, ascending."""
        found = self._changes.get(parent)
        if found is None:
            days = {day for each in self.windows.get(parent, {}).values() for window in each for day in window[:2]}
            for component in self.structure.get(parent, {}):
                if component in self.phantoms and component in self.structure:
                    days.update(self.changes(component))
            found = self._changes[parent] = sorted(days)
        return found

    def on(self, parent: str, day: int) -> tuple[Ratio, ...]:
        """The components drawn by an order that starts on this day (an ordinal)."""
        lines = self._lines(parent, day)
        return tuple((code, ratio.numerator, ratio.denominator) for code, ratio in sorted(lines.items()))

    def _lines(self, parent: str, day: int) -> dict[str, Fraction]:
        key = parent, bisect_right(self.changes(parent), day)
        if key not in self._known:
            self._known[key] = self._blown_through(parent, day)
        return self._known[key]

    def _blown_through(self, parent: str, day: int) -> dict[str, Fraction]:
        lines: dict[str, Fraction] = {}
        for component, whole in self.structure.get(parent, {}).items():
            dated = self.windows.get(parent, {}).get(component, ())
            ratio = whole
            for first, until, share in dated:
                if not first <= day < until:
                    ratio -= share
            if not ratio:
                continue
            if component in self.phantoms and component in self.structure:
                for below, share in self._lines(component, day).items():
                    _add(lines, below, ratio * share)
            else:
                _add(lines, component, ratio)
        return lines


@dataclass(frozen=True, slots=True)
class Explosion:
    """What each parent consumes once phantoms are blown through, and how deep each item lies."""

    components: dict[str, tuple[Ratio, ...]]
    levels: dict[str, int]
    cycles: tuple[tuple[str, ...], ...]
    dated: DatedStructure | None = None
    arcs: frozenset[Arc] = frozenset()

    def components_on(self, parent: str, day: int) -> tuple[Ratio, ...]:
        """What an order of the parent draws that starts on this day (an ordinal)."""
        if self.dated is not None and parent in self.dated.parents:
            return self.dated.on(parent, day)
        return self.components.get(parent, ())

    def changes(self, parent: str) -> list[int]:
        """The days (ordinals) on which what an order of the parent draws may change, ascending."""
        return self.dated.changes(parent) if self.dated is not None and parent in self.dated.parents else []

    def on_cycle(self) -> frozenset[str]:
        """Every item that is part of a cycle."""
        return frozenset(code for cycle in self.cycles for code in cycle)


def strongly_connected(structure: Mapping[str, Mapping[str, Fraction]]) -> Iterator[list[str]]:
    """Tarjan's components without recursion, so that deep structures cannot exhaust the stack."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for start in sorted(structure):
        if start in index:
            continue
        path: list[tuple[str, Iterator[str]]] = [(start, iter(sorted(structure.get(start, ()))))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while path:
            node, children = path[-1]
            child = next((code for code in children if code not in index or code in on_stack), None)
            if child is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    position = stack.index(node) if stack[-1] != node else len(stack) - 1
                    members = stack[position:]
                    del stack[position:]
                    on_stack.difference_update(members)
                    yield members
            elif child in index:
                low[node] = min(low[node], index[child])
            else:
                index[child] = low[child] = len(index)
                stack.append(child)
                on_stack.add(child)
                path.append((child, iter(sorted(structure.get(child, ())))))


def _without_cycles(structure: Mapping[str, Collection[str]]) -> list[str] | None:
    """All codes, each before what it consumes; None where some consume themselves (Kahn 1962)."""
    above = Counter(chain.from_iterable(structure.values()))
    found = [code for code in structure if code not in above]
    for code in found:  # which grows meanwhile
        for component in structure.get(code, ()):
            left = above[component] = above[component] - 1
            if not left:
                found.append(component)
    return found if len(found) == len(structure.keys() | above.keys()) else None


def _cyclic_groups(structure: Structure) -> list[list[str]]:
    return [
        members
        for members in strongly_connected(structure)
        if len(members) > 1 or members[0] in structure.get(members[0], ())
    ]


def shortest_cycle(structure: Structure, members: Collection[str]) -> tuple[str, ...]:
    """The shortest way from the first code among `members` back to itself, as codes in order."""
    start, inside = min(members), set(members)
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for child in sorted(structure.get(node, ())):
            if child == start:
                path = [node]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return tuple(reversed(path))
            if child in inside and child not in came_from:
                came_from[child] = node
                waiting.append(child)
    message = f"{start} is on no cycle"
    raise ValueError(message)


def _topological(structure: Structure) -> list[str]:
    """Parents before their components; the structure must be free of cycles."""
    found = _without_cycles(structure)
    if found is None:
        raise ValueError("the structure has a cycle")
    return found


def _blow_through(structure: Structure, phantoms: AbstractSet[str], sequence: list[str]) -> Structure:
    """What each parent consumes, phantoms blown through; `sequence` has parents before their components."""
    flat: Structure = {}
    for parent in reversed(sequence):
        if phantoms.isdisjoint(structure.get(parent, ())):
            if structure.get(parent):
                flat[parent] = structure[parent]
            continue
        lines: dict[str, Fraction] = {}
        for component, ratio in structure.get(parent, {}).items():
            if component in phantoms and flat.get(component):
                each = ratio == 1  # as most phantoms are drawn; multiplying fractions is dear
                for below, share in flat[component].items():
                    _add(lines, below, share if each else ratio * share)
            else:
                _add(lines, component, ratio)
        if lines:
            flat[parent] = lines
    return flat


def low_level_codes(structure: Structure, codes: Collection[str], sequence: list[str] | None = None) -> dict[str, int]:
    """The longest way down from any end item: 0 for an end item, a component below all its parents.

    `sequence` has parents before their components, where the caller knows it.
    """
    levels = dict.fromkeys(codes, 0)
    for parent in _topological(structure) if sequence is None else sequence:
        below = levels.setdefault(parent, 0) + 1
        for component in structure.get(parent, ()):
            if levels.get(component, 0) < below:
                levels[component] = below
    return levels


def _dated(
    structure: Structure, phantoms: Collection[str], windows: Windows, sequence: list[str]
) -> DatedStructure | None:
    if not windows:
        return None
    parents: set[str] = set()
    for parent in reversed(sequence):
        below = structure.get(parent, {})
        if parent in windows or any(code in phantoms and code in parents for code in below):
            parents.add(parent)
    return DatedStructure(structure, windows, phantoms, parents)


def _without_tangles(structure: Structure, arcs: Collection[Arc]) -> tuple[frozenset[Arc], list[str] | None]:
    """The arcs that can be put on the structure without closing a cycle; of several that close one, none is.

    Also all codes with the arcs on, each before what it consumes, where all arcs are kept.
    """
    combined = {**structure}
    for before, after in arcs:
        combined[before] = {**combined.get(before, {}), after: Fraction(1)}
    sequence = _without_cycles(combined)
    if sequence is not None:
        return frozenset(arcs), sequence
    tangle = {code: n for n, members in enumerate(strongly_connected(combined)) for code in members}
    return frozenset(arc for arc in arcs if tangle[arc[0]] != tangle[arc[1]]), None


def explode(
    structure: Structure,
    codes: Collection[str],
    phantoms: Collection[str],
    windows: Windows | None = None,
    arcs: Collection[Arc] = (),
) -> Explosion:
    """Resolve the structure; an item on a cycle loses its own components, everything else stands.

    `cycles` names, per tangle, one cycle in order of consumption; further members of the tangle follow it. `arcs` say
    which other items must be planned before which; those that would close a cycle are not in `Explosion.arcs`.
    """
    sequence = _without_cycles(structure)
    groups = [] if sequence is not None else _cyclic_groups(structure)
    cycles = []
    for members in groups:
        named = shortest_cycle(structure, members)
        cycles.append((*named, *sorted(set(members) - set(named))))
    broken = {code for cycle in cycles for code in cycle}
    sound = {parent: lines for parent, lines in structure.items() if parent not in broken}
    sequence = sequence or _topological(sound)
    flat = _blow_through(sound, set(phantoms), sequence)
    components = {
        parent: tuple((code, ratio.numerator, ratio.denominator) for code, ratio in sorted(lines.items()))
        for parent, lines in flat.items()
    }
    real = {parent: lines for parent, lines in flat.items() if parent not in phantoms}
    kept, ordered = _without_tangles(real, arcs) if arcs else (frozenset[Arc](), None)
    for before, after in kept:
        real[before] = {**real.get(before, {}), after: Fraction(1)}
    levels = low_level_codes(real, codes, ordered)
    dated = _dated(sound, phantoms, windows or {}, sequence)
    return Explosion(components, levels, tuple(sorted(cycles)), dated, kept)
