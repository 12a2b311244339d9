"""How golden records hang together: as it is or was believed, set with a reason, refused where it goes in circles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from canonical.actors import Actor
from canonical.relations import AS_TEXT, KINDS, Relation, RelationKind, exclude
from canonical.stewardship import in_force
from mdm.relations import written
from pipeline import steward_acts
from pipeline.hub import Hub
from pipeline.related import RelationRefused, standing
from pipeline.steward_acts import Decided, Verdict
from pipeline.told_relations import told
from store import decisions, golden


@dataclass(frozen=True, slots=True)
class Wanted:
    """A relation somebody wants: to another golden record, to a text, or `none` of its kind, whatever systems tell."""

    kind: RelationKind
    to: str | None = None
    text: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    reason: str = ""
    none: bool = False


def relations(
    hub: Hub, entity: str, golden_id: str, *, about: datetime | None = None, at: datetime | None = None
) -> tuple[Relation, ...]:
    """What a golden record is related to, and what to it: now, or as believed `at` one moment `about` another.

    Those that stewards decided first, then those that systems tell and no decision speaks against.
    """
    now = hub.now()
    with hub.store.read() as tx:
        place = golden.resolve(tx, entity, golden_id)
        known = [one for one in decisions.listed(tx, entity) if one.at <= (at or now)]
        decided = standing(tx, entity, in_force(known, at or now))
        mine = [one for one in decided if place in {one.of, one.to}]
        mine += told(hub, tx, entity, place, decided=decided, at=at)
    return tuple(
        one for one in mine if about is None or one.holds_on(about.astimezone(ZoneInfo(hub.deployment.timezone)).date())
    )


def relate(hub: Hub, actor: Actor, entity: str, golden_id: str, wanted: Wanted) -> Decided:
    """Say how a golden record hangs together with another; raises `RelationRefused`, and as `decide` does."""
    _refuse_nonsense(entity, golden_id, wanted)
    with hub.store.read() as tx:
        of = steward_acts.records_of(tx, entity, golden_id)[0]
        to = (steward_acts.records_of(tx, entity, wanted.to)[0],) if wanted.to else ()
        place, other = golden.resolve(tx, entity, golden_id), wanted.to and golden.resolve(tx, entity, wanted.to)
        found = standing(tx, entity, in_force(decisions.listed(tx, entity), hub.now()))
    for one in found:
        _refuse_second(one, place, other, wanted)
    value = written(wanted.text, wanted.valid_from, wanted.valid_to)
    verdict = Verdict("relate", entity, (of,), to, wanted.kind, value, reason=wanted.reason)
    return steward_acts.decide(hub, actor, verdict)[0]


def _refuse_nonsense(entity: str, golden_id: str, wanted: Wanted) -> None:
    if wanted.kind not in KINDS.get(entity, ()):
        raise RelationRefused(f"{entity} has no relation {wanted.kind!r}", entity=entity, key=golden_id)
    said = [bool(wanted.to), bool(wanted.text), wanted.none]
    if said.count(True) != 1 or (wanted.text and wanted.kind not in AS_TEXT):
        hint = "or say that there is none at all"
        raise RelationRefused("say which golden record it leads to", entity=entity, key=golden_id, hint=hint)
    if wanted.valid_from and wanted.valid_to and wanted.valid_from >= wanted.valid_to:
        raise RelationRefused("it would end before it begins", entity=entity, key=golden_id)
    if not wanted.reason:
        raise RelationRefused("a reason is needed", entity=entity, key=golden_id)


def _refuse_second(one: Relation, of: str, to: str | None, wanted: Wanted) -> None:
    if one.of != of or not one.overlaps(wanted.valid_from, wanted.valid_to):
        return
    if one.kind == wanted.kind and (one.to, one.text) == (to or None, wanted.text or None):
        raise RelationRefused("the relation stands already", entity=one.entity, key=of)
    denied = one.kind == wanted.kind and (one.denies or wanted.none)
    if denied or exclude(one.kind, wanted.kind):
        hint = f"take decision {one.number} back, or let this one begin when that one ends"
        other = one.to or one.text or "none"
        what = "it belongs to" if exclude(one.kind, wanted.kind) else f"its {one.kind} is"
        raise RelationRefused(f"at that time {what} {other}", entity=one.entity, key=of, hint=hint)
