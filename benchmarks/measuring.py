"""What one benchmark gives back, and how a time is taken: the best of a few rounds, garbage collected before each.

A virtual machine shares its processors with others: half of its speed may come and go. What its host took away while
something was measured, and what a fixed piece of work took before and after, stand beside the figures. A busy host
gives a processor that sleeps for a moment to others, and takes its time to give it back: `awake` keeps them from
sleeping.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROCESSORS = Path("/proc/stat")
_SPIN = "import os\nos.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile os.getppid() == {parent}: pass"
"""Only what nobody else wants of a processor, for as long as whoever measures is there."""


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
class Machine:
    """Ticks of all processors since the machine began, `used` by anybody on it and `taken` away by its host; its pace.

    The ticks are 0 where the system does not say.
    """

    used: int
    taken: int
    pace: float
    """Milliseconds of processor time for a fixed piece of plain Python: the best of seven."""

    @classmethod
    def now(cls) -> Machine:
        """How it stands; takes half a second."""
        used, taken = _ticks()
        return cls(used, taken, min(_paced() for _ in range(7)))


def _ticks() -> tuple[int, int]:
    if not PROCESSORS.exists():
        return 0, 0
    ticks = [int(count) for count in PROCESSORS.read_text(encoding="ascii").splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _waiting, interrupts, soft, stolen = ticks
    return user + nice + system + interrupts + soft, stolen


def _paced() -> float:
    start = time.process_time()
    rows = {str(n): [n, "a", "b"] for n in range(20_000)}
    for row in rows.values():
        json.loads(json.dumps({"parts": row}))
    sorted(rows, reverse=True)
    return (time.process_time() - start) * 1000


def conditions(before: Machine) -> list[Figure]:
    """What the machine was like since `before`: figures of other days compare only with these beside them."""
    after = Machine.now()
    taken, used = after.taken - before.taken, after.used - before.used
    share = 100 * taken / (taken + used) if taken + used else 0.0
    return [
        Figure("the machine: processor time asked for that its host gave to others (peer: none)", share, 0, "%"),
        Figure("the machine: a fixed piece of plain Python before (peer: after)", before.pace, after.pace, "ms of CPU"),
    ]


@contextmanager
def awake() -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """Keep every processor busy with work that gives way to any other at once (Linux)."""
    code = _SPIN.format(parent=os.getpid())
    spinning = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(os.cpu_count() or 1)]
    try:
        yield spinning
    finally:
        for process in spinning:
            process.kill()
            process.wait()
