"""What differs between values that stand side by side, piece by piece, so that an eye finds it at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import reduce
from itertools import groupby

_PIECE = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+|\s+|.", re.DOTALL)
MOST_PIECES = 600
"""A longer value is marked as a whole: looking for what it shares takes time that grows with the square."""
_CHINESE = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a value; `differs`: not every other value has it there."""

    text: str
    differs: bool


def pieces(text: str) -> list[str]:
    """A text in numbers, words, single Chinese characters and signs."""
    found = _PIECE.findall(text)
    return [piece for one in found for piece in (one if _CHINESE.search(one) else (one,))]


def marked(values: Sequence[str | None]) -> list[tuple[Piece, ...]]:
    """Each value in pieces, with what the values that say something do not all share marked; case does not count."""
    split = [pieces(value) if value is not None else [] for value in values]
    if max(map(len, split), default=0) > MOST_PIECES:
        return [() if value is None else (Piece(value, differs=True),) for value in values]
    told = [one for one in split if one]
    return [_marked(one, [other for other in told if other is not one]) for one in split]


def _marked(ours: Sequence[str], others: Sequence[Sequence[str]]) -> tuple[Piece, ...]:
    everywhere: set[int] = set(range(len(ours)))
    shared = reduce(lambda kept, other: kept & _shared(ours, other), others, everywhere)
    flags = [at not in shared and not piece.isspace() for at, piece in enumerate(ours)]
    runs = groupby(zip(ours, flags, strict=True), key=lambda pair: pair[1])
    return tuple(Piece("".join(text for text, _ in run), differs) for differs, run in runs)


def _shared(ours: Sequence[str], other: Sequence[str]) -> set[int]:
    """Places of ours that the other has too, in the same order."""
    left, right = ([one.casefold() for one in side] for side in (ours, other))
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    return {at for block in blocks for at in range(block.a, block.a + block.size)}
