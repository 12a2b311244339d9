"""The circuit of one connection: a system that keeps failing is left alone for a while, then tried by one call.

All streams, look-ups and writes of a connection share it, so that a system that hangs costs a pass a few
time limits in all and not a few for each stream. Closed: calls go out. Open: they are refused at once.
Half-open: one call tries, the others are refused until it is known how it went. With Redis the processes share it.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import pybreaker

from canonical.errors import SystemUnavailable
from connectors.shared import Shared
from connectors.spec import Limits

CircuitState = Literal["closed", "open", "half_open"]
LONGEST_PAUSE_SECONDS: Final = 60.0
"""Each trial that fails doubles the pause before the next, up to this."""
_NAMES: Final[dict[str, CircuitState]] = {
    pybreaker.STATE_CLOSED: "closed",
    pybreaker.STATE_OPEN: "open",
    pybreaker.STATE_HALF_OPEN: "half_open",
}
_SAID_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Circuit:
    """How a circuit stands. `until`: when an open one is tried again; `said`: what went wrong last."""

    system: str
    state: CircuitState
    since: datetime
    until: datetime | None
    said: str


class Unreachable(SystemUnavailable):
    """Nobody answers at the address: trying again at once helps nobody."""


class CircuitOpen(Unreachable):
    """The system failed too often and is left alone for a while; nothing was sent."""


class _Failure(Exception):
    """What the breaker counts."""


class _Listener(pybreaker.CircuitBreakerListener):
    """Hears of every change of state, our own and those another process made."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,  # noqa: ARG002 - pybreaker's signature
        old_state: pybreaker.CircuitBreakerState | None,  # noqa: ARG002
        new_state: pybreaker.CircuitBreakerState,  # noqa: ARG002
    ) -> None:
        """Note it; it is told once our lock is free."""
        self._changed()


class Storage(pybreaker.CircuitBreakerStorage):
    """State and counts in memory, and in Redis where processes share them; what the others wrote last counts."""

    def __init__(self, system: str, shared: Shared | None) -> None:
        super().__init__(system)
        self._shared = shared
        self._own = {"state": pybreaker.STATE_CLOSED, "since": str(time.time())}

    def text(self, field: str) -> str:
        """One field; empty where nothing stands."""
        there = self._shared.fields() if self._shared is not None else {}
        return there.get(field, self._own.get(field, ""))

    def number(self, field: str) -> float:
        """One field as a number; zero where none stands."""
        try:
            return float(self.text(field))
        except ValueError:
            return 0.0

    def put(self, **fields: str) -> None:
        """Set fields, here and for the others."""
        self._own.update(fields)
        if self._shared is not None:
            self._shared.put(fields)

    def count(self, failures: int) -> None:
        """So many failures more."""
        self._own["failures"] = str(self.counter + failures)
        if self._shared is not None:
            self._shared.add("failures", failures)

    @property
    def state(self) -> str:
        """Closed, open or half-open, in pybreaker's words."""
        found = self.text("state")
        return found if found in _NAMES else pybreaker.STATE_CLOSED

    @state.setter
    def state(self, state: str) -> None:
        self.put(state=state, since=str(time.time()))

    def increment_counter(self) -> None:
        """One failure more."""
        self.count(1)

    def reset_counter(self) -> None:
        """A success: start to count again."""
        if self.counter:
            self.put(failures="0")

    @property
    def counter(self) -> int:
        """Failures in a row."""
        return int(self.number("failures"))

    @property
    def success_counter(self) -> int:
        """One success closes a half-open circuit."""
        return 1

    @property
    def opened_at(self) -> datetime | None:
        """When the state began; our own `until` says when it ends."""
        return datetime.fromtimestamp(self.number("since"), UTC)

    @opened_at.setter
    def opened_at(self, moment: datetime) -> None:
        self.put(since=str(moment.timestamp()))


class Breaker:
    """Counts how the calls of one connection end. Safe to use from several threads.

    It is told of outcomes after the fact: running a call inside pybreaker would hold its lock and make one
    call wait for another. `heard` is told of changes, outside of any lock.
    """

    def __init__(
        self,
        system: str,
        limits: Limits,
        *,
        shared: Shared | None = None,
        heard: Callable[[Circuit], None] | None = None,
    ) -> None:
        self._system, self._limits, self._heard = system, limits, heard
        self._silence_counts = math.ceil(limits.breaker_failures / limits.breaker_silences)
        self._lock = threading.RLock()
        self._trial_ends = 0.0
        self._changed, self._spoken_of = False, False
        self._storage = Storage(system, shared)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=limits.breaker_failures, state_storage=self._storage, name=system,
            listeners=[_Listener(self._note)], reset_timeout=limits.breaker_seconds,
        )  # fmt: skip

    @property
    def circuit(self) -> Circuit:
        """How it stands now."""
        with self._lock:
            state = _NAMES[self._breaker.state.name]
            until = datetime.fromtimestamp(self._storage.number("until"), UTC) if state == "open" else None
            since = datetime.fromtimestamp(self._storage.number("since"), UTC)
            return Circuit(self._system, state, since, until, "" if state == "closed" else self._storage.text("said"))

    def check(self) -> None:
        """Raise `CircuitOpen` while calls are refused."""
        self._ask(tries=False)

    def enter(self) -> None:
        """As `check`; where the pause is over, this call is the one that tries."""
        self._ask(tries=True)

    def _ask(self, *, tries: bool) -> None:
        with self._lock:
            refused = self._refusal(tries=tries)
        self._tell()
        if refused:
            raise refused

    def _refusal(self, *, tries: bool) -> CircuitOpen | None:
        state = self._breaker.state.name
        if state == pybreaker.STATE_CLOSED:
            return None
        if state == pybreaker.STATE_OPEN:
            left = self._storage.number("until") - time.time()
            if left > 0:
                return self._open(min(left, LONGEST_PAUSE_SECONDS))
            if tries:
                self._breaker.half_open()
        left = self._trial_ends - time.monotonic()
        if state == pybreaker.STATE_HALF_OPEN and left > 0:
            return self._open(left)
        if tries:
            self._trial_ends = time.monotonic() + self._limits.timeout_seconds + self._limits.connect_seconds
        return None

    def _open(self, left: float) -> CircuitOpen:
        last = self._storage.text("said")
        message = f"failed too often, left alone for {math.ceil(left)} s more" + (last and f"; last: {last}")
        hint = f"`millstream probe {self._system}` shows whether it answers again; nothing is lost meanwhile"
        return CircuitOpen(message, system=self._system, retry_after=left, hint=hint)

    def report(self, *, worked: bool, said: str = "", silent: bool = False) -> None:
        """Count one finished call. `said`: what went wrong; `silent`: no answer came within the time limit."""
        with self._lock:
            self._count(worked=worked, said=said, silent=silent)
            if worked and not self._spoken_of:
                self._changed = True  # whatever an earlier process left behind, it works now
        self._tell()

    def _count(self, *, worked: bool, said: str, silent: bool) -> None:
        was = self._breaker.state.name
        if not worked:
            self._storage.put(said=said[:_SAID_CHARACTERS])
        if was == pybreaker.STATE_OPEN:
            if worked:  # an answer that was under way all along
                self._closed()
            return
        if worked and was == pybreaker.STATE_CLOSED and not self._storage.counter:
            return
        if not worked and silent:
            self._storage.count(self._silence_counts - 1)
        with contextlib.suppress(_Failure, pybreaker.CircuitBreakerError):
            self._breaker.call(_outcome, worked=worked)
        now = self._breaker.state.name
        if now == pybreaker.STATE_OPEN:
            self._pause(again=was == pybreaker.STATE_HALF_OPEN)
        elif was == pybreaker.STATE_HALF_OPEN and worked:
            self._closed()

    def _pause(self, *, again: bool) -> None:
        """How long it is left alone; longer after each trial that failed."""
        trials = int(self._storage.number("trials")) + 1 if again else 0
        longest = max(LONGEST_PAUSE_SECONDS, self._limits.breaker_seconds)
        pause = min(self._limits.breaker_seconds * 2 ** min(trials, 16), longest)
        self._storage.put(trials=str(trials), until=str(time.time() + pause))

    def _closed(self) -> None:
        if self._breaker.state.name != pybreaker.STATE_CLOSED:
            self._breaker.close()
        self._storage.put(failures="0", trials="0")

    def _note(self) -> None:
        self._changed = True
        if self._storage.state == pybreaker.STATE_HALF_OPEN:  # another process may be trying already
            self._trial_ends = time.monotonic() + self._limits.timeout_seconds

    def _tell(self) -> None:
        if not self._changed:
            return
        with self._lock:
            self._changed, told = False, self.circuit
            self._spoken_of = True
        if self._heard is not None:
            self._heard(told)


def _outcome(*, worked: bool) -> None:
    if not worked:
        raise _Failure
