"""The relay at work: its thread of turns, the delivery workers it stirs, and the systems it polls."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from canonical.errors import MillstreamError
from pipeline.hub import Hub
from pipeline.inline_frames import inline_frames
from pipeline.relay import Relay, Turned
from pipeline.residents import Residents
from pipeline.wakes import Wakes

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
"""How often the inbox is looked at when nobody rings."""
GIVING_WAY_SECONDS = 0.1
AFTER_TROUBLE_SECONDS = 2.0
REST_SHARE, LONGEST_REST_SECONDS = 0.2, 0.02
"""Where one writes at a time, a turn keeps deliveries waiting: after it they come first, for a share of what it took.

Their steps wait for one another, so with turns end to end each step would wait for a turn; and what comes meanwhile
is taken together.
"""
QUIET_SECONDS = 15.0
"""After so long without an event everything is looked at once, and what stands in memory is written."""


class Deliverers(Protocol):
    """Who carries out what was decided: threads of this process, or another process."""

    def start(self, systems: Sequence[str]) -> None:
        """Begin."""

    def stir(self, names: Collection[str]) -> None:
        """Something that waits for no other document was decided for these systems, or `system/entity`."""

    def stop(self) -> None:
        """End what is under way, and begin nothing more."""


class Service:
    """Everything of the relay but its door. `told` hears of each turn, in the thread of turns."""

    def __init__(
        self,
        hub: Hub,
        *,
        polled: Sequence[str] = (),
        poll_seconds: float = 30.0,
        told: Callable[[Turned], None] = lambda _: None,
        deliverers: Deliverers | None = None,
    ) -> None:
        self.hub = hub
        self.wakes = Wakes(hub.settings.redis_url)
        self.deliverers = deliverers or Residents(hub)
        self.relay = Relay(hub, told=self._stir)
        self.ready = threading.Event()
        self._told, self._polled, self._poll_seconds = told, polled, poll_seconds
        self._stopping = threading.Event()
        self._busy = self._asked = time.monotonic()
        self._settled = True
        self._thread = threading.Thread(target=self._serve, name="relay", daemon=True)

    def start(self) -> None:
        """Begin; `ready` is set when everything that landed before has been looked at."""
        self._thread.start()

    def stop(self) -> None:
        """End the turn under way and the batches of the workers, and keep the frames."""
        self._stopping.set()
        self.wakes.stop()
        self._thread.join()
        self.deliverers.stop()

    def _stir(self, turned: Turned) -> None:
        self.deliverers.stir(turned.at_once)
        self._told(turned)

    def _serve(self) -> None:
        self.deliverers.start(tuple(self.hub.deployment.systems))
        while not self._stopping.is_set() and not self.ready.is_set():
            self._guarded(self._begin)
        while not self._stopping.is_set():
            self._guarded(self._step)
        self._guarded(self.relay.close)

    def _begin(self) -> None:
        self.relay.start()
        self.ready.set()

    def _step(self) -> None:
        self._poll()
        began = time.monotonic()
        if (turned := inline_frames(self.relay.turn)) is not None:
            self._busy, self._settled = time.monotonic(), False
            if turned.systems and self.hub.store.one_writer:
                self._stopping.wait(min((self._busy - began) * REST_SHARE, LONGEST_REST_SECONDS))
            return
        self._settle()
        self.wakes.wait(LOOK_SECONDS if not self.relay.waiting else GIVING_WAY_SECONDS)

    def _poll(self) -> None:
        if self._polled and time.monotonic() - self._asked > self._poll_seconds:
            self._asked = time.monotonic()
            for system in self._polled:
                self.relay.poll(system)

    def _settle(self) -> None:
        if not self._settled and not self.relay.waiting and time.monotonic() - self._busy > QUIET_SECONDS:
            self.relay.settle()
            self._settled = True

    def _guarded(self, work: Callable[[], None]) -> None:
        """Trouble passes or is mended: events stay unread until then."""
        try:
            work()
        except MillstreamError as error:
            LOG.warning("the relay waits: %s", error)
            self._stopping.wait(AFTER_TROUBLE_SECONDS)
        except Exception:
            LOG.exception("the relay waits")
            self._stopping.wait(AFTER_TROUBLE_SECONDS)
