"""Clustering: pairs become groups. A split is preferred to a false merge, and no group grows past its cap.

Two records of one source share a group only if they themselves look like one thing (an edge between them), and never
in a source declared free of duplicates. So a bridge record that resembles two different things joins one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """Two records (by position) and the posterior that they are one thing; `pinned`: a steward said so."""

    a: int
    b: int
    weight: float
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class ClusterRules:
    """What a group must not be."""

    one_to_one: frozenset[str] = frozenset()
    """Sources declared free of duplicates."""
    cap: int = 20
    threshold: float = 0.5
    apart: frozenset[tuple[int, int]] = frozenset()
    """Pairs (a < b) that contradict each other, or that a steward called different."""


@dataclass(slots=True)
class _Groups:
    sources: Sequence[str]
    rules: ClusterRules
    weights: Mapping[tuple[int, int], float]
    members: dict[int, list[int]] = field(default_factory=dict)
    of: dict[int, int] = field(default_factory=dict)

    def group(self, node: int) -> list[int]:
        return self.members.get(self.of.get(node, node), [node])

    def join(self, a: int, b: int) -> None:
        merged = sorted({*self.group(a), *self.group(b)})
        for old in {self.of.get(node, node) for node in merged}:
            self.members.pop(old, None)
        self.members[merged[0]] = merged
        self.of.update(dict.fromkeys(merged, merged[0]))

    def allowed(self, edge: Edge) -> bool:
        ours, theirs = self.group(edge.a), self.group(edge.b)
        if ours is theirs or ours == theirs or len(ours) + len(theirs) > self.rules.cap:
            return False
        return self._supported(edge, [(min(x, y), max(x, y)) for x in ours for y in theirs])

    def _supported(self, edge: Edge, crossing: Sequence[tuple[int, int]]) -> bool:
        known = [edge.weight]
        for pair in crossing:
            if pair in self.rules.apart:
                return False
            same_source = self.sources[pair[0]] == self.sources[pair[1]]
            if same_source and self.sources[pair[0]] in self.rules.one_to_one:
                return False
            if same_source and pair not in self.weights and not edge.pinned:
                return False
            if pair in self.weights:
                known.append(self.weights[pair])
        return edge.pinned or sum(known) / len(known) >= self.rules.threshold


def clusters(sources: Sequence[str], edges: Iterable[Edge], rules: ClusterRules) -> list[tuple[int, ...]]:
    """Groups of two and more records, each sorted; the same edges in any order give the same groups.

    `sources`: the source of each record, by position. Edges below the threshold join nothing but are heard as
    evidence against a merge.
    """
    known = sorted({edge if edge.a < edge.b else Edge(edge.b, edge.a, edge.weight, edge.pinned) for edge in edges})
    groups = _Groups(sources, rules, {(edge.a, edge.b): edge.weight for edge in known})
    for edge in sorted(known, key=lambda edge: (not edge.pinned, -edge.weight, edge.a, edge.b)):
        if (edge.pinned or edge.weight >= rules.threshold) and groups.allowed(edge):
            groups.join(edge.a, edge.b)
    return sorted(tuple(group) for group in groups.members.values())


def joined_pairs(groups: Collection[tuple[int, ...]], sources: Sequence[str]) -> set[tuple[int, int]]:
    """All pairs of records of different sources within the groups."""
    return {(a, b) for group in groups for k, a in enumerate(group) for b in group[k + 1 :] if sources[a] != sources[b]}
