"""Laws of matching: order means nothing, decisions hold, groups keep their rules."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from mdm.cluster import ClusterRules, Edge, clusters
from mdm.matching import match, prepare_run
from mdm.profiling import profile
from mdm.standardise.items import contradictions, parse_item
from mdm.standardise.partners import parse_partner, partner_contradictions

Table = list[dict[str, str]]
NODES = 10
SOURCES = ["abc"[k % 3] for k in range(NODES)]
edges = st.lists(
    st.builds(
        Edge, st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.sampled_from([0.05, 0.4, 0.6, 0.9, 1.0])
    ).filter(lambda edge: edge.a != edge.b),
    max_size=25,
    unique_by=lambda edge: (min(edge.a, edge.b), max(edge.a, edge.b)),
)


@given(edges, st.randoms(use_true_random=False))
def test_clusters__order_of_edges_means_nothing(given_edges: list[Edge], rng: random.Random) -> None:
    shuffled = [Edge(edge.b, edge.a, edge.weight) if rng.random() < 0.5 else edge for edge in given_edges]
    rng.shuffle(shuffled)
    assert clusters(SOURCES, given_edges, ClusterRules()) == clusters(SOURCES, shuffled, ClusterRules())


@given(edges, st.integers(2, 4), st.sets(st.sampled_from("abc")))
def test_clusters__rules_hold(given_edges: list[Edge], cap: int, declared: set[str]) -> None:
    apart = frozenset({(0, 1), (2, 5)})
    grouped = clusters(SOURCES, given_edges, ClusterRules(frozenset(declared), cap=cap, apart=apart))
    seen = [node for group in grouped for node in group]
    assert len(seen) == len(set(seen))
    for group in grouped:
        assert 2 <= len(group) <= cap
        assert not any({a, b} <= set(group) for a, b in apart)
        for source in declared:
            assert sum(SOURCES[node] == source for node in group) <= 1


@given(st.text(max_size=60))
def test_parse__any_text_is_read_and_agrees_with_itself(text: str) -> None:
    item, partner = parse_item(text), parse_partner(text)
    assert (item.raw, partner.raw) == (text, text)
    assert contradictions(item, item) == ()
    assert partner_contradictions(partner, partner) == ()


@given(st.text(max_size=40), st.text(max_size=40))
def test_contradictions__symmetric(one: str, other: str) -> None:
    assert contradictions(parse_item(one), parse_item(other)) == contradictions(parse_item(other), parse_item(one))


def _catalogue(count: int = 36) -> tuple[Table, Table]:
    left = [{"id": f"a{k}", "name": f"内六角螺钉 M{4 + k % 6}*{10 + 5 * (k // 6)} 8.8级"} for k in range(count)]
    right = [{"id": f"b{k}", "name": f"M{4 + k % 6}x{10 + 5 * (k // 6)}mm 内六角圆柱头螺丝 8.8"} for k in range(count)]
    return left, right


def _joined(left: Table, right: Table, decisions: dict[tuple[str, str], bool] | None = None) -> set[tuple[str, str]]:
    run = prepare_run(left, right, profile(left, right, ("id", "id")))
    ours = {record["id"]: row for row, record in enumerate(run.left.records)}
    theirs = {record["id"]: row for row, record in enumerate(run.right.records)}
    told = {(ours[a], theirs[b]): same for (a, b), same in (decisions or {}).items()}
    outcome = match(run, told)
    return {(run.left.records[a]["id"], run.right.records[b]["id"]) for a, b in outcome.joined}


@settings(max_examples=4, deadline=None)
@given(st.randoms(use_true_random=False))
def test_match__order_of_records_means_nothing(rng: random.Random) -> None:
    left, right = _catalogue()
    expected = _joined(left, right)
    rng.shuffle(left)
    rng.shuffle(right)
    assert _joined(left, right) == expected


@settings(max_examples=4, deadline=None)
@given(st.sets(st.integers(0, 35), min_size=1, max_size=6))
def test_match__decisions_survive_retraining(doubted: set[int]) -> None:
    left, right = _catalogue()
    decisions = {(f"a{k}", f"b{k}"): False for k in doubted}
    assert not _joined(left, right, decisions) & decisions.keys()
