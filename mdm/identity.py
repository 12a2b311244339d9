"""Which source records are one thing, and under which golden id: computed from homes, decisions and links each time.

Every record has a home: the golden id it was bound to when it was first seen. Records of one home belong together,
decisions move them, links accepted by a model join homes. A golden id means its founder, the first record of its
home: wherever the founder is, the id leads there. So no id ever changes its meaning, and a decision that is taken
back leaves exactly what was there before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from canonical.stewardship import Decision, SourceRef


@dataclass(frozen=True, slots=True)
class Node:
    """A source record, its home, and when it came (smaller is earlier; unique)."""

    ref: SourceRef
    home: str
    order: int


@dataclass(frozen=True, slots=True)
class Link:
    """Two records a model takes for one thing without a steward."""

    a: SourceRef
    b: SourceRef
    weight: float


@dataclass(frozen=True, slots=True)
class LinkRules:
    """What a link must not do; decisions may."""

    one_to_one: frozenset[str] = frozenset()
    """Systems declared free of duplicates."""
    cap: int = 20


@dataclass(frozen=True, slots=True)
class Grouping:
    """Golden id → its records in order of arrival, and retired golden id → the one that holds its founder."""

    groups: Mapping[str, tuple[SourceRef, ...]]
    redirects: Mapping[str, str]

    def golden_of(self) -> dict[SourceRef, str]:
        """Record → golden id."""
        return {ref: golden_id for golden_id, members in self.groups.items() for ref in members}


def group(
    nodes: Sequence[Node],
    decisions: Sequence[Decision],
    links: Iterable[Link] = (),
    rules: LinkRules | None = None,
) -> Grouping:
    """Groups of records. Later decisions outrank earlier ones, decisions outrank homes, homes outrank links.

    `decisions`: those in force. Every record of a home that any decision or link touches must be among `nodes`, or
    at least every record of homes that are tied (`tied`): each such set is grouped as if it were alone.
    """
    work = _Work({node.ref: node for node in nodes})
    for decision in sorted(decisions, key=lambda decision: -decision.number):
        work.decide(decision)
    for members in work.homes().values():
        work.settle(members)
    for link in sorted(links, key=lambda link: (-link.weight, link.a, link.b)):
        work.link(link, rules or LinkRules())
    return work.named()


@dataclass(slots=True)
class _Work:
    nodes: dict[SourceRef, Node]
    head: dict[SourceRef, SourceRef] = field(default_factory=dict)
    members: dict[SourceRef, list[SourceRef]] = field(default_factory=dict)
    apart: dict[SourceRef, set[SourceRef]] = field(default_factory=dict)
    linked: set[tuple[str, str]] = field(default_factory=set)

    def of(self, ref: SourceRef) -> SourceRef:
        return self.head.get(ref, ref)

    def group(self, ref: SourceRef) -> list[SourceRef]:
        return self.members.get(self.of(ref), [ref])

    def join(self, a: SourceRef, b: SourceRef) -> None:
        ours, theirs = self.of(a), self.of(b)
        if ours == theirs:
            return
        merged = [*self.group(ours), *self.group(theirs)]
        self.members.pop(theirs, None)
        self.members[ours] = merged
        for ref in merged:
            self.head[ref] = ours

    def kept_apart(self, a: SourceRef, b: SourceRef) -> bool:
        theirs = self.of(b)
        return any(self.of(other) == theirs for ref in self.group(a) for other in self.apart.get(ref, ()))

    def decide(self, decision: Decision) -> None:
        members = [ref for ref in decision.members if ref in self.nodes]
        if decision.kind == "same":
            for ref in members[1:]:
                if not self.kept_apart(members[0], ref):
                    self.join(members[0], ref)
        elif decision.kind in {"different", "split"}:
            for ref in members:
                for other in decision.others:
                    if other in self.nodes and self.of(ref) != self.of(other):
                        self.apart.setdefault(ref, set()).add(other)
                        self.apart.setdefault(other, set()).add(ref)

    def homes(self) -> dict[str, list[SourceRef]]:
        """Home → its records, founder first."""
        found: dict[str, list[SourceRef]] = {}
        for node in sorted(self.nodes.values(), key=lambda node: node.order):
            found.setdefault(node.home, []).append(node.ref)
        return found

    def settle(self, members: Sequence[SourceRef]) -> None:
        """Records of one home stand with the founder, or with the first of those that may not."""
        parts: list[SourceRef] = []
        for ref in members:
            if not any(self.of(part) == self.of(ref) for part in parts):
                first = next((part for part in parts if not self.kept_apart(part, ref)), None)
                if first is None:
                    parts.append(ref)
                else:
                    self.join(first, ref)

    def link(self, link: Link, rules: LinkRules) -> None:
        """Two groups are joined when each home of the one is linked to each of the other."""
        if link.a not in self.nodes or link.b not in self.nodes:
            return
        ours, theirs = self.group(link.a), self.group(link.b)
        homes = self.nodes[link.a].home, self.nodes[link.b].home
        self.linked |= {homes, homes[::-1]}
        if self.of(link.a) == self.of(link.b) or len(ours) + len(theirs) > rules.cap:
            return
        declared = {ref.system for ref in ours} & {ref.system for ref in theirs} & rules.one_to_one
        crossing = {(self.nodes[a].home, self.nodes[b].home) for a in ours for b in theirs}
        if not declared and crossing <= self.linked and not self.kept_apart(link.a, link.b):
            self.join(link.a, link.b)

    def named(self) -> Grouping:
        founders = {home: refs[0] for home, refs in self.homes().items()}
        groups: dict[SourceRef, list[SourceRef]] = {}
        for ref in sorted(self.nodes, key=lambda ref: self.nodes[ref].order):
            groups.setdefault(self.of(ref), []).append(ref)
        named: dict[str, tuple[SourceRef, ...]] = {}
        for members in groups.values():
            named[self._name(members, founders)] = tuple(members)
        place = {ref: golden_id for golden_id, members in named.items() for ref in members}
        return Grouping(named, {home: place[ref] for home, ref in founders.items() if place[ref] != home})

    def _name(self, members: Sequence[SourceRef], founders: Mapping[str, SourceRef]) -> str:
        """The oldest home whose founder is here; a part that left its founder is named for its own first record."""
        for ref in members:
            if founders[self.nodes[ref].home] == ref:
                return self.nodes[ref].home
        name = own_name(members[0])
        while name in founders:
            name += "~"
        return name


def tied(
    homes: Iterable[str], home_of: Mapping[SourceRef, str], decisions: Iterable[Decision], links: Iterable[Link]
) -> frozenset[str]:
    """These homes, and all that decisions or links tie to them, one through another.

    `home_of`: the home of every record that decisions and links name, as far as it is known.
    """
    beside: defaultdict[str, set[str]] = defaultdict(set)
    named = [*((*one.members, *one.others) for one in decisions), *((link.a, link.b) for link in links)]
    for refs in named:
        together = {home_of[ref] for ref in refs if ref in home_of}
        for home in together:
            beside[home] |= together
    found: set[str] = set()
    fresh = set(homes)
    while fresh:
        found |= fresh
        fresh = {other for home in fresh for other in beside.get(home, ())} - found
    return frozenset(found)


def own_name(ref: SourceRef) -> str:
    """What a record alone is called."""
    return str(ref)


def anchors(nodes: Iterable[Node]) -> dict[str, SourceRef]:
    """Golden id → the record it means: the founder of a home, or the record a part was named for."""
    known = sorted(nodes, key=lambda node: node.order)
    meant = {own_name(node.ref): node.ref for node in known}
    return meant | {node.home: node.ref for node in reversed(known)}
