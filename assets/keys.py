"""Names in the asset graph: where each stage's result stands. The first part of a key is also its group."""

import dagster as dg


def raw(system: str, stream: str) -> dg.AssetKey:
    """What one stream of one system said, as it came."""
    return dg.AssetKey(["raw", system, stream])


def canonical(entity: str, system: str) -> dg.AssetKey:
    """One system's records of one entity, in the vocabulary."""
    return dg.AssetKey(["canonical", entity, system])


def golden(entity: str) -> dg.AssetKey:
    """One record for each thing, whatever system told of it."""
    return dg.AssetKey(["golden", entity])


def mastering(artefact: str, entity: str) -> dg.AssetKey:
    """What matching leaves behind on the way to golden records: `standardised`, `edges`, `clusters`, `crosswalk`."""
    return dg.AssetKey([artefact, entity])


def judged(entity: str) -> dg.AssetKey:
    """The golden records that passed their rulebook."""
    return dg.AssetKey(["judged", entity])


def delivered(system: str) -> dg.AssetKey:
    """What one system was told."""
    return dg.AssetKey(["delivered", system])


REQUIREMENTS = dg.AssetKey(["plan", "requirements"])
ADOPTED = dg.AssetKey(["documents", "adopted"])
COMMANDS = dg.AssetKey(["decided", "commands"])
PEOPLE = dg.AssetKey(["told", "people"])
FORECAST = dg.AssetKey(["plan", "forecast"])
REVIEW = dg.AssetKey(["insight", "review"])
PROGRESS = dg.AssetKey(["insight", "progress"])
