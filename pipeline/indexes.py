"""Does this exist already? The index of an entity's records, kept in memory while the frames it was made of stand."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from canonical.entities import ENTITIES, frame_schema
from canonical.errors import MillstreamError
from canonical.stewardship import SourceRef
from mdm.judgement import Attributes, Part
from mdm.lookup import ATTRIBUTES, Layers, layered, look_up
from pipeline.hub import Hub
from pipeline.models import model_of
from store import crosswalk

_BUILDING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Match:
    """A golden record that may be the one asked for, by the likeliest of its records."""

    golden_id: str | None
    """None where the record has not been mastered yet."""
    ref: SourceRef
    posterior: float
    band: str
    said: Mapping[str, str]
    parts: tuple[Part, ...]
    vetoes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    made_of: tuple[str | None, ...]
    layers: Layers


def find_matches(hub: Hub, entity: str, attributes: Attributes, limit: int = 5) -> tuple[Match, ...]:
    """Golden records most likely the one described, each once, the best first.

    Raises `MillstreamError` for an entity that is not matched or an attribute it is not matched by.
    """
    if entity not in ATTRIBUTES:
        raise MillstreamError(f"{entity!r} is not matched", entity=entity, hint=", ".join(ATTRIBUTES))
    unknown = sorted(set(attributes) - set(ATTRIBUTES[entity]))
    if unknown:
        raise MillstreamError(
            f"{entity} is not matched by {unknown[0]!r}", entity=entity, hint=", ".join(ATTRIBUTES[entity])
        )
    model = model_of(hub, entity)
    hits = look_up(index_of(hub, entity), model, attributes, limit * 4)
    with hub.store.read() as tx:
        bound = crosswalk.bindings(tx, entity, ((hit.ref.system, hit.ref.source_key) for hit in hits))
    found: dict[str, Match] = {}
    for hit in hits:
        row = bound.get((hit.ref.system, hit.ref.source_key))
        posterior = hit.judged.posterior
        band = "auto" if posterior >= model.auto else "review" if posterior >= model.review else "distinct"
        match = Match(
            row.golden_id if row else None, hit.ref, posterior, band, hit.said, hit.judged.parts, hit.judged.vetoes
        )
        found.setdefault(match.golden_id or str(hit.ref), match)
    return tuple(found.values())[:limit]


def index_of(hub: Hub, entity: str) -> Layers:
    """The index over the canonical records of all systems as they stand."""
    names = [f"canonical/{entity}/{system}" for system in hub.configuration.sources_of(entity)]
    made_of = tuple(hub.frames.version(name) for name in names)
    place = f"index/{entity}"
    kept: _Kept | None = hub.kept.get(place)
    if kept is not None and kept.made_of == made_of:
        return kept.layers
    with _BUILDING:
        found = [pl.DataFrame(schema=frame_schema(ENTITIES[entity]))]
        found += [frame for name in names if (frame := hub.frames.read(name)) is not None]
        made = _Kept(made_of, layered(kept.layers if kept else None, entity, pl.concat(found)))
        hub.kept[place] = made
    return made.layers
