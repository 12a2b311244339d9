"""How a step reaches the hub: one hub a process, opened by the first step that needs it, one hub run a Dagster run."""

import os
import threading
from collections.abc import Callable, Mapping
from datetime import date

from canonical.actors import Actor
from pipeline.hub import Hub, Run, open_hub, run_actor
from pipeline.route import begin
from store import runs


def unwatched(_: str) -> None:
    """Nobody listens."""


class HubDoor:
    """The Dagster resource `hub`. Making one does nothing; `hub` opens the store, systems open when a step asks.

    `watch` is told the name of each step as it begins.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        hub: Hub | None = None,
        watch: Callable[[str], None] = unwatched,
    ) -> None:
        self._environ = environ
        self._hub = hub
        self._lock = threading.Lock()
        self.watch = watch

    @property
    def hub(self) -> Hub:
        """The process's hub; raises `ConfigurationError` where a deployment cannot be opened."""
        with self._lock:
            if self._hub is None:
                self._hub = open_hub(os.environ if self._environ is None else self._environ)
            return self._hub

    def enter(self, step: str, dagster_run_id: str) -> tuple[Hub, Run]:
        """The hub, and the run all steps of this Dagster run share, in whatever process they run."""
        self.watch(step)
        hub = self.hub
        return hub, hub_run(hub, dagster_run_id)

    def close(self) -> None:
        """Give every connection back."""
        with self._lock:
            if self._hub is not None:
                self._hub.close()
                self._hub = None


def hub_run(hub: Hub, dagster_run_id: str) -> Run:
    """The hub's run bears Dagster's run id, so a step that runs again replaces what it wrote.

    Its planning day is the one the first step saw, also past midnight.
    """
    actor: Actor = run_actor(dagster_run_id)
    begin(hub, Run(dagster_run_id, hub.as_of(), actor))
    with hub.store.read() as tx:
        begun = runs.run(tx, dagster_run_id)
    assert begun is not None, "a run that has begun is on record"
    return Run(dagster_run_id, date(begun.as_of.year, begun.as_of.month, begun.as_of.day), actor)
