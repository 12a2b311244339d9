"""What changed between two frames of one entity: created, changed (field by field) and deleted rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

EventKind = Literal["created", "changed", "deleted"]


@dataclass(frozen=True, slots=True)
class Change:
    """One row's difference. `old` is None when created, `new` is None when deleted."""

    entity: str
    key: str
    kind: EventKind
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    fields: tuple[str, ...]
    origin: str = "hub"
    """Who made it: the role of a system, `person`, or `hub` for what is derived."""

    @property
    def row(self) -> Mapping[str, Any]:
        """The record as it stands, or as it last stood."""
        return self.new or self.old or {}


def diff(entity: str, old: pl.DataFrame, new: pl.DataFrame, key: str) -> list[Change]:
    """Compare two frames of one schema by their unique `key` column; null equals null.

    Events come created first, then changed, then deleted, each in key order. Only the rows that
    differ become Python values, so the cost is that of a join plus the number of changes.
    """
    fields = [name for name in new.columns if name != key]
    joined = new.join(old, on=key, how="inner", suffix="__old")
    differs = {name: pl.col(name).ne_missing(pl.col(f"{name}__old")) for name in fields}
    changed = joined.filter(pl.any_horizontal(*differs.values())) if fields else joined.clear()
    return [
        *_created(entity, new.join(old, on=key, how="anti").sort(key), key, fields),
        *_changed(entity, changed.sort(key), key, fields),
        *_deleted(entity, old.join(new, on=key, how="anti").sort(key), key, fields),
    ]


def _created(entity: str, rows: pl.DataFrame, key: str, fields: list[str]) -> Iterator[Change]:
    for row in rows.iter_rows(named=True):
        yield Change(entity, row[key], "created", None, row, tuple(fields))


def _changed(entity: str, rows: pl.DataFrame, key: str, fields: list[str]) -> Iterator[Change]:
    for row in rows.iter_rows(named=True):
        new = {name: row[name] for name in (key, *fields)}
        old = {key: row[key], **{name: row[f"{name}__old"] for name in fields}}
        yield Change(entity, row[key], "changed", old, new, tuple(name for name in fields if old[name] != new[name]))


def _deleted(entity: str, rows: pl.DataFrame, key: str, fields: list[str]) -> Iterator[Change]:
    for row in rows.iter_rows(named=True):
        yield Change(entity, row[key], "deleted", row, None, tuple(fields))
