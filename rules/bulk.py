"""Many changes at once: each rule's conditions as one frame expression, and only the rows that fire become values.

Given the same changes it decides what `rules.decide` decides, in the same order; a property test holds both equal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import polars as pl

from rules.compiling import CompiledRule, Lookup
from rules.decide import Decision, acts, holds, timed
from rules.diff import Changes, EventKind
from rules.expressions import DTYPES, expression
from rules.records import Records, no_records, view_of
from rules.ruleset import RuleSet, comes_from
from rules.scope import NEW, OLD, SELF, Symbol, key_of

Frames = Callable[[str], "pl.DataFrame | None"]
"""Fact or entity → its records, for relations."""


def no_frames(subject: str) -> pl.DataFrame | None:  # noqa: ARG001 - an answer to any question
    """Nothing is related to anything."""
    return None


def decide_all(
    changes: Changes, rules: RuleSet, records: Records = no_records, frames: Frames = no_frames
) -> list[Decision]:
    """Every decision over every change, as `rules.decide.decide(changes.rows(), rules, records)` would give it.

    `frames` and `records` show the same records.
    """
    fired = firings(changes, rules, records, frames)
    followed = bool(rules.timed(changes.entity) or rules.endings(changes.entity))
    rows = changes.at(range(len(changes)) if followed else fired.keys())
    decisions: list[Decision] = []
    for position in sorted(rows):
        change, acting = rows[position], fired.get(position, [])
        for rule in acting:
            decisions += acts(rule, change, view_of(rule, change, records))
        if followed:
            decisions += timed(change, rules, records, {rule.name for rule in acting})
    return decisions


def firings(
    changes: Changes, rules: RuleSet, records: Records = no_records, frames: Frames = no_frames
) -> dict[int, list[CompiledRule]]:
    """Position in `changes.rows()` → the rules that fire there, lowest priority first."""
    found: dict[int, list[CompiledRule]] = {}
    parts = _parts(changes)
    for rule in rules.about(changes.entity):
        when = rule.spec.when
        if not comes_from(rule, changes.origin):
            continue
        for part in parts:
            if part.frame.height and part.kind in when.event:
                for position in _firing(rule, part, changes, records, frames):
                    found.setdefault(part.start + position, []).append(rule)
    return found


@dataclass(frozen=True, slots=True)
class _Part:
    """The changes of one kind: where they begin in `changes.rows()`, and all that a condition may read of them."""

    kind: EventKind
    start: int
    frame: pl.DataFrame


def _parts(changes: Changes) -> tuple[_Part, ...]:
    pairs = pl.concat(
        [
            changes.now,
            changes.was.rename({name: f"{OLD}.{name}" for name in changes.was.columns}),
            changes.differs.rename({name: f"~{name}" for name in changes.differs.columns}),
        ],
        how="horizontal",
    )
    begin = changes.created.height
    return (
        _Part("created", 0, changes.created),
        _Part("changed", begin, pairs),
        _Part("deleted", begin + pairs.height, changes.deleted),
    )


def _firing(rule: CompiledRule, part: _Part, changes: Changes, records: Records, frames: Frames) -> Collection[int]:
    """The rows of a part on which a rule fires."""
    when = rule.spec.when
    joined, column = _related(rule, part, frames)
    looked_at = pl.lit(value=True)
    if part.kind == "changed" and when.fields:
        looked_at = pl.any_horizontal(pl.col(f"~{name}") for name in when.fields if f"~{name}" in joined.columns)
    conditions = looked_at
    if rule.condition is not None:
        conditions = conditions & expression(rule.condition.node, column)
    if rule.unless is not None:
        conditions = conditions & ~expression(rule.unless.node, column)
    try:
        return _places(joined, conditions)
    except pl.exceptions.ComputeError:
        # A number too large for a frame stops the whole column; one by one it only makes its own row null.
        met = _places(joined, looked_at)
        rows = changes.at([part.start + position for position in met])
        return [place for place in met if holds(rule, view_of(rule, rows[part.start + place], records))]


def _places(frame: pl.DataFrame, mask: pl.Expr) -> list[int]:
    return frame.with_row_index("__row").filter(mask)["__row"].to_list()


def _related(rule: CompiledRule, part: _Part, frames: Frames) -> tuple[pl.DataFrame, Callable[[Symbol], pl.Expr]]:
    """The frame with the fields of the related records that conditions read, and how each symbol is read."""
    frame, kind = part.frame, part.kind
    read = {symbol for condition in (rule.condition, rule.unless) if condition for symbol in condition.symbols}
    column = partial(_column, rule, kind, frozenset(frame.columns))
    for lookup in _needed(rule, read):
        known = frames(lookup.subject)
        name = lookup.name
        if known is None:
            continue
        wanted = {symbol.name for symbol in read if symbol.source == name}
        wanted |= {other.through.name for other in rule.lookups if other.through.source == name}
        keyed = _keyed(known, lookup.column, rule.scope.relations[name]).select(
            pl.col(lookup.column).alias("__through"), *(pl.col(each).alias(f"{name}.{each}") for each in sorted(wanted))
        )
        frame = frame.with_columns(column(lookup.through).alias("__through")).join(
            keyed, on="__through", how="left", maintain_order="left"
        )
        column = partial(_column, rule, kind, frozenset(frame.columns))
    return frame, column


def _needed(rule: CompiledRule, read: Collection[Symbol]) -> list[Lookup]:
    """The relations that conditions read, and those that lead to them, in the order they are written."""
    names = {symbol.source for symbol in read}
    for lookup in reversed(rule.lookups):
        if lookup.name in names:
            names.add(lookup.through.source)
    return [lookup for lookup in rule.lookups if lookup.name in names]


def _keyed(frame: pl.DataFrame, column: str, subject: str) -> pl.DataFrame:
    """One record for each value of a column: of several, the one with the smallest key."""
    known = frame.filter(pl.col(column).is_not_null())
    return known.sort(key_of(subject)).unique(column, keep="first", maintain_order=True)


def _column(rule: CompiledRule, kind: EventKind, columns: Collection[str], symbol: Symbol) -> pl.Expr:
    name = str(symbol)
    if symbol.source == SELF or (symbol.source == OLD and kind == "deleted") or symbol.source == NEW:
        name = symbol.name
    nothing = (symbol.source, kind) in {(OLD, "created"), (NEW, "deleted")}
    if nothing or name not in columns:
        return pl.lit(None, dtype=DTYPES[rule.scope.kind(symbol)])
    return pl.col(name)
