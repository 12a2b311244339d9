"""Delivery workers that stay: stirred when something is decided, and looking by themselves once a second.

Who was told of something looks once: whoever takes all that is due says so, and the others go on waiting.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from canonical.errors import MillstreamError
from pipeline.deliver import Round, end_dead_leases, new_owner
from pipeline.delivery_workers import LONGEST_NAP_SECONDS, SHORTEST_NAP_SECONDS, Workers
from pipeline.hub import Configuration, Hub
from pipeline.outbound import Lookups
from pipeline.restored import notice_restore, sent_mark
from rules.rulebook import CommandThen
from store import due_commands

LOG = logging.getLogger(__name__)
RESIDENTS = 2
"""Threads for each system."""
HELP_SECONDS = 0.05
"""After so long another thread looks whether the first has left it anything: two would share what is one batch."""
GATHER_SECONDS = 0.15
"""So long what was decided for a system whose documents nobody waits for gathers, and lets all others go first."""
FRESH_SECONDS = 20.0
"""How long the bindings a worker has looked up are believed; what it does not find it asks for at once."""


class Residents(Workers):
    """The workers of a process that delivers as long as it lives."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._followers = followers(hub.configuration)
        self._waited_for = {name.partition("/")[0] for name in self._followers}
        self._looking_at: Counter[str] = Counter()
        """System → what had been said when the last look began."""
        self._looked: defaultdict[str, tuple[int | None, float]] = defaultdict(lambda: (None, 0.0))
        """System → when somebody left nothing that is due, by what had been said, and until when nothing will be."""
        self._lookups, self._since = Lookups(hub), time.monotonic()
        self._mark = sent_mark(hub)

    def start(self, systems: Sequence[str]) -> None:
        """Put the threads to work, once it is seen whether the store was restored: what they claim would hide it."""
        notice_restore(self.hub)
        end_dead_leases(self.hub)
        for system, place in ((system, place) for place in range(RESIDENTS) for system in systems):
            thread = threading.Thread(target=self._serve, args=(system, place), name=f"deliver-{system}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stir(self, systems: Collection[str]) -> None:
        """Something that waits for no other document was decided for these systems."""
        with self._changed:
            self._turn.update(systems)
            self._changed.notify_all()

    def ended(self, endings: Iterable[tuple[str, str]], recorded: Iterable[str] = ()) -> None:
        """As `Workers.ended`; systems with commands that may wait for such documents are stirred."""
        names = list(recorded)
        super().ended(endings, names)
        kinds = {"/".join(name.split("/", 2)[:2]) for name in names}
        if following := {system for kind in kinds for system in self._followers.get(kind, ())}:
            self.stir(following)

    @contextmanager
    def claiming(self, system: str) -> Iterator[None]:
        """As `Workers.claiming`."""
        with super().claiming(system):
            self._looking_at[system] = self._turn[system]
            yield

    def took_all(self, system: str) -> None:
        """Nobody else need look until more is said; who took it says when something will be due."""
        self._looked[system] = self._looking_at[system], time.monotonic() + LONGEST_NAP_SECONDS

    def stop(self) -> None:
        """Let every worker end its batch."""
        self._stopping.set()
        self.stir(())
        for thread in self._threads:
            thread.join()

    def _serve(self, system: str, place: int) -> None:
        while not self._stopping.is_set():
            turn = self._turn[system]
            try:
                if not self._quiet(system, turn):
                    turn = self._carried(system)
                self._nap(system, turn)
                self._stopping.wait(place * HELP_SECONDS)
            except MillstreamError as error:
                LOG.warning("delivery to %s: %s", system, error)
                self._stopping.wait(LONGEST_NAP_SECONDS)
            except Exception:
                LOG.exception("delivery to %s", system)
                self._stopping.wait(LONGEST_NAP_SECONDS)

    def _carried(self, system: str) -> int:
        """Deliver what is due, and see when something will be; what had been said by then."""
        claimed = self._carry(system)
        turn = self._turn[system]
        pause = self._pause(system)
        self._looked[system] = turn, time.monotonic() + (pause if claimed else max(pause, SHORTEST_NAP_SECONDS))
        return turn

    def _carry(self, system: str) -> int:
        if time.monotonic() - self._since > FRESH_SECONDS:
            self._lookups, self._since = Lookups(self.hub), time.monotonic()
        return Round(self.hub, system, self._lookups, self, new_owner(), self._mark).run()

    def _quiet(self, system: str, turn: int) -> bool:
        """Whether some thread found nothing due before a moment yet to come, and nothing was said since."""
        looked_in, until = self._looked[system]
        return looked_in == turn and time.monotonic() < until

    def _pause(self, system: str) -> float:
        """Seconds until something is due, if nothing is said."""
        with self.hub.store.read() as tx:
            now = self.hub.now()
            due_at = due_commands.due_next(tx, now, system)
        pause = LONGEST_NAP_SECONDS if due_at is None else (due_at - now).total_seconds()
        return min(max(pause, 0.0), LONGEST_NAP_SECONDS)

    def _nap(self, system: str, turn: int) -> None:
        """Until something is due or was said."""
        with self._changed:  # what is said to others is no reason to ask the store
            said = self._changed.wait_for(
                lambda: self._turn[system] != turn or self._stopping.is_set(),
                max(self._looked[system][1] - time.monotonic(), 0.0),
            )
        if said and system not in self._waited_for:
            self._stopping.wait(GATHER_SECONDS)


def followers(configuration: Configuration) -> dict[str, set[str]]:
    """Documents `system/entity` → the systems whose commands may wait for one of them, by the rules."""
    actions = (action.spec for rule in configuration.rules.rules for action in (*rule.then, *rule.escalate))
    waits = ((text, action.to) for action in actions if isinstance(action, CommandThen) for text in action.after)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for text, role in waits:
        made_by, entity, _ = text.split("/", 2)
        maker, follower = map(configuration.deployment.system_of, (made_by, role))
        if maker and follower:
            found[f"{maker}/{entity}"].add(follower)
    return dict(found)
