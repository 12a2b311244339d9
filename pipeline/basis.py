"""What a stage's result is made of, as text: while it stays the same, the result stands and is not made again."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import polars as pl

HOUSE = Path(__file__).parents[1]
MAKING = ("canonical", "mappings", "mdm", "pipeline", "planning", "quality")
"""The rooms whose programs and settings decide what a frame becomes."""


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


def differing(before: pl.DataFrame, after: pl.DataFrame, key: str) -> frozenset[str] | None:
    """The keys of rows that came, went or changed between two frames with one row a key; None for other columns."""
    if before.schema != after.schema:
        return None
    columns = before.columns
    gone = before.join(after, on=columns, how="anti", nulls_equal=True)
    come = after.join(before, on=columns, how="anti", nulls_equal=True)
    return frozenset(gone[key]) | frozenset(come[key])
