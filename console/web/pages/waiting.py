"""Tasks and notices: what somebody has to settle, and what people were told."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from canonical.errors import MillstreamError
from console.web.paging import asked_for
from console.web.visit import Visit, whole
from store import golden, notices, tasks
from store.tasks import TaskState, Verdict

_STATES: tuple[TaskState, ...] = ("open", "done", "refused", "withdrawn")


def task_list(visit: Visit) -> Response:
    """Tasks in one state, those with the nearest deadline first."""
    state: TaskState = next((one for one in _STATES if one == visit.asked("state")), "open")
    owner = visit.asked("owner")
    with visit.hub.store.read() as tx:
        owners = tasks.owners(tx, state)
        rows = asked_for(
            sum(count for one, count in owners.items() if owner in {None, one}), visit.number("page", 1),
            lambda most, before: tasks.listed(tx, (state,), owner=owner, limit=most, offset=before),
        )  # fmt: skip
        orders = golden.standing(tx, "sales_order", {task.key for task in rows.rows})
    return visit.page(
        "tasks.html", part=rows, states=_STATES, state=state, owners=list(owners), owner=owner, orders=orders,
    )  # fmt: skip


def settle(visit: Visit) -> Response:
    """Say that a task is done, or that it is refused, and why."""
    verdict: Verdict = "refused" if visit.field("verdict") == "refused" else "done"
    note = visit.field("note") or None
    if verdict == "refused" and note is None:
        raise MillstreamError(visit.words.say("page.reason_wanted"))
    number = whole(visit.place("number")) or 0
    with visit.hub.store.begin() as tx:
        done = tasks.close(tx, number, verdict, visit.actor, visit.now, note=note)
    return visit.go("tasks", told="done.settled" if done else "done.nothing")


def notice_list(visit: Visit) -> Response:
    """Notices, newest first; those nobody took note of unless all are asked for."""
    audience, everything = visit.asked("audience"), visit.asked("all") is not None
    with visit.hub.store.read() as tx:
        waiting, counted = notices.audiences(tx, unread=True), notices.audiences(tx, unread=not everything)
        rows = asked_for(
            _of(counted, audience), visit.number("page", 1),
            lambda most, before: notices.listed(tx, audience, most, unread=not everything, offset=before),
        )  # fmt: skip
        newest = notices.newest_unread(tx, audience)
    return visit.page(
        "notices.html", part=rows, audiences=list(counted), audience=audience, everything=everything,
        waiting=_of(waiting, audience), newest=newest,
    )  # fmt: skip


def _of(counted: Mapping[str, int], audience: str | None) -> int:
    return sum(count for one, count in counted.items() if audience in {None, one})


def acknowledge(visit: Visit) -> Response:
    """Take note of the notices that were ticked, or of all that were shown and none that came since."""
    audience = visit.field("audience")
    with visit.hub.store.begin() as tx:
        newest = whole(visit.field("newest")) or 0
        numbers = notices.unread_numbers(tx, audience or None, newest) if visit.field("all") else _ticked(visit)
        done = notices.acknowledge(tx, numbers, visit.actor, visit.now)
    query = {"audience": audience} if audience else {}
    return visit.go("notices", told="done.noted" if done else "done.nothing", query=query)


def _ticked(visit: Visit) -> list[int]:
    found = (whole(one) for one in visit.fields("notice"))
    return [one for one in found if one is not None]
