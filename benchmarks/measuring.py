"""What one benchmark gives back, and how a time is taken: the best of a few rounds, garbage collected before each."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass


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
