"""What a steward looks at: records side by side, a score part by part, a golden record with where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from canonical.entities import ENTITIES, model_schema
from canonical.errors import MillstreamError
from canonical.stewardship import Decision, SourceRef, in_force
from mdm.judgement import Part, judge, profile_of
from mdm.lookup import ATTRIBUTES
from mdm.reconcile import pins_of
from mdm.standardise.items import parse_item
from mdm.standardise.partners import parse_partner
from mdm.survivorship import origins
from pipeline import mastering
from pipeline.hub import Hub
from pipeline.models import model_of
from pipeline.steward_acts import UnknownRecord, source_records
from store import audit, crosswalk, decisions, golden
from store.audit import AuditEntry
from store.golden import GoldenVersion
from store.unit_of_work import Transaction

MOST_COMPARED = 5
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One attribute of the records compared, in their order; `differs`: two of them say different things."""

    attribute: str
    values: tuple[Any, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Records side by side: what they say, and what was read out of their names."""

    entity: str
    records: tuple[SourceRef, ...]
    golden_ids: tuple[str | None, ...]
    rows: tuple[ComparedRow, ...]
    parsed: tuple[ComparedRow, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of the waterfall: a part of the score, and the log-odds before and after it."""

    part: Part
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a model thinks that two records are one thing, or not."""

    posterior: float
    band: str
    model: str
    steps: tuple[Step, ...]
    vetoes: tuple[str, ...]
    review: float
    auto: float
    """Posteriors from which a pair is shown to a steward, and from which it may merge by itself."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a golden record: its value, where it comes from and why, and what every source says."""

    attribute: str
    value: Any
    source: str | None
    """`system:source_key`, or who pinned it; None without a value."""
    strategy: str | None
    said: int
    agreed: int
    sources: tuple[tuple[SourceRef, Any], ...]
    pin: Decision | None = None


@dataclass(frozen=True, slots=True)
class GoldenView:
    """A golden record as it stands now."""

    entity: str
    golden_id: str
    asked_for: str
    """The golden id that was asked for; another one where it was retired."""
    attributes: tuple[Attribute, ...]
    records: tuple[SourceRef, ...]
    decisions: tuple[Decision, ...]
    """Every decision about its records, the oldest first, taken back or not."""


def compare(hub: Hub, entity: str, refs: Sequence[SourceRef]) -> Comparison:
    """Up to five records side by side; raises `UnknownRecord`, and `MillstreamError` for more."""
    if not 1 < len(refs) <= MOST_COMPARED:
        raise MillstreamError(f"two to {MOST_COMPARED} records can be compared", entity=entity)
    rows = _rows(hub, entity, refs)
    with hub.store.read() as tx:
        bound = crosswalk.bindings(tx, entity, ((ref.system, ref.source_key) for ref in refs))
    golden_ids = tuple(bound[key].golden_id if (key := (ref.system, ref.source_key)) in bound else None for ref in refs)
    names = ("changed_at", *model_schema(ENTITIES[entity]))
    said = tuple(_compared(name, [rows[ref][name] for ref in refs]) for name in names)
    parts = [parsed(entity, rows[ref]) for ref in refs]
    read = tuple(
        _compared(name, [one.get(name) for one in parts]) for name in sorted({k for one in parts for k in one})
    )
    return Comparison(entity, tuple(refs), golden_ids, said, read)


def _compared(name: str, values: Sequence[Any]) -> ComparedRow:
    said = {str(value).casefold() for value in values if value is not None}
    return ComparedRow(name, tuple(values), len(said) > 1)


def parsed(entity: str, row: Row) -> dict[str, str]:
    """What was read out of a record's name, part by part."""
    if entity == "partner":
        firm = parse_partner(row.get("name") or "")
        parts = {name: getattr(firm, name) for name in ("region", "core", "trade", "legal", "branch")}
        return {name: value for name, value in parts.items() if value}
    text = " ".join(row[name] for name in ("name", "specification") if row.get(name))
    item = parse_item(text)
    found = {name: " ".join(values) for name, values in item.parts.items()}
    return found | ({"codes": " ".join(sorted(item.codes))} if item.codes else {})


def _rows(hub: Hub, entity: str, refs: Iterable[SourceRef]) -> dict[SourceRef, Row]:
    """Canonical records by reference; raises `UnknownRecord` where one is in no frame."""
    wanted = [(ref.system, ref.source_key) for ref in refs]
    keys = pl.DataFrame(wanted, schema={"system": pl.String, "source_key": pl.String}, orient="row")
    rows = source_records(hub, entity, keys).to_dicts()
    found: dict[SourceRef, Row] = {SourceRef(row["system"], row["source_key"]): row for row in rows}
    for system, key in wanted:
        if SourceRef(system, key) not in found:
            raise UnknownRecord("no system tells of such a record", system=system, entity=entity, key=key)
    return found


def explain(hub: Hub, entity: str, one: SourceRef, other: SourceRef) -> Explanation:
    """The score of two records as a waterfall, by the model in force."""
    rows = _rows(hub, entity, (one, other))
    names = ATTRIBUTES[entity]
    profiles = [profile_of(entity, {name: rows[ref].get(name) for name in names}) for ref in (one, other)]
    model = model_of(hub, entity)
    judged = judge(model, *profiles)
    at, steps = 0.0, []
    for part in judged.parts:
        steps.append(Step(part, at, at + part.weight))
        at += part.weight
    band = "distinct" if judged.posterior < model.review else "review" if judged.posterior < model.auto else "auto"
    return Explanation(judged.posterior, band, model.version, tuple(steps), judged.vetoes, model.review, model.auto)


def record(hub: Hub, entity: str, golden_id: str) -> GoldenView:
    """A golden record with its sources, where each value comes from, and the decisions about it."""
    policy, now = hub.configuration.policies[entity], hub.now()
    with hub.store.read() as tx:
        place = golden.resolve(tx, entity, golden_id)
        members = [SourceRef(row.system, row.source_key) for row in crosswalk.by_arrival(tx, entity, place)]
        if not members:
            raise UnknownRecord(f"no golden record {golden_id!r} is known", entity=entity, key=golden_id)
        told = decisions_about(tx, entity, members)
        given = mastering.stewarded(tx, policy, now)
        standing = golden.standing(tx, entity, [place]).get(place)
    keys = pl.DataFrame(
        [(ref.system, ref.source_key) for ref in members],
        schema={"system": pl.String, "source_key": pl.String}, orient="row",
    )  # fmt: skip
    records = source_records(hub, entity, keys).with_columns(pl.lit(place).alias("golden_id"))
    pins = pins_of(records, given.decisions)
    came = {row["attribute"]: row for row in origins(policy, records, now, pins).to_dicts()}
    pinned = {one.attribute: one for one in in_force(told, now) if one.kind == "pin"}
    content = standing.content if standing else {}
    rows = records.to_dicts()
    attributes = tuple(
        _attribute(name, content.get(name), came.get(name), rows, pinned.get(name))
        for name in model_schema(ENTITIES[entity])
    )
    return GoldenView(entity, place, golden_id, attributes, tuple(members), tuple(told))


def _attribute(name: str, value: Any, origin: Row | None, rows: Sequence[Row], pin: Decision | None) -> Attribute:  # noqa: ANN401
    sources = tuple((SourceRef(row["system"], row["source_key"]), row[name]) for row in rows)
    if origin is None:
        return Attribute(name, value, None, None, 0, 0, sources, pin)
    return Attribute(name, value, origin["source"], origin["strategy"], origin["said"], origin["agreed"], sources, pin)


def decisions_about(tx: Transaction, entity: str, refs: Iterable[SourceRef]) -> list[Decision]:
    """Decisions that name one of these records, and what was said about those decisions."""
    wanted, everything = set(refs), decisions.listed(tx, entity)
    about = {one.number for one in everything if wanted & {*one.members, *one.others}}
    grown = True
    while grown:
        more = {one.number for one in everything if one.about in about} - about
        about |= more
        grown = bool(more)
    return [one for one in everything if one.number in about]


def history(hub: Hub, entity: str, golden_id: str) -> tuple[GoldenVersion, ...]:
    """Every version of a golden record, the oldest first; a retired one ends with where it leads."""
    with hub.store.read() as tx:
        return tuple(golden.history(tx, entity, golden_id))


def believed(hub: Hub, entity: str, golden_id: str, *, about: datetime, at: datetime) -> GoldenVersion | None:
    """What we believed `at` one moment `about` another."""
    with hub.store.read() as tx:
        return golden.believed(tx, entity, golden_id, about=about, at=at)


def audited(hub: Hub, on: str | None = None, limit: int = 200) -> tuple[AuditEntry, ...]:
    """Who did what, the newest first, on one object (`decision/12`) where named."""
    with hub.store.read() as tx:
        return tuple(audit.listed(tx, on, limit))
