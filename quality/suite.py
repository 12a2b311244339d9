"""The same rulebooks compiled to Great Expectations suites, so that both engines can be held against each other.

Great Expectations takes seconds to import, hence inside functions only. One ephemeral context is kept for
the life of the process, with one batch definition a table: a new one each time would keep every frame.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from canonical.units import known_units
from quality.patterns import whole
from quality.row_rules import Related, failing, verdict_of
from quality.spec import Rule, Rulebook
from quality.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd


def judge_suite(
    rulebook: Rulebook, frame: pl.DataFrame, key: str = "golden_id", related: Related | None = None
) -> tuple[Verdict, ...]:
    """One verdict for each rule, as `quality.row_rules.judge_rows` gives, drawn by Great Expectations."""
    given = related or {}
    rules = [rule for rule in rulebook.rules if rule.references is None or rule.references in given]
    results = _validated(rulebook.entity, rules, frame, key, given) if rules else {}
    return tuple(_verdict(rulebook.entity, rule, results.get(rule.name), key) for rule in rulebook.rules)


def suite(rulebook: Rulebook) -> Any:  # noqa: ANN401 - see below
    """The rulebook as a `great_expectations.ExpectationSuite`; each expectation's `meta` names its rule."""
    import great_expectations as gx  # noqa: PLC0415

    expectations = [expectation(rule) for rule in rulebook.rules]
    return gx.ExpectationSuite(name=rulebook.entity, expectations=expectations)


def expectation(rule: Rule) -> Any:  # noqa: ANN401 - GX is imported inside functions only
    """One rule as an expectation."""
    from great_expectations import expectations as gxe  # noqa: PLC0415

    name, settings = _expectation(rule)
    return getattr(gxe, name)(**settings, meta={"rule": rule.name})


def _expectation(rule: Rule) -> tuple[str, dict[str, Any]]:  # noqa: C901, PLR0911 - one return a kind
    column = {"column": rule.fields[0]} if rule.fields else {}
    match rule.kind:
        case "not_null":
            return "ExpectColumnValuesToNotBeNull", column
        case "not_null_share":
            return "ExpectColumnValuesToNotBeNull", {**column, "mostly": float(rule.min or 0)}
        case "in_set":
            return "ExpectColumnValuesToBeInSet", {**column, "value_set": list(rule.values)}
        case "known_unit":
            return "ExpectColumnValuesToBeInSet", {**column, "value_set": sorted(known_units())}
        case "positive":
            return "ExpectColumnValuesToBeBetween", {**column, "min_value": 0, "strict_min": True}
        case "between":
            return "ExpectColumnValuesToBeBetween", {
                **column,
                "min_value": _float_bound(rule.min, -math.inf),
                "max_value": _float_bound(rule.max, math.inf),
            }
        case "matches":
            return "ExpectColumnValuesToMatchRegex", {**column, "regex": whole(rule.pattern or "", r"\Z")}
        case "date_order":
            return "ExpectColumnPairValuesAToBeGreaterThanB", {
                "column_A": rule.fields[1],
                "column_B": rule.fields[0],
                "or_equal": True,
                "ignore_row_if": "either_value_is_missing",
            }
        case "unique":
            if len(rule.fields) == 1:
                return "ExpectColumnValuesToBeUnique", column
            return "ExpectCompoundColumnsToBeUnique", {
                "column_list": list(rule.fields),
                "ignore_row_if": "any_value_is_missing",
            }
        case "exists_in" | "reference_unmarked":
            return "ExpectColumnValuesToBeInSet", {"column": _fits(rule), "value_set": [True]}
        case "row_count_between":
            bounds = {"min_value": _count(rule.min), "max_value": _count(rule.max)}
            return "ExpectTableRowCountToBeBetween", bounds


def _float_bound(bound: Decimal | None, outwards: float) -> float | None:
    """GX takes bounds as floats: the nearest one that lies not inside the range.

    Values have nine decimal places and the loader keeps bounds where floats are denser than that, so no
    value lies between the bound and its float; decimals and floats are compared exactly.
    """
    if bound is None:
        return None
    near = float(bound)
    inside = Decimal(near) > bound if outwards < 0 else Decimal(near) < bound
    return math.nextafter(near, outwards) if inside else near


def _count(bound: Decimal | None) -> int | None:
    return None if bound is None else int(bound)


def _validated(entity: str, rules: list[Rule], frame: pl.DataFrame, key: str, related: Related) -> Mapping[str, Any]:
    """Rule name → Great Expectations' result."""
    given = _pandas(_with_fits(frame, rules, key, related), rules, key)
    batch = _batch_definition(entity).get_batch(batch_parameters={"dataframe": given})
    chosen = Rulebook(entity=entity, rules=tuple(rules))
    result = batch.validate(
        suite(chosen),
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": [key],
            "return_unexpected_index_query": False,
        },
    )
    return {each.expectation_config.meta["rule"]: each for each in result.results}


def _fits(rule: Rule) -> str:
    """The column that says of each row whether its reference fits.

    Great Expectations copies a value set several times over; a set of thousands of keys would cost more
    than all other rules together.
    """
    return f"fits:{rule.name}"


def _with_fits(frame: pl.DataFrame, rules: list[Rule], key: str, related: Related) -> pl.DataFrame:
    """One column for each rule over references: true, false, or null where there is no reference to judge."""
    columns = [
        pl.when(pl.col(rule.fields[0]).is_not_null()).then(~failing(rule, key, related)).alias(_fits(rule))
        for rule in rules
        if rule.references
    ]
    return frame.with_columns(columns)


def _pandas(frame: pl.DataFrame, rules: list[Rule], key: str) -> pd.DataFrame:
    """Only the columns judged, as plain Python values: decimals stay exact and null stays None."""
    import pandas as pd  # noqa: PLC0415

    judged = (name for rule in rules for name in ((_fits(rule),) if rule.references else rule.fields))
    names = dict.fromkeys((key, *judged))
    return pd.DataFrame({name: pd.Series(frame[name].to_list(), dtype=object) for name in names})


def _verdict(entity: str, rule: Rule, result: Any, key: str) -> Verdict:  # noqa: ANN401 - a GX result
    if result is None:
        return verdict_of(entity, rule, passed=False, error=f"no frame of {rule.references} is given")
    error = next(_exceptions(result.exception_info), None)
    if error is not None:
        return verdict_of(entity, rule, passed=False, error=error)
    rows = result.result.get("unexpected_index_list") or []
    keys = sorted(str(row[key] or "") for row in rows)
    observed = result.result.get("observed_value")
    if rule.kind == "not_null_share":
        total = result.result["element_count"]
        observed = f"{(total - len(keys)) / total if total else 1.0:.6f}"
    return verdict_of(
        entity,
        rule,
        passed=bool(result.success),
        failing_keys=keys,
        observed=None if observed is None else str(observed),
    )


def _exceptions(info: Mapping[str, Any] | None) -> Iterator[str]:
    """Messages of exceptions raised inside the check; GX nests them by metric, or not at all."""
    if not info:
        return
    if info.get("raised_exception"):
        yield str(info.get("exception_message"))
    for nested in info.values():
        if isinstance(nested, Mapping):
            yield from _exceptions(nested)


@lru_cache(maxsize=1)
def _source() -> Any:  # noqa: ANN401
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx  # noqa: PLC0415
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context.data_sources.add_pandas("frames")


@lru_cache(maxsize=256)
def _batch_definition(table: str) -> Any:  # noqa: ANN401
    return _source().add_dataframe_asset(table).add_batch_definition_whole_dataframe(table)
