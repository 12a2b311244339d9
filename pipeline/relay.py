"""The relay: what a webhook tells goes through the stages at once, on what it touches, and is delivered at once.

A turn takes every unread event: land, conform, reconcile, judge, plan, decide, by the very stage functions a batch
pass calls. An event is read only when its turn has decided: whoever kills the relay finds it unread, and the next
relay begins by looking at everything that landed. Turns and passes never decide on a view that was overtaken.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from canonical.actors import Actor, Role
from canonical.base import references
from canonical.entities import ENTITIES
from canonical.errors import MillstreamError, TransientError
from pipeline.brought import Brought, Place, land_brought, pull
from pipeline.decide import Decided, consider, decide, settle
from pipeline.hub import Hub, Run
from pipeline.overtaking import Overtaken, look_again, must_give_way
from pipeline.plan import Near, keep_near, plan, plan_near
from pipeline.route import begin, see
from pipeline.scoping import scope_of, stays_near
from pipeline.timers import fire_due
from pipeline.touched import THROUGH_WORK_ORDER
from store import inbox, runs, ticks
from store.inbox import InboxEvent

LOG = logging.getLogger(__name__)
AT_ONCE = 200
"""Events in one turn."""
LATER_SECONDS = 5.0
"""When an event is looked at again whose system could not be asked for what it names."""
KEPT = "frames kept"
"""The counter of how often frames that stood in memory only were written."""
ATTEMPTS = 3
"""How often an event is tried alone before it is put aside as failed."""


@dataclass(frozen=True, slots=True)
class Turned:
    """What one turn came to: `seconds` by stage, `systems` that were given commands."""

    turn: int
    events: int
    streams: tuple[Place, ...]
    entities: tuple[str, ...]
    changes: Mapping[str, int]
    commands: Mapping[str, int]
    seconds: Mapping[str, float]
    at_once: tuple[str, ...] = ()
    """`system/entity` of the commands that wait for no other document."""

    @property
    def systems(self) -> tuple[str, ...]:
        """Who was given commands."""
        return tuple(sorted({name.partition(".")[0] for name in self.commands}))


@dataclass
class _Clock:
    """Seconds by stage of one turn."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = now - self._since
        self._since = now


class Relay:
    """Turn after turn, in one thread. `told` hears of every turn that read something."""

    def __init__(self, hub: Hub, told: Callable[[Turned], None] = lambda _: None) -> None:
        self.hub = hub
        self._told = told
        self._run = replace(hub.new_run(Actor("run", "relay", Role.ENGINEER)), turn=1)
        self._failures: Counter[tuple[str, str]] = Counter()
        self._later: dict[tuple[str, str], float] = {}
        self._landed: set[Place] = set()
        """What has new records that no turn has decided on."""
        self._undecided = False
        """Whether a turn planned and did not decide: then the next looks at everything."""
        self._unsettled = False
        """Whether turns have looked at neighbourhoods since everything was looked at."""
        self.waiting = False
        """Whether the last turn gave way to a batch pass."""

    def start(self) -> Turned:
        """Look at everything that landed, as whoever was killed may have left it undecided."""
        begin(self.hub, self._run)
        self.hub.frames.deferred = True
        self._undecided = True
        while True:
            try:
                return self._turn([], Brought(), everything=True)
            except Overtaken:
                continue

    def close(self) -> None:
        """Keep the frames, and end the run."""
        with self.hub.store.begin() as tx:
            runs.finish(tx, self._run.run_id, "done", self.hub.now())
        self.hub.frames.deferred = False
        self.hub.frames.flush()

    def settle(self) -> None:
        """When it is quiet: plan and decide on everything, as a pass does, and keep what stands in memory only.

        Facts that lie outside a neighbourhood (what an item is short of) are decided on here, or in the next pass.
        """
        if self._unsettled:
            self._undecided = True
            self._run = replace(self._run, as_of=self.hub.as_of(), turn=self._run.turn + 1)
            with self.hub.frames.glance():
                look_again(self.hub, self._run)
                decided = self._decided(self._run, _Clock())
            self._told(Turned(self._run.turn, 0, (), (), decided.changes, decided.commands, {}, decided.at_once))
            self._unsettled = False
        with self.hub.store.begin() as tx:  # what the frames tell of was committed provisionally: first it has to last
            ticks.advance(tx, KEPT)
        self.hub.frames.flush()

    def poll(self, system: str) -> bool:
        """Read the streams of a system that posts no webhooks; whether there was something new."""
        found = pull(self.hub, self._run, system)
        self._landed |= found
        return bool(found)

    def turn(self) -> Turned | None:
        """Read what came; None where nothing did, or where a batch pass has the right of way."""
        with self.hub.store.steadily():
            return self._turn_of_what_came()

    def _turn_of_what_came(self) -> Turned | None:
        self.waiting = must_give_way(self.hub, self._run.run_id)
        if self.waiting:
            return None
        events = self._unread()
        if not events and not self._landed:
            return None
        try:
            return self._attempt(events)
        except Overtaken:
            return self._attempt(events)
        except TransientError:
            raise
        except MillstreamError as error:
            self._failed(events, error)
            return None

    def _unread(self) -> list[InboxEvent]:
        """What may be read now, in order; those whose system could not be asked a moment ago are passed over."""
        now, due, after = time.monotonic(), list[InboxEvent](), 0
        with self.hub.store.read() as tx:
            while len(due) < AT_ONCE and (page := inbox.next_unread(tx, AT_ONCE, after)):
                due += [one for one in page if self._later.get((one.system, one.event_id), 0.0) <= now]
                after = page[-1].position
                if len(page) < AT_ONCE:
                    break
        return due[: 1 if self._failures else AT_ONCE]

    def _attempt(self, events: Sequence[InboxEvent]) -> Turned:
        self._run = replace(self._run, as_of=self.hub.as_of(), turn=self._run.turn + 1)
        clock = _Clock()
        with self.hub.frames.glance(), self.hub.bindings.glance():
            with self.hub.store.provisionally():  # until the turn has decided nobody is told, and events stay unread
                brought = land_brought(self.hub, self._run, events, self._landed)
            clock.lap("land")
            turned = self._turn(events, brought, clock=clock)
        self._landed = set()
        now = time.monotonic()
        self._later = {place: until for place, until in self._later.items() if until > now}
        self._later |= dict.fromkeys(brought.later, now + LATER_SECONDS)
        self._failures.clear()
        return turned

    def _turn(
        self, events: Sequence[InboxEvent], brought: Brought, *, everything: bool = False, clock: _Clock | None = None
    ) -> Turned:
        hub, run, clock = self.hub, self._run, clock or _Clock()
        entities = tuple(hub.configuration.entities) if everything else self._reached(brought)
        look_again(hub, run)
        with hub.store.provisionally():
            see(hub, run, entities, suite=False)
        clock.lap("see")
        near = self._near(run, clock) if entities and not everything else None
        decided: Decided | None = None
        if near is not None:
            decided = self._decided_near(run, near, clock, (events, brought))
        else:
            decided = self._decided(run, clock) if entities else None
            self._read(events, brought)
        turned = Turned(
            run.turn, len(events), tuple(sorted(brought.streams)), entities,
            decided.changes if decided else {}, decided.commands if decided else {}, clock.seconds,
            decided.at_once if decided else (),
        )  # fmt: skip
        self._told(turned)
        fire_due(hub, run)  # last, for those who deliver need not wait for it
        clock.lap("timers")
        return turned

    def _near(self, run: Run, clock: _Clock) -> Near | None:
        """The plan of what changed alone; None where everything has to be planned."""
        near = None if self._undecided else plan_near(self.hub, run)
        self._undecided = True
        clock.lap("plan_near")
        return near if near is not None and stays_near(near) else None

    def _decided_near(self, run: Run, near: Near, clock: _Clock, told: tuple[Sequence[InboxEvent], Brought]) -> Decided:
        """Plan, decisions and the events they come from in one transaction, which keeps others from writing: short."""
        made, scope = scope_of(self.hub, near)
        considered = consider(self.hub, run, made, scope=scope)
        clock.lap("consider")
        with self.hub.store.together():
            keep_near(self.hub, near)
            decided = settle(self.hub, run, considered)
            self._read(*told)
        self._undecided, self._unsettled = False, True
        clock.lap("decide_near")
        return decided

    def _decided(self, run: Run, clock: _Clock) -> Decided:
        self._undecided = True
        made, _ = plan(self.hub, run)
        clock.lap("plan")
        decided = decide(self.hub, run, made)
        self._undecided = False
        clock.lap("decide")
        return decided

    def _reached(self, brought: Brought) -> tuple[str, ...]:
        """Entities the new records are mapped to, and those that refer to them, in mastering order."""
        reached = {
            entity
            for (system, entity), mappings in self.hub.configuration.inbound.items()
            if any((system, mapping.spec.stream) in brought.streams for mapping in mappings)
        }
        for entity in self.hub.configuration.entities:
            named = {*references(ENTITIES[entity]).values(), *(("work_order",) if entity in THROUGH_WORK_ORDER else ())}
            if named & reached:
                reached.add(entity)
        return tuple(entity for entity in self.hub.configuration.entities if entity in reached)

    def _read(self, events: Sequence[InboxEvent], brought: Brought) -> None:
        """These events are done with; the ones whose system could not be asked stay unread."""
        if not events:
            return
        places = [(event.system, event.event_id) for event in events]
        with self.hub.store.begin() as tx:
            now = self.hub.now()
            inbox.mark_done(tx, [one for one in places if one not in brought.later | brought.unreadable.keys()], now)
            for place in places:
                if (why := brought.unreadable.get(place)) is not None:
                    inbox.mark(tx, *place, "failed", now, error=why)

    def _failed(self, events: Sequence[InboxEvent], error: MillstreamError) -> None:
        """Something in these events cannot be worked on: find out which by taking them one by one."""
        LOG.warning("a turn of %d events failed: %s", len(events), error)
        for event in events[:1]:
            place = (event.system, event.event_id)
            self._failures[place] += 1
            if self._failures[place] >= ATTEMPTS:
                with self.hub.store.begin() as tx:
                    inbox.mark(tx, *place, "failed", self.hub.now(), error=str(error))
                self._failures.clear()
