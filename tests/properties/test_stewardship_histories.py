"""Random histories of arriving, leaving, merging, splitting, undoing: what must hold, holds after every step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.stewardship import Decision, Kind, SourceRef, in_force
from mdm.identity import Grouping, Link, Node, anchors, group

NOW = datetime(2026, 11, 2, tzinfo=UTC)
REFS = [SourceRef(system, key) for system in ("erp", "mes", "crm") for key in "1234"]
KEYS = ("DW-1", "DW-2", "DW-3", None)


@dataclass
class World:
    """A plant's records with their homes, and every decision ever taken; what is computed is computed afresh."""

    homes: dict[SourceRef, str] = field(default_factory=dict)
    order: list[SourceRef] = field(default_factory=list)
    present: set[SourceRef] = field(default_factory=set)
    decisions: list[Decision] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    meaning: dict[str, SourceRef] = field(default_factory=dict)

    def arrive(self, ref: SourceRef, key: str | None) -> None:
        if ref not in self.homes:
            self.homes[ref] = key or str(ref)
            self.order.append(ref)
        self.present.add(ref)

    def leave(self, ref: SourceRef) -> None:
        self.present.discard(ref)

    def decide(self, kind: Kind, members: Any = (), others: Any = (), about: int | None = None) -> None:
        number = len(self.decisions) + 1
        taken = Decision(number, "item", kind, tuple(members), "p", NOW, others=tuple(others), about=about)
        self.decisions.append(taken)

    @property
    def nodes(self) -> list[Node]:
        return [Node(ref, self.homes[ref], place) for place, ref in enumerate(self.order)]

    @property
    def held(self) -> list[Decision]:
        return in_force(self.decisions, NOW)

    def grouping(self) -> Grouping:
        return group(self.nodes, self.held, self.links)


def check(world: World) -> None:
    """Every invariant of identity."""
    found = world.grouping()
    place = found.golden_of()
    assert set(place) == set(world.homes), "every record stands somewhere"
    assert sum(map(len, found.groups.values())) == len(place), "and in one place only"
    meant = anchors(world.nodes)
    for golden_id, members in found.groups.items():
        assert meant[golden_id.rstrip("~")] in members, "a golden id in force holds what it means"
        known = world.meaning.setdefault(golden_id, meant[golden_id.rstrip("~")])
        assert known == meant[golden_id.rstrip("~")], "no golden id ever changes its meaning"
    for retired, target in found.redirects.items():
        assert retired not in found.groups, "what is retired is not in force"
        assert target in found.groups, "and leads to what is"
        assert meant[retired] in found.groups[target], "which holds what it meant"
    for one in world.held:
        if one.kind == "same" and one == world.held[-1]:
            assert len({place[ref] for ref in one.members}) == 1, "the last verdict holds"
        if one.kind in {"different", "split"} and one == world.held[-1]:
            assert not {place[ref] for ref in one.members} & {place[ref] for ref in one.others}
    _later_apart_outranks(world, place)


def _later_apart_outranks(world: World, place: dict[SourceRef, str]) -> None:
    """Two records called different are together only where a later verdict, link of verdicts, says so."""
    for at, one in enumerate(world.held):
        if one.kind in {"different", "split"} and not any(later.kind == "same" for later in world.held[at + 1 :]):
            for a in one.members:
                for b in one.others:
                    assert place[a] != place[b]


ref = st.sampled_from(REFS)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), ref, st.sampled_from(KEYS)),
        st.tuples(st.just("leave"), ref, st.none()),
        st.tuples(st.just("same"), ref, ref),
        st.tuples(st.just("different"), ref, ref),
        st.tuples(st.just("split"), ref, st.none()),
        st.tuples(st.just("revoke"), st.integers(1, 20), st.none()),
        st.tuples(st.just("link"), ref, ref),
    ),
    max_size=16,
)


def play(world: World, history: list[tuple[str, Any, Any]]) -> None:
    for what, one, other in history:
        if what == "arrive":
            world.arrive(one, other)
        elif what == "leave":
            world.leave(one)
        elif what == "revoke":
            if one <= len(world.decisions):
                world.decide("revoke", about=one)
        elif what == "split":
            _split(world, one)
        elif one != other and {one, other} <= world.homes.keys():
            _pair(world, what, one, other)
        check(world)


def _split(world: World, one: SourceRef) -> None:
    if one in world.homes:
        found = world.grouping()
        rest = [ref for ref in found.groups[found.golden_of()[one]] if ref != one]
        if rest:
            world.decide("split", [one], rest)


def _pair(world: World, what: str, one: SourceRef, other: SourceRef) -> None:
    if what == "same":
        world.decide("same", [one, other])
    elif what == "different":
        world.decide("different", [one], [other])
    else:
        world.links.append(Link(min(one, other), max(one, other), 0.999))


@settings(max_examples=300, deadline=None)
@given(steps)
def test_histories__every_invariant_after_every_step(history: list[tuple[str, Any, Any]]) -> None:
    play(World(), history)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(steps)
def test_histories__ten_thousand_of_them(history: list[tuple[str, Any, Any]]) -> None:
    play(World(), history)


@settings(max_examples=150, deadline=None)
@given(steps, st.lists(st.tuples(st.sampled_from(["same", "different", "split"]), ref, ref), max_size=5))
def test_taking_back__restores_what_was_there(history: list[tuple[str, Any, Any]], more: list[Any]) -> None:
    world = World()
    play(world, history)
    before, told = world.grouping(), len(world.decisions)
    play(world, more)
    for one in list(world.decisions[told:]):
        world.decide("revoke", about=one.number)
    assert world.grouping() == before


@settings(max_examples=150, deadline=None)
@given(steps, st.randoms(use_true_random=False))
def test_order_of_arrival__same_groups_and_ids_equal_up_to_renaming(history: list[Any], rng: Any) -> None:
    """Records that come in another order, decided on alike, are grouped alike where no verdict overrules another."""
    world = World()
    play(world, [step for step in history if step[0] in {"arrive", "same", "link"}])
    other = replace(world, order=rng.sample(world.order, len(world.order)), meaning={})
    ours, theirs = ({frozenset(group) for group in one.grouping().groups.values()} for one in (world, other))
    assert ours == theirs
