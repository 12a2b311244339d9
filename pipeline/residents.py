"""Delivery workers that stay: stirred when something is decided, and looking by themselves once a second.

Who was told of something looks once: whoever takes all that is due says so, and the others go on waiting.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache

from canonical.errors import MillstreamError
from pipeline.deliver import Round, end_dead_leases, new_owner
from pipeline.delivery_workers import LONGEST_NAP_SECONDS, SHORTEST_NAP_SECONDS, Lane, Workers
from pipeline.hub import Configuration, Hub
from pipeline.outbound import Lookups
from pipeline.restored import notice_restore, sent_mark
from rules.rulebook import CommandThen
from store import due_commands
from store.due_commands import Part

LOG = logging.getLogger(__name__)
RESIDENTS = 2
"""Threads for each lane: those documents of a system that others wait for are one, all else is another."""
HELP_SECONDS = 0.05
"""After so long another thread looks whether the first has left it anything: two would share what is one batch."""
GATHER_SECONDS = 0.25
"""So long what makes documents nobody waits for gathers, and lets all others go first."""
LEFT_SECONDS = 0.1
"""What waits for a document is looked at again after so long: nobody says so where the rules do not say it waits."""
FRESH_SECONDS = 20.0
"""How long the bindings a worker has looked up are believed; what it does not find it asks for at once."""


class Residents(Workers):
    """The workers of a process that delivers as long as it lives."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._followers = followers(hub.configuration, withdrawing=False)
        self._withdrawing = followers(hub.configuration, withdrawing=True)
        self._lanes = cache(self._lanes_of)
        self._calls: defaultdict[Lane, threading.Condition] = defaultdict(threading.Condition)
        """Lane → where its threads wait to be told: what is said to one lane wakes no thread of another."""
        self._said: Counter[Lane] = Counter()
        """Lane → how often something was said to it."""
        self._looking_at: Counter[Lane] = Counter()
        """Lane → what had been said when the last look began."""
        self._looked: defaultdict[Lane, tuple[int | None, float]] = defaultdict(lambda: (None, 0.0))
        """Lane → when somebody left nothing that is due, by what had been said, and until when nothing will be."""
        self._left: dict[Lane, dict[str, float]] = {}
        """Lane → the commands that wait for a document and were left to wait, and since when."""
        self._lookups, self._since = Lookups(hub), time.monotonic()
        self._mark = sent_mark(hub)

    def start(self, systems: Sequence[str]) -> None:
        """Put the threads to work, once it is seen whether the store was restored: what they claim would hide it."""
        notice_restore(self.hub)
        end_dead_leases(self.hub)
        lanes = [lane for system in systems for lane in self._lanes(system)]
        self._calls.update({lane: threading.Condition() for lane in lanes})
        for lane, place in ((lane, place) for place in range(RESIDENTS) for lane in lanes):
            thread = threading.Thread(target=self._serve, args=(lane, place), name=f"deliver-{lane[0]}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _lanes_of(self, name: str) -> list[Lane]:
        """Those of a system, or the one that commands for `system/entity` are in.

        What others wait for goes by itself, so that it has not to wait for what takes more calls.
        """
        system, _, entity = name.partition("/")
        kinds = (kind.split("/") for kind in (*self._followers, *self._withdrawing))
        awaited = frozenset(kind for maker, kind in kinds if maker == system)
        rest = (system, Part(awaited))
        lanes = [(system, Part(awaited, others=False)), rest] if awaited else [rest]
        return [lane for lane in lanes if not entity or (entity in lane[1].entities) is not lane[1].others]

    def stir(self, names: Collection[str]) -> None:
        """Something that waits for no other document was decided for these systems, or `system/entity`."""
        for lane in dict.fromkeys(lane for name in names for lane in self._lanes(name)):
            with self._calls[lane]:
                self._said[lane] += 1
                self._calls[lane].notify_all()

    def ended(
        self, endings: Iterable[tuple[str, str]], recorded: Iterable[str] = (), withdrawn: Iterable[str] = ()
    ) -> None:
        """As `Workers.ended`; whoever delivers commands that may wait for such documents is stirred."""
        names = list(recorded)
        super().ended(endings, names)
        following = _of_kinds(names, self._followers) | _of_kinds(withdrawn, self._withdrawing)
        if following:
            self.stir(following)

    def _wake(self, commands: set[tuple[str, str]]) -> None:
        super()._wake(commands)
        if commands:
            self.stir({system for system, _ in commands})

    @contextmanager
    def claiming(self, system: str, part: Part) -> Iterator[None]:
        """As `Workers.claiming`."""
        with super().claiming(system, part):
            self._looking_at[system, part] = self._said[system, part]
            yield

    def leaves(self, system: str, part: Part, waiting: Collection[str]) -> Collection[str]:
        """Those that have waited for a moment only: most often the document is on its way, and they are told of it."""
        now, known = time.monotonic(), self._left.get((system, part), {})
        since = {one: known.get(one, now) for one in waiting}
        self._left[system, part] = {one: at for one, at in since.items() if now - at < LONGEST_NAP_SECONDS}
        return self._left[system, part].keys()

    def took_all(self, system: str, part: Part) -> None:
        """Nobody else need look until more is said; who took it says when something will be due."""
        self._looked[system, part] = self._looking_at[system, part], time.monotonic() + LONGEST_NAP_SECONDS

    def stop(self) -> None:
        """Let every worker end its batch."""
        self._stopping.set()
        for call in list(self._calls.values()):
            with call:
                call.notify_all()
        for thread in self._threads:
            thread.join()

    def _serve(self, lane: Lane, place: int) -> None:
        system, _ = lane
        while not self._stopping.is_set():
            said = self._said[lane]
            try:
                if not self._quiet(lane, said):
                    said = self._carried(lane)
                self._nap(lane, said)
                self._stopping.wait(place * HELP_SECONDS)
            except MillstreamError as error:
                LOG.warning("delivery to %s: %s", system, error)
                self._stopping.wait(LONGEST_NAP_SECONDS)
            except Exception:
                LOG.exception("delivery to %s", system)
                self._stopping.wait(LONGEST_NAP_SECONDS)

    def _carried(self, lane: Lane) -> int:
        """Deliver what is due, and see when something will be; what had been said by then."""
        claimed = self._carry(lane)
        if self._left.get(lane):  # what they wait for may have been made since the look began
            self._looked[lane] = self._looking_at[lane], time.monotonic() + LEFT_SECONDS
            return self._looking_at[lane]
        said = self._said[lane]
        pause = self._pause(lane)
        self._looked[lane] = said, time.monotonic() + (pause if claimed else max(pause, SHORTEST_NAP_SECONDS))
        return said

    def _carry(self, lane: Lane) -> int:
        system, part = lane
        if time.monotonic() - self._since > FRESH_SECONDS:
            self._lookups, self._since = Lookups(self.hub), time.monotonic()
        return Round(self.hub, system, self._lookups, self, new_owner(), self._mark, part).run()

    def _quiet(self, lane: Lane, said: int) -> bool:
        """Whether some thread found nothing due before a moment yet to come, and nothing was said since."""
        looked_in, until = self._looked[lane]
        return looked_in == said and time.monotonic() < until

    def _pause(self, lane: Lane) -> float:
        """Seconds until something is due, if nothing is said."""
        with self.hub.store.read() as tx:
            now = self.hub.now()
            due_at = due_commands.due_next(tx, now, *lane)
        pause = LONGEST_NAP_SECONDS if due_at is None else (due_at - now).total_seconds()
        return min(max(pause, 0.0), LONGEST_NAP_SECONDS)

    def _nap(self, lane: Lane, said: int) -> None:
        """Until something is due or was said."""
        with self._calls[lane]:
            stirred = self._calls[lane].wait_for(
                lambda: self._said[lane] != said or self._stopping.is_set(),
                max(self._looked[lane][1] - time.monotonic(), 0.0),
            )
        if stirred and lane[1].others:
            self._stopping.wait(GATHER_SECONDS)


def followers(configuration: Configuration, *, withdrawing: bool) -> dict[str, set[str]]:
    """Documents `system/entity` → the commands, `system/entity`, that may wait for one of them, by the rules.

    `withdrawing`: those that withdraw a document, once another is withdrawn; or all others.
    """
    actions = (action.spec for rule in configuration.rules.rules for action in (*rule.then, *rule.escalate))
    commands = (one for one in actions if isinstance(one, CommandThen) and one.cancel is withdrawing)
    waits = ((text, action) for action in commands for text in action.after)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for text, action in waits:
        made_by, entity, _ = text.split("/", 2)
        maker, follower = map(configuration.deployment.system_of, (made_by, action.to))
        if maker and follower:
            found[f"{maker}/{entity}"].add(f"{follower}/{action.entity}")
    return dict(found)


def _of_kinds(names: Iterable[str], following: Mapping[str, set[str]]) -> set[str]:
    """Who follows documents `system/entity/key`."""
    kinds = {"/".join(name.split("/", 2)[:2]) for name in names}
    return {name for kind in kinds for name in following.get(kind, ())}
