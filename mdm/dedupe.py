"""One large table of partners against itself: Splink weighs, and groups are formed with care and in little memory.

For loads that no index lookup could get through one by one. Splink (Linacre et al. 2022) on DuckDB finds and weighs
the pairs; components of the graph that are pairs are done, larger ones are looked at edge by edge (`mdm.cluster`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Weighed:
    """Pairs of rows (`a` before `b`) and the probability that they are one thing."""

    a: Index
    b: Index
    probability: Floats

    def __len__(self) -> int:
        return len(self.a)


def dedupe(
    records: pl.DataFrame,
    columns: Mapping[str, Comparison],
    blocking: Sequence[Sequence[str]],
    *,
    threshold: float = 0.5,
    seed: int = 7,
) -> Weighed:
    """Pairs of rows of `records` that may be one thing, without labels; absent values are null.

    `blocking`: columns, or SQL expressions of them, that two rows must share to be looked at, any of them.
    """
    linker = _linker(records, columns, blocking)
    _train(linker, blocking, seed)
    table = linker.inference.predict(threshold_match_probability=threshold).as_duckdbpyrelation().to_arrow_table()
    left, right = table["unique_id_l"].to_numpy(), table["unique_id_r"].to_numpy()
    a, b = np.minimum(left, right).astype(np.int64), np.maximum(left, right).astype(np.int64)
    order = np.lexsort((b, a))
    return Weighed(a[order], b[order], table["match_probability"].to_numpy()[order].astype(np.float64))


def _linker(records: pl.DataFrame, columns: Mapping[str, Comparison], blocking: Sequence[Sequence[str]]) -> Any:  # noqa: ANN401
    import duckdb  # noqa: PLC0415
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect()
    connection.execute(f"set memory_limit='{MEMORY}'; set threads=2; set preserve_insertion_order=false")
    connection.execute("set enable_progress_bar=false")
    engine = DuckDBAPI(connection)
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


def group_rows(count: int, pairs: Weighed, sources: Sequence[str] | None = None, cap: int = 20) -> NDArray[np.int64]:
    """For each of `count` rows the first row of its group.

    Pairs that meet nobody else are groups at once; whatever is larger goes through `mdm.cluster`, component by
    component, so that a bridge does not make two things one.
    """
    from scipy.sparse import coo_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    first = np.arange(count, dtype=np.int64)
    if not len(pairs):
        return first
    graph = coo_matrix((np.ones(len(pairs), dtype=np.int8), (pairs.a, pairs.b)), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    size = np.bincount(label)[label[pairs.a]]
    alone = size == 2  # noqa: PLR2004 - a pair
    joined = alone & (pairs.probability >= ClusterRules().threshold)
    first[pairs.b[joined]] = pairs.a[joined]
    for rows, edges in _components(label, pairs, np.flatnonzero(~alone)):
        place = {row: k for k, row in enumerate(rows)}
        named = [sources[row] if sources else str(row) for row in rows]
        found = [Edge(place[a], place[b], weight) for a, b, weight in edges]
        for group in clusters(named, found, ClusterRules(cap=cap)):
            first[[rows[k] for k in group]] = rows[group[0]]
    return first


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
