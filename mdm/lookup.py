"""Does this record exist already? An index in memory: rare keys give candidates, the pinned model judges them.

Keys are hashed into one sorted array with the rows that hold them, twelve bytes a key: a million partners need about
two hundred megabytes, and an answer a few milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from canonical.stewardship import SourceRef
from mdm.block import tokens
from mdm.judgement import Attributes, Judged, Model, Profile, judge, profile_of
from mdm.standardise.people import digits
from mdm.standardise.text import words

COMMON = 400
"""A key that more records hold says too little to look at them all."""
LOOKED_AT = 40
"""Candidates that are judged: those that share the rarest keys."""
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "item": ("name", "specification", "unit", "drawing_number"),
    "partner": ("name", "city", "phone", "tax_number"),
}
"""What records are compared by."""
KEPT = 200_000
"""What is read out of the names of so many records is remembered; of more it would take too much memory."""
REMEMBERED = 100_000
"""Records that are kept ready to be compared."""
SMALL = 1000
"""So many changes never make an index anew."""
_HASH = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that may be the one asked for."""

    ref: SourceRef
    said: Mapping[str, str]
    """Its attributes in their normal form; what it does not say is missing."""
    judged: Judged


@dataclass(frozen=True)
class Index:
    """Records of one entity, findable by what they say. `frame`: `system`, `source_key` and the entity's attributes."""

    entity: str
    frame: pl.DataFrame
    hashes: NDArray[np.uint64]
    rows: NDArray[np.int32]
    _read: dict[int, tuple[SourceRef, Profile]] = field(default_factory=dict, compare=False)

    @classmethod
    def build(cls, entity: str, frame: pl.DataFrame) -> Index:
        """Index records; a few seconds for a hundred thousand."""
        kept = frame.select("system", "source_key", *(pl.col(name).cast(pl.String) for name in ATTRIBUTES[entity]))
        counts, found = np.zeros(kept.height, dtype=np.int32), _Buffer()
        for row, attributes in enumerate(_attributes(entity, kept)):
            keys = keys_of(profile_of(entity, attributes, keep=kept.height <= KEPT))
            counts[row] = len(keys)
            found.add(keys)
        hashes, rows = found.array(), np.repeat(np.arange(kept.height, dtype=np.int32), counts)
        order = np.argsort(hashes, kind="stable")
        return cls(entity, kept, hashes[order], rows[order])

    def __len__(self) -> int:
        return self.frame.height

    def record(self, row: int) -> tuple[SourceRef, Profile]:
        """The record in a row, and what it says, ready to be compared."""
        found = self._read.get(row)
        if found is None:
            if len(self._read) > REMEMBERED:
                self._read.clear()
            system, key, *said = self.frame.row(row)
            attributes = dict(zip(ATTRIBUTES[self.entity], said, strict=True))
            found = self._read[row] = SourceRef(system, key), profile_of(self.entity, attributes)
        return found

    def candidates(self, wanted: Profile, limit: int = LOOKED_AT) -> list[int]:
        """Rows that share keys with a record, those with the rarest first, ties by row."""
        return self.candidates_of([wanted], limit)[0]

    def candidates_of(self, wanted: Sequence[Profile], limit: int = LOOKED_AT) -> list[list[int]]:
        """`candidates` of several records at once: what a load of many is asked with."""
        keys = [_hashed(keys_of(one)) for one in wanted]
        asker = np.repeat(np.arange(len(wanted)), [len(some) for some in keys])
        # An array of the same type: a Python integer would make NumPy convert all the hashes, and round them.
        every = np.array([key for some in keys for key in some], dtype=np.uint64)
        start, end = (np.searchsorted(self.hashes, every, side) for side in ("left", "right"))
        held = end - start
        rare = (held > 0) & (held <= COMMON)
        asker, start, held = asker[rare], start[rare], held[rare]
        asked = np.repeat(asker, held) * np.int64(len(self)) + self.rows[_ranges(start, held)]
        pairs, place = np.unique(asked, return_inverse=True)
        # Votes are added up in the order of the keys, so that a record asked alone gets the same sums.
        votes = np.bincount(place, np.repeat(self._weights(held), held), len(pairs)).astype(np.float64)
        return _best(pairs // max(1, len(self)), pairs % max(1, len(self)), votes, len(wanted), limit)

    def _weights(self, held: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([math.log(1 + len(self) / count) for count in held.tolist()])


def _ranges(start: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
    """`start, start + 1, …` of each range, one after another."""
    before = np.cumsum(length) - length
    found: NDArray[np.int64] = np.arange(int(length.sum())) + np.repeat(start - before, length)
    return found


def _best(
    asker: NDArray[np.int64], row: NDArray[np.int64], votes: NDArray[np.float64], count: int, limit: int
) -> list[list[int]]:
    """For each of `count` askers at most `limit` rows, those with most votes first, ties by row."""
    order = np.lexsort((row, -votes, asker))
    bounds = np.searchsorted(asker[order], np.arange(count + 1)).tolist()
    return [row[order[begin : min(end, begin + limit)]].tolist() for begin, end in pairwise(bounds)]


class _Buffer:
    """Hashes gathered in pieces, so that no list of ten million objects stands in memory."""

    def __init__(self) -> None:
        self._full: list[NDArray[np.uint64]] = []
        self._open: list[int] = []

    def add(self, keys: Sequence[str]) -> None:
        self._open += _hashed(keys)
        if len(self._open) > 1_000_000:  # noqa: PLR2004
            self._close()

    def _close(self) -> None:
        self._full.append(np.array(self._open, dtype=np.uint64))
        self._open = []

    def array(self) -> NDArray[np.uint64]:
        self._close()
        return np.concatenate(self._full)


def _hashed(keys: Sequence[str]) -> list[int]:
    """Python's own hash: another one in every process, which no index outlives."""
    return [hash(key) & int(_HASH) for key in keys]


def _attributes(entity: str, frame: pl.DataFrame) -> Iterator[dict[str, str | None]]:
    names = ATTRIBUTES[entity]
    for row in frame.select(*names).iter_rows():
        yield dict(zip(names, row, strict=True))


def keys_of(profile: Profile) -> list[str]:
    """What a record may be found by."""
    keys = {f"i:{name}:{value}" for name, value in profile.identity}
    if profile.item is not None:
        keys |= {f"c:{code}" for code in profile.item.codes}
        keys |= {f"w:{word}" for word in profile.words if len(word) > 1}
        figures = "|".join(sorted((*profile.item.parts.get("thread", ()), *profile.item.parts.get("numbers", ()))))
        keys.add(f"s:{figures}:{profile.item.head[:2]}")
    if profile.partner is not None:
        keys |= {f"k:{profile.partner.core}", f"n:{profile.partner.core}|{profile.partner.trade}"}
        keys |= {f"w:{word}" for word in tokens(profile.partner.core) if len(word) > 1}
        keys |= {f"w:{word}" for word in words(profile.text) if len(word) > 3}  # noqa: PLR2004 - short words are everywhere
        keys |= {f"f:{profile.flat[:8]}", f"p:{digits(profile.said.get('phone', ''))[-8:]}"}
    return sorted(key for key in keys if len(key) > 3)  # noqa: PLR2004 - a key without content


@dataclass(frozen=True)
class Layers:
    """A large index and a small one of what has come since; records in `stale` are looked for in the small one only."""

    base: Index
    recent: Index | None = None
    stale: frozenset[SourceRef] = frozenset()

    def near(self, wanted: Profile, limit: int = LOOKED_AT) -> list[tuple[SourceRef, Profile]]:
        """Candidates, from both layers, with what they say."""
        return self.near_of([wanted], limit)[0]

    def near_of(self, wanted: Sequence[Profile], limit: int = LOOKED_AT) -> list[list[tuple[SourceRef, Profile]]]:
        """`near` of several records at once."""
        found = [self._based(rows) for rows in self.base.candidates_of(wanted, limit)]
        if self.recent is not None:
            fresh = [[*map(self.recent.record, rows)] for rows in self.recent.candidates_of(wanted, limit)]
            return [[*old, *new] for old, new in zip(found, fresh, strict=True)]
        return found

    def _based(self, rows: Sequence[int]) -> list[tuple[SourceRef, Profile]]:
        return [one for one in map(self.base.record, rows) if one[0] not in self.stale]


def layered(before: Layers | None, entity: str, records: pl.DataFrame) -> Layers:
    """Layers over these records; the base stands while little has changed since it was built."""
    names = ("system", "source_key", *ATTRIBUTES[entity])
    wanted = records.select("system", "source_key", *(pl.col(name).cast(pl.String) for name in ATTRIBUTES[entity]))
    if before is None:
        return Layers(Index.build(entity, wanted))
    fresh = wanted.join(before.base.frame, on=names, how="anti", nulls_equal=True)
    gone = before.base.frame.join(wanted, on=names, how="anti", nulls_equal=True)
    if fresh.height + gone.height > max(SMALL, wanted.height // 10):
        return Layers(Index.build(entity, wanted))
    stale = frozenset(SourceRef(system, key) for system, key in gone.select("system", "source_key").iter_rows())
    return Layers(before.base, Index.build(entity, fresh) if fresh.height else None, stale)


def look_up(layers: Layers, model: Model, attributes: Attributes, limit: int = 5) -> list[Hit]:
    """The records most likely the one asked for, the best first; vetoed ones come last, with what excludes them."""
    wanted = profile_of(model.entity, attributes)
    found = [Hit(ref, profile.said, judge(model, wanted, profile)) for ref, profile in layers.near(wanted)]
    return sorted(found, key=lambda hit: (bool(hit.judged.vetoes), -hit.judged.posterior, hit.ref))[:limit]
