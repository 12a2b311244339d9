"""The model in force for an entity: the plant's own where it has learnt from its stewards, else the shipped one.

Models are pinned as versioned JSON under `models/` of the hub's home; every version stays, `current` names one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, islice
from pathlib import Path

import polars as pl

from canonical.stewardship import Decision, SourceRef
from mdm.judgement import Model, dump_model, load_model, profile_of
from mdm.learning import Lesson, learn
from mdm.lookup import ATTRIBUTES
from pipeline.hub import Hub
from pipeline.steward_acts import source_records
from store import durable

Pair = tuple[SourceRef, SourceRef]
"""Two records, the smaller first."""
EACH = 20
"""The first verdicts move a model most: each of so many makes a new one."""


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


def lessons_of(hub: Hub, entity: str, verdicts: Mapping[Pair, bool]) -> list[Lesson]:
    """Verdicts on pairs of records that some system still tells of, with what those say."""
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


def _verdicts(given: Sequence[Decision]) -> Iterator[tuple[Pair, bool]]:
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
    """The shipped model and the verdicts in force make the plant's model: the same ones make the same again.

    A new model makes every record worth another look, so beyond the first verdicts it learns from several at once
    (`taught`). What was decided holds at once, whatever the model.
    """
    shipped, now = _loaded(entity, None), model_of(hub, entity)
    verdicts = taught(given)
    told = sorted(f"{a}={b}:{same}" for (a, b), same in verdicts.items())
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]
    version = f"{shipped.version}+{digest}" if told else shipped.version
    if now.version == version:
        return now
    learnt = learn(shipped, lessons_of(hub, entity, verdicts), version)
    pin_model(hub, learnt)
    return learnt


def taught(given: Sequence[Decision]) -> dict[Pair, bool]:
    """The verdicts a model learns from, the last word on each pair: beyond `EACH` in steps of 2 to 25 per cent."""
    verdicts = dict(_verdicts(given))
    return dict(islice(verdicts.items(), _milestone(len(verdicts))))


def _milestone(count: int) -> int:
    """The last count up to this one at which a model is made: every 5th up to 200, every 50th up to 2,000 and so on."""
    step = 1 if count < EACH else 5 * 10 ** (len(str(count // EACH)) - 1)
    return count - count % step
