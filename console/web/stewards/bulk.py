"""Many items of the queue at once: what would follow is shown first, and more than a few wait for a second person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from canonical.errors import MillstreamError
from console.web.moments import last_moment
from console.web.stewards.asked import asked
from console.web.stewards.queue import able
from console.web.stewards.worklist import worklist
from console.web.visit import Visit
from pipeline import stewardship
from pipeline.hub import Hub
from pipeline.mastering import STEWARDED
from pipeline.stewardship import FOUR_EYES, Decided, QueueItem, Verdict

ACTS = ("same", "different", "keep")
MOST = 100
"""So many are decided together, for so many can be looked at on one page before."""
ALL = 100_000
"""So many can be given to somebody at once."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Items to be settled together, and how many were meant where that is more than can be taken at a time."""

    items: tuple[QueueItem, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be decided: items with their verdicts, and how many of the chosen ones such a verdict does not fit."""

    items: tuple[QueueItem, ...]
    verdicts: tuple[Verdict, ...]
    unfit: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one verdict would come to."""

    item: QueueItem
    decided: Decided


def planned(hub: Hub, items: Sequence[QueueItem], act: str, reason: str = "") -> Planned:
    """The verdicts of an act on items."""
    found = [(one, verdict_of(hub, one, act, reason)) for one in items]
    fit = [(one, verdict) for one, verdict in found if verdict is not None]
    return Planned(tuple(one for one, _ in fit), tuple(verdict for _, verdict in fit), len(found) - len(fit))


def verdict_of(hub: Hub, item: QueueItem, act: str, reason: str = "") -> Verdict | None:
    """`same` and `different` of a pair, `keep` of the value that survived a conflict; None where it does not fit."""
    is_pair = item.kind in {"match", "ambiguous"} and len(item.records) > 1
    if act == "same" and is_pair:
        return stewardship.same(item.entity, *item.records, reason=reason)
    if act == "different" and (is_pair or item.kind == "duplicate") and len(item.records) == 2:  # noqa: PLR2004
        return stewardship.different(item.entity, *item.records, reason)
    if act == "keep" and is_settled_here(item) and item.chosen is not None:
        place, attribute = item.golden_ids[0], str(item.attribute)
        return stewardship.pinned(hub, item.entity, place, attribute, item.chosen, reason=reason)
    return None


def is_settled_here(item: QueueItem) -> bool:
    """Whether a conflict can be settled by pinning a value: of items and partners it can."""
    return item.kind == "conflict" and item.entity in STEWARDED


def preview(visit: Visit) -> Response:
    """What would follow, before anything is decided."""
    if visit.field("act") == "assign":
        return assign(visit)
    act, chosen = visit.field("act"), _chosen(visit)
    plan = planned(visit.hub, chosen.items[:MOST], act)
    if not plan.verdicts:
        told = "done.queue_none" if chosen.items else "done.queue_unchosen"
        return visit.go("queue", told, asked(visit).query)
    done = stewardship.preview(visit.hub, visit.actor, *plan.verdicts)
    outcomes = [Outcome(*one) for one in zip(plan.items, done, strict=True)]
    return visit.page(
        "stewards/preview.html", asked=asked(visit), act=act, plan=plan, outcomes=outcomes,
        moved=len({ref for one in done for ref in one.moved}), redirects=done[0].redirects,
        waits=len(plan.verdicts) > FOUR_EYES, left=max(0, chosen.total - MOST), four_eyes=FOUR_EYES,
    )  # fmt: skip


def _chosen(visit: Visit) -> Chosen:
    """The ticked items that still wait, or all that the filters show."""
    if visit.field("all"):
        found = worklist(visit, asked(visit), MOST)
        return Chosen(found.items, found.total)
    ticked = stewardship.queue_items(visit.hub, visit.fields("item"))
    return Chosen(ticked, len(ticked))


def decide(visit: Visit) -> Response:
    """Decide what was previewed: the very items of the preview, as far as they still wait."""
    plan = planned(visit.hub, _chosen(visit).items, visit.field("act"), visit.field("reason"))
    if not plan.verdicts:
        return visit.go("queue", "done.queue_none", asked(visit).query)
    done = stewardship.decide(visit.hub, visit.actor, *plan.verdicts)
    told = "done.queue_waits" if done[0].waiting else "done.queue_decided"
    return visit.go("queue", told, asked(visit).query)


def assign(visit: Visit) -> Response:
    """Give items to somebody, with a deadline; back to where the form stood."""
    every = worklist(visit, asked(visit), ALL).items if visit.field("all") else _chosen(visit).items
    items = [one.item for one in every]
    if not items:
        return visit.go("queue", "done.queue_unchosen", asked(visit).query)
    who = visit.field("assignee") or None
    if who is not None and who not in able(visit):
        raise MillstreamError(visit.words.say("queue.not_able", name=who))
    stewardship.assign(visit.hub, visit.actor, items, who, last_moment(visit, visit.field("due")))
    back = visit.field("back")
    if back:
        return visit.go("queue.item", "done.queue_assigned", asked(visit).query, item=back)
    return visit.go("queue", "done.queue_assigned", asked(visit).query)
