"""Who decides last must have seen what was decided before: batch passes and the relay share one count of decidings.

A pass takes note of the count before it reads its first record. Where somebody else has decided meanwhile, its
view is older than what stands, and deciding on it would take back what the other decided: it looks again first.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from canonical.errors import SystemUnavailable
from store import leases, ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.hub import Hub, Run
    from store.unit_of_work import Transaction

COUNT = "decided"
STREAM = "stream"
LEASE_SECONDS = 120.0
_VIEW, _TURN = "view", "view of a turn"


class Overtaken(SystemUnavailable):
    """Somebody else decided since this view was taken: look again, then decide."""


def take_view(hub: Hub, run: Run) -> None:
    """From here on the run reads; once a run, however many processes it has, and again with `look_again`."""
    if hub.kept.get(_VIEW) != run.run_id:
        hub.kept[_VIEW] = run.run_id
        with hub.store.begin() as tx:
            if _seen(tx, run) is None:
                _note(tx, run)


def look_again(hub: Hub, run: Run) -> None:
    """The run reads anew. A run of turns is one process, which keeps its view to itself."""
    if run.turn:
        hub.kept[_VIEW] = run.run_id
        with hub.store.read() as tx:
            hub.kept[_TURN] = (run, ticks.value(tx, COUNT) or 0)
        return
    with hub.store.begin() as tx:
        _note(tx, run)


def check_view(hub: Hub, tx: Transaction, run: Run) -> None:
    """Raise `Overtaken` where somebody has decided since the run began to read; belongs where the run decides."""
    seen = _seen_in_turn(hub, run) if run.turn else _seen(tx, run)
    if seen is not None and seen != ticks.hold(tx, COUNT):
        raise Overtaken("another run has decided meanwhile", hint="look again: what changed is seen in a moment")


def count_deciding(tx: Transaction, run: Run) -> None:
    """The run has decided: older views do not hold any more, its own does; a turn looks again before the next."""
    ticks.advance(tx, COUNT)
    if not run.turn and _seen(tx, run) is not None:
        _note(tx, run)


def _seen_in_turn(hub: Hub, run: Run) -> int | None:
    of, seen = hub.kept.get(_TURN, (None, None))
    return seen if of == run else None


def _note(tx: Transaction, run: Run) -> None:
    ticks.put(tx, f"{_VIEW}/{run.run_id}", ticks.hold(tx, COUNT))


def _seen(tx: Transaction, run: Run) -> int | None:
    return ticks.value(tx, f"{_VIEW}/{run.run_id}")


@contextmanager
def right_of_way(hub: Hub, run: Run) -> Iterator[None]:
    """The relay starts no turn meanwhile, so that a pass that was overtaken is not overtaken for ever."""
    with hub.store.begin() as tx:
        if not leases.acquire(tx, STREAM, run.run_id, hub.now(), LEASE_SECONDS):
            raise SystemUnavailable("another pass has the right of way", hint="wait for it to end")
    try:
        yield
    finally:
        with hub.store.begin() as tx:
            leases.release(tx, STREAM, run.run_id)


def must_give_way(hub: Hub, run_id: str) -> bool:
    """Whether a pass has the right of way now."""
    with hub.store.read() as tx:
        return leases.holder(tx, STREAM, hub.now()) not in {None, run_id}
