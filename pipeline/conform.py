"""Conform: raw records of one system become canonical records of one entity; bad rows go to quarantine.

Row rules run here already, before a bad record can poison matching. Only what landed since the last time is
mapped; the outcome is that of mapping everything in force anew, for a record's last word alone counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import polars as pl

from canonical.entities import ENTITIES, frame_schema
from canonical.strict_json import dumps, loads
from mappings.engine import InboundMapping, Rejected
from pipeline.basis import differing, digest, replaced
from pipeline.hub import Hub, Run
from pipeline.land import InForce, in_force, nothing_landed
from pipeline.overtaking import take_view
from quality.quarantine import split
from store import quarantine, runs
from store.landing import Landing
from store.quarantine import Rejection
from store.runs import StageCounts


@dataclass(frozen=True, slots=True)
class Conformed:
    """How many records came in, how many are canonical, and how many are in quarantine."""

    system: str
    entity: str
    raw: int
    rows: int
    rejected: int


class Span(NamedTuple):
    """The landings of a stream from `first` to `last`, which is known by its digest as well.

    A store that is restored from a backup gives the same positions once more, to other landings.
    """

    first: int
    last: int
    digest: str = ""

    @classmethod
    def of(cls, found: InForce) -> Self:
        """All that was found."""
        return cls(found.first, found.last, found.landings[-1].file.digest)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a canonical frame was made of: the rules, and each stream's landings."""

    rules: str
    streams: Mapping[str, Span]
    raw: int = 0
    rejected: int = 0

    @classmethod
    def read(cls, text: str) -> Basis | None:
        """What was kept beside the frame; None where there is nothing."""
        if not text:
            return None
        kept = loads(text)
        streams = {stream: Span(*span) for stream, span in kept["streams"].items()}
        return cls(kept["rules"], streams, int(kept["raw"]), int(kept["rejected"]))

    def text(self) -> str:
        """To be kept beside the frame."""
        streams = {stream: list(span) for stream, span in self.streams.items()}
        return dumps({"rules": self.rules, "streams": streams, "raw": self.raw, "rejected": self.rejected})


def conform(hub: Hub, system: str, entity: str, run: Run) -> Conformed:
    """Map what landed since the last time, judge the rows, and write `canonical/<entity>/<system>`."""
    take_view(hub, run)
    name = frame_name(entity, system)
    mappings = hub.configuration.inbound[system, entity]
    last = Basis.read(hub.frames.made_of(name))
    rules = _rules(hub, system, entity)
    waiting, sent_again = _waiting(hub, system, entity)
    if last is not None and (last.rules != rules or sent_again):
        last = None
    found = _found(hub, system, mappings, last)
    if last is not None and _nothing_new(found, last):
        return _unchanged(hub, system, entity, run, last)
    if last is not None and _goes_on(found, last) and len(mappings) == 1:
        return _carry_on(hub, system, entity, run, last=last, found=found, waiting=waiting)
    return _all_anew(hub, system, entity, run, rules)


def frame_name(entity: str, system: str) -> str:
    """Where one system's records of one entity stand."""
    return f"canonical/{entity}/{system}"


def _rules(hub: Hub, system: str, entity: str) -> str:
    """A digest of mappings and row rules, made once for a configuration."""
    place, mappings = f"rules/{entity}/{system}", hub.configuration.inbound[system, entity]
    kept: tuple[object, str] | None = hub.kept.get(place)
    if kept is None or kept[0] is not mappings:
        rulebook = hub.configuration.rulebooks.get(entity)
        specs = [mapping.spec.model_dump_json() for mapping in mappings]
        made = digest(*specs, mappings[0].timezone, rulebook.model_dump_json() if rulebook else "")
        kept = hub.kept[place] = (mappings, made)
    return kept[1]


def _waiting(hub: Hub, system: str, entity: str) -> tuple[int, bool]:
    """How many records are in quarantine, and whether a person sent some of them through again."""
    with hub.store.read() as tx:
        return quarantine.waiting(tx, "conform", system, entity)


def _found(hub: Hub, system: str, mappings: Sequence[InboundMapping], last: Basis | None) -> dict[str, InForce]:
    """What stands in each stream beyond what was mapped before, and before it the last that was."""
    known = last.streams if last else {}
    with hub.store.read() as tx:
        return {
            stream: in_force(hub, tx, system, stream, after=known[stream].last - 1 if stream in known else 0)
            for stream in {mapping.spec.stream for mapping in mappings}
        }


def _nothing_new(found: Mapping[str, InForce], last: Basis) -> bool:
    return _goes_on(found, last) and not any(stream.landings[1:] for stream in found.values())


def _goes_on(found: Mapping[str, InForce], last: Basis) -> bool:
    """Whether what was mapped before still counts: no stream has been pulled anew from its start, nor set back."""
    return all(
        stream in last.streams
        and one.landings
        and (one.first, one.landings[0].position, one.landings[0].file.digest) == last.streams[stream]
        for stream, one in found.items()
    )


def _unchanged(hub: Hub, system: str, entity: str, run: Run, last: Basis) -> Conformed:
    frame = hub.frames.read(frame_name(entity, system))
    rows = 0 if frame is None else frame.height
    return _counted(hub, run, Conformed(system, entity, last.raw, rows, last.rejected))


def _counted(hub: Hub, run: Run, done: Conformed) -> Conformed:
    counts = {"raw": done.raw, "rows": done.rows, "rejected": done.rejected}
    part = f"{done.entity}/{done.system}"
    hub.store.beside(runs.record_stages, (run.run_id, StageCounts("conform", part, counts, hub.now())))
    return done


@dataclass(frozen=True, slots=True)
class _Mapped:
    """The last word of every record that was looked at: its newest version, mapped or rejected."""

    rows: pl.DataFrame
    refused: Mapping[str, Rejected]
    raw: int

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self.rows["source_key"]) | frozenset(self.refused)


def _carry_on(
    hub: Hub, system: str, entity: str, run: Run, *, last: Basis, found: Mapping[str, InForce], waiting: int
) -> Conformed:
    """Only the records that landed since: their former versions give way."""
    name = frame_name(entity, system)
    (mapping,) = hub.configuration.inbound[system, entity]
    (landed,) = found.values()
    mapped = _map(hub, mapping, system, landed.landings[1:])
    good, failing = _judge(hub, entity, mapped.rows)
    before = hub.frames.read(name)
    assert before is not None, "what has a basis stands"
    keys, bad = mapped.keys, [*_unmapped(mapped.refused), *failing]
    rejected = _quarantined(hub, system, entity, bad, keys, before=waiting) if keys else last.rejected
    basis = Basis(last.rules, {mapping.spec.stream: Span.of(landed)}, last.raw + mapped.raw, rejected)
    rows, changed = replaced(before, good, keys, "source_key")
    if changed is not None and not changed:
        hub.frames.renew(name, basis.text())
        return _counted(hub, run, Conformed(system, entity, basis.raw, before.height, rejected))
    hub.frames.write(name, rows, run.run_id, basis.text(), changed=changed)
    return _counted(hub, run, Conformed(system, entity, basis.raw, rows.height, rejected))


def _quarantined(
    hub: Hub, system: str, entity: str, rows: Sequence[Rejection], keys: frozenset[str], *, before: int
) -> int:
    """Put the failing ones of some records into quarantine; how many records wait there in all, `before` so many."""
    if not rows and not before:
        return before
    if not rows:
        with hub.store.read() as tx:
            if not quarantine.unresolved(tx, "conform", system, entity, keys):
                return before
    with hub.store.begin() as tx:
        done = quarantine.replace(tx, "conform", system, entity, rows, now=hub.now(), within=keys)
        still = not done.opened and not done.resolved
        return before if still else quarantine.waiting(tx, "conform", system, entity)[0]


def _all_anew(hub: Hub, system: str, entity: str, run: Run, rules: str) -> Conformed:
    """Every raw record in force."""
    empty = pl.DataFrame(schema=frame_schema(ENTITIES[entity]))
    mapped: list[_Mapped] = []
    streams: dict[str, Span] = {}
    with hub.store.read() as tx:
        for mapping in hub.configuration.inbound[system, entity]:
            found = in_force(hub, tx, system, mapping.spec.stream)
            if not found.landings:
                raise nothing_landed(system, mapping.spec.stream)
            streams[mapping.spec.stream] = Span.of(found)
            mapped.append(_map(hub, mapping, system, found.landings))
    latest = pl.concat([empty, *(one.rows for one in mapped)]).unique("source_key", keep="last", maintain_order=True)
    good, failing = _judge(hub, entity, latest)
    good = good.sort("source_key")
    refused = [rejection for one in mapped for rejection in _unmapped(one.refused)]
    rejected = len(refused) + len(failing)
    basis = Basis(rules, streams, sum(one.raw for one in mapped), rejected)
    with hub.store.begin() as tx:
        quarantine.replace(tx, "conform", system, entity, [*refused, *failing], now=hub.now())
    _put(hub, frame_name(entity, system), good, run, basis)
    return _counted(hub, run, Conformed(system, entity, basis.raw, good.height, rejected))


def _put(hub: Hub, name: str, rows: pl.DataFrame, run: Run, basis: Basis) -> None:
    """Write a frame that was made anew; where it came out the same, the version that stands goes on."""
    changed = None if (before := hub.frames.read(name)) is None else differing(before, rows, "source_key")
    if changed is not None and not changed:
        hub.frames.renew(name, basis.text())
    else:
        hub.frames.write(name, rows, run.run_id, basis.text(), changed=changed)


def _map(hub: Hub, mapping: InboundMapping, system: str, landings: Sequence[Landing]) -> _Mapped:
    """The last word of every record of some landings, all mapped at once where none is both good and refused."""
    frames = [hub.raw.read(landing.file) for landing in landings if landing.file.rows]
    raw = sum(frame.height for frame in frames)
    if not frames:
        return _Mapped(pl.DataFrame(schema=frame_schema(mapping.model)), {}, 0)
    together = _mapped(mapping, system, frames[0] if len(frames) == 1 else pl.concat(frames))
    if together.refused.keys().isdisjoint(set(together.rows["source_key"])):
        return _Mapped(together.rows, together.refused, raw)
    rows, refused = together.rows.clear(), dict[str, Rejected]()
    for frame in frames:
        newly = _mapped(mapping, system, frame)
        rows = pl.concat([rows.filter(~pl.col("source_key").is_in(list(newly.refused))), newly.rows])
        rows = rows.unique("source_key", keep="last", maintain_order=True)
        known = set(newly.rows["source_key"])
        refused = {**{key: row for key, row in refused.items() if key not in known}, **newly.refused}
    return _Mapped(rows, refused, raw)


def _mapped(mapping: InboundMapping, system: str, records: pl.DataFrame) -> _Mapped:
    rows, bad = mapping.apply(records, system)
    refused = {row.source_key or _unnamed(row.payload): row for row in bad}
    if rows["source_key"].n_unique() < rows.height:
        rows = rows.unique("source_key", keep="last", maintain_order=True)
    return _Mapped(rows, refused, records.height)


def _unnamed(payload: str) -> str:
    """A name for a record whose own cannot be read."""
    return f"?{hashlib.sha256(payload.encode()).hexdigest()[:16]}"


def _unmapped(rejected: Mapping[str, Rejected]) -> list[Rejection]:
    return [Rejection(key, row.rule, row.message, row.path, row.payload) for key, row in rejected.items()]


def _judge(hub: Hub, entity: str, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rejection]]:
    """Split by the entity's row rules; a warning lets a row pass."""
    rulebook = hub.configuration.rulebooks.get(entity)
    if rulebook is None or frame.is_empty():
        return frame, []
    good, bad = split(rulebook, frame, key="source_key")
    return good, [Rejection(row.source_key, row.rule, row.message, row.path, row.payload) for row in bad]
