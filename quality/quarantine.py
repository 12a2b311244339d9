"""The split into rows that go on and rows that wait for a person, with the reason and the row itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import polars as pl

from canonical.base import Entity
from canonical.entities import ENTITIES
from canonical.strict_json import dumps
from quality.row_rules import failing
from quality.spec import Rule, Rulebook
from quality.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that broke a rule. `payload` is the row's own fields as JSON; `path` names the fields judged."""

    entity: str
    system: str | None
    source_key: str
    rule: str
    path: str
    message: str
    payload: str


def split(rulebook: Rulebook, frame: pl.DataFrame, key: str = "source_key") -> tuple[pl.DataFrame, list[Quarantined]]:
    """Row rules of severity `error`, applied: the rows that break none, and the others with their first broken rule."""
    rules = [rule for rule in rulebook.rules if rule.scope == "row" and rule.severity == "error"]
    if not rules:
        return frame, []
    marks = frame.select(failing(rule, key).alias(_mark(rule)) for rule in rules)
    return _parted(rulebook.entity, rules, frame, marks, key)


def remove(
    rulebook: Rulebook, frame: pl.DataFrame, verdicts: Sequence[Verdict], key: str = "golden_id"
) -> tuple[pl.DataFrame, list[Quarantined]]:
    """Rows that a verdict of severity `error` names by key, taken out: for judging by either engine.

    A rule about a whole frame (its share of nulls) names rows without condemning them.
    """
    about_rows = {rule.name: rule for rule in rulebook.rules}
    failed = condemning(rulebook, verdicts)
    if not failed:
        return frame, []
    rules = [about_rows[name] for name in failed]
    named = (pl.col(key).is_in(list(keys)).fill_null(value=False) for keys in failed.values())
    marks = frame.select(one.alias(_mark(rule)) for one, rule in zip(named, rules, strict=True))
    return _parted(rulebook.entity, rules, frame, marks, key)


def condemning(rulebook: Rulebook, verdicts: Sequence[Verdict]) -> dict[str, tuple[str, ...]]:
    """Rule → the keys of the rows it takes out: of verdicts of severity `error` that are about single rows."""
    about_rows = {rule.name for rule in rulebook.rules if rule.kind not in ("not_null_share", "row_count_between")}
    return {
        each.rule: each.failing
        for each in verdicts
        if each.severity == "error" and each.rule in about_rows and each.failing
    }


def _parted(
    entity: str, rules: Sequence[Rule], frame: pl.DataFrame, marks: pl.DataFrame, key: str
) -> tuple[pl.DataFrame, list[Quarantined]]:
    """The rows without a mark, and the others; `marks` has a column of booleans for each rule."""
    broken = reduce(or_, marks)
    if not broken.any():
        return frame, []
    marked = frame.hstack(marks).filter(broken)
    return frame.filter(~broken), list(_quarantined(entity, rules, marked, key))


def _quarantined(entity: str, rules: Sequence[Rule], broken: pl.DataFrame, key: str) -> Iterator[Quarantined]:
    model: type[Entity] = ENTITIES[entity]
    for row in broken.iter_rows(named=True):
        found = [rule for rule in rules if row[_mark(rule)]]
        yield Quarantined(
            entity=entity,
            system=row.get("system"),
            source_key=str(row[key] or ""),
            rule=found[0].name,
            path=", ".join(found[0].fields),
            message="; ".join(describe(rule) for rule in found),
            payload=dumps({name: row[name] for name in model.model_fields if name in row}),
        )


def describe(rule: Rule) -> str:
    """What a rule asks, in words."""
    fields = ", ".join(rule.fields)
    between = " and ".join(
        f"{word} {bound}" for word, bound in (("at least", rule.min), ("at most", rule.max)) if bound is not None
    )
    words = {
        "not_null": "must have a value",
        "in_set": f"must be one of {', '.join(rule.values)}",
        "known_unit": "must be a known unit",
        "positive": "must be above zero",
        "between": f"must be {between}",
        "matches": f"must look like {rule.pattern}",
        "date_order": "must not run backwards",
        "unique": "must stand once only",
        "exists_in": f"must name an existing {rule.references}",
        "reference_unmarked": f"must not name a {rule.references} that is {rule.mark}",
        "row_count_between": f"the number of rows must be {between}",
        "not_null_share": f"must have a value in a share of {between}",
    }
    return f"{fields} {words[rule.kind]}".strip()


def _mark(rule: Rule) -> str:
    return f"broken:{rule.name}"
