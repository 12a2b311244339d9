"""Cut out of the whole, turn after turn: some rows of some frames, as rows for who reads rows, as frames for the rest.

Most frames of a plant stay as they are from turn to turn, and few of their rows are asked for. Where those stand is
told once for each such frame, and a row once made is kept as long as its frame is the one that is cut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from operator import or_
from typing import Any

import polars as pl

from pipeline.basis import rows_of

KEY = "golden_id"
MOST_KEPT = 50_000
"""Rows of one frame that are kept; with more it begins anew."""
_Row = Mapping[str, Any]


class Part:
    """Rows of a frame in its order: all, or those `at` some places. `made` keeps rows of the whole by their place."""

    def __init__(
        self, whole: pl.DataFrame, at: Sequence[int] | None = None, made: dict[int, _Row] | None = None
    ) -> None:
        self._whole, self._at = whole, at
        self._made: dict[int, _Row] = {} if made is None else made
        self.height = whole.height if at is None else len(at)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """As a frame."""
        return self._whole if self._at is None else self._whole[self._at] if self._at else self._whole.clear()

    @cached_property
    def rows(self) -> Sequence[_Row]:
        """As rows, which nobody may change."""
        if self._at is None:
            return self._whole.rows(named=True)
        missing = [place for place in self._at if place not in self._made]
        if missing and len(missing) + len(self._made) > MOST_KEPT:
            self._made.clear()
            missing = list(self._at)
        self._made.update(zip(missing, self._whole[missing].rows(named=True) if missing else (), strict=True))
        return [self._made[place] for place in self._at]


class Cut(Mapping[str, pl.DataFrame]):
    """Parts of some frames by name. To read rows makes no frame."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = parts

    def rows(self, name: str) -> Sequence[_Row]:
        """The rows of a part; none where there is no such frame."""
        part = self._parts.get(name)
        return () if part is None else part.rows

    def __getitem__(self, name: str) -> pl.DataFrame:
        return self._parts[name].frame

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


class _Told:
    """What is known of one frame: where rows with a value stand, by column, and the rows that were made."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame, self.whole = frame, Part(frame)
        self.made: dict[int, _Row] = {}
        self._columns: dict[str, dict[str, list[int]]] = {}

    def places(self, column: str) -> dict[str, list[int]]:
        found = self._columns.get(column)
        if found is None:
            found = self._columns[column] = _places(self.frame[column])
        return found


class Places:
    """Cuts frames by name, again and again."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def all(self, name: str, frame: pl.DataFrame) -> Part:
        """All rows."""
        return self._of(name, frame)[0].whole

    def cut(self, name: str, frame: pl.DataFrame, wanted: Mapping[str, Collection[str]]) -> Part:
        """The rows of which one of these columns holds one of its values, in the frame's order; null is no value."""
        wanted = {column: {one for one in values if one is not None} for column, values in wanted.items()}
        told, known = self._of(name, frame)
        if not frame.height:
            return told.whole
        if not known:  # the next turn may bring another one: to read this one through would be in vain
            return Part(_filtered(frame, wanted))
        found = {at for column, values in wanted.items() for one in values for at in told.places(column).get(one, ())}
        return Part(frame, sorted(found), told.made)

    def _of(self, name: str, frame: pl.DataFrame) -> tuple[_Told, bool]:
        """What is known of a frame, and whether it was seen before."""
        told = self._told.get(name)
        if told is not None and told.frame is frame:
            return told, True
        told = self._told[name] = _Told(frame)
        return told, False


def _filtered(frame: pl.DataFrame, wanted: Mapping[str, Collection[str]]) -> pl.DataFrame:
    if wanted.keys() == {KEY}:
        return rows_of(frame, wanted[KEY], KEY)
    return frame.filter(reduce(or_, (_among(column, values) for column, values in wanted.items())))


def _among(column: str, values: Collection[str]) -> pl.Expr:
    return pl.col(column).is_in(pl.Series([list(values)], dtype=pl.List(pl.String)))


def _places(column: pl.Series) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for at, value in enumerate(column.to_list()):
        found[value].append(at)
    return found
