"""A golden record: where each of its values comes from and why, its records, decisions and history; and the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from canonical.relations import AS_TEXT, KINDS
from canonical.stewardship import Decision, in_force, waiting
from console.web.moments import last_moment, moment_of
from console.web.stewards.comparing import references
from console.web.stewards.relation import related
from console.web.visit import Visit, whole
from pipeline import stewardship
from pipeline.mastering import STEWARDED
from pipeline.stewardship import GoldenView
from store.golden import GoldenVersion

SHOWN = 25
VERSIONS = 15


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute that a version changed."""

    attribute: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a golden record and what it changed; of the first one everything it said."""

    version: GoldenVersion
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A decision about the record, and whether it `holds`, is `waiting`, or is `over`."""

    decision: Decision
    state: str


def search(visit: Visit) -> Response:
    """Golden records by name, pinyin, initials, code or key."""
    entity = visit.asked("entity") or "item"
    text = visit.asked("text") or ""
    if entity not in STEWARDED:
        return visit.refuse(HTTPStatus.NOT_FOUND, "page.unknown")
    found, total = stewardship.find_records(visit.hub, entity, text, SHOWN)
    return visit.page(
        "stewards/records.html", entity=entity, entities=sorted(STEWARDED), text=text, found=found, total=total
    )


def show(visit: Visit) -> Response:
    """One golden record."""
    entity, golden_id = visit.place("entity"), visit.asked("id")
    if golden_id is None or entity not in STEWARDED:
        return visit.refuse(HTTPStatus.NOT_FOUND, "page.unknown")
    view = stewardship.record(visit.hub, entity, golden_id)
    versions = stewardship.history(visit.hub, entity, view.golden_id)
    about, at = moment_of(visit, visit.asked("about")), moment_of(visit, visit.asked("at"))
    return visit.page(
        "stewards/record.html", view=view, entity=entity, taken=_taken(view, visit.now), about=about, at=at,
        name=next((one.value for one in view.attributes if one.attribute == "name"), None) or view.golden_id,
        versions=list(reversed(changes(versions)))[:VERSIONS], count=len(versions),
        believed=_believed(visit, view, about, at), asked_about=visit.asked("about") or "",
        asked_at=visit.asked("at") or "", relations=KINDS[entity],
        related=related(visit, entity, view.golden_id, about, at),
        texts=sorted(AS_TEXT & set(KINDS[entity])),
    )  # fmt: skip


def _believed(visit: Visit, view: GoldenView, about: datetime | None, at: datetime | None) -> GoldenVersion | None:
    if about is None:
        return None
    return stewardship.believed(visit.hub, view.entity, view.golden_id, about=about, at=at or visit.now)


def changes(versions: Sequence[GoldenVersion]) -> list[Version]:
    """Each version with what it changed, in the order given."""
    contents: list[Mapping[str, Any]] = [{}, *(one.content for one in versions)]
    return [Version(one, _between(before, one.content)) for before, one in zip(contents, versions, strict=False)]


def _between(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    names = dict.fromkeys((*after, *before))
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return tuple(Change(name, old, new) for name, old, new in pairs if (old or None) != (new or None))


def _taken(view: GoldenView, now: datetime) -> list[Taken]:
    """Decisions about the record, the newest first."""
    holding = {one.number for one in in_force(view.decisions, now)}
    open_ones = {one.number for one in waiting(view.decisions)}
    state = dict.fromkeys(holding, "holds") | dict.fromkeys(open_ones, "waiting")
    return [Taken(one, state.get(one.number, "over")) for one in reversed(view.decisions) if one.about is None]


def merge(visit: Visit) -> Response:
    """Two golden records become one."""
    entity, ids = visit.place("entity"), [visit.field("id"), visit.field("other")]
    done = stewardship.merge(visit.hub, visit.actor, entity, ids, visit.field("reason"))
    return visit.go("record", "done.record_merged", {"id": ids[0], "decided": str(done.decision.number)}, entity=entity)


def split(visit: Visit) -> Response:
    """Records leave their golden record."""
    entity, golden_id = visit.place("entity"), visit.field("id")
    refs = references(visit.fields("record"))
    done = stewardship.split(visit.hub, visit.actor, entity, refs, visit.field("reason"))
    query = {"id": golden_id, "decided": str(done.decision.number)}
    return visit.go("record", "done.record_split", query, entity=entity)


def pin(visit: Visit) -> Response:
    """One attribute is set by hand."""
    entity, golden_id = visit.place("entity"), visit.field("id")
    if entity not in STEWARDED:
        return visit.refuse(HTTPStatus.NOT_FOUND, "page.unknown")
    stewardship.pin(
        visit.hub, visit.actor, entity, golden_id, attribute=visit.field("attribute"), value=visit.field("value"),
        reason=visit.field("reason"), expires_at=last_moment(visit, visit.field("until")),
    )  # fmt: skip
    return visit.go("record", "done.record_pinned", {"id": golden_id}, entity=entity)


def revoke(visit: Visit) -> Response:
    """Take a decision back."""
    entity, golden_id = visit.place("entity"), visit.field("id")
    number = whole(visit.field("number"))
    if number is None:
        return visit.refuse(HTTPStatus.NOT_FOUND, "page.unknown")
    stewardship.revoke(visit.hub, visit.actor, number, visit.field("reason"))
    return visit.go("record", "done.record_revoked", {"id": golden_id}, entity=entity)
