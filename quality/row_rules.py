"""Rulebooks compiled to Polars expressions: fast enough to judge every record on its way in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import polars as pl

from canonical.units import known_units
from quality.patterns import whole
from quality.spec import Rule, Rulebook
from quality.verdict import Verdict

Related = Mapping[str, pl.DataFrame]
"""Other entities' frames by name, for rules over references; they carry the same key column."""


class Standing(dict[str, pl.DataFrame]):
    """Related frames of which most are the same at the next judging: their lists of keys are made once a frame."""

    def __init__(self, frames: Related, before: Standing | None = None) -> None:
        super().__init__(frames)
        self.lists: dict[tuple[str, str | None, str], tuple[pl.DataFrame, pl.Series]] = {}
        if before is not None:
            self.lists = before.lists

    def keys_of(self, rule: Rule, key: str, frame: pl.DataFrame) -> pl.Series:
        """The list of a rule; of this very frame it may have been made before."""
        place = (rule.references or "", rule.mark, key)
        kept = self.lists.get(place)
        if kept is None or kept[0] is not frame:
            kept = self.lists[place] = (frame, _keys(rule, key, frame))
        return kept[1]


def failing(rule: Rule, key: str = "golden_id", related: Related | None = None) -> pl.Expr:
    """True for the rows that break a rule, never null. Raises `KeyError` for a related frame that is not given."""
    if rule.references is None:
        return _alone(rule)
    return _broken(rule, rule.fields[0], key, related or {}).fill_null(value=False)


@lru_cache(maxsize=1024)
def _alone(rule: Rule) -> pl.Expr:
    """A rule that looks at no other frame is compiled once."""
    name = rule.fields[0] if rule.fields else ""
    return _broken(rule, name, "", {}).fill_null(value=False)


def _broken(rule: Rule, name: str, key: str, related: Related) -> pl.Expr:  # noqa: C901, PLR0911 - one return a kind
    column = pl.col(name)
    match rule.kind:
        case "not_null" | "not_null_share":
            return column.is_null()
        case "in_set":
            return ~column.is_in(list(rule.values))
        case "known_unit":
            return ~column.is_in(sorted(known_units()))
        case "positive":
            return column <= 0
        case "between":
            return _outside(rule, column)
        case "matches":
            return ~column.str.contains(whole(rule.pattern or "", "$"))
        case "date_order":
            return column > pl.col(rule.fields[1])
        case "unique":
            complete = pl.all_horizontal(pl.col(field).is_not_null() for field in rule.fields)
            return complete & pl.struct(rule.fields).is_duplicated()
        case "exists_in":
            return ~column.is_in(related_keys(rule, key, related))
        case "reference_unmarked":
            return column.is_in(related_keys(rule, key, related))
        case "row_count_between":
            return pl.lit(value=False)


def _outside(rule: Rule, column: pl.Expr) -> pl.Expr:
    # Compared as exact decimals: an integer column is wide enough for its own values only.
    outside = pl.lit(value=False)
    if rule.min is not None:
        outside |= column < pl.lit(rule.min)
    if rule.max is not None:
        outside |= column > pl.lit(rule.max)
    return outside


def related_keys(rule: Rule, key: str, related: Related) -> pl.Series:
    """The keys a reference may (`exists_in`) or may not (`reference_unmarked`) have, as one list."""
    frame = related[rule.references or ""]
    return related.keys_of(rule, key, frame) if isinstance(related, Standing) else _keys(rule, key, frame)


def _keys(rule: Rule, key: str, frame: pl.DataFrame) -> pl.Series:
    if rule.mark is not None:
        frame = frame.filter(pl.col(rule.mark).fill_null(value=False))
    named = frame[key]
    return (named.drop_nulls() if named.null_count() else named).implode()


def judge_rows(
    rulebook: Rulebook, frame: pl.DataFrame, key: str = "golden_id", related: Related | None = None
) -> tuple[Verdict, ...]:
    """One verdict for each rule, over all rows of `frame`; `key` is the column that names a row."""
    known = related or {}
    marks = frame.select(failing(rule, key, known).alias(rule.name) for rule in rulebook.rules if _judged(rule, known))
    return tuple(_verdict(rulebook.entity, rule, frame, key, marks) for rule in rulebook.rules)


def _judged(rule: Rule, related: Related) -> bool:
    """Whether a rule says something about single rows, and can."""
    return rule.kind != "row_count_between" and (rule.references is None or rule.references in related)


def _verdict(entity: str, rule: Rule, frame: pl.DataFrame, key: str, marks: pl.DataFrame) -> Verdict:
    if rule.kind == "row_count_between":
        return verdict_of(entity, rule, passed=_count_fits(rule, frame.height), observed=str(frame.height))
    if rule.name not in marks.columns:
        return verdict_of(entity, rule, passed=False, error=f"no frame of {rule.references} is given")
    broken = marks[rule.name]
    named = frame[key].filter(broken).cast(pl.String).to_list() if broken.any() else []
    keys = sorted("" if name is None else name for name in named)
    if rule.kind == "not_null_share":
        share = 1.0 if frame.is_empty() else (frame.height - len(keys)) / frame.height
        enough = share >= float(rule.min or 0)
        return verdict_of(entity, rule, passed=enough, failing_keys=keys, observed=f"{share:.6f}")
    return verdict_of(entity, rule, passed=not keys, failing_keys=keys)


def _count_fits(rule: Rule, count: int) -> bool:
    return (rule.min is None or count >= rule.min) and (rule.max is None or count <= rule.max)


def verdict_of(
    entity: str,
    rule: Rule,
    *,
    passed: bool,
    failing_keys: list[str] | None = None,
    observed: str | None = None,
    error: str | None = None,
) -> Verdict:
    """A verdict that carries the rule's own settings."""
    return Verdict(
        rule=rule.name,
        entity=entity,
        severity=rule.severity,
        scope=rule.scope,
        blocking=rule.blocking,
        passed=passed,
        failing=tuple(failing_keys or ()),
        observed=observed,
        error=error,
    )
