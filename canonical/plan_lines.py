"""BOM lines held in columns, for plants that have a million of them: a line becomes an object when it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import overload

import polars as pl

from canonical.plan import PlanBomLine

LINE_SCHEMA = pl.Schema(
    {
        "parent": pl.String(), "component": pl.String(), "numerator": pl.Int64(), "denominator": pl.Int64(),
        "scrap_ppm": pl.Int64(), "effective_from": pl.Date(), "effective_until": pl.Date(), "operation": pl.Int64(),
    }
)  # fmt: skip
"""The fields of `PlanBomLine`, in its order."""
_of = attrgetter(*(field.name for field in fields(PlanBomLine)))


class BomLines(Sequence[PlanBomLine]):
    """A frame of BOM lines, read as a sequence of them; equal to any sequence of the same lines."""

    def __init__(self, frame: pl.DataFrame) -> None:
        """`frame` has the columns of `LINE_SCHEMA`; polars names what is missing or of another kind."""
        self.frame = frame.select(LINE_SCHEMA.names()).cast(LINE_SCHEMA)

    def __len__(self) -> int:
        """How many lines there are."""
        return self.frame.height

    @overload
    def __getitem__(self, at: int) -> PlanBomLine: ...
    @overload
    def __getitem__(self, at: slice) -> BomLines: ...
    def __getitem__(self, at: int | slice) -> PlanBomLine | BomLines:
        """One line, or some of them, still in columns."""
        return BomLines(self.frame[at]) if isinstance(at, slice) else PlanBomLine(*self.frame.row(at))

    def __iter__(self) -> Iterator[PlanBomLine]:
        """Line by line."""
        return (PlanBomLine(*row) for row in self.frame.iter_rows())

    def __eq__(self, other: object) -> bool:
        """Whether these are the same lines in the same order."""
        if isinstance(other, BomLines):
            return self.frame.equals(other.frame)
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(own == their for own, their in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


def lines_of(lines: Sequence[PlanBomLine], field: str, wanted: Collection[str]) -> Sequence[PlanBomLine]:
    """The lines whose parent, or component, is one of these, in their order."""
    if isinstance(lines, BomLines):
        return BomLines(lines.frame.filter(pl.col(field).is_in(list(wanted))))
    return [line for line in lines if getattr(line, field) in wanted]


def joined(lines: Sequence[PlanBomLine], more: Sequence[PlanBomLine]) -> Sequence[PlanBomLine]:
    """The ones behind the others, in columns where the first are and can be."""
    frame = line_frame(more) if isinstance(lines, BomLines) else None
    if frame is None or not isinstance(lines, BomLines):
        return (*lines, *more)
    return BomLines(pl.concat([lines.frame, frame]))


def line_frame(lines: Sequence[PlanBomLine]) -> pl.DataFrame | None:
    """The lines as a frame of `LINE_SCHEMA`; None where one holds a number beyond 64 bits."""
    if isinstance(lines, BomLines):
        return lines.frame
    columns = list(zip(*map(_of, lines), strict=True)) or [()] * len(LINE_SCHEMA)
    try:
        return pl.DataFrame(dict(zip(LINE_SCHEMA.names(), columns, strict=True)), schema=LINE_SCHEMA)
    except (OverflowError, TypeError):  # polars says the one or the other, by how large it is
        return None
