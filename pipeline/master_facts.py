"""Facts about master records, from the sources that every golden record lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from canonical.keys import join_key
from pipeline.fact_sources import FactSources
from pipeline.mastering import STEWARDED
from pipeline.snapshot import Row, rows


def master_facts(sources: FactSources) -> Mapping[str, Callable[[], Iterable[Row]]]:
    """Fact → how it is made."""
    return {"golden_code_allocated": lambda: _allocated(sources)}


def _allocated(sources: FactSources) -> Iterator[Row]:
    """What connections that take codes back are to be told; nothing of the others."""
    for entity in sorted(STEWARDED):
        takers = {name: one.role for name, one in sources.connections.items() if entity in one.golden_codes}
        for golden in rows(sources.frames, entity) if takers else ():
            for source in golden["sources"]:
                system, _, key = source.partition(":")
                if system in takers:
                    yield {
                        "record": join_key((entity, system, key)),
                        "master": entity,
                        "system": system,
                        "role": takers[system],
                        "source_key": key,
                        "golden_code": golden["golden_id"],
                        "name": golden["name"],
                        "own_code": key == golden["golden_id"],
                    }
