"""`millstream notices`: what people were told, over which channel; taking note of it; telling what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter

from console.cli.failures import NotKnown
from console.cli.state import now, opened
from console.cli.terminal import Exit, Terminal
from store import notice_deliveries, notices
from store.notice_deliveries import Errand
from store.notices import Notice

Caller = Annotated[Terminal, Parameter(parse=False)]


def listed(*, audience: str | None = None, unread: bool = False, limit: int = 50, terminal: Caller) -> Exit:
    """List what people were told, newest first, with its number and how it reached them.

    Parameters
    ----------
    audience
        Only notices to these people, such as production_supervisor.
    unread
        Only those nobody has acknowledged.
    limit
        At most so many.
    """
    with opened(terminal) as store, store.read() as tx:
        found = notices.listed(tx, audience, limit, unread=unread)
        ways = notice_deliveries.of_notices(tx, [one.number for one in found if one.number is not None])
    language = terminal.words.language

    def draw() -> None:
        rows = [
            (
                one.number, one.at, one.audience, one.text.get(language, one.text.get("en")), one.actor,
                _standing(terminal, one, ways.get(one.number or 0, ())),
            )
            for one in found
        ]  # fmt: skip
        terminal.table(("col.number", "col.at", "col.audience", "col.said", "col.actor", "col.told"), rows)

    terminal.answer([{**asdict(one), "told": _ways(ways.get(one.number or 0, ()))} for one in found], draw)
    return Exit.OK


def _ways(errands: Sequence[Errand]) -> list[dict[str, Any]]:
    return [
        {
            "audience": one.audience, "channel": one.channel, "state": one.state.value, "attempts": one.attempts,
            "not_before": one.not_before, "sent_at": one.sent_at, "settled_at": one.settled_at,
            "last_error": one.last_error, "escalated_from": one.escalated_from,
        }
        for one in errands
    ]  # fmt: skip


def _standing(terminal: Terminal, notice: Notice, errands: Sequence[Errand]) -> str:
    said = "; ".join(f"{one.audience} {one.channel}: {terminal.say(f'telling.{one.state.value}')}" for one in errands)
    read = terminal.say("notices.read") if notice.read_at else ""
    return "; ".join(part for part in (said, read) if part) or terminal.say("notices.board")


def ack(number: int, /, *more: int, terminal: Caller) -> Exit:
    """Take note of notices: nobody is told of them any more.

    Parameters
    ----------
    number
        The number its message carries, without #.
    more
        Others.
    """
    with opened(terminal) as store, store.begin() as tx:
        numbers = {number, *more}
        if missing := sorted(numbers - notices.known(tx, numbers)):
            shown = ", ".join(map(str, missing))
            raise NotKnown(terminal.say("notices.unknown", number=shown), hint="millstream notices list")
        changed = notices.acknowledge(tx, numbers, terminal.person, now())
    terminal.answer({"acknowledged": changed}, lambda: terminal.line("notices.acked", count=len(changed)))
    return Exit.OK


def send(*, terminal: Caller) -> Exit:
    """Tell people what is due: new notices, what waited, and what nobody acknowledged in time."""
    from pipeline.hub import open_hub
    from pipeline.notify import notify

    hub = open_hub(terminal.environ)
    try:
        configured = bool(hub.deployment.notifications.audiences)
        told = notify(hub)
    finally:
        hub.close()

    def draw() -> None:
        if not configured:
            terminal.line("notices.nobody")
            return
        terminal.line(
            "notices.sent", messages=sum(told.messages.values()), delivered=told.delivered, fell=told.fell,
            failed=told.failed, escalated=told.escalated, waiting=told.waiting,
        )  # fmt: skip
        for why in told.unusable.values():
            terminal.text(why, "red")

    terminal.answer(asdict(told) | {"messages": dict(told.messages)}, draw)
    return Exit.FINDINGS if told.failed or told.unusable else Exit.OK
