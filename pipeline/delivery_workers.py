"""The workers of one delivery: they look when something is due or somebody stirred them, and know when to go home.

A command that waits for another's document is woken when that document is written down. Once all that is left
waits so, and nobody is at work who could make a document, the delivery is over.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

from pipeline.hub import Hub
from store import due_commands
from store.due_commands import Outlook, Part

WORKERS = 4
"""Threads for each system."""
PATIENCE_SECONDS = 20.0
"""How long a pass waits for a system in which nothing ends any more; the rest is left to the next pass."""
LONGEST_NAP_SECONDS = 1.0
"""Other processes and people change the outbox too, and nobody tells us."""
SHORTEST_NAP_SECONDS = 0.01
Lane = tuple[str, Part]
"""What some workers look for: a system, and which of its commands."""
Round = Callable[[str], int]
"""Carries one batch of one system as far as it goes; how many commands it took on."""


class Workers:
    """Who is at work on which system, and who waits for what. Safe to use from several threads."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._changed = threading.Condition()
        self._turn: Counter[str] = Counter()
        self._looking: defaultdict[Lane, threading.Lock] = defaultdict(threading.Lock)
        self._at_work = 0
        self._over = False
        self._recorded: set[str] = set()
        self._waiting: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)

    # What rounds tell

    def ended(
        self,
        endings: Iterable[tuple[str, str]],
        recorded: Iterable[str] = (),
        withdrawn: Iterable[str] = (),  # noqa: ARG002 - who follows them is known to those that stay
    ) -> None:
        """Commands came to their end, (system, state) each; documents recorded or withdrawn are `system/entity/key`."""
        with self._changed:
            for system, state in endings:
                self.outcomes[system][state] += 1
                self._turn[system] += 1
            names = set(recorded)
            self._recorded |= names
            freed = {one for name in names for one in self._waiting.pop(name, ())}
        self._wake(freed)

    def awaits(self, missing: Mapping[tuple[str, str], str]) -> None:
        """Commands (system, id) were put back until a document is there; call it after that was committed."""
        with self._changed:
            freed = {command for command, name in missing.items() if name in self._recorded}
            for command, name in missing.items():
                if name not in self._recorded:
                    self._waiting[name].add(command)
        self._wake(freed)

    @contextmanager
    def claiming(self, system: str, part: Part) -> Iterator[None]:
        """One worker at a time looks what is due to a system: two would make the same payloads, for one of them."""
        with self._changed:
            looking = self._looking[system, part]
        with looking:
            yield

    def leaves(self, system: str, part: Part, waiting: Collection[str]) -> Collection[str]:  # noqa: ARG002 - see Residents
        """Which of the commands that wait for a document are not to be claimed yet, only to be put back."""
        return ()

    def took_all(self, system: str, part: Part) -> None:
        """A worker claimed all that was due when it looked."""

    def _wake(self, commands: set[tuple[str, str]]) -> None:
        if commands:
            with self.hub.store.begin() as tx:
                due_commands.wake(tx, self.hub.now(), ids=[command_id for _, command_id in sorted(commands)])
        with self._changed:
            self._turn.update({system for system, _ in commands})
            self._changed.notify_all()

    # Working

    def run(self, systems: Sequence[str], carry: Round) -> None:
        """Work on all the systems until nothing more can be done in this pass."""
        crew = list(systems) * WORKERS
        self._at_work = len(crew)
        with ThreadPoolExecutor(max_workers=max(1, len(crew)), thread_name_prefix="deliver") as pool:
            for _ in pool.map(lambda system: self._work(system, carry), crew):
                pass

    def _work(self, system: str, carry: Round) -> None:
        try:
            self._drain(system, carry)
        finally:
            with self._changed:
                self._go_home()

    def _drain(self, system: str, carry: Round) -> None:
        """One worker: batch after batch, as long as something of the system still comes to its end."""
        ended, since = self._ended(system), time.monotonic()
        while time.monotonic() - since <= PATIENCE_SECONDS:
            turn = self._turn[system]
            if carry(system):
                going_on = True
            else:
                outlook, now = self._outlook(system)
                going_on = outlook.open > 0 and self._wait(system, turn, outlook, now)
                since = since if outlook.timed else time.monotonic()
            if not going_on:
                return
            if self._ended(system) != ended:
                ended, since = self._ended(system), time.monotonic()

    def _ended(self, system: str) -> int:
        with self._changed:
            return self.outcomes[system].total()

    def _outlook(self, system: str) -> tuple[Outlook, datetime]:
        with self.hub.store.read() as tx:
            now = self.hub.now()
            return due_commands.outlook(tx, now, system), now

    def _wait(self, system: str, turn: int, outlook: Outlook, now: datetime) -> bool:
        """Wait until it is worth looking again; False when it never will be in this pass."""
        nap = LONGEST_NAP_SECONDS if outlook.due_at is None else (outlook.due_at - now).total_seconds()
        nap = min(max(nap, SHORTEST_NAP_SECONDS), LONGEST_NAP_SECONDS)
        with self._changed:
            if self._turn[system] != turn:
                return True
            if not outlook.timed:
                return self._rest(nap)
            self._changed.wait(nap)
            return True

    def _rest(self, seconds: float) -> bool:
        """Wait for others to make what is missing; False when nobody is left who could."""
        self._go_home()
        if not self._over:
            self._changed.wait(seconds)
        self._at_work += 1
        return not self._over

    def _go_home(self) -> None:
        self._at_work -= 1
        if self._at_work == 0:
            self._over = True
            self._changed.notify_all()
