"""What needs me: the counts of everything that waits, each a link to where it is settled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from starlette.responses import Response

from canonical.actors import Role
from canonical.commands import State
from console.web.visit import Visit
from store import notices, outbox, quarantine, queue, runs, tasks
from store.queue import Narrowed
from store.unit_of_work import Transaction

SHOWN = 5
_STUCK = (State.PARKED, State.REJECTED, State.IN_DOUBT, State.HELD)


@dataclass(frozen=True, slots=True)
class Card:
    """One count; `calls`: somebody has to do something about it."""

    title: str
    count: int
    address: str
    calls: bool


def show(visit: Visit) -> Response:
    """The first page after the log-in."""
    if not visit.may(Role.VIEWER):
        return visit.page("home.html")
    with visit.hub.store.read() as tx:
        return visit.page(
            "home.html", last=next(iter(runs.last(tx, 1)), None), cards=_cards(visit, tx),
            tasks=tasks.listed(tx, limit=SHOWN), notices=notices.listed(tx, limit=SHOWN, unread=True),
        )  # fmt: skip


def _cards(visit: Visit, tx: Transaction) -> list[Card]:
    states: Counter[State] = Counter()
    for (_, state), count in outbox.counts(tx).items():
        states[state] += count
    counted = [
        ("home.queue", sum(queue.counts(tx, Narrowed()).values()), visit.to("queue")),
        ("home.quarantine", sum(quarantine.counts(tx).values()), visit.to("quarantine")),
        *((f"home.{state}", states[state], visit.to("outbox", state=state)) for state in _STUCK),
        ("home.tasks", tasks.count_open(tx), visit.to("tasks")),
        ("home.notices", notices.count_unread(tx), visit.to("notices")),
    ]
    return [Card(visit.words.say(key), count, address, calls=count > 0) for key, count, address in counted]
