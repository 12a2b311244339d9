"""Finding golden records by what somebody remembers of them: a name, its pinyin, a code, a key in some system."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from canonical.entities import ENTITIES, model_schema
from mdm.spelling import search_patterns
from pipeline.hub import Hub
from pipeline.impact import NONE, Impact, impacts
from store import golden

SEARCHED = ("name", "specification", "drawing_number", "tax_number", "code", "city")


@dataclass(frozen=True, slots=True)
class Found:
    """One golden record that was found, and what hangs on it."""

    golden_id: str
    name: str | None
    detail: str | None
    """Its specification, or its city."""
    systems: tuple[str, ...]
    impact: Impact


def find_records(hub: Hub, entity: str, text: str = "", limit: int = 50) -> tuple[tuple[Found, ...], int]:
    """Golden records of the last pass in which every word of the text stands, most impact first; and how many.

    Records that a decision has retired since are left out.
    """
    frame = hub.frames.read(f"golden/{entity}")
    if frame is None:
        return (), 0
    weights = impacts(hub, entity)
    rows = _matching(frame, entity, text).select("golden_id", "name", *_detail(entity), "sources").rows()
    rows.sort(key=lambda row: (*(-part for part in weights.get(row[0], NONE).rank), row[1] is None, row[1], row[0]))
    with hub.store.read() as tx:
        standing = golden.standing(tx, entity, (row[0] for row in rows[:limit]))
    kept = [row for row in rows[:limit] if row[0] in standing and standing[row[0]].retired_at is None]
    found = (Found(one, name, more, _systems(src), weights.get(one, NONE)) for one, name, more, src in kept)
    return tuple(found), len(rows) - len(rows[:limit]) + len(kept)


def _detail(entity: str) -> tuple[str]:
    return ("specification",) if entity == "item" else ("city",)


def _matching(frame: pl.DataFrame, entity: str, text: str) -> pl.DataFrame:
    fields = [name for name in SEARCHED if name in model_schema(ENTITIES[entity])]
    words = (pl.col(name) for name in ("golden_id", *fields))
    keys = pl.col("sources").cast(pl.List(pl.String)).list.join("\n")
    said = pl.concat_str([*words, keys], separator="\n", ignore_nulls=True)
    plain = said.str.normalize("NFKC").str.to_lowercase().str.replace_all("×", "x").str.replace_all(" ", "")
    return frame.filter(*(plain.str.contains(pattern) for pattern in search_patterns(text)))


def _systems(sources: list[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.partition(":")[0] for one in sources or ()))
