"""What matching leaves behind for an entity, counted: standardised records, edges, clusters and the crosswalk."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.hub import Hub
from pipeline.models import model_of
from store import candidates, crosswalk

ARTEFACTS = ("standardised", "edges", "clusters", "crosswalk")
"""In the order in which they are made; the golden records stand between the last two."""


@dataclass(frozen=True, slots=True)
class Artefacts:
    """Counts of one entity's artefacts, and the model they were made with."""

    records: int
    links: int
    doubts: int
    clusters: int
    """Golden records of more than one source record."""
    largest: int
    bindings: int
    model: str


def artefacts(hub: Hub, entity: str) -> Artefacts:
    """The artefacts as they stand."""
    frame = hub.frames.read(f"standardised/{entity}")
    with hub.store.read() as tx:
        sizes = crosswalk.sizes(tx, entity)
        bands = candidates.counts(tx, entity)
    return Artefacts(
        records=0 if frame is None else frame.height,
        links=bands.get("auto", 0),
        doubts=bands.get("review", 0),
        clusters=sum(size > 1 for size in sizes),
        largest=max(sizes, default=0),
        bindings=sum(sizes),
        model=model_of(hub, entity).version,
    )
