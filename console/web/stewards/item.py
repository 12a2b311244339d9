"""One item of the queue: looked at, settled, and on to the next at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from canonical.actors import Role
from canonical.errors import MillstreamError
from canonical.stewardship import Decision
from console.web.moments import last_moment
from console.web.stewards.asked import Asked, asked, wanted
from console.web.stewards.bulk import is_settled_here, verdict_of
from console.web.stewards.comparing import SideBySide, score, side_by_side
from console.web.stewards.queue import able
from console.web.stewards.worklist import about, position, title_of
from console.web.visit import Visit
from pipeline import stewardship
from pipeline.stewardship import MOST_COMPARED, Decided, QueueItem, SourceRef
from store import crosswalk, decisions

LISTED = 100
"""So many decisions that wait for a second person are shown."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that systems give for an attribute, and which of them; `chosen`: it stands in the golden record now."""

    value: str
    systems: tuple[str, ...]
    chosen: bool


@dataclass(frozen=True, slots=True)
class Told:
    """The decision just taken or taken back, and what the model thought of the pair where it had been hidden."""

    decision: Decision
    undone: bool
    posterior: float | None


def show(visit: Visit) -> Response:
    """The item, with everything a steward needs to settle it."""
    given, name = asked(visit), visit.place("item")
    item, at = stewardship.queue_item(visit.hub, name), position(visit, given, name)
    if item is None:
        return visit.page(
            "stewards/gone.html", HTTPStatus.NOT_FOUND, asked=given, next=at.following, news=_told(visit, given)
        )
    waiting = _waiting(visit, item)
    return visit.page(
        "stewards/item.html", asked=given, item=item, number=at.number, total=at.total,
        next=at.following, seen=_seen(visit, item), choices=choices(item), news=_told(visit, given),
        waiting=waiting, able=able(visit), here=is_settled_here(item), title=title_of(visit.words, item),
        answers=_may_answer(visit, waiting), listed=LISTED,
    )  # fmt: skip


def _may_answer(visit: Visit, waiting: Sequence[Decision]) -> bool:
    """Whether who looks may approve or refuse what waits: an approver, and none who asked for it."""
    return bool(waiting) and visit.may(Role.APPROVER) and str(visit.actor) not in {one.actor for one in waiting}


def _seen(visit: Visit, item: QueueItem) -> SideBySide | None:
    refs = list(item.records[:MOST_COMPARED]) if item.kind in {"match", "ambiguous", "duplicate"} else []
    if item.kind == "ambiguous" and not refs:
        refs = _firsts(visit, item)[:MOST_COMPARED]
    if len(refs) < 2:  # noqa: PLR2004 - nothing to compare it with
        return None
    return side_by_side(visit.hub, visit.words, visit.site.moment, item.entity, refs)


def _firsts(visit: Visit, item: QueueItem) -> list[SourceRef]:
    """The oldest record of each golden record that the item is about."""
    places = dict.fromkeys(item.golden_ids)
    return list(dict.fromkeys(stewardship.record(visit.hub, item.entity, one).records[0] for one in places))


def choices(item: QueueItem) -> list[Choice]:
    """What systems say of the attribute in conflict, each value once, with the systems that say it."""
    by_value: dict[str, list[str]] = {}
    for said in item.said if item.kind == "conflict" else ():
        system, _, value = said.partition("=")
        by_value.setdefault(value, []).append(system)
    chosen = "" if item.chosen is None else item.chosen.casefold()
    return [Choice(value, tuple(systems), value.casefold() == chosen) for value, systems in by_value.items()]


def _waiting(visit: Visit, item: QueueItem) -> list[Decision]:
    with visit.hub.store.read() as tx:
        found = (decisions.numbered(tx, number) for number in item.decisions)
        return [one for one in found if one is not None]


def _told(visit: Visit, given: Asked) -> Told | None:
    number = visit.number("decided", 0) or visit.number("undone", 0)
    with visit.hub.store.read() as tx:
        taken = decisions.numbered(tx, number) if number else None
    if taken is None:
        return None
    undone = not visit.number("decided", 0)
    shown = given.blind and not undone and taken.kind in {"same", "different"}
    refs = (*taken.members, *taken.others)
    return Told(taken, undone, score(visit.hub, taken.entity, refs).told.posterior if shown else None)


def settle(visit: Visit) -> Response:
    """Take the decision, then show the next item."""
    given, name = asked(visit), visit.place("item")
    item, place = stewardship.queue_item(visit.hub, name), stewardship.place_in_queue(visit.hub, name)
    if item is None:
        return visit.go("queue.item", "", given.query, item=name)
    return _on(visit, given, place, [_decided(visit, item)])


def _decided(visit: Visit, item: QueueItem) -> Decided:
    act, reason = visit.field("act"), visit.field("reason")
    if act == "choose" and is_settled_here(item):
        place, attribute, value = item.golden_ids[0], str(item.attribute), visit.field("value")
        return stewardship.pin(
            visit.hub, visit.actor, item.entity, place, attribute=attribute, value=value, reason=reason,
            expires_at=last_moment(visit, visit.field("until")),
        )  # fmt: skip
    verdict = verdict_of(visit.hub, item, act, reason)
    if verdict is None and act == "same" and item.kind == "ambiguous":
        verdict = stewardship.same(item.entity, *_firsts(visit, item), reason=reason)
    if verdict is None and act == "different" and item.kind == "ambiguous":
        first, *others = _firsts(visit, item)
        verdict = stewardship.Verdict("different", item.entity, (first,), tuple(others), reason=reason)
    if verdict is None:
        raise MillstreamError(f"such an item is not settled by {act!r}", entity=item.entity, key=item.item)
    return stewardship.decide(visit.hub, visit.actor, verdict)[0]


def _on(visit: Visit, given: Asked, place: str | None, done: Sequence[Decided]) -> Response:
    """To the item that comes next now."""
    following = stewardship.queue_after(visit.hub, wanted(visit, given), place).following if place else None
    query = {**given.query, "decided": str(done[0].decision.number)}
    if following is None:
        return visit.go("queue", "done.queue_end", query)
    return visit.go("queue.item", "", query, item=following)


def undo(visit: Visit) -> Response:
    """Take back one's last decision, and show the item that waits again."""
    given = asked(visit)
    done = stewardship.undo(visit.hub, visit.actor)
    number = done.decision.about or 0
    with visit.hub.store.read() as tx:
        taken = decisions.numbered(tx, number)
    item = _waits_again(visit, taken, done.touched) if taken else None
    if item is None:
        return visit.go("queue", "done.queue_undone", given.query)
    return visit.go("queue.item", "", {**given.query, "undone": str(number)}, item=item.item)


def _waits_again(visit: Visit, taken: Decision, touched: Sequence[str]) -> QueueItem | None:
    with visit.hub.store.read() as tx:
        bound = crosswalk.bindings(
            tx, taken.entity, ((ref.system, ref.source_key) for ref in (*taken.members, *taken.others))
        )
    places = {*touched, *(row.golden_id for row in bound.values())}
    return about(stewardship.items_about(visit.hub, taken.entity, places), taken, touched)


def answer(visit: Visit) -> Response:
    """Approve or refuse decisions that wait for a second person."""
    given, name = asked(visit), visit.place("item")
    item, place = stewardship.queue_item(visit.hub, name), stewardship.place_in_queue(visit.hub, name)
    if item is None or not item.decisions:
        return visit.go("queue.item", "", given.query, item=name)
    answered = stewardship.approve if visit.field("act") == "approve" else stewardship.reject
    done = answered(visit.hub, visit.actor, *item.decisions, reason=visit.field("reason"))
    return _on(visit, given, place, done)
