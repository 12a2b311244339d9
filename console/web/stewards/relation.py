"""How a golden record hangs together with others, as its page shows it; and setting a relation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from starlette.responses import Response

from canonical.errors import MillstreamError
from canonical.relations import KINDS, Relation
from console.web.visit import Visit
from pipeline import stewardship
from pipeline.queue_items import names_of
from pipeline.stewardship import WantedRelation


@dataclass(frozen=True, slots=True)
class Related:
    """One relation as seen from a golden record; `inverse`: it was said of the other one."""

    relation: Relation
    inverse: bool
    other: str | None
    name: str


def related(
    visit: Visit, entity: str, golden_id: str, about: datetime | None, at: datetime | None
) -> tuple[Related, ...]:
    """What the page shows: everything believed now, or what was believed at a moment about another."""
    found = stewardship.relations(visit.hub, entity, golden_id, about=about, at=at)
    ids = {one for each in found for one in (each.of, each.to) if one is not None}
    with visit.hub.store.read() as tx:
        names = names_of(tx, entity, ids)
    return tuple(_seen(one, golden_id, names, visit.words.say("relation.nobody")) for one in found)


def _seen(one: Relation, golden_id: str, names: dict[str, str], nobody: str) -> Related:
    inverse = one.of != golden_id
    other = one.of if inverse else one.to
    return Related(one, inverse, other, one.text or nobody if other is None else names.get(other, other))


def relate(visit: Visit) -> Response:
    """Set a relation."""
    entity, golden_id = visit.place("entity"), visit.field("id")
    kind = next((one for one in KINDS.get(entity, ()) if one == visit.field("kind")), None)
    if kind is None:
        raise MillstreamError(visit.words.say("relation.choose"), entity=entity)
    wanted = WantedRelation(
        kind, visit.field("to") or None, visit.field("text") or None, _day(visit, "from"), _day(visit, "until"),
        visit.field("reason"), bool(visit.field("none")),
    )  # fmt: skip
    stewardship.relate(visit.hub, visit.actor, entity, golden_id, wanted)
    return visit.go("record", "done.related", {"id": golden_id}, entity=entity)


def _day(visit: Visit, name: str) -> date | None:
    given = visit.field(name)
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        raise MillstreamError(visit.words.say("relation.day", given=given)) from None
