"""Which notice goes to which audience over which channel, and how far it came.

One row for each (notice, audience, channel): the audience's first channel when the notice is taken up,
one more for each channel it falls to. `sending` means perhaps sent: it is sent again, under the same
`message`, until the channel answers. Only the holder of a channel's lease sends on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select, update

from store.notices import Notice, notice_of
from store.statements import chunks, insert_missing, select_in
from store.tables import notice_deliveries as deliveries
from store.tables import notices


class Telling(StrEnum):
    """Where one notice to one audience stands on one channel."""

    WAITING = "waiting"
    SENDING = "sending"
    """Perhaps sent; sent again until the channel answers."""
    DELIVERED = "delivered"
    FELL = "fell"
    """The next channel took over."""
    FAILED = "failed"
    """No channel is left."""


OPEN = (Telling.WAITING, Telling.SENDING)


@dataclass(frozen=True, slots=True)
class Errand:
    """A notice on its way to an audience over a channel; `message` names what carried it last."""

    notice: Notice
    number: int
    audience: str
    channel: str
    escalated_from: str | None
    state: Telling
    attempts: int
    not_before: datetime | None
    message: str | None
    sent_at: datetime | None
    settled_at: datetime | None
    last_error: str | None


def _errand(row: Any) -> Errand:  # noqa: ANN401 - a joined row
    return Errand(
        notice=notice_of(row), number=row.position, audience=row.told, channel=row.channel,
        escalated_from=row.escalated_from, state=Telling(row.state), attempts=row.attempts, not_before=row.not_before,
        message=row.message, sent_at=row.sent_at, settled_at=row.settled_at, last_error=row.last_error,
    )  # fmt: skip


def _joined() -> Any:  # noqa: ANN401 - a select of errands
    rest = [column for column in deliveries.c if column.name not in {"notice", "audience"}]
    return select(notices, deliveries.c.audience.label("told"), *rest).join(
        deliveries, deliveries.c.notice == notices.c.position
    )


def not_taken_up(tx: Connection, audience: str, since: datetime) -> list[Notice]:
    """Notices to an audience, nobody's yet, that came after `since` and stand on no channel; oldest first."""
    taken = exists(
        select(1).where(deliveries.c.notice == notices.c.position, deliveries.c.audience == audience)
    ).correlate(notices)
    query = select(notices).where(
        notices.c.audience == audience, notices.c.read_at.is_(None), notices.c.at > since, ~taken
    )
    return [notice_of(row) for row in tx.execute(query.order_by(notices.c.position))]


@dataclass(frozen=True, slots=True)
class Opening:
    """A notice to be told to an audience over a channel, not before a moment."""

    number: int
    audience: str
    channel: str
    not_before: datetime | None = None
    escalated_from: str | None = None


def take_up(tx: Connection, openings: Iterable[Opening]) -> None:
    """Begin; what stands already stays as it is."""
    insert_missing(
        tx,
        deliveries,
        [
            {
                "notice": one.number, "audience": one.audience, "channel": one.channel, "state": Telling.WAITING,
                "attempts": 0, "not_before": one.not_before, "escalated_from": one.escalated_from,
            }
            for one in openings
        ],
    )  # fmt: skip


def due(tx: Connection, channel: str, now: datetime, limit: int = 500) -> list[Errand]:
    """What may be sent on a channel and nobody acknowledged: urgent ones first, then in order."""
    query = (
        _joined()
        .where(
            deliveries.c.channel == channel,
            deliveries.c.state.in_(OPEN),
            notices.c.read_at.is_(None),
            or_(deliveries.c.not_before.is_(None), deliveries.c.not_before <= now),
        )
        .order_by(notices.c.urgent.desc(), notices.c.position)
        .limit(limit)
    )
    return [_errand(row) for row in tx.execute(query)]


def open_places(tx: Connection) -> frozenset[tuple[str, str]]:
    """(audience, channel) pairs on which something is open."""
    query = select(deliveries.c.audience, deliveries.c.channel).where(deliveries.c.state.in_(OPEN)).distinct()
    return frozenset((row.audience, row.channel) for row in tx.execute(query))


def open_on(tx: Connection, audience: str, channel: str) -> list[int]:
    """Numbers of the notices that are open there."""
    query = select(deliveries.c.notice).where(
        deliveries.c.audience == audience, deliveries.c.channel == channel, deliveries.c.state.in_(OPEN)
    )
    return list(tx.execute(query.order_by(deliveries.c.notice)).scalars())


@dataclass(frozen=True, slots=True)
class Batch:
    """Notices to one audience that go the same way together."""

    channel: str
    audience: str
    numbers: tuple[int, ...]


def intend(tx: Connection, batch: Batch, message: str, now: datetime) -> None:
    """About to be sent as one message: commit before sending."""
    counted = deliveries.c.attempts + 1
    _change(tx, batch, state=Telling.SENDING, attempts=counted, message=message, sent_at=now, not_before=None)


def settle(tx: Connection, batch: Batch, state: Telling, now: datetime, said: str) -> None:
    """The way over this channel has ended."""
    _change(tx, batch, state=state, settled_at=now, last_error=said or None, not_before=None)


def postpone(tx: Connection, batch: Batch, not_before: datetime, said: str, *, unanswered: bool | None = None) -> None:
    """Not before a moment. `unanswered` says whether the last attempt was perhaps taken; None: there was none."""
    values: dict[str, Any] = {"not_before": not_before, "last_error": said or None}
    if unanswered is False:
        values |= {"state": Telling.WAITING, "message": None}
    _change(tx, batch, **values)


def _change(tx: Connection, batch: Batch, **values: object) -> None:
    mine = (deliveries.c.channel == batch.channel, deliveries.c.audience == batch.audience)
    for chunk in chunks(sorted(batch.numbers)):
        which = (*mine, deliveries.c.notice.in_(chunk), deliveries.c.state.in_(OPEN))
        tx.execute(update(deliveries).where(*which).values(**values))


def tried(tx: Connection, audience: str, numbers: Collection[int]) -> dict[int, frozenset[str]]:
    """Notice → the channels on which it stands or stood for an audience."""
    found: dict[int, frozenset[str]] = dict.fromkeys(numbers, frozenset())
    query = select(deliveries.c.notice, deliveries.c.channel).where(deliveries.c.audience == audience)
    for row in select_in(tx, query, deliveries.c.notice, numbers):
        found[row.notice] |= {row.channel}
    return found


def sent_since(tx: Connection, channel: str, since: datetime) -> list[datetime]:
    """When the messages of a channel went out, oldest first; several notices in one message count once."""
    query = (
        select(deliveries.c.audience, deliveries.c.message, deliveries.c.sent_at)
        .where(deliveries.c.channel == channel, deliveries.c.sent_at > since)
        .distinct()
    )
    return sorted(row.sent_at for row in tx.execute(query))


def unacknowledged(
    tx: Connection, audience: str, to: str, *, told_before: datetime, since: datetime
) -> list[tuple[int, bool]]:
    """(number, urgent) of notices that an audience was told before a moment, or could not be told at all.

    Nobody acknowledged them, they came after `since`, and `to` does not have them yet.
    """
    had = exists(select(1).where(deliveries.c.notice == notices.c.position, deliveries.c.audience == to)).correlate(
        notices
    )
    ended = or_(
        and_(deliveries.c.state == Telling.DELIVERED, deliveries.c.settled_at <= told_before),
        deliveries.c.state == Telling.FAILED,
    )
    query = (
        select(notices.c.position, notices.c.urgent)
        .join(deliveries, deliveries.c.notice == notices.c.position)
        .where(deliveries.c.audience == audience, ended, notices.c.read_at.is_(None), notices.c.at > since)
        .where(notices.c.audience != to, ~had)
        .distinct()
        .order_by(notices.c.position)
    )
    return [(row.position, row.urgent) for row in tx.execute(query)]


def forget(tx: Connection, before: datetime, now: datetime) -> int:
    """Give up what came before a moment and is still open; how many ways were given up."""
    old = select(notices.c.position).where(notices.c.at <= before)
    return tx.execute(
        update(deliveries)
        .where(deliveries.c.state.in_(OPEN), deliveries.c.notice.in_(old))
        .values(state=Telling.FAILED, settled_at=now, last_error="too old")
    ).rowcount


def of_notices(tx: Connection, numbers: Collection[int]) -> dict[int, list[Errand]]:
    """Number → its ways to people, in the order they were taken."""
    found: dict[int, list[Errand]] = {}
    for row in select_in(tx, _joined(), notices.c.position, numbers):
        found.setdefault(row.position, []).append(_errand(row))
    return found


def open_count(tx: Connection) -> int:
    """How many ways are open whose notice nobody acknowledged."""
    query = select(func.count()).select_from(deliveries).join(notices, notices.c.position == deliveries.c.notice)
    return tx.execute(query.where(deliveries.c.state.in_(OPEN), notices.c.read_at.is_(None))).scalar_one()


def hand_on(tx: Connection, batch: Batch, to: Mapping[int, str]) -> None:
    """Open the way over another channel for each notice of a batch; what is settled about this one is `settle`."""
    query = select(deliveries.c.notice, deliveries.c.escalated_from).where(
        deliveries.c.audience == batch.audience, deliveries.c.channel == batch.channel
    )
    rows = select_in(tx, query, deliveries.c.notice, batch.numbers)
    take_up(
        tx,
        [Opening(row.notice, batch.audience, to[row.notice], escalated_from=row.escalated_from) for row in rows],
    )
