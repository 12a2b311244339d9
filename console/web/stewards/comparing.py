"""Records side by side as a page shows them: differences marked, scores as charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canonical.errors import MillstreamError
from canonical.stewardship import SourceRef
from console.web.stewards.marking import Piece, marked
from console.web.stewards.waterfall import Waterfall, waterfall
from console.web.values import Clock, spoken
from console.words.words import Words
from pipeline import stewardship
from pipeline.hub import Hub
from pipeline.stewardship import ComparedRow, Comparison, Explanation

LETTERS = "ABCDE"
_AS_WRITTEN = frozenset({"latin"})
"""Words that stand in a name, not what they were taken to mean."""
_OF_THE_RECORD = frozenset({"changed_at"})
"""Says something about the record, not about the thing: it stands last, and that it differs is no difference."""


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute: each record's value in pieces, None where it says nothing."""

    attribute: str
    cells: tuple[tuple[Piece, ...] | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Column:
    """One record: its letter on the page, itself, and the golden record it stands in."""

    letter: str
    ref: SourceRef
    golden_id: str | None


@dataclass(frozen=True, slots=True)
class Score:
    """Why two of the records are taken for one thing, or not."""

    told: Explanation
    chart: Waterfall


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Up to five records, and the score of the first two of them."""

    entity: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    parsed: tuple[Row, ...]
    score: Score | None

    @property
    def differing(self) -> int:
        """In how many attributes they differ."""
        return sum(row.differs for row in self.rows)


def side_by_side(hub: Hub, words: Words, clock: Clock, entity: str, refs: Sequence[SourceRef]) -> SideBySide:
    """Records compared; raises `MillstreamError` for one, for more than five, and for what nobody knows."""
    seen = stewardship.compare(hub, entity, refs)
    parsed = [_spoken(words, row) for row in seen.parsed]
    said = [_row(words, clock, row) for row in _told(seen.rows)]
    read = [_row(words, clock, row) for row in _told(parsed)]
    return SideBySide(entity, _columns(seen), tuple(said), tuple(read), score(hub, entity, refs))


def _spoken(words: Words, row: ComparedRow) -> ComparedRow:
    """What was read out of a name, in the reader's words: `black_oxide` is 发黑."""
    if row.attribute in _AS_WRITTEN:
        return row
    said = [one and " ".join(words.shown(word, "part") for word in one.split()) for one in row.values]
    return ComparedRow(row.attribute, tuple(said), row.differs)


def score(hub: Hub, entity: str, refs: Sequence[SourceRef]) -> Score:
    """The score of the first two records."""
    told = stewardship.explain(hub, entity, refs[0], refs[1])
    return Score(told, waterfall(told))


def _columns(seen: Comparison) -> tuple[Column, ...]:
    return tuple(Column(*one) for one in zip(LETTERS, seen.records, seen.golden_ids, strict=False))


def _told(rows: Sequence[ComparedRow]) -> list[ComparedRow]:
    """Rows in which somebody says something, those about the thing first."""
    told = [row for row in rows if any(value is not None for value in row.values)]
    return sorted(told, key=lambda row: row.attribute in _OF_THE_RECORD)


def _row(words: Words, clock: Clock, row: ComparedRow) -> Row:
    said = [None if value is None else spoken(words, clock, value) for value in row.values]
    differs = row.differs and row.attribute not in _OF_THE_RECORD
    pieces = marked(said) if differs else [(Piece(one or "", differs=False),) for one in said]
    cells = zip(said, pieces, strict=True)
    return Row(row.attribute, tuple(None if value is None else parts for value, parts in cells), differs)


def references(texts: Sequence[str]) -> list[SourceRef]:
    """Records named as `system:source_key`, each once; raises `MillstreamError`."""
    try:
        return list(dict.fromkeys(SourceRef.parse(text) for text in texts))
    except ValueError as error:
        raise MillstreamError(str(error)) from None
