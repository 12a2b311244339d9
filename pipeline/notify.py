"""Notify: notices go to people, at least once, each message with its number, over the first channel that takes it.

Only the holder of a channel's lease sends on it. A message is written down as `sending` before it goes; a
process that dies in between leaves it so, and whoever comes next sends it again under the same number.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from canonical.errors import ConfigurationError
from connectors.notify.port import Answer, Channel, Outcome
from pipeline.audiences import Audience, Notifications
from pipeline.hub import Hub, Run
from pipeline.processes import process_is_dead, process_token
from pipeline.wording import fitting, note
from store import leases, notice_deliveries, runs
from store.notice_deliveries import Batch, Errand, Opening, Telling
from store.notices import Notice
from store.unit_of_work import Transaction

LEASE_SECONDS = 300.0
"""Longer than one message may take; it runs anew before each."""
ATTEMPTS = 5
"""So often a channel is tried before the next one, if there is one; what is urgent goes to the next at once."""
BACKOFF_SECONDS = 60.0
LONGEST_BACKOFF_SECONDS = 1800.0
WINDOWS = {"per_minute": timedelta(minutes=1), "per_hour": timedelta(hours=1), "per_day": timedelta(days=1)}


@dataclass
class Notified:
    """What one round came to: messages by channel, notices by outcome, and channels that could not be opened."""

    messages: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    fell: int = 0
    failed: int = 0
    escalated: int = 0
    waiting: int = 0
    unusable: dict[str, str] = field(default_factory=dict)


def notify(hub: Hub, run: Run | None = None) -> Notified:
    """Tell people what is due; without any audience nothing is done. What goes wrong is kept, never raised."""
    if not hub.deployment.notifications.audiences:
        return Notified()
    told = Round(hub).tell()
    with hub.store.begin() as tx:
        told.waiting = notice_deliveries.open_count(tx)
        if run is not None:
            counts = asdict(told) | {"messages": dict(told.messages)}
            runs.record_stage(tx, run.run_id, "notify", counts, hub.now())
    return told


class Round:
    """One round over all channels."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.chosen = hub, hub.deployment.notifications
        self.owner = f"{process_token()}:{secrets.token_hex(4)}"
        self.told = Notified()
        self._open = {name: channel for name in self.chosen.channels if (channel := self._opened(name))}

    def tell(self) -> Notified:
        """Take up, send, escalate; again as long as something fell to another channel or audience."""
        with self.hub.store.begin() as tx:
            now = self.hub.now()
            notice_deliveries.forget(tx, self._oldest(now), now)
            self._take_up(tx, now)
            self._leave_what_is_gone(tx)
        moved = True
        while moved:
            with self.hub.store.begin() as tx:
                self.told.escalated += escalate(tx, self.chosen, self.hub.now(), self._oldest(self.hub.now()))
            moves = [self._over(name) for name in self.chosen.channels]
            moved = any(moves)
        return self.told

    def _opened(self, name: str) -> Channel | None:
        try:
            return self.hub.channel(name)
        except ConfigurationError as error:
            self.told.unusable[name] = str(error)
            return None

    def _oldest(self, now: datetime) -> datetime:
        return now - timedelta(hours=self.chosen.forget_after_hours)

    def _take_up(self, tx: Transaction, now: datetime) -> None:
        for name, audience in self.chosen.audiences.items():
            found = notice_deliveries.not_taken_up(tx, name, self._oldest(now))
            notice_deliveries.take_up(tx, [_opening(name, audience, notice) for notice in found])

    def _leave_what_is_gone(self, tx: Transaction) -> None:
        """What stands on a channel the audience no longer has goes to one it has."""
        for name, channel in sorted(notice_deliveries.open_places(tx)):
            audience = self.chosen.audiences.get(name)
            if audience is None or channel not in audience.channels:
                numbers = notice_deliveries.open_on(tx, name, channel)
                self._fall(tx, Batch(channel, name, tuple(numbers)), "no longer a channel of theirs")

    def _over(self, name: str) -> bool:
        """Send what is due on one channel; whether something fell or failed."""
        channel = self._open.get(name)
        before = self.told.fell + self.told.failed
        with self._lease(name) as held:
            if held and channel is None:
                self._pass_on(name)
            elif held and channel is not None:
                self._drain(name, channel)
        return self.told.fell + self.told.failed > before

    @contextmanager
    def _lease(self, name: str) -> Iterator[bool]:
        lease = f"notify/{name}"
        with self.hub.store.begin() as tx:
            now = self.hub.now()
            holder = leases.holder(tx, lease, now)
            if holder is not None and process_is_dead(holder):
                leases.release(tx, lease, holder)
            held = leases.acquire(tx, lease, self.owner, now, LEASE_SECONDS)
        try:
            yield held
        finally:
            with self.hub.store.begin() as tx:
                leases.release(tx, lease, self.owner)

    def _still_held(self, tx: Transaction, name: str, now: datetime) -> bool:
        return leases.acquire(tx, f"notify/{name}", self.owner, now, LEASE_SECONDS)

    def _drain(self, name: str, channel: Channel) -> None:
        """Message after message. A channel that asks to wait gets nothing more but what is urgent."""
        resting = False
        while (found := self._next(name, channel, urgent_only=resting)) is not None:
            batch, errands, message = found
            audience = self.chosen.audiences[batch.audience]
            sent = note(self.hub.deployment.name, batch.audience, audience, errands, message, size=channel.text_bytes)
            self.told.messages[name] += 1
            answer = channel.send(sent, self.hub.now())
            with self.hub.store.begin() as tx:
                if not self._still_held(tx, name, self.hub.now()):
                    return
                self._heed(tx, batch, errands, answer)
            resting = resting or answer.outcome in {Outcome.LATER, Outcome.UNKNOWN}

    def _next(self, name: str, channel: Channel, *, urgent_only: bool) -> tuple[Batch, list[Errand], str] | None:
        """The next message, written down as being sent; None when nothing more may go now."""
        with self.hub.store.begin() as tx:
            now = self.hub.now()
            if not self._still_held(tx, name, now):
                return None
            found = self._loud(tx, name, notice_deliveries.due(tx, name, now), now)
            found = [errand for errand in found if errand.notice.urgent or not urgent_only]
            if not found or not self._has_room(tx, name, found, now):
                return None
            chosen = together(found, self.chosen.audiences[found[0].audience], channel.text_bytes)
            batch = _batch(name, chosen)
            message = chosen[0].message or message_id(self.hub.deployment.name, batch)
            notice_deliveries.intend(tx, batch, message, now)
        return batch, chosen, message

    def _loud(self, tx: Transaction, name: str, found: Sequence[Errand], now: datetime) -> list[Errand]:
        """Those that may go now; what came in an audience's quiet hours waits for their end."""
        loud: list[Errand] = []
        quiet: dict[tuple[str, datetime], list[int]] = {}
        for errand in found:
            hours = self.chosen.audiences[errand.audience].quiet
            until = hours.until(now, self.hub.deployment.timezone) if hours and not errand.notice.urgent else None
            if until is None:
                loud.append(errand)
            else:
                quiet.setdefault((errand.audience, until), []).append(errand.number)
        for (audience, until), numbers in quiet.items():
            notice_deliveries.postpone(tx, Batch(name, audience, tuple(numbers)), until, "quiet hours")
        return loud

    def _has_room(self, tx: Transaction, name: str, found: Sequence[Errand], now: datetime) -> bool:
        """Whether our own limits leave room; where not, what is urgent falls and the rest waits."""
        until = room_at(tx, name, self.chosen, now)
        if until is None:
            return True
        for batch in _by_audience(name, found):
            urgent = [errand.number for errand in found if errand.audience == batch.audience and errand.notice.urgent]
            fallen = self._fall_if_possible(tx, Batch(name, batch.audience, tuple(urgent)), "our own limit")
            rest = tuple(number for number in batch.numbers if number not in fallen)
            notice_deliveries.postpone(tx, Batch(name, batch.audience, rest), until, "our own limit")
        return False

    def _heed(self, tx: Transaction, batch: Batch, errands: Sequence[Errand], answer: Answer) -> None:
        now = self.hub.now()
        if answer.outcome is Outcome.DELIVERED:
            notice_deliveries.settle(tx, batch, Telling.DELIVERED, now, answer.said)
            self.told.delivered += len(batch.numbers)
        elif answer.outcome is Outcome.REFUSED:
            self._fall(tx, batch, answer.said)
        else:
            attempts = max(errand.attempts for errand in errands) + 1
            impatient = attempts >= ATTEMPTS or any(errand.notice.urgent for errand in errands)
            fallen = self._fall_if_possible(tx, batch, answer.said) if impatient else frozenset()
            rest = tuple(number for number in batch.numbers if number not in fallen)
            again = now + _patience(attempts, answer)
            unanswered = answer.outcome is Outcome.UNKNOWN
            notice_deliveries.postpone(
                tx, Batch(batch.channel, batch.audience, rest), again, answer.said, unanswered=unanswered
            )

    def _pass_on(self, name: str) -> None:
        """A channel that cannot be opened: what has another one goes there, the rest waits for a person."""
        with self.hub.store.begin() as tx:
            found = self._loud(tx, name, notice_deliveries.due(tx, name, self.hub.now()), self.hub.now())
            for batch in _by_audience(name, found):
                self._fall_if_possible(tx, batch, self.told.unusable[name])

    def _nexts(self, tx: Transaction, batch: Batch) -> dict[int, str]:
        """Notice → the channel it falls to: the first of the audience's that is open and was not tried."""
        audience = self.chosen.audiences.get(batch.audience)
        if audience is None:
            return {}
        tried = notice_deliveries.tried(tx, batch.audience, batch.numbers)
        usable = [name for name in audience.channels if name in self._open]
        left = {number: [name for name in usable if name not in tried[number]] for number in batch.numbers}
        return {number: names[0] for number, names in left.items() if names}

    def _fall_if_possible(self, tx: Transaction, batch: Batch, said: str) -> Collection[int]:
        """Hand those on that have another channel left; which."""
        nexts = self._nexts(tx, batch)
        if nexts:
            leaving = Batch(batch.channel, batch.audience, tuple(nexts))
            notice_deliveries.hand_on(tx, leaving, nexts)
            notice_deliveries.settle(tx, leaving, Telling.FELL, self.hub.now(), said)
            self.told.fell += len(nexts)
        return frozenset(nexts)

    def _fall(self, tx: Transaction, batch: Batch, said: str) -> None:
        """To the next channel; where none is left, nobody could be told."""
        fallen = self._fall_if_possible(tx, batch, said)
        lost = tuple(number for number in batch.numbers if number not in fallen)
        notice_deliveries.settle(tx, Batch(batch.channel, batch.audience, lost), Telling.FAILED, self.hub.now(), said)
        self.told.failed += len(lost)


def message_id(hub: str, batch: Batch) -> str:
    """Hub, audience and first number, in ASCII: it goes into headers."""
    return quote(f"{hub}/{batch.audience}/{batch.numbers[0]}", safe="/")


def _opening(name: str, audience: Audience, notice: Notice) -> Opening:
    assert notice.number is not None, "a notice that was read has a number"
    assert notice.at is not None, "and a moment"
    wait = timedelta(minutes=0 if notice.urgent else audience.digest.wait_minutes)
    return Opening(notice.number, name, audience.channels[0], notice.at + wait if wait else None)


def escalate(tx: Transaction, chosen: Notifications, now: datetime, since: datetime) -> int:
    """Tell the next audience what nobody acknowledged in time; how many notices."""
    count = 0
    for name, audience in chosen.audiences.items():
        rule = audience.escalate
        if rule is None:
            continue
        late = now - timedelta(minutes=rule.after_minutes)
        found = notice_deliveries.unacknowledged(tx, name, rule.to, told_before=late, since=since)
        numbers = [number for number, urgent in found if urgent or not rule.urgent_only]
        first = chosen.audiences[rule.to].channels[0]
        notice_deliveries.take_up(tx, [Opening(number, rule.to, first, escalated_from=name) for number in numbers])
        count += len(numbers)
    return count


def together(found: Sequence[Errand], audience: Audience, size: int) -> list[Errand]:
    """What goes as one message with the first: what went with it before, or what waits beside it.

    One alone where fewer wait than a digest needs. What a message of `size` bytes does not hold goes with it all the
    same, counted, unless somebody has to know each: what is urgent, or is escalated unless acknowledged.
    """
    first = found[0]
    if first.message is not None:
        return [one for one in found if (one.audience, one.message) == (first.audience, first.message)]
    beside = [one for one in found if one.message is None and _alike(one, first)]
    if len(beside) < audience.digest.at_least:
        return [first]
    each = first.notice.urgent or audience.escalate is not None or audience.digest.rest == "sent"
    return list(fitting(beside, audience, size)) if each else beside


def _alike(one: Errand, other: Errand) -> bool:
    return (one.audience, one.notice.urgent, one.escalated_from) == (
        other.audience, other.notice.urgent, other.escalated_from
    )  # fmt: skip


def room_at(tx: Transaction, name: str, chosen: Notifications, now: datetime) -> datetime | None:
    """When a channel may send again under its own limits; None: now."""
    rates = chosen.channels[name].rates
    limits: Mapping[timedelta, int | None] = {window: getattr(rates, unit) for unit, window in WINDOWS.items()}
    if not any(limits.values()):
        return None
    sent = notice_deliveries.sent_since(tx, name, now - timedelta(days=1))
    waits = [
        recent[-limit] + window
        for window, limit in limits.items()
        if limit is not None and len(recent := [moment for moment in sent if moment > now - window]) >= limit
    ]
    return max(waits, default=None)


def _patience(attempts: int, answer: Answer) -> timedelta:
    backoff = min(BACKOFF_SECONDS * 2 ** (attempts - 1), LONGEST_BACKOFF_SECONDS)
    return timedelta(seconds=max(backoff, answer.retry_after or 0.0))


def _batch(name: str, errands: Sequence[Errand]) -> Batch:
    return Batch(name, errands[0].audience, tuple(errand.number for errand in errands))


def _by_audience(name: str, found: Sequence[Errand]) -> list[Batch]:
    audiences = dict.fromkeys(errand.audience for errand in found)
    return [_batch(name, [errand for errand in found if errand.audience == audience]) for audience in audiences]
