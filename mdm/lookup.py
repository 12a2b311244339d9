"""Does this record exist already? An index in memory: rare keys give candidates, the pinned model judges them.

Keys are hashed into one sorted array with the rows that hold them, twelve bytes a key: a million partners need about
two hundred megabytes, and an answer a few milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    _profiles: dict[int, Profile] = field(default_factory=dict, compare=False)

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

    def ref(self, row: int) -> SourceRef:
        """The record in a row."""
        return SourceRef(self.frame.item(row, "system"), self.frame.item(row, "source_key"))

    def profile(self, row: int) -> Profile:
        """The record in a row, ready to be compared."""
        if row not in self._profiles:
            if len(self._profiles) > 100_000:  # noqa: PLR2004 - enough for what is asked often
                self._profiles.clear()
            self._profiles[row] = profile_of(self.entity, self.attributes(row))
        return self._profiles[row]

    def attributes(self, row: int) -> dict[str, str | None]:
        """What the record in a row says."""
        return dict(zip(ATTRIBUTES[self.entity], self.frame.row(row)[2:], strict=True))

    def candidates(self, wanted: Profile, limit: int = LOOKED_AT) -> list[int]:
        """Rows that share keys with a record, those with the rarest first, ties by row."""
        votes: dict[int, float] = {}
        # An array of the same type: a Python integer would make NumPy convert all the hashes, and round them.
        keys = np.array(_hashed(keys_of(wanted)), dtype=np.uint64)
        starts, ends = (np.searchsorted(self.hashes, keys, side).tolist() for side in ("left", "right"))
        for start, end in zip(starts, ends, strict=True):
            if 0 < end - start <= COMMON:
                weight = math.log(1 + len(self) / (end - start))
                for row in self.rows[start:end].tolist():
                    votes[row] = votes.get(row, 0.0) + weight
        return sorted(votes, key=lambda row: (-votes[row], row))[:limit]


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
        found = [(ref, self.base.profile(row)) for ref, row in self._based(wanted, limit)]
        if self.recent is not None:
            rows = self.recent.candidates(wanted, limit)
            found += [(self.recent.ref(row), self.recent.profile(row)) for row in rows]
        return found

    def _based(self, wanted: Profile, limit: int) -> list[tuple[SourceRef, int]]:
        rows = self.base.candidates(wanted, limit)
        return [(ref, row) for row in rows if (ref := self.base.ref(row)) not in self.stale]


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
