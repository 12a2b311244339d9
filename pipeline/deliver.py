"""Deliver: workers claim commands from the outbox and carry them out, step by step, until nothing is due.

Batches keep commits few: the intents of a batch commit before its requests go out, its receipts after
they came back, with the intents of the next. A worker that dies leaves its intents behind; whoever takes over
looks before it sends.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from canonical.commands import Command, DeliveryClass, State, StepReceipt
from canonical.errors import ConfigurationError, CrosswalkPending
from connectors.port import Connector, StepSpec, Variant
from pipeline.delivery import (
    Deferred,
    Draft,
    Finished,
    Journey,
    draft,
    endings,
    has_to_look,
    heed,
    heed_found,
    look_up_together,
    prepare,
    set_out,
    write_down_doubts,
    write_down_endings,
)
from pipeline.delivery_workers import Workers
from pipeline.hub import Hub, Run
from pipeline.outbound import Lookups
from pipeline.processes import process_is_dead, process_token
from pipeline.restored import next_batch, sent_mark
from store import deliveries, documents, due_commands, outbox, runs
from store.connections import ConnectionState
from store.deliveries import ClaimedCommand
from store.due_commands import Part
from store.sent_mark import SentMark
from store.step_records import Attempts
from store.unit_of_work import Transaction

BATCH = 50
"""Commands claimed at once; more where a call of the target carries more."""
LEASE_SECONDS = 180.0
"""Longer than one call may take with all its waiting; a lease runs anew before each step is sent."""
_OPEN = (State.PENDING, State.AWAITING, State.IN_DOUBT)
_Pair = tuple[Journey, StepSpec]
_Ended = tuple[list[Journey], list[documents.Document]]


@dataclass(frozen=True, slots=True)
class Delivered:
    """Outcomes by system, and what is still open."""

    outcomes: dict[str, dict[str, int]]
    open: int


@dataclass(frozen=True, slots=True)
class Round:
    """One batch of one system, from the claim to the receipts.

    Its owner token is its own: a thread that was stopped past its lease must not pass for the one that took over.
    """

    hub: Hub
    system: str
    lookups: Lookups
    workers: Workers
    owner: str
    mark: SentMark | None
    """Raised once a round, before anything goes out; None only where no store can be set back."""
    part: Part = due_commands.ALL
    known: Attempts = field(default_factory=dict)
    """The attempts at the steps of what is claimed."""

    def run(self) -> int:
        """Claim what is due and take each command as far as it goes; how many were claimed."""
        with self.workers.claiming(self.system, self.part):
            due, drafts = self._due()
            ready = self._ready(due, drafts)
            if not ready:
                return 0
            with self.hub.store.begin() as tx:
                claimed = self._claimed(tx, ready)
                standing = _standing(tx, [one for one in claimed if one.stands])
                batch = next_batch(tx) if claimed else 0
                self._drafted([one.command for one in claimed], drafts)
                journeys = [self._set_out(one, standing.get(one.command.id), drafts) for one in claimed]
                sent = self._at_once(tx, journeys)
        if len(due) < self._size():
            self.workers.took_all(self.system, self.part)
        if self.mark is not None and claimed:
            self.mark.raise_to(batch)
        self._look(journeys)
        self._begin(journeys)
        self._walk([journey for journey in journeys if journey.ending is None], sent)
        return len(claimed)

    def _due(self) -> tuple[list[Command], dict[str, Draft]]:
        """What may be claimed, and its payloads."""
        drafts: dict[str, Draft] = {}
        with self.hub.store.steadily():
            with self.hub.store.read() as tx:
                due = due_commands.due(tx, self.hub.now(), self.system, self._size(), self.part)
            self._drafted(due, drafts)
        return due, drafts

    def _ready(self, due: Sequence[Command], drafts: Mapping[str, Draft]) -> list[Command]:
        """What is due, but for what waits for a document and may be left to wait.

        Of a whole batch none is left: others may be due behind it.
        """
        waiting = [one.id for one in due if isinstance(drafts[one.id], CrosswalkPending)]
        left = self.workers.leaves(self.system, self.part, waiting if len(due) < self._size() else ())
        return [one for one in due if one.id not in left]

    def _claimed(self, tx: Transaction, due: Sequence[Command]) -> list[ClaimedCommand]:
        """What was due and still is; where other processes took of a whole batch, what else is due."""
        limit = self._size()
        claim = partial(deliveries.claim, tx, self.owner, self.hub.now(), lease_seconds=LEASE_SECONDS)
        claimed = claim(limit=limit, systems=[self.system], among=due)
        if len(due) == limit > len(claimed):
            claimed += claim(limit=limit - len(claimed), systems=[self.system])
        self.known.update(deliveries.known(claimed))
        return claimed

    @property
    def _connector(self) -> Connector:
        return self.hub.connector(self.system)

    def _size(self) -> int:
        return max((BATCH, *(operation.batch_size for operation in self._connector.operations.values())))

    def _drafted(self, commands: Sequence[Command], drafts: dict[str, Draft]) -> None:
        """Make the payloads that are not made yet, all but those of a few before the claim: others wait to write."""
        wanted = [command for command in commands if command.id not in drafts]
        self.lookups.learn(named for command in wanted for named in command.after)
        self.lookups.expect(wanted)
        drafts |= {command.id: draft(command, self.lookups) for command in wanted}

    def _at_once(self, tx: Transaction, journeys: Sequence[Journey]) -> list[_Pair]:
        """The first steps, written down with the claim; none where some document has to be looked up before."""
        if any(journey.claimed.in_doubt or has_to_look(journey) for journey in journeys):
            return []
        under_way = [journey for journey in journeys if journey.ending is None and journey.next_step is not None]
        batch = _going_out(under_way)
        intents = [(journey.claimed.command.id, step.name) for journey, step in batch]
        if intents:
            claimed = [journey.claimed for journey in journeys]
            deliveries.begin_steps(tx, claimed, intents, self.known, self.hub.now())
        return batch

    def _look(self, journeys: Sequence[Journey]) -> None:
        found = look_up_together(self._connector, journeys, lambda: self._go_on(journeys))
        for journey in journeys:
            if journey.ending is None:
                heed_found(journey, found, self.hub.now())

    def _go_on(self, journeys: Sequence[Journey]) -> None:
        """Looking takes as long as the target likes: the leases run anew, or another worker would look again."""
        ids = [journey.claimed.command.id for journey in journeys]
        with self.hub.store.begin() as tx:
            deliveries.renew_all(tx, ids, self.owner, self.hub.now(), LEASE_SECONDS)

    def _set_out(
        self, claimed: ClaimedCommand, standing: documents.Document | None, drafts: Mapping[str, Draft]
    ) -> Journey:
        try:
            journey = set_out(self._connector, claimed, standing)
        except ConfigurationError as error:
            spec = next(iter(self._connector.operations.values()))
            return Journey(claimed, spec, "create", ending=Finished(State.PARKED, str(error)))
        if journey.ending is None:
            prepare(journey, drafts[claimed.command.id])
        return journey

    def _begin(self, journeys: Sequence[Journey]) -> None:
        """Write down what look-ups said, and the ends of what goes no further."""
        if not any(journey.claimed.in_doubt or journey.ending is not None for journey in journeys):
            return
        with self.hub.store.begin() as tx:
            write_down_doubts(tx, journeys, self.owner, self.hub.now(), self.known)
            ended = self._end(tx, journeys)
        self._tell(journeys, ended)

    def _walk(self, journeys: list[Journey], at_once: list[_Pair]) -> None:
        """Carry out step after step; blind steps go one by one, so that a crash leaves at most one in doubt."""
        under_way, sent = self._without_done(journeys), list[_Pair]()
        while under_way:
            sent, at_once = at_once or self._turn_over(sent, under_way), []
            outcomes = self._connector.write([journey.request(step) for journey, step in sent]) if sent else []
            for (journey, step), outcome in zip(sent, outcomes, strict=True):
                heed(journey, step, outcome)
                if journey.ending is None and journey.next_step is None:
                    journey.ending = Finished(State.APPLIED if journey.changed else State.UNCHANGED)
            under_way = [journey for journey in under_way if journey.ending is None]
        self._turn_over(sent, [])

    def _without_done(self, journeys: Sequence[Journey]) -> list[Journey]:
        """End those whose last step a look-up found done: there is nothing left to send."""
        done = [journey for journey in journeys if journey.next_step is None]
        for journey in done:
            journey.ending = Finished(State.APPLIED)
        if done:
            with self.hub.store.begin() as tx:
                ended = self._end(tx, done)
            self._tell(done, ended)
        return [journey for journey in journeys if journey.ending is None]

    def _turn_over(self, sent: list[_Pair], under_way: Sequence[Journey]) -> list[_Pair]:
        """Write down what came of what was sent, and in the same transaction what goes out next; returns the latter."""
        batch = _going_out(under_way)
        if not sent and not batch:
            return []
        receipts, voids = _learnt(sent)
        intents = [(journey.claimed.command.id, step.name) for journey, step in batch]
        over = [journey for journey, _ in sent]
        with self.hub.store.begin() as tx:
            ours = deliveries.exchange(
                tx, self.owner, self.hub.now(), receipts=receipts, voids=voids, intents=intents,
                endings=endings(over), lease_seconds=LEASE_SECONDS, known=self.known,
            )  # fmt: skip
            ended = self._write_down(tx, over, ours)
        for journey, _ in batch:
            if journey.claimed.command.id not in ours:
                journey.ending = Deferred(State.PENDING, 0.0, "the lease was lost")
        if sent:
            self._tell([journey for journey, _ in sent], ended)
        return [(journey, step) for journey, step in batch if journey.claimed.command.id in ours]

    def _end(self, tx: Transaction, journeys: Sequence[Journey]) -> _Ended:
        now = self.hub.now()
        ours = deliveries.exchange(
            tx, self.owner, now, endings=endings(journeys), lease_seconds=LEASE_SECONDS, known=self.known
        )
        return self._write_down(tx, journeys, ours)

    def _write_down(self, tx: Transaction, journeys: Sequence[Journey], ours: Collection[str]) -> _Ended:
        return write_down_endings(tx, journeys, ours, self.owner, self.hub.now())

    def _tell(self, journeys: Sequence[Journey], ended: _Ended) -> None:
        """Wake whoever waited for what is now committed."""
        finished, made = ended
        endings = [(one.claimed.command.system, one.ending.state.value) for one in finished if one.ending is not None]
        withdrawn = [one.claimed.command for one in finished if one.claimed.command.cancelled]
        self.workers.ended(endings, map(_place, made), map(_place, withdrawn))
        self.workers.awaits(
            {
                (one.claimed.command.system, one.claimed.command.id): one.ending.missing
                for one in journeys
                if isinstance(one.ending, Deferred) and one.ending.missing is not None
            }
        )


def _place(one: documents.Document | Command) -> str:
    return f"{one.system}/{one.entity}/{one.business_key}"


def _learnt(sent: Iterable[_Pair]) -> tuple[list[tuple[str, StepReceipt]], list[tuple[str, str]]]:
    """Receipts of what was done, and the steps that surely were not carried out; what is in doubt is neither."""
    receipts, voids = [], []
    for journey, step in sent:
        command_id, receipt = journey.claimed.command.id, journey.receipts.get(step.name)
        if receipt is not None:
            receipts.append((command_id, receipt))
        elif _surely_without_effect(journey):
            voids.append((command_id, step.name))
    return receipts, voids


def _surely_without_effect(journey: Journey) -> bool:
    """Refused, or never carried out; what is in doubt or parked in doubt keeps its intent."""
    ending = journey.ending
    if isinstance(ending, Deferred):
        return ending.state is not State.IN_DOUBT
    return isinstance(ending, Finished) and ending.state is State.REJECTED


def _going_out(journeys: Iterable[Journey]) -> list[_Pair]:
    """Journeys with the steps that go out next, each step of an operation with all that stand before it.

    A blind step goes alone, for one journey. Of steps that are looked up no more than go out at the same moment, since
    nobody else may look while one has yet to be sent.
    """
    groups: dict[tuple[str, Variant, str, bool], list[_Pair]] = {}
    for journey in journeys:
        if (step := journey.next_step) is not None:
            place = journey.spec.name, journey.variant, step.name, journey.alone
            groups.setdefault(place, []).append((journey, step))
    if not groups:
        return []
    lead, first = next(iter(groups.values()))[0]
    kind = first.delivery_class
    like = [pairs for pairs in groups.values() if (pairs[0][1].delivery_class, pairs[0][0].alone) == (kind, lead.alone)]
    if kind is DeliveryClass.KEYED:
        return [pair for pairs in like for pair in pairs]
    if kind is DeliveryClass.BLIND or lead.alone:
        return [(lead, first)]
    return [pair for pairs in like[: lead.spec.calls_at_once] for pair in pairs[: pairs[0][0].spec.batch_size]]


def _standing(tx: Transaction, claimed: Sequence[ClaimedCommand]) -> dict[str, documents.Document]:
    """Command id → the document its business key has in the target."""
    wanted: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in claimed:
        wanted[one.command.system, one.command.entity].append(one.command.business_key)
    found = {
        (system, entity, key): document
        for (system, entity), keys in wanted.items()
        for key, document in documents.by_business_key(tx, system, entity, keys).items()
    }
    places = {one.command.id: (one.command.system, one.command.entity, one.command.business_key) for one in claimed}
    return {command_id: found[place] for command_id, place in places.items() if place in found}


def new_owner() -> str:
    """An owner token nobody else has."""
    return f"{process_token()}:{secrets.token_hex(4)}"


def deliver(hub: Hub, run: Run, systems: Iterable[str] | None = None) -> Delivered:
    """Deliver what is due, on several threads a system, until nothing more can be done in this pass."""
    end_dead_leases(hub)
    live = live_systems(hub, systems)
    reached = [system for system in live if _opens(hub, system)]
    lookups, workers, mark = Lookups(hub), Workers(hub), sent_mark(hub)
    with hub.store.begin() as tx:
        due_commands.wake(tx, hub.now(), systems=reached)  # what they wait for may have been pulled meanwhile
    workers.run(reached, lambda system: Round(hub, system, lookups, workers, new_owner(), mark).run())
    with hub.store.begin() as tx:
        counted = outbox.counts(tx)
        left = sum(counted.get((system, state), 0) for system in live for state in _OPEN)
        outcomes = {system: dict(ended) for system, ended in sorted(workers.outcomes.items()) if ended}
        runs.record_stage(tx, run.run_id, "deliver", {"outcomes": outcomes, "open": left}, hub.now())
    return Delivered(outcomes, left)


def live_systems(hub: Hub, wanted: Iterable[str] | None = None) -> list[str]:
    """The wanted systems whose connection is live."""
    states = hub.connection_states()
    chosen = set(states) if wanted is None else set(wanted)
    return sorted(name for name, state in states.items() if name in chosen and state is ConnectionState.LIVE)


def _opens(hub: Hub, system: str) -> bool:
    """Whether the door to a system can be opened; commands of one that cannot stay open, and `land` said why."""
    try:
        hub.connector(system)
    except ConfigurationError:
        return False
    return True


def end_dead_leases(hub: Hub) -> int:
    """End the leases of processes of this host that are gone, so that a restart need not wait them out."""
    with hub.store.begin() as tx:
        now = hub.now()
        dead = [owner for owner in deliveries.lease_owners(tx, now) if process_is_dead(owner)]
        return deliveries.end_leases(tx, dead, now) if dead else 0
