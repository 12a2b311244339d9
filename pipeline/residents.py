"""Delivery workers that stay: stirred when something is decided, and looking by themselves once a second."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from canonical.errors import MillstreamError
from pipeline.deliver import Round, end_dead_leases, new_owner
from pipeline.delivery_workers import LONGEST_NAP_SECONDS, SHORTEST_NAP_SECONDS, Workers
from pipeline.hub import Hub
from pipeline.outbound import Lookups
from pipeline.restored import notice_restore, sent_mark
from store import due_commands

LOG = logging.getLogger(__name__)
RESIDENTS = 2
"""Threads for each system."""
HELP_SECONDS = 0.05
"""After so long another thread looks whether the first has left it anything: two would share what is one batch."""
FRESH_SECONDS = 20.0
"""How long the bindings a worker has looked up are believed; what it does not find it asks for at once."""


class Residents(Workers):
    """The workers of a process that delivers as long as it lives."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._behind: set[str] = set()
        self._looked: defaultdict[str, tuple[int | None, float]] = defaultdict(lambda: (None, 0.0))
        """System → when somebody found nothing due, by what had been said, and until when nothing will be."""
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

    def stir(self, systems: Collection[str], behind: Collection[str] = ()) -> None:
        """Something was decided for these systems; those `behind` are stirred when another's document is there."""
        with self._changed:
            self._behind.update(behind)
            self._turn.update(systems)
            self._changed.notify_all()

    def ended(self, endings: Iterable[tuple[str, str]], recorded: Iterable[str] = ()) -> None:
        """As `Workers.ended`; who was to wait for such documents is stirred."""
        names = list(recorded)
        super().ended(endings, names)
        if names and self._behind:
            with self._changed:
                behind, self._behind = self._behind, set()
            self.stir(behind)

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
                    if self._carry(system):
                        continue
                    self._looked[system] = turn, time.monotonic() + self._pause(system)
                self._nap(system, turn)
                self._stopping.wait(place * HELP_SECONDS)
            except MillstreamError as error:
                LOG.warning("delivery to %s: %s", system, error)
                self._stopping.wait(LONGEST_NAP_SECONDS)
            except Exception:
                LOG.exception("delivery to %s", system)
                self._stopping.wait(LONGEST_NAP_SECONDS)

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
        return min(max(pause, SHORTEST_NAP_SECONDS), LONGEST_NAP_SECONDS)

    def _nap(self, system: str, turn: int) -> None:
        with self._changed:  # what is said to others is no reason to ask the store
            self._changed.wait_for(
                lambda: self._turn[system] != turn or self._stopping.is_set(),
                max(self._looked[system][1] - time.monotonic(), 0.0),
            )
