"""Rulebooks compiled to Polars expressions: fast enough to judge every record on its way in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from canonical.units import known_units
from quality.patterns import whole
from quality.spec import Rule, Rulebook
from quality.verdict import Verdict

Related = Mapping[str, pl.DataFrame]
"""Other entities' frames by name, for rules over references; they carry the same key column."""


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
    return tuple(
        _verdict(rulebook.entity, rule, frame.height, _named(frame, key, marks, rule)) for rule in rulebook.rules
    )


@dataclass(frozen=True, slots=True)
class Renewed:
    """Keys of the few rows that came, went, changed, or name what did; the `rows` of these keys that stand now."""

    keys: Collection[str]
    rows: pl.DataFrame
    before: Mapping[str, Collection[str]]
    """Rule → the keys that failed it at the last judging."""


def judge_again(
    rulebook: Rulebook, frame: pl.DataFrame, renewed: Renewed, key: str = "golden_id", related: Related | None = None
) -> tuple[Verdict, ...]:
    """What `judge_rows` gives where only some rows can be judged otherwise than before; the others are left alone."""
    known, rows, ids = related or {}, renewed.rows, renewed.rows[key].to_list()
    alone = [rule for rule in rulebook.rules if rule.references is None and rule.kind not in _OF_ALL_ROWS]
    marks = rows.select(_alone(rule).alias(rule.name) for rule in alone) if alone else rows
    verdicts = list[Verdict]()
    for rule in rulebook.rules:
        keys: list[str] | None = None
        if rule.kind == "unique":
            keys = _twice(rule, frame, renewed, key)
        elif _judged(rule, known):
            broken = marks[rule.name].to_list() if rule.references is None else _astray(rule, key, rows, known)
            stays = [name for name in renewed.before[rule.name] if name not in renewed.keys]
            keys = sorted([*stays, *(name for name, fails in zip(ids, broken, strict=True) if fails)])
        verdicts.append(_verdict(rulebook.entity, rule, frame.height, keys))
    return tuple(verdicts)


_OF_ALL_ROWS = ("unique", "row_count_between")


def _astray(rule: Rule, key: str, rows: pl.DataFrame, related: Related) -> list[bool]:
    """`failing` of a rule over references, name by name: of a few, in a frame by key, each is looked up."""
    frame, wrong = related[rule.references or ""], rule.kind == "reference_unmarked"
    said = rows[rule.fields[0]].to_list()
    names = frame[key]
    if not names.is_sorted():
        known = {name for name in related_keys(rule, key, related)[0] if name is not None}
        return [name is not None and (name in known) == wrong for name in said]
    marks = None if rule.mark is None else frame[rule.mark]

    def stands(name: str) -> bool:
        at = bisect_left(names, name)
        return at < len(names) and names[at] == name and (marks is None or bool(marks[at]))

    return [name is not None and stands(name) == wrong for name in said]


def _twice(rule: Rule, frame: pl.DataFrame, renewed: Renewed, key: str) -> list[str]:
    """The keys of rows that say the same; where there were none, a renewed row is among those that do now."""
    if not renewed.before[rule.name]:
        first = rule.fields[0]
        alike = frame[first].is_in(renewed.rows[first].implode())
        if (alike.sum() or 0) <= renewed.rows.height - renewed.rows[first].null_count() and _all_differ(rule, renewed):
            return []
        frame = frame.filter(alike)
    return _keys_where(frame, key, frame.select(_alone(rule)).to_series())


def _all_differ(rule: Rule, renewed: Renewed) -> bool:
    said = list(zip(*(renewed.rows[field].to_list() for field in rule.fields), strict=True))
    return len(set(said)) == len(said)


def _judged(rule: Rule, related: Related) -> bool:
    """Whether a rule says something about single rows, and can."""
    return rule.kind != "row_count_between" and (rule.references is None or rule.references in related)


def _named(frame: pl.DataFrame, key: str, marks: pl.DataFrame, rule: Rule) -> list[str] | None:
    """The keys of rows that are marked for a rule; None where it was not looked at."""
    return _keys_where(frame, key, marks[rule.name]) if rule.name in marks.columns else None


def _keys_where(frame: pl.DataFrame, key: str, broken: pl.Series) -> list[str]:
    named = frame[key].filter(broken).cast(pl.String).to_list() if broken.any() else []
    return sorted("" if name is None else name for name in named)


def _verdict(entity: str, rule: Rule, height: int, keys: list[str] | None) -> Verdict:
    """A rule's verdict on so many rows, of which these keys break it."""
    if rule.kind == "row_count_between":
        return verdict_of(entity, rule, passed=_count_fits(rule, height), observed=str(height))
    if keys is None:
        return verdict_of(entity, rule, passed=False, error=f"no frame of {rule.references} is given")
    if rule.kind == "not_null_share":
        share = (height - len(keys)) / height if height else 1.0
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
