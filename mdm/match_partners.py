"""Customers, suppliers and people: Splink weighs each attribute's agreement by how often chance would give it.

Names are parsed first (region, core, trade, branch), so that what Splink compares means something. The weights are
learnt without labels; the item matcher's rivalry, calibration and decisions then work on top of them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from mdm.block import Floats, Pairs, Side, as_pairs
from mdm.match_policy import Column, MatchPolicy
from mdm.standardise.partners import address, parse_partner
from mdm.standardise.people import digits, parse_person
from mdm.standardise.text import squash

PAIRS_PER_RECORD = 20
"""A blocking key that gives more pairs than this per record is only used together with another."""
MOST_SAMPLED = 1_000_000
MEMORY = "2GB"

Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Linked:
    """Pairs Splink found, their match probability and weight (log2 odds), and each attribute's weight."""

    pairs: Pairs
    probability: Floats
    weight: Floats
    names: tuple[str, ...]
    weights: Floats


def link_partners(left: Side, right: Side, policy: MatchPolicy, threshold: float = 1e-4) -> Linked:
    """Link two tables without labels; pairs below `threshold` are left out. Empty where nothing can be blocked."""
    ours, theirs = fields(left, policy), fields(right, policy)
    rules = blocking_keys(ours, theirs)
    if not rules:
        nothing = np.zeros(0)
        return Linked(as_pairs([]), nothing, nothing, (), np.zeros((0, 0)))
    return _predicted(_trained(ours, theirs, rules, policy), list(ours), threshold)


def fields(side: Side, policy: MatchPolicy) -> dict[str, list[str]]:
    """Comparable attributes of a side, one list per attribute; a company's name gives four."""
    found: dict[str, list[str]] = {}
    for index, column in enumerate(policy.columns):
        values, name = side.columns[index], f"c{index}"
        if column.kind == "company":
            firms = [parse_partner(value) for value in values]
            for part in ("core", "trade", "region", "branch"):
                found[f"{name}_{part}"] = [getattr(firm, part) for firm in firms]
        else:
            found[name] = [_spelt(column, value) for value in values]
    return found


def _spelt(column: Column, value: str) -> str:
    if column.kind == "person":
        return " ".join(parse_person(value).parts)
    if column.kind == "address":
        return address(value)
    if column.kind == "date":
        return digits(value)
    return squash(value) if column.kind == "code" else value


def blocking_keys(left: Fields, right: Fields) -> list[tuple[str, ...]]:
    """Attributes, alone or in twos, that pair few enough records; the most selective first."""
    most = PAIRS_PER_RECORD * (_rows(left) + _rows(right))
    counted = sorted((_met([left[name]], [right[name]]), (name,)) for name in left)
    alone = [(met, names) for met, names in counted if 0 < met <= most]
    loose = [names[0] for met, names in counted if met > most]
    both = sorted((_met([left[a], left[b]], [right[a], right[b]]), (a, b)) for a, b in combinations(sorted(loose), 2))
    return [names for _, names in [*alone, *((met, names) for met, names in both if 0 < met <= most)]][:12]


def _rows(table: Fields) -> int:
    return max((len(values) for values in table.values()), default=0)


def _met(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> int:
    """How many pairs share the key."""
    ours, theirs = (Counter(key for key in zip(*columns, strict=True) if all(key)) for columns in (left, right))
    return sum(count * theirs[key] for key, count in ours.items())


def _trained(left: Fields, right: Fields, rules: Sequence[tuple[str, ...]], policy: MatchPolicy) -> Any:  # noqa: ANN401
    import duckdb  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect()
    connection.execute(f"set memory_limit='{MEMORY}'; set threads=2; set preserve_insertion_order=true")
    connection.execute("set enable_progress_bar=false")
    engine = DuckDBAPI(connection)
    tables = []
    for name, table in (("left", left), ("right", right)):
        columns = {key: [value or None for value in values] for key, values in table.items()}
        arrow = pa.table(
            {"unique_id": list(range(_rows(table))), **{k: pa.array(v, pa.string()) for k, v in columns.items()}}
        )
        tables.append(engine.register(arrow, dataset_display_name=f"{name}_side"))
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[_comparison(key, list(left[key])) for key in left],
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in rules],
        retain_intermediate_calculation_columns=True,
    )
    linker = Linker(tables, settings, log_level=logging.ERROR)
    _train(linker, [block_on(*rule) for rule in rules], policy)
    return linker


def _comparison(key: str, values: Sequence[str]) -> Any:  # noqa: ANN401
    import splink.comparison_library as library  # noqa: PLC0415

    said = [value for value in values if value]
    numeric = sum(value.isdigit() for value in said) > 0.9 * len(said) if said else False
    few = len(set(said)) < 0.02 * len(said)
    if few or key.endswith(("_region", "_branch")):
        return library.ExactMatch(key)
    if numeric:
        return library.DamerauLevenshteinAtThresholds(key, [1, 2])
    return library.JaroWinklerAtThresholds(key, [0.92, 0.8])


def _train(linker: Any, rules: Sequence[Any], policy: MatchPolicy) -> None:  # noqa: ANN401
    """Chance agreement by sampling, then two sessions, so that every attribute is once not the blocking key."""
    linker.training.estimate_probability_two_random_records_match(list(rules[:2]), recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=MOST_SAMPLED, seed=policy.seed)
    for rule in rules[:2]:
        linker.training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=MOST_SAMPLED)


def _predicted(linker: Any, keys: Sequence[str], threshold: float) -> Linked:  # noqa: ANN401
    table = linker.inference.predict(threshold_match_probability=threshold).as_duckdbpyrelation().to_arrow_table()
    names = [name for name in table.column_names if name.startswith("mw_") and not name.startswith("mw_tf")]
    left, right = table["unique_id_l"].to_numpy(), table["unique_id_r"].to_numpy()
    order = np.lexsort((right, left))
    weights = np.column_stack([table[name].to_numpy() for name in names])[order] if names else np.zeros((len(order), 0))
    return Linked(
        Pairs(left[order].astype(np.int64), right[order].astype(np.int64)),
        table["match_probability"].to_numpy()[order].astype(np.float64),
        table["match_weight"].to_numpy()[order].astype(np.float64),
        tuple(names) or tuple(keys),
        weights.astype(np.float64),
    )
