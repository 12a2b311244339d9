"""Candidate matching in the stream: records without a common key meet those that may be the same thing.

Only what came, changed or went since the last pass is looked at. What the model is sure of becomes a link that
reconciling follows in the same pass; what is in doubt waits in the stewards' queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from canonical.entities import ENTITIES, frame_schema
from canonical.stewardship import SourceRef, in_force
from canonical.strict_json import dumps
from mdm.bands import LEAD, Pair, bands, log_odds
from mdm.identity import own_name
from mdm.judgement import Judged, Model, Profile, profile_of, worth_a_look
from mdm.lookup import ATTRIBUTES, Layers
from mdm.policy import Policy
from mdm.standardise.text import normalise, squash
from mdm.structure import closing_cycle
from pipeline.basis import program
from pipeline.hub import Hub, Run
from pipeline.indexes import index_of
from pipeline.models import relearn
from store import candidates, crosswalk, decisions, ticks
from store.candidates import CandidatePair
from store.unit_of_work import Transaction

STANDARDISED: dict[str, pl.DataType] = {
    "system": pl.String(),
    "source_key": pl.String(),
    "fingerprint": pl.UInt64(),
    "text": pl.String(),
    "parts": pl.String(),
}
"""Every record that is compared: its name in the normal form, and what was read out of it as JSON text."""
_FIRM = ("region", "province", "core", "trade", "legal", "branch")
_REF = ("system", "source_key")
_SEEN = (*_REF, "fingerprint")


@dataclass(frozen=True, slots=True)
class Found:
    """How many records were looked at, and the pairs that stand."""

    looked_at: int
    links: int
    doubts: int


BEST = 3
"""Candidates of one record that wait for a steward, whatever their lead over one another."""
TOGETHER = 1000
"""Records that are looked up at once."""
NOTHING = Found(0, 0, 0)
_Refs = tuple[SourceRef, SourceRef]
"""Two records, the smaller first."""


def find_candidates(hub: Hub, policy: Policy, run: Run) -> Found:
    """Bring an entity's candidate pairs up to date with its records; nothing where its policy matches by keys alone."""
    if not policy.match:
        return NOTHING
    entity = policy.entity
    with hub.store.read() as tx:
        tick = ticks.value(tx, decisions.tick_of(entity)) or 0
        made_of = "|".join((str(tick), program(), *(str(hub.frames.version(name)) for name in _frames(hub, entity))))
        if hub.frames.made_of(f"standardised/{entity}") == made_of:
            return NOTHING
        given = in_force(decisions.listed(tx, entity), hub.now())
    model = relearn(hub, entity, given)
    records = _records(hub, entity)
    seen = _fingerprints(entity, records, model)
    news = _news(hub, entity, records, seen)
    found = _pairs(hub, policy, model, news.asked) if news.asked.height else []
    if news.changed.is_empty() and news.gone.is_empty() and not _may_close_circles(hub, entity):
        outcome = _standing(hub, entity)
    else:
        outcome = _remember(hub, policy, model, records, _Change(news, found, run))
    hub.frames.write(f"standardised/{entity}", _standardised(hub, entity, records, seen), run.run_id, made_of)
    return outcome


def _frames(hub: Hub, entity: str) -> list[str]:
    return [f"canonical/{entity}/{system}" for system in hub.configuration.sources_of(entity)]


def _records(hub: Hub, entity: str) -> pl.DataFrame:
    """What all systems tell, as far as it is compared; `named`: whether it carries a common key."""
    found = [pl.DataFrame(schema=frame_schema(ENTITIES[entity]))]
    found += [frame for name in _frames(hub, entity) if (frame := hub.frames.read(name)) is not None]
    identity = ENTITIES[entity].identity
    named = pl.all_horizontal(pl.col(name).is_not_null() & (pl.col(name) != "") for name in identity)
    return pl.concat(found).select(*_REF, *ATTRIBUTES[entity], named.alias("named"))


def _fingerprints(entity: str, records: pl.DataFrame, model: Model) -> pl.DataFrame:
    """What each record says, as a number, under this model."""
    said = pl.struct(pl.lit(model.version), *ATTRIBUTES[entity]).hash(seed=1)
    return records.select(*_REF, said.alias("fingerprint"))


def _standardised(hub: Hub, entity: str, records: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """The records as they are compared; those that say what they said are not read again."""
    before = hub.frames.read(f"standardised/{entity}")
    before = pl.DataFrame(schema=STANDARDISED) if before is None else before
    kept = before.join(seen, on=_SEEN, how="semi")
    fresh = records.join(kept, on=_REF, how="anti").join(seen, on=_REF, how="left", maintain_order="left")
    rows = [
        (row["system"], row["source_key"], row["fingerprint"], *_read(entity, row))
        for row in fresh.iter_rows(named=True)
    ]
    return pl.concat([kept, pl.DataFrame(rows, schema=STANDARDISED, orient="row")]).sort(_REF)


def _read(entity: str, row: Mapping[str, Any]) -> tuple[str, str]:
    profile = profile_of(entity, {name: row[name] for name in ATTRIBUTES[entity]})
    if profile.item is not None:
        return profile.text, dumps({**profile.item.parts, "codes": sorted(profile.item.codes)})
    return profile.text, dumps({name: getattr(profile.partner, name) for name in _FIRM})


@dataclass(frozen=True, slots=True)
class _News:
    """Records to look up, those that say something else or are new, and those that went."""

    asked: pl.DataFrame
    changed: pl.DataFrame
    gone: pl.DataFrame


def _news(hub: Hub, entity: str, records: pl.DataFrame, seen: pl.DataFrame) -> _News:
    """What has happened since the pairs that stand were found.

    Two records that both carry the key are settled by it. So a pair has a side without one, and asking the fewer
    finds them all: what has changed, or what has no key.
    """
    before = hub.frames.read(f"standardised/{entity}")
    before = pl.DataFrame(schema=STANDARDISED) if before is None else before
    gone = before.join(seen, on=_REF, how="anti")
    changed = records.join(seen.join(before, on=_SEEN, how="anti"), on=_REF, how="semi")
    unnamed = records.filter(~pl.col("named"))
    if changed.is_empty():
        return _News(changed, changed, gone)
    return _News(changed if changed.height <= unnamed.height else unnamed, changed, gone)


def _pairs(hub: Hub, policy: Policy, model: Model, asked: pl.DataFrame) -> list[CandidatePair]:
    """What the records asked about may be; a load of many is looked up together, each pair is judged once."""
    search = _Search(policy, model, index_of(hub, policy.entity))
    for part in asked.iter_slices(TOGETHER):
        search.ask(part)
    return [_pair(policy.entity, model, refs, seen) for refs, seen in search.chosen.items()]


@dataclass(frozen=True, slots=True)
class _Search:
    policy: Policy
    model: Model
    layers: Layers
    likely: dict[_Refs, Judged] = field(default_factory=dict)
    chosen: dict[_Refs, Judged] = field(default_factory=dict)

    def ask(self, records: pl.DataFrame) -> None:
        entity = self.policy.entity
        refs = [SourceRef(*row) for row in records.select(_REF).iter_rows()]
        said = records.select(ATTRIBUTES[entity]).iter_rows(named=True)
        profiles = [profile_of(entity, row) for row in said]
        for ref, profile, near in zip(refs, profiles, self.layers.near_of(profiles), strict=True):
            judged = [
                (other, seen)
                for other, theirs in near
                if other != ref and not (profile.identity and theirs.identity)
                if other.system != ref.system or ref.system not in self.policy.one_to_one
                if (seen := self._judged(ref, profile, other, theirs)) is not None
            ]
            for other, seen in _worth_a_look(judged):
                self.chosen[_in_order(ref, other)] = seen

    def _judged(self, ref: SourceRef, ours: Profile, other: SourceRef, theirs: Profile) -> Judged | None:
        refs = _in_order(ref, other)
        if refs in self.likely:
            return self.likely[refs]
        pair = (ours, theirs) if refs[0] == ref else (theirs, ours)
        seen = worth_a_look(self.model, *pair)
        if seen is not None:
            self.likely[refs] = seen
        return seen


def _in_order(one: SourceRef, other: SourceRef) -> _Refs:
    return (one, other) if one < other else (other, one)


def _worth_a_look(judged: Sequence[tuple[SourceRef, Judged]]) -> list[tuple[SourceRef, Judged]]:
    """A record's best few candidates, and all that rival the best."""
    likely = sorted(judged, key=lambda one: (-one[1].posterior, one[0]))

    def ahead(other: Judged) -> float:
        return log_odds(likely[0][1].posterior) - log_odds(other.posterior)

    return [one for place, one in enumerate(likely) if place < BEST or ahead(one[1]) < LEAD]


def _pair(entity: str, model: Model, refs: _Refs, judged: Judged) -> CandidatePair:
    a, b = refs
    return CandidatePair(entity, a, b, "review", judged.posterior, evidence_of(judged), model.version)


def evidence_of(judged: Judged) -> dict[str, object]:
    """What a score went by, as it is kept beside the pair."""
    return {
        "parts": [[part.feature, f"{part.value:.4f}", f"{part.weight:.4f}"] for part in judged.parts],
        "vetoes": list(judged.vetoes),
    }


@dataclass(frozen=True, slots=True)
class _Change:
    news: _News
    found: Sequence[CandidatePair]
    run: Run


def _remember(hub: Hub, policy: Policy, model: Model, records: pl.DataFrame, change: _Change) -> Found:
    """Put the new pairs in the place of the old ones of these records, and every pair in its band."""
    entity, news = policy.entity, change.news
    renewed = _refs(pl.concat(part.select(_REF) for part in (news.asked, news.changed, news.gone)))
    with hub.store.begin() as tx:
        standing = candidates.listed(tx, entity)
        kept = [one for one in standing if one.a not in renewed and one.b not in renewed]
        every = {(one.a, one.b): one for one in (*kept, *change.found)}
        homes = _homes(entity, _among(records, every))
        placed = bands([Pair(one.a, one.b, one.posterior) for one in every.values()], homes, model)
        rows = _acyclic(hub, tx, [_banded(one, placed[key]) for key, one in every.items()])
        of = {ref for one in (*standing, *rows) for ref in (one.a, one.b)}
        candidates.replace(tx, entity, rows, of, run_id=change.run.run_id, now=hub.now())
    links = sum(one.band == "auto" for one in rows)
    return Found(news.asked.height, links, len(rows) - links)


def _may_close_circles(hub: Hub, entity: str) -> bool:
    """Whether a link may make an item its own component: that also hangs on where items stand, not on pairs alone."""
    with hub.store.read() as tx:
        return (
            entity == "item"
            and "auto" in candidates.counts(tx, entity)
            and hub.frames.read("golden/bom_line") is not None
        )


def _standing(hub: Hub, entity: str) -> Found:
    """The pairs stand as they are."""
    with hub.store.read() as tx:
        bands_ = candidates.counts(tx, entity)
    return Found(0, bands_.get("auto", 0), bands_.get("review", 0))


def _acyclic(hub: Hub, tx: Transaction, rows: list[CandidatePair]) -> list[CandidatePair]:
    """Links that would make an item its own component are for a steward to look at."""
    lines = hub.frames.read("golden/bom_line")
    links = [one for one in rows if one.band == "auto"]
    if lines is None or not links or rows[0].entity != "item":
        return rows
    bound = crosswalk.bindings(tx, "item", ((ref.system, ref.source_key) for one in links for ref in (one.a, one.b)))
    golden_of = {SourceRef(*key): row.golden_id for key, row in bound.items()}
    structure, merged, refused = list(lines.select("parent", "component").iter_rows()), dict[str, str](), set[int]()
    for place, one in enumerate(rows):
        ours, theirs = golden_of.get(one.a, ""), golden_of.get(one.b, "")
        if one.band != "auto" or not ours or not theirs or ours == theirs:
            continue
        trial = {**merged, theirs: merged.get(ours, ours)}
        if closing_cycle(structure, trial, [ours]) is None:
            merged = trial
        else:
            refused.add(place)
    return [_banded(one, "review") if place in refused else one for place, one in enumerate(rows)]


def _banded(pair: CandidatePair, band: candidates.Band) -> CandidatePair:
    return CandidatePair(pair.entity, pair.a, pair.b, band, pair.posterior, pair.evidence, pair.model, pair.found_at)


def _among(records: pl.DataFrame, pairs: Iterable[_Refs]) -> pl.DataFrame:
    refs = {ref for pair in pairs for ref in pair}
    wanted = pl.DataFrame(
        [(ref.system, ref.source_key) for ref in refs], schema=records.select(_REF).schema, orient="row"
    )
    return records.join(wanted, on=_REF, how="semi", maintain_order="left")


def _refs(rows: pl.DataFrame) -> set[SourceRef]:
    return {SourceRef(system, key) for system, key in rows.select(_REF).iter_rows()}


def _homes(entity: str, records: pl.DataFrame) -> dict[SourceRef, str]:
    """What each record is called by its keys alone: the common key, or its own name."""
    identity = ENTITIES[entity].identity

    def name(ref: SourceRef, values: Iterable[str | None], *, named: bool) -> str:
        return "|".join(squash(normalise(str(value))) for value in values) if named else own_name(ref)

    return {
        (ref := SourceRef(system, key)): name(ref, values, named=named)
        for system, key, named, *values in records.select(*_REF, "named", *identity).iter_rows()
    }
