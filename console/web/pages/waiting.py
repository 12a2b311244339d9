"""Tasks and notices: what somebody has to settle, and what people were told."""

from __future__ import annotations

from typing import cast

from starlette.responses import Response

from canonical.errors import MillstreamError
from console.web.paging import part
from console.web.visit import Visit
from store import notices, tasks
from store.tasks import TaskState, Verdict

_STATES: tuple[TaskState, ...] = ("open", "done", "refused", "withdrawn")


def task_list(visit: Visit) -> Response:
    """Tasks in one state, those with the nearest deadline first."""
    state = next((one for one in _STATES if one == visit.asked("state")), "open")
    owner = visit.asked("owner")
    with visit.hub.store.read() as tx:
        found = tasks.listed(tx, (cast("TaskState", state),), limit=None)
    owners = sorted({task.owner for task in found})
    shown = [task for task in found if owner in {None, task.owner}]
    return visit.page(
        "tasks.html", part=part(shown, visit.number("page", 1)), states=_STATES, state=state, owners=owners,
        owner=owner,
    )  # fmt: skip


def settle(visit: Visit) -> Response:
    """Say that a task is done, or that it is refused, and why."""
    verdict: Verdict = "refused" if visit.field("verdict") == "refused" else "done"
    note = visit.field("note") or None
    if verdict == "refused" and note is None:
        raise MillstreamError(visit.words.say("page.reason_wanted"))
    with visit.hub.store.begin() as tx:
        done = tasks.close(tx, int(visit.place("number")), verdict, visit.actor, visit.now, note=note)
    return visit.go("tasks", told="done.settled" if done else "done.nothing")


def notice_list(visit: Visit) -> Response:
    """Notices, newest first; those nobody took note of unless all are asked for."""
    audience, everything = visit.asked("audience"), visit.asked("all") is not None
    with visit.hub.store.read() as tx:
        found = notices.listed(tx, limit=None, unread=not everything)
    audiences = sorted({notice.audience for notice in found})
    shown = [notice for notice in found if audience in {None, notice.audience}]
    return visit.page(
        "notices.html", part=part(shown, visit.number("page", 1)), audiences=audiences, audience=audience,
        everything=everything,
    )  # fmt: skip


def acknowledge(visit: Visit) -> Response:
    """Take note of the notices that were ticked."""
    numbers = [int(one) for one in visit.fields("notice") if one.isdigit()]
    with visit.hub.store.begin() as tx:
        done = notices.acknowledge(tx, numbers, visit.actor, visit.now)
    return visit.go("notices", told="done.noted" if done else "done.nothing")
