"""What changed between two frames of one entity: created, changed (field by field) and deleted rows.

Null and absent stay apart. Null is a value like any other; a field the new row does not supply (it stands in the row's
`absent` list, or the frame has no such column) is not compared, and one the old row did not supply is new even when it
is null.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal

import polars as pl

EventKind = Literal["created", "changed", "deleted"]
ABSENT = "absent"
FEW = 512
"""So many rows are made at once."""
_NEW, _OLD = "__new", "__old"


@dataclass(frozen=True, slots=True)
class Change:
    """One row's difference. `old` is None when created, `new` is None when deleted; absent fields stand in neither."""

    entity: str
    key: str
    kind: EventKind
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    fields: tuple[str, ...]
    origin: str = "hub"
    """Who made it: the role of a system, `person`, or `hub` for what is derived; `+` between several."""
    echo: bool = False
    """It only shows what the hub wrote: no rule acts on it."""

    @property
    def row(self) -> Mapping[str, Any]:
        """The record as it stands, or as it last stood."""
        return self.new or self.old or {}


@dataclass(frozen=True)
class Changes:
    """The rows that differ, each frame in key order.

    `was`, `now` and `differs` (a column of booleans for each compared field) are the changed rows, aligned.
    """

    entity: str
    key: str
    fields: tuple[str, ...]
    created: pl.DataFrame
    was: pl.DataFrame
    now: pl.DataFrame
    differs: pl.DataFrame
    deleted: pl.DataFrame
    origin: str = "hub"

    def __len__(self) -> int:
        return self.created.height + self.now.height + self.deleted.height

    def rows(self) -> list[Change]:
        """Every change: created, then changed, then deleted."""
        return list(self._rows)

    @cached_property
    def _rows(self) -> list[Change]:
        return [*self._alone("created", self.created), *self._pairs(), *self._alone("deleted", self.deleted)]

    def at(self, positions: Collection[int]) -> dict[int, Change]:
        """The changes at some positions of `rows`, without making the others."""
        bounds = self.created.height, self.created.height + self.now.height
        created = sorted(one for one in positions if one < bounds[0])
        changed = sorted(one - bounds[0] for one in positions if bounds[0] <= one < bounds[1])
        deleted = sorted(one - bounds[1] for one in positions if one >= bounds[1])
        taken = replace(
            self, created=self.created[created], was=self.was[changed], now=self.now[changed],
            differs=self.differs[changed], deleted=self.deleted[deleted],
        )  # fmt: skip
        return dict(zip(sorted(positions), taken.rows(), strict=True))

    def _alone(self, kind: EventKind, rows: pl.DataFrame) -> Iterator[Change]:
        for row in _named(rows):
            said = _supplied(row)
            fields = tuple(name for name in self.fields if name in said)
            old, new = (None, said) if kind == "created" else (said, None)
            yield Change(self.entity, row[self.key], kind, old, new, fields, self.origin)

    def _pairs(self) -> Iterator[Change]:
        names = self.differs.columns
        rows = zip(_named(self.was), _named(self.now), self.differs.iter_rows(), strict=True)
        for was, now, differs in rows:
            fields = tuple(name for name, one in zip(names, differs, strict=True) if one)
            yield Change(self.entity, now[self.key], "changed", _supplied(was), _supplied(now), fields, self.origin)


def _named(frame: pl.DataFrame) -> Iterable[dict[str, Any]]:
    """Rows as mappings; of a few the iterator, which makes as many at a time, costs more than the rows."""
    return frame.rows(named=True) if frame.height <= FEW else frame.iter_rows(named=True)


def _supplied(row: dict[str, Any]) -> dict[str, Any]:
    missing = row.get(ABSENT)
    return {name: value for name, value in row.items() if name not in missing} if missing else row


def diff(
    entity: str,
    old: pl.DataFrame,
    new: pl.DataFrame,
    key: str,
    *,
    complete: bool = True,
    fields: Sequence[str] | None = None,
    origin: str = "hub",
) -> Changes:
    """Compare two frames by their unique `key` column, over `fields` (every other column of `new`, where left out).

    What `new` does not hold is deleted only where it is `complete`: a fetch that was cut short deletes nothing. The
    cost is a join of the keys and one pass over each column; only rows that differ are copied.
    """
    compared = tuple(fields if fields is not None else (name for name in new.columns if name not in {key, ABSENT}))
    if old.is_empty() or new.is_empty():
        same = _nothing_differs(tuple(name for name in compared if name in new.columns))
        nothing = Changes(
            entity, key, compared, new.clear(), was=old.clear(), now=new.clear(), differs=same, deleted=old.clear(),
            origin=origin,
        )  # fmt: skip
        return _one_sided(nothing, old, new, complete=complete)
    pairs = _pairs(old[key], new[key])
    matched = pairs.filter(pl.col(_OLD).is_not_null())
    differs = _differs(old, new, matched, compared)
    some = differs.select(pl.any_horizontal(pl.all())).to_series() if differs.width else pl.Series([], dtype=pl.Boolean)
    rows = matched.filter(some) if differs.width else matched.clear()
    ranked = rows.with_columns(new[key].gather(rows[_NEW]).alias(key)).with_row_index("__at").sort(key)
    created = new[pairs.filter(pl.col(_OLD).is_null())[_NEW]].sort(key)
    some_gone = complete and matched.height < old.height
    gone = old.join(new.select(key), on=key, how="anti").sort(key) if some_gone else old.clear()
    return Changes(
        entity, key, compared, created, was=old[ranked[_OLD]], now=new[ranked[_NEW]],
        differs=differs.filter(some)[ranked["__at"]] if differs.width else differs, deleted=gone, origin=origin,
    )  # fmt: skip


def _one_sided(nothing: Changes, old: pl.DataFrame, new: pl.DataFrame, *, complete: bool) -> Changes:
    """Where one frame has no rows there is nothing to join: all of the other came, or is gone."""
    if not new.is_empty():
        return replace(nothing, created=_by_key(new, nothing.key))
    return replace(nothing, deleted=_by_key(old, nothing.key)) if complete and not old.is_empty() else nothing


def _by_key(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    """In key order, as most frames come: to see that costs less than to sort again."""
    return frame if frame[key].is_sorted() else frame.sort(key)


@lru_cache(maxsize=256)
def _nothing_differs(fields: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(fields, pl.Boolean))


def _pairs(old: pl.Series, new: pl.Series) -> pl.DataFrame:
    """For each new row its position and that of the old row with its key, null where there is none."""
    if old.len() == new.len() and old.equals(new, check_names=False):
        places = pl.int_range(new.len(), dtype=pl.UInt32, eager=True)
        return pl.DataFrame({_NEW: places, _OLD: places})
    left = new.rename("key").to_frame().with_row_index(_NEW)
    right = old.rename("key").to_frame().with_row_index(_OLD)
    return left.join(right, on="key", how="left", maintain_order="left").select(_NEW, _OLD)


@dataclass(frozen=True, slots=True)
class _Side:
    """One frame as the pairs see it: its rows at `places`, or all as they stand."""

    frame: pl.DataFrame
    places: pl.Series | None

    @classmethod
    def of(cls, frame: pl.DataFrame, places: pl.Series) -> _Side:
        as_it_stands = places.len() == frame.height and bool((places == pl.int_range(frame.height, eager=True)).all())
        return cls(frame, None if as_it_stands else places)

    def taken(self, column: pl.Series) -> pl.Series:
        """A column of the frame, in the order of the pairs."""
        return column if self.places is None else column.gather(self.places)


def _differs(old: pl.DataFrame, new: pl.DataFrame, matched: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """Which field of which pair differs: one column a field."""
    before, after = _Side.of(old, matched[_OLD]), _Side.of(new, matched[_NEW])
    return pl.DataFrame({name: _one(before, after, name) for name in fields if name in new.columns})


def _one(before: _Side, after: _Side, name: str) -> pl.Series:
    old, new = before.frame, after.frame
    if name in old.columns:
        differs = after.taken(new[name]).ne_missing(before.taken(old[name]))
        unknown = _absent(old, name)
        differs = differs if unknown is None else differs | before.taken(unknown)
    else:
        differs = before.taken(pl.repeat(value=True, n=old.height, dtype=pl.Boolean, eager=True))
    unsaid = _absent(new, name)
    return differs if unsaid is None else differs & ~after.taken(unsaid)


def _absent(frame: pl.DataFrame, name: str) -> pl.Series | None:
    """Which rows do not supply a field; None where all do."""
    if ABSENT not in frame.columns or frame[ABSENT].dtype != pl.List(pl.String):
        return None
    missing = frame[ABSENT].list.contains(name).fill_null(value=False)
    return missing if missing.any() else None
