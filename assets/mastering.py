"""Artefacts of matching as assets: standardised → edges → clusters → golden → crosswalk, of entities it matches."""

from collections.abc import Iterator

import dagster as dg

from assets import keys
from assets.metadata import Metadata, look
from assets.steps import Result
from pipeline.artefacts import Artefacts, artefacts
from pipeline.hub import Configuration, Hub

_SAID = {
    "standardised": ("polars", "What every {} record says, ready to be compared."),
    "edges": ("sql", "Pairs of {} records a model takes for one thing, or cannot tell."),
    "clusters": ("sql", "Which {} records are one thing: keys, links and stewards' decisions."),
    "crosswalk": ("sql", "Which record of which system is which golden {}."),
}


def is_matched(configuration: Configuration, entity: str) -> bool:
    """Whether records of the entity are matched beyond their keys."""
    return configuration.policies[entity].match


def before_golden(configuration: Configuration, entity: str) -> tuple[dg.AssetKey, ...]:
    """What the golden records of an entity are made of, in this order."""
    if not is_matched(configuration, entity):
        return ()
    return tuple(keys.mastering(name, entity) for name in ("standardised", "edges", "clusters"))


def specs(configuration: Configuration, entity: str) -> Iterator[dg.AssetSpec]:
    """One asset for each artefact of a matched entity; each depends on the one before it."""
    if not is_matched(configuration, entity):
        return
    sources = [keys.canonical(entity, system) for system in configuration.sources_of(entity)]
    deps = {
        "standardised": sources,
        "edges": [keys.mastering("standardised", entity)],
        "clusters": [keys.mastering("edges", entity)],
        "crosswalk": [keys.golden(entity)],
    }
    for name, needed in deps.items():
        kind, text = _SAID[name]
        yield dg.AssetSpec(
            keys.mastering(name, entity), deps=needed, group_name=name, kinds={kind}, description=text.format(entity)
        )


def around(hub: Hub, golden: Result, entity: str) -> Iterator[Result]:
    """A golden result with its artefacts around it, in the order of their making."""
    if not is_matched(hub.configuration, entity):
        yield golden
        return
    found = artefacts(hub, entity)
    for name in ("standardised", "edges", "clusters"):
        yield dg.MaterializeResult(asset_key=keys.mastering(name, entity), metadata=_metadata(name, found))
    yield golden._replace(metadata={**(golden.metadata or {}), **_metadata("golden", found)})
    yield dg.MaterializeResult(asset_key=keys.mastering("crosswalk", entity), metadata=_metadata("crosswalk", found))


def _metadata(name: str, found: Artefacts) -> Metadata:
    """Counts, and from the edges on the model that everything after them rests on."""
    model = {"model": found.model}
    by_name: dict[str, Metadata] = {
        "standardised": {"dagster/row_count": found.records},
        "edges": {
            "dagster/row_count": found.links + found.doubts, "links": found.links, "doubts": found.doubts,
            **model, **({"next": look("mdm queue")} if found.doubts else {}),
        },
        "clusters": {"dagster/row_count": found.clusters, "largest": found.largest, **model},
        "golden": {**model},
        "crosswalk": {"dagster/row_count": found.bindings, **model},
    }  # fmt: skip
    return by_name[name]
