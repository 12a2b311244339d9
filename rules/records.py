"""What a condition sees: the changed record and those related to it, each looked up when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from rules.compiling import CompiledRule
from rules.conditions import View
from rules.diff import Change
from rules.scope import NEW, OLD, SELF, key_of

Record = Mapping[str, Any]
Records = Callable[[str, str, object], "Record | None"]
"""(fact or entity, field, value) → the record whose field has the value; the one with the smallest key of several."""
_NONE: Record = {}

__all__ = ["FrameRecords", "Record", "Records", "View", "no_records", "view_of"]


def no_records(subject: str, column: str, value: object) -> Record | None:  # noqa: ARG001 - an answer to any question
    """Nothing is related to anything."""
    return None


class _View(dict[str, Record]):
    """Sources already seen; a relation is looked up once."""

    __slots__ = ("_lookups", "_records")

    def __init__(self, rule: CompiledRule, change: Change, records: Records) -> None:
        super().__init__({SELF: change.row, OLD: change.old or _NONE, NEW: change.new or _NONE})
        self._lookups, self._records = rule.lookups, records

    def __missing__(self, source: str) -> Record:
        lookup = next(each for each in self._lookups if each.name == source)
        value = self[lookup.through.source].get(lookup.through.name)
        found = None if value is None else self._records(lookup.subject, lookup.column, value)
        self[source] = found = found if found is not None else _NONE
        return found


def view_of(rule: CompiledRule, change: Change, records: Records = no_records) -> View:
    """Everything a rule can name, for one change."""
    return _View(rule, change, records)


class FrameRecords:
    """Related records out of frames: each (fact or entity, field) is indexed once, when it is first asked for."""

    def __init__(self, frames: Callable[[str], pl.DataFrame | None]) -> None:
        self._frames = frames
        self._found: dict[tuple[str, str], dict[object, Record]] = {}

    def __call__(self, subject: str, column: str, value: object) -> Record | None:
        """The record whose `column` has the value; the one with the smallest key of several."""
        place = (subject, column)
        if place not in self._found:
            self._found[place] = self._indexed(subject, column)
        return self._found[place].get(value)

    def _indexed(self, subject: str, column: str) -> dict[object, Record]:
        frame = self._frames(subject)
        if frame is None:
            return {}
        rows = frame.sort(key_of(subject), descending=True)
        return {row[column]: row for row in rows.iter_rows(named=True) if row[column] is not None}
