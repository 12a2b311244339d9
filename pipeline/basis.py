"""What a stage's result is made of, as text: while it stays the same, the result stands and is not made again."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from mdm.handful import HANDFUL

HOUSE = Path(__file__).parents[1]
MAKING = ("canonical", "mappings", "mdm", "pipeline", "planning", "quality")
"""The rooms whose programs and settings decide what a frame becomes."""
_PIECES = 64
_PIECE = 2000
"""Rows of a piece worth keeping apart: to copy fewer costs less than every later look at one piece more."""


@lru_cache(maxsize=1)
def program() -> str:
    """A digest of this release, so that another release makes everything anew."""
    found = hashlib.sha256()
    for room in MAKING:
        for path in sorted((HOUSE / room).rglob("*")):
            if path.suffix in {".py", ".yaml"}:
                seen = path.stat()
                found.update(f"{path.relative_to(HOUSE)} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return found.hexdigest()[:16]


def digest(*parts: object) -> str:
    """A short digest of some texts and versions; the order counts."""
    return hashlib.sha256("\0".join(str(part) for part in (program(), *parts)).encode()).hexdigest()[:24]


def digest_of(kept: MutableMapping[str, Any], place: str, settings: BaseModel) -> str:
    """A digest of some settings, made once for as long as they are the same object; `kept` remembers it."""
    last: tuple[BaseModel, str] | None = kept.get(place)
    if last is None or last[0] is not settings:
        last = kept[place] = (settings, digest(settings.model_dump_json()))
    return last[1]


def differing(before: pl.DataFrame, after: pl.DataFrame, key: str) -> frozenset[str] | None:
    """The keys of rows that came, went or changed between two frames with one row a key; None for other columns."""
    if not _alike(before, after):
        return None
    if max(before.height, after.height) <= HANDFUL:
        return _unlike(_by_key(before, key), _by_key(after, key))
    if before.is_empty() or after.is_empty():
        return frozenset(before[key].to_list()) | frozenset(after[key].to_list())
    moved = list[str]()
    if not before[key].equals(after[key]):
        stays, stood = before[key].is_in(after[key].implode()), after[key].is_in(before[key].implode())
        moved = [*before[key].filter(~stays).to_list(), *after[key].filter(~stood).to_list()]
        before, after = before.filter(stays).sort(key), after.filter(stood).sort(key)
    other = [name for name in before.columns if not before[name].equals(after[name], null_equal=True)]
    if not other:
        return frozenset(moved)
    unlike = before.select(pl.any_horizontal(pl.col(name).ne_missing(after[name]) for name in other)).to_series()
    return frozenset(moved) | frozenset(before[key].filter(unlike).to_list())


def _alike(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Whether two frames have the same columns; their schemas, which are the same, take longer to compare."""
    return one.columns == other.columns and one.dtypes == other.dtypes


def _by_key(frame: pl.DataFrame, key: str) -> dict[str, tuple[Any, ...]]:
    return dict(zip(frame[key].to_list(), frame.rows(), strict=True))


def _unlike(then: Mapping[str, tuple[Any, ...]], now: Mapping[str, tuple[Any, ...]]) -> frozenset[str]:
    return frozenset(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


def rows_of(frame: pl.DataFrame, keys: Collection[str], key: str) -> pl.DataFrame:
    """The rows with one of some keys, in the frame's order; of a frame by key a few are found without reading it."""
    names = frame[key]
    if len(keys) > HANDFUL or not names.is_sorted():
        return frame.filter(pl.col(key).is_in(pl.Series([sorted(keys)], dtype=pl.List(pl.String))))
    places = [at for name in sorted(keys) for at in range(bisect_left(names, name), bisect_right(names, name))]
    if not places:
        return frame.clear()
    first, last = places[0], places[-1]
    return frame.slice(first, len(places)) if last - first < len(places) else frame[places]


def replaced(
    before: pl.DataFrame, rows: pl.DataFrame, keys: frozenset[str], key: str
) -> tuple[pl.DataFrame, frozenset[str] | None]:
    """A frame with `rows` in place of those of their keys and of `keys`, and the keys of the rows that differ.

    Both frames have one row a key, and `before` is by key; so is the result. None for other columns.
    """
    rows = rows if rows[key].is_sorted() else rows.sort(key)
    fresh, names = rows[key].to_list(), before[key]
    ids = sorted(keys.union(fresh))
    if len(ids) > HANDFUL or not _alike(before, rows) or not names.is_sorted():
        renewed = pl.col(key).is_in(pl.Series([ids], dtype=pl.List(pl.String)))
        standing, others = before.filter(renewed), before.filter(~renewed)
        return pl.concat([others, rows]).sort(key), differing(standing, rows, key)
    pieces, stood, start, taken, come = list[pl.DataFrame](), dict[str, tuple[Any, ...]](), 0, 0, 0
    for name in ids:
        place = bisect_left(names, name, start)
        if place > start:  # what comes in between goes in together
            pieces += (rows.slice(taken, come - taken), before.slice(start, place - start))
            start, taken = place, come
        if place < before.height and names[place] == name:
            stood[name] = before.row(place)
            start = place + 1
        if come < len(fresh) and fresh[come] == name:
            come += 1
    pieces += (rows.slice(taken), before.slice(start))
    whole = pl.concat([piece for piece in pieces if piece.height] or [before.clear()])
    whole = whole.rechunk() if whole.n_chunks() > min(_PIECES, whole.height // _PIECE) else whole
    return whole, _unlike(stood, _by_key(rows, key))
