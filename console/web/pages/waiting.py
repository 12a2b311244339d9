"""Tasks and notices: what somebody has to settle, and what people were told."""

from __future__ import annotations

from typing import cast

from starlette.responses import Response

from canonical.errors import MillstreamError
from console.web.paging import part
from console.web.visit import Visit, whole
from store import golden, notices, tasks
from store.tasks import TaskState, Verdict
from store.unit_of_work import Transaction

_STATES: tuple[TaskState, ...] = ("open", "done", "refused", "withdrawn")


def task_list(visit: Visit) -> Response:
    """Tasks in one state, those with the nearest deadline first."""
    state = next((one for one in _STATES if one == visit.asked("state")), "open")
    owner = visit.asked("owner")
    with visit.hub.store.read() as tx:
        found = tasks.listed(tx, (cast("TaskState", state),), limit=None)
    owners = sorted({task.owner for task in found})
    rows = part([task for task in found if owner in {None, task.owner}], visit.number("page", 1))
    with visit.hub.store.read() as tx:
        orders = golden.standing(tx, "sales_order", {task.key for task in rows.rows})
    return visit.page(
        "tasks.html", part=rows, states=_STATES, state=state, owners=owners, owner=owner, orders=orders,
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
        found = notices.listed(tx, limit=None, unread=not everything)
    audiences = sorted({notice.audience for notice in found})
    shown = [notice for notice in found if audience in {None, notice.audience}]
    open_ones = [notice.number or 0 for notice in shown if notice.read_at is None]
    return visit.page(
        "notices.html", part=part(shown, visit.number("page", 1)), audiences=audiences, audience=audience,
        everything=everything, waiting=len(open_ones), newest=max(open_ones, default=0),
    )  # fmt: skip


def acknowledge(visit: Visit) -> Response:
    """Take note of the notices that were ticked, or of all that were shown and none that came since."""
    audience = visit.field("audience")
    with visit.hub.store.begin() as tx:
        numbers = _all_up_to(tx, audience or None, visit.field("newest")) if visit.field("all") else _ticked(visit)
        done = notices.acknowledge(tx, numbers, visit.actor, visit.now)
    query = {"audience": audience} if audience else {}
    return visit.go("notices", told="done.noted" if done else "done.nothing", query=query)


def _ticked(visit: Visit) -> list[int]:
    found = (whole(one) for one in visit.fields("notice"))
    return [one for one in found if one is not None]


def _all_up_to(tx: Transaction, audience: str | None, newest: str) -> list[int]:
    open_ones = notices.listed(tx, audience, None, unread=True)
    last = whole(newest) or 0
    return [one.number for one in open_ones if one.number is not None and one.number <= last]
