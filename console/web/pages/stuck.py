"""What is stuck, since when, and what to press: what `millstream status` and `doctor` say, on one page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from starlette.responses import Response

from canonical.commands import State
from console.cli.down import down
from console.cli.outbox import reason
from console.cli.status import STUCK
from console.web.visit import Visit
from console.words.words import Words
from store import doubles, outbox
from store.outbox import OutboxEntry


@dataclass(frozen=True, slots=True)
class Stuck:
    """All commands in one state: how many, the oldest of them, and why it stands there."""

    state: State
    count: int
    oldest: OutboxEntry
    said: str


def show(visit: Visit) -> Response:
    """Systems that bring nothing or are left alone, documents that stand twice, commands by state."""
    with visit.hub.store.read() as tx:
        return visit.page(
            "stuck.html", down=down(tx), doubles=doubles.listed(tx),
            stuck=_by_state(visit, outbox.entries(tx, states=STUCK)), ago=partial(_ago, visit.words),
        )  # fmt: skip


def _by_state(visit: Visit, entries: list[OutboxEntry]) -> list[Stuck]:
    found = []
    for state in STUCK:
        mine = [one for one in entries if one.state is state]
        if mine:
            oldest = min(mine, key=lambda entry: entry.created_at)
            found.append(Stuck(state, len(mine), oldest, visit.words.why(reason(oldest))))
    return found


def _ago(words: Words, since: datetime, now: datetime) -> str:
    """How long ago, in days and hours, or hours and minutes."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    days, rest = divmod(minutes, 24 * 60)
    if days:
        return words.say("stuck.days", days=days, hours=rest // 60)
    return words.say("stuck.hours" if rest >= 60 else "stuck.minutes", hours=rest // 60, minutes=rest % 60)  # noqa: PLR2004
