"""The model in force for an entity: the plant's own where it has learnt from its stewards, else the shipped one.

Models are pinned as versioned JSON under `models/` of the hub's home; every version stays, `current` names one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import polars as pl

from canonical.stewardship import Decision, SourceRef
from mdm.judgement import Model, dump_model, load_model, profile_of
from mdm.learning import Lesson, learn
from mdm.lookup import ATTRIBUTES
from pipeline.hub import Hub
from pipeline.steward_acts import source_records
from store import durable


def model_of(hub: Hub, entity: str) -> Model:
    """The model in force."""
    folder = _folder(hub, entity)
    pointer = folder / "current"
    if not pointer.is_file():
        return _loaded(entity, None)
    return _loaded(entity, folder / f"{pointer.read_text(encoding='utf-8').strip()}.json")


def _folder(hub: Hub, entity: str) -> Path:
    return hub.settings.home / "models" / entity


@lru_cache(maxsize=32)
def _loaded(entity: str, path: Path | None) -> Model:
    return load_model(entity, path)


def pin_model(hub: Hub, model: Model) -> None:
    """Keep a version for ever and make it the one in force."""
    folder = _folder(hub, model.entity)
    for name, text in ((f"{model.version}.json", dump_model(model)), ("current", model.version)):
        with durable.temporary(folder) as (unnamed, stream):
            stream.write(text.encode())
            durable.sync(stream)
            durable.replace(unnamed, folder / name)


def lessons_of(hub: Hub, entity: str, given: Sequence[Decision]) -> list[Lesson]:
    """What decisions in force say about pairs of records that some system still tells of."""
    verdicts = dict(_verdicts(given))
    refs = sorted({ref for pair in verdicts for ref in pair})
    keys = pl.DataFrame(
        [(ref.system, ref.source_key) for ref in refs],
        schema={"system": pl.String, "source_key": pl.String}, orient="row",
    )  # fmt: skip
    profiles = {
        SourceRef(row["system"], row["source_key"]): profile_of(
            entity, {name: row[name] for name in ATTRIBUTES[entity]}
        )
        for row in source_records(hub, entity, keys).to_dicts()
    }
    return [
        Lesson(profiles[a], profiles[b], same)
        for (a, b), same in sorted(verdicts.items())
        if a in profiles and b in profiles
    ]


def _verdicts(given: Sequence[Decision]) -> Iterator[tuple[tuple[SourceRef, SourceRef], bool]]:
    """Pairs of records and whether they are one thing, later verdicts last."""
    for one in sorted(given, key=lambda one: one.number):
        if one.kind == "same":
            for a, b in combinations(sorted(one.members), 2):
                yield (a, b), True
        elif one.kind == "different":
            for a in one.members:
                for b in one.others:
                    yield (min(a, b), max(a, b)), False


def relearn(hub: Hub, entity: str, given: Sequence[Decision]) -> Model:
    """The shipped model and every decision in force make the plant's model: the same ones make the same again."""
    shipped, now = _loaded(entity, None), model_of(hub, entity)
    told = sorted(f"{a}={b}:{same}" for (a, b), same in dict(_verdicts(given)).items())
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]
    version = f"{shipped.version}+{digest}" if told else shipped.version
    if now.version == version:
        return now
    learnt = learn(shipped, lessons_of(hub, entity, given), version)
    pin_model(hub, learnt)
    return learnt
