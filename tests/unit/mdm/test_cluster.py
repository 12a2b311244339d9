"""Groups: split rather than merge."""

from mdm.cluster import ClusterRules, Edge, clusters, joined_pairs

SOURCES = ["a", "a", "b", "b", "c"]


def test_clusters__bridge_joins_its_best_only() -> None:
    edges = [Edge(0, 2, 0.9), Edge(1, 2, 0.8)]
    assert clusters(SOURCES, edges, ClusterRules()) == [(0, 2)]


def test_clusters__duplicates_in_a_source_stay_together() -> None:
    edges = [Edge(0, 2, 0.9), Edge(1, 2, 0.8), Edge(0, 1, 1.0)]
    assert clusters(SOURCES, edges, ClusterRules()) == [(0, 1, 2)]


def test_clusters__declared_one_to_one_refuses_duplicates() -> None:
    edges = [Edge(0, 2, 0.9), Edge(1, 2, 0.8), Edge(0, 1, 1.0)]
    grouped = clusters(SOURCES, edges, ClusterRules(one_to_one=frozenset({"a"})))
    assert not any({0, 1} <= set(group) for group in grouped)


def test_clusters__contradiction_within_a_group_prevents_it() -> None:
    edges = [Edge(0, 2, 0.9), Edge(2, 4, 0.8)]
    assert clusters(SOURCES, edges, ClusterRules(apart=frozenset({(0, 4)}))) == [(0, 2)]


def test_clusters__cap() -> None:
    edges = [Edge(0, 2, 0.9), Edge(2, 4, 0.8)]
    assert clusters(SOURCES, edges, ClusterRules(cap=2)) == [(0, 2)]


def test_clusters__weak_evidence_counts_against_a_merge() -> None:
    edges = [Edge(0, 2, 0.9), Edge(2, 4, 0.6), Edge(0, 4, 0.05)]
    assert clusters(SOURCES, edges, ClusterRules()) == [(0, 2)]


def test_clusters__steward_outranks_the_threshold() -> None:
    assert clusters(SOURCES, [Edge(0, 2, 0.1, pinned=True)], ClusterRules()) == [(0, 2)]


def test_joined_pairs__across_sources_only() -> None:
    assert joined_pairs([(0, 1, 2)], SOURCES) == {(0, 2), (1, 2)}
