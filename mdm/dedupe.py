"""One large table of partners against itself: Splink weighs, and groups are formed with care and in little memory.

Splink (Linacre et al. 2022) on DuckDB finds and weighs the pairs. What excludes each other is taken out, however alike
the rest is: a namesake in another region, a branch, a sister company under the same roof. Components of the graph that
are pairs are done; larger ones are looked at edge by edge (`mdm.cluster`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mdm.block import Floats, Index
from mdm.cluster import ClusterRules, Edge, clusters

Comparison = Literal["name", "exact", "digits"]
"""How a column is compared: spellings of names, equal or not, or numbers with a digit mistyped."""
MEMORY = "1GB"
MOST_SAMPLED = 2_000_000
SLIP = 1
"""Identity values that are further apart than so many slips of the pen are two."""
MOST_TOGETHER = 500
"""Of a component larger than this, only the first rows are held against each other pair by pair."""
EVIDENCE = 0.01
"""Pairs less likely than this are not even heard against a merge."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a table's columns are for."""

    columns: Mapping[str, Comparison]
    blocking: Sequence[Sequence[str]]
    """Columns, or SQL expressions of them, that two rows must share to be looked at, any of them."""
    identity: Sequence[str] = ()
    """Numbers that are one thing's own: far apart they exclude, equal they outrank what `exclusive` says."""
    exclusive: Sequence[str] = ()
    """Parts that exclude each other where both rows say them and they differ."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """Pairs of rows (`a` before `b`) and the probability that they are one thing."""

    a: Index
    b: Index
    probability: Floats

    def __len__(self) -> int:
        return len(self.a)


def dedupe(records: pl.DataFrame, layout: Layout, *, threshold: float = EVIDENCE, seed: int = 7) -> Weighed:
    """Pairs of rows of `records` that may be one thing, without labels; absent values are null.

    Pairs that exclude each other are left out.
    """
    linker = linker_over(records, layout)
    _train(linker, layout.blocking, seed)
    table = linker.inference.predict(threshold_match_probability=threshold).as_duckdbpyrelation().to_arrow_table()
    left, right = table["unique_id_l"].to_numpy(), table["unique_id_r"].to_numpy()
    a, b = np.minimum(left, right).astype(np.int64), np.maximum(left, right).astype(np.int64)
    order = np.lexsort((b, a))
    order = order[~excluded(records, layout, a[order], b[order])]
    return Weighed(a[order], b[order], table["match_probability"].to_numpy()[order].astype(np.float64))


def excluded(records: pl.DataFrame, layout: Layout, a: Index, b: Index) -> NDArray[np.bool_]:
    """Which of these pairs of rows exclude each other."""
    apart, same, far = (np.zeros(len(a), dtype=np.bool_) for _ in range(3))
    for name in layout.exclusive:
        apart |= _compared(records[name], a, b, equal=False)
    for name in layout.identity:
        same |= _compared(records[name], a, b, equal=True)
        unequal = np.flatnonzero(_compared(records[name], a, b, equal=False))
        far[unequal] |= _slips(records[name], a[unequal], b[unequal]) > SLIP
    return (apart & ~same) | far


def _compared(values: pl.Series, a: Index, b: Index, *, equal: bool) -> NDArray[np.bool_]:
    """Where both rows say a value and the two are equal, or differ."""
    ours, theirs = values[a], values[b]
    return (ours == theirs if equal else ours != theirs).fill_null(value=False).to_numpy()


def _slips(values: pl.Series, a: Index, b: Index) -> NDArray[np.int32]:
    from rapidfuzz.distance import OSA  # noqa: PLC0415
    from rapidfuzz.process import cpdist  # noqa: PLC0415

    if not len(a):
        return np.zeros(0, dtype=np.int32)
    found: NDArray[np.int32] = cpdist(values[a].to_list(), values[b].to_list(), scorer=OSA.distance, dtype=np.int32)
    return found


def linker_over(records: pl.DataFrame, layout: Layout) -> Any:  # noqa: ANN401
    """A Splink linker of these records on DuckDB, in `MEMORY`; its weights are not trained yet."""
    import duckdb  # noqa: PLC0415
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect()
    connection.execute(f"set memory_limit='{MEMORY}'; set threads=2; set preserve_insertion_order=false")
    connection.execute("set enable_progress_bar=false")
    engine = DuckDBAPI(connection)
    columns, blocking = layout.columns, layout.blocking
    kept = sorted({*columns, *(name for rule in blocking for name in rule if name in records.columns)})
    table = records.select(kept).with_row_index("unique_id").to_arrow()
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[_comparison(name, how) for name, how in columns.items()],
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in blocking],
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=False,
    )
    return Linker(engine.register(table, dataset_display_name="records"), settings, log_level=logging.ERROR)


def _comparison(name: str, how: Comparison) -> Any:  # noqa: ANN401
    import splink.comparison_library as library  # noqa: PLC0415

    if how == "exact":
        return library.ExactMatch(name)
    if how == "digits":
        return library.DamerauLevenshteinAtThresholds(name, [1])
    return library.JaroWinklerAtThresholds(name, [0.92, 0.8])


def _train(linker: Any, blocking: Sequence[Sequence[str]], seed: int) -> None:  # noqa: ANN401
    """Chance agreement by sampling, then two sessions, so that every column is once not what is blocked on."""
    from splink import block_on  # noqa: PLC0415

    rules = [block_on(*rule) for rule in blocking]
    linker.training.estimate_probability_two_random_records_match(rules[:2], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=MOST_SAMPLED, seed=seed)
    for rule in rules[:2]:
        linker.training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=MOST_SAMPLED)


def group_rows(
    records: pl.DataFrame, layout: Layout, pairs: Weighed, sources: Sequence[str] | None = None, cap: int = 20
) -> NDArray[np.int64]:
    """For each row of `records` the first row of its group.

    Pairs that meet nobody else are groups at once; whatever is larger goes through `mdm.cluster`, component by
    component, so that a bridge does not make two things one.
    """
    first = np.arange(records.height, dtype=np.int64)
    likely = pairs.probability >= ClusterRules().threshold
    label = _labels(records.height, pairs.a[likely], pairs.b[likely])
    inside = label[pairs.a] == label[pairs.b]
    alone = np.bincount(label)[label[pairs.a]] == 2  # noqa: PLR2004 - a pair
    joined = likely & alone
    first[pairs.b[joined]] = pairs.a[joined]
    parts = _components(label, pairs, np.flatnonzero(inside & ~alone))
    apart = _apart(records, layout, [rows for rows, _ in parts])
    for rows, edges in parts:
        place = {row: k for k, row in enumerate(rows)}
        named = [sources[row] if sources else str(row) for row in rows]
        found = [Edge(place[a], place[b], weight) for a, b, weight in edges]
        kept_apart = frozenset(
            (place[a], place[b]) for k, a in enumerate(rows) for b in rows[k + 1 :] if (a, b) in apart
        )
        for group in clusters(named, found, ClusterRules(cap=cap, apart=kept_apart)):
            first[[rows[k] for k in group]] = rows[group[0]]
    return first


def _labels(count: int, a: Index, b: Index) -> NDArray[np.int64]:
    """For each row the number of its connected component."""
    from scipy.sparse import coo_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    graph = coo_matrix((np.ones(len(a), dtype=np.int8), (a, b)), shape=(count, count))
    label: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return label


def _apart(records: pl.DataFrame, layout: Layout, groups: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    """Pairs of rows of one component that exclude each other, whether they were looked at or not."""
    pairs = [pair for rows in groups for pair in combinations(rows[:MOST_TOGETHER], 2)]
    if not pairs:
        return set()
    both = np.array(pairs, dtype=np.int64)
    kept = excluded(records, layout, both[:, 0], both[:, 1])
    return set(map(tuple, both[kept].tolist()))


def _components(
    label: NDArray[Any], pairs: Weighed, chosen: Index
) -> list[tuple[list[int], list[tuple[int, int, float]]]]:
    """The rows and edges of each component among some pairs."""
    order = chosen[np.argsort(label[pairs.a[chosen]], kind="stable")]
    bounds = np.flatnonzero(np.diff(label[pairs.a[order]])) + 1
    found = []
    for part in np.split(order, bounds) if len(order) else []:
        edges = list(zip(pairs.a[part].tolist(), pairs.b[part].tolist(), pairs.probability[part].tolist(), strict=True))
        found.append((sorted({row for a, b, _ in edges for row in (a, b)}), edges))
    return found
