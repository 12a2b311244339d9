"""Deliver: workers claim commands from the outbox and carry them out, step by step, until nothing is due.

Batches keep commits few: the intents of a batch commit before its requests go out, its receipts after
they came back. A worker that dies leaves its intents behind; whoever takes over looks before it sends.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from canonical.commands import DeliveryClass, State
from canonical.errors import ConfigurationError
from connectors.port import StepSpec
from pipeline.delivery import (
    Deferred,
    Finished,
    Journey,
    heed,
    heed_found,
    look_up_together,
    prepare,
    set_out,
    write_down_doubts,
    write_down_endings,
)
from pipeline.hub import Hub, Run
from pipeline.outbound import Lookups
from store import deliveries, documents, outbox, runs
from store.connections import ConnectionState
from store.deliveries import ClaimedCommand
from store.unit_of_work import Transaction

WORKERS = 4
BATCH = 50
"""Commands claimed at once; more where a call of the target carries more."""
LEASE_SECONDS = 180.0
"""Longer than one call may take with all its waiting; a lease runs anew before each step is sent."""
PATIENCE_SECONDS = 20.0
"""How long a pass waits for a system in which nothing ends any more; the rest is left to the next pass."""
TICK_SECONDS = 0.1
_LIFE = secrets.token_hex(4)


@dataclass(frozen=True, slots=True)
class Delivered:
    """Outcomes by system, and what is still open."""

    outcomes: dict[str, dict[str, int]]
    open: int


class Deliverer:
    """Delivers for one process; its owner token tells host and process, so that a dead one's leases are known."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.owner = f"{process_token()}:{secrets.token_hex(4)}"
        self.outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def live_systems(self, wanted: Iterable[str] | None = None) -> list[str]:
        """The wanted systems whose connection is live."""
        states = self.hub.connection_states()
        chosen = set(states) if wanted is None else set(wanted)
        return sorted(name for name, state in states.items() if name in chosen and state is ConnectionState.LIVE)

    def ended(self, system: str) -> int:
        """How many commands of a system have come to their end."""
        return self.outcomes[system].total()

    def round(self, system: str, lookups: Lookups) -> int:
        """Claim one batch of one system and take each command as far as it goes; how many were claimed."""
        with self.hub.store.begin() as tx:
            claimed = deliveries.claim(
                tx, self.owner, self.hub.now(), lease_seconds=LEASE_SECONDS, limit=self._size(system), systems=[system]
            )
            standing = _standing(tx, claimed)
        journeys = [self._set_out(system, one, standing.get(one.command.id)) for one in claimed]
        self._prepare(system, [journey for journey in journeys if journey.ending is None], lookups)
        self._begin(journeys)
        self._walk(system, [journey for journey in journeys if journey.ending is None])
        return len(claimed)

    def _size(self, system: str) -> int:
        operations = self.hub.connector(system).operations.values()
        return max((BATCH, *(operation.batch_size for operation in operations)))

    def _prepare(self, system: str, journeys: Sequence[Journey], lookups: Lookups) -> None:
        lookups.learn(named for journey in journeys for named in journey.claimed.command.after)
        for journey in journeys:
            prepare(journey, lookups)
        found = look_up_together(self.hub.connector(system), journeys)
        for journey in journeys:
            if journey.ending is None:
                heed_found(journey, found, self.hub.now())

    def _set_out(self, system: str, claimed: ClaimedCommand, standing: documents.Document | None) -> Journey:
        try:
            return set_out(self.hub.connector(system), claimed, standing)
        except ConfigurationError as error:
            spec = next(iter(self.hub.connector(system).operations.values()))
            return Journey(claimed, spec, "create", ending=Finished(State.PARKED, str(error)))

    def _begin(self, journeys: Sequence[Journey]) -> None:
        """Write down what look-ups said, and the ends of what goes no further."""
        with self.hub.store.begin() as tx:
            write_down_doubts(tx, journeys, self.owner, self.hub.now())
            self._end(tx, journeys)

    def _walk(self, system: str, journeys: list[Journey]) -> None:
        """Carry out step after step; blind steps go one by one, so that a crash leaves at most one in doubt."""
        under_way = self._without_done(journeys)
        while under_way:
            batch = _same_step(under_way)
            self._carry_out(system, batch)
            under_way = [journey for journey in under_way if journey.ending is None]

    def _without_done(self, journeys: Sequence[Journey]) -> list[Journey]:
        """End those whose last step a look-up found done: there is nothing left to send."""
        done = [journey for journey in journeys if journey.next_step is None]
        for journey in done:
            journey.ending = Finished(State.APPLIED)
        if done:
            with self.hub.store.begin() as tx:
                self._end(tx, done)
        return [journey for journey in journeys if journey.ending is None]

    def _carry_out(self, system: str, batch: list[tuple[Journey, StepSpec]]) -> None:
        intents = [(journey.claimed.command.id, step.name) for journey, step in batch]
        with self.hub.store.begin() as tx:
            ours = deliveries.record_intents(tx, intents, self.owner, self.hub.now(), lease_seconds=LEASE_SECONDS)
        held = [(journey, step) for journey, step in batch if journey.claimed.command.id in ours]
        for journey, _ in batch:
            if journey.claimed.command.id not in ours:
                journey.ending = Deferred(State.PENDING, 0.0, "the lease was lost")
        requests = [journey.request(step) for journey, step in held]
        outcomes = self.hub.connector(system).write(requests) if requests else []
        for (journey, step), outcome in zip(held, outcomes, strict=True):
            heed(journey, step, outcome)
        self._write_down(held)

    def _write_down(self, batch: list[tuple[Journey, StepSpec]]) -> None:
        now = self.hub.now()
        receipts, voids = [], []
        for journey, step in batch:
            command_id, receipt = journey.claimed.command.id, journey.receipts.get(step.name)
            if receipt is not None:
                receipts.append((command_id, receipt))
            elif _surely_without_effect(journey):
                voids.append((command_id, step.name))
            if journey.ending is None and journey.next_step is None:
                journey.ending = Finished(State.APPLIED if journey.changed else State.UNCHANGED)
        with self.hub.store.begin() as tx:
            deliveries.record_receipts(tx, receipts, self.owner, now)
            deliveries.void_intents(tx, voids, self.owner, now)
            self._end(tx, [journey for journey, _ in batch])

    def _end(self, tx: Transaction, journeys: Sequence[Journey]) -> None:
        for journey in write_down_endings(tx, journeys, self.owner, self.hub.now()):
            if journey.ending is not None:
                self.outcomes[journey.claimed.command.system][journey.ending.state.value] += 1


def _surely_without_effect(journey: Journey) -> bool:
    """Refused, or never carried out; what is in doubt or parked in doubt keeps its intent."""
    ending = journey.ending
    if isinstance(ending, Deferred):
        return ending.state is not State.IN_DOUBT
    return isinstance(ending, Finished) and ending.state is State.REJECTED


def _same_step(journeys: Sequence[Journey]) -> list[tuple[Journey, StepSpec]]:
    """The journeys that stand before the same step of the same operation as the first.

    Only one if it is blind; and of a step that is looked up no more than go out in one call, since nobody
    else may look while it has yet to be sent.
    """
    pairs = [(journey, step) for journey in journeys if (step := journey.next_step) is not None]
    lead, lead_step = pairs[0]
    same = [
        (journey, step)
        for journey, step in pairs
        if (journey.spec.name, journey.variant, step.name) == (lead.spec.name, lead.variant, lead_step.name)
        and journey.alone == lead.alone
    ]
    if lead_step.delivery_class is DeliveryClass.KEYED:
        return same
    together = lead_step.delivery_class is DeliveryClass.LOOKED_UP and not lead.alone
    return same[: lead.spec.batch_size if together else 1]


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


def process_token() -> str:
    """Host, process and this life of the process (process ids come round again), for owner tokens."""
    return f"{socket.gethostname()}:{os.getpid()}:{_LIFE}"


def deliver(hub: Hub, run: Run, systems: Iterable[str] | None = None) -> Delivered:
    """Deliver what is due, on several threads a system, until nothing more can be done in this pass."""
    end_dead_leases(hub)
    deliverer = Deliverer(hub)
    live = deliverer.live_systems(systems)
    reached = [system for system in live if _opens(hub, system)]
    lookups = Lookups(hub)
    with ThreadPoolExecutor(max_workers=max(1, WORKERS * len(live)), thread_name_prefix="deliver") as pool:
        for _ in pool.map(lambda system: _drain(deliverer, system, lookups), reached * WORKERS):
            pass
    with hub.store.begin() as tx:
        left = len(outbox.entries(tx, states=(State.PENDING, State.AWAITING, State.IN_DOUBT), systems=live))
        outcomes = {system: dict(counted) for system, counted in sorted(deliverer.outcomes.items())}
        runs.record_stage(tx, run.run_id, "deliver", {"outcomes": outcomes, "open": left}, hub.now())
    return Delivered(outcomes, left)


def _opens(hub: Hub, system: str) -> bool:
    """Whether the door to a system can be opened; commands of one that cannot stay open, and `land` said why."""
    try:
        hub.connector(system)
    except ConfigurationError:
        return False
    return True


def _drain(deliverer: Deliverer, system: str, lookups: Lookups) -> None:
    """One worker: batch after batch, as long as something of the system still comes to its end."""
    ended, since = deliverer.ended(system), time.monotonic()
    while True:
        claimed = deliverer.round(system, lookups)
        if deliverer.ended(system) != ended:
            ended, since = deliverer.ended(system), time.monotonic()
        if time.monotonic() - since > PATIENCE_SECONDS or not (claimed or _something_open(deliverer.hub, system)):
            return
        if not claimed:
            time.sleep(TICK_SECONDS)


def _something_open(hub: Hub, system: str) -> bool:
    with hub.store.read() as tx:
        states = (State.PENDING, State.AWAITING, State.IN_DOUBT)
        return bool(outbox.entries(tx, states=states, systems=[system], limit=1))


def end_dead_leases(hub: Hub) -> int:
    """End the leases of processes of this host that are gone, so that a restart need not wait them out."""
    with hub.store.begin() as tx:
        now = hub.now()
        dead = [owner for owner in deliveries.lease_owners(tx, now) if process_is_dead(owner)]
        return deliveries.end_leases(tx, dead, now) if dead else 0


def process_is_dead(owner: str) -> bool:
    """Whether the process of an owner token ran on this host and is gone."""
    host, pid, life, _ = owner.split(":")
    if host != socket.gethostname():
        return False
    if int(pid) == os.getpid():
        return life != _LIFE
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
