"""What one benchmark gives back, and how a time is taken: the best of a few rounds, garbage collected before each.

A virtual machine shares its processors with others. What its host took away while something was measured stands beside
the figures, since every time that is not processor time grows with it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROCESSORS = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity, ours beside a peer's doing the same on the same input."""

    name: str
    ours: float
    peer: float
    unit: str

    @property
    def ratio(self) -> float:
        """Ours divided by the peer's."""
        return self.ours / self.peer if self.peer else 0.0


def best_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """The shortest of a few rounds, in seconds: the one least disturbed by everything else on the machine."""
    taken = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


@dataclass(frozen=True, slots=True)
class Processors:
    """Ticks of all processors since the machine began: `used` by anybody on it, and `taken` away by its host."""

    used: int
    taken: int

    @classmethod
    def now(cls) -> Processors | None:
        """None where the system does not say."""
        if not PROCESSORS.exists():
            return None
        ticks = [int(count) for count in PROCESSORS.read_text(encoding="ascii").splitlines()[0].split()[1:9]]
        user, nice, system, _idle, _waiting, interrupts, soft, stolen = ticks
        return cls(user + nice + system + interrupts + soft, stolen)


def taken_away(before: Processors | None) -> list[Figure]:
    """How much of the processor time that was asked for since `before` the host gave to others; its peer is none."""
    after = Processors.now()
    if before is None or after is None:
        return []
    taken, used = after.taken - before.taken, after.used - before.used
    share = 100 * taken / (taken + used) if taken + used else 0.0
    return [Figure("processor time asked for that the host of this machine gave to others (peer: none)", share, 0, "%")]
