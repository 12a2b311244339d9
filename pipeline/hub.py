"""The one wiring place: settings in, a hub out that every stage function takes.

Opening a hub reads configuration and migrates the store; systems are reached only when a stage asks
for their connector.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import mappings as mappings_room
from canonical.actors import Actor, Role
from canonical.calendars import WorkingCalendar
from canonical.errors import ConfigurationError
from connectors.circuit import Circuit
from connectors.notify.opening import open_channel
from connectors.notify.port import Channel
from connectors.port import Connector
from connectors.registry import load_system, open_connector
from connectors.spec import SystemSpec
from mappings.engine import InboundMapping, compile_inbound
from mappings.loading import SystemMappings
from mappings.loading import load_system as load_mappings
from mdm.policy import Policy, load_policies
from pipeline.agreement import agree
from pipeline.bindings import Bindings
from pipeline.calendars import rule_calendars
from pipeline.option_models import load_option_models
from pipeline.settings import Deployment, Settings
from planning.configuration import OptionModel
from quality.spec import Rulebook, load_rulebooks
from rules.loading import load_rulebooks as load_sync_rules
from rules.ruleset import RuleSet
from store import circuits, connections
from store.circuits import CircuitRow
from store.connections import ConnectionState
from store.frames import FrameStore
from store.landing import RawFiles
from store.unit_of_work import Store

LOG = logging.getLogger(__name__)
MAPPINGS = Path(mappings_room.__file__).parent
Loaded = TypeVar("Loaded")


def utc_now() -> datetime:
    """The clock of the edge; stages ask the hub, never the system."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Configuration:
    """Everything the YAML files say about one deployment, checked together."""

    deployment: Deployment
    systems: Mapping[str, SystemSpec]
    mappings: Mapping[str, SystemMappings]
    policies: Mapping[str, Policy]
    rulebooks: Mapping[str, Rulebook]
    rules: RuleSet
    calendars: Mapping[str, WorkingCalendar] = field(default_factory=dict)
    """The working calendars rules count by."""
    option_models: Mapping[str, OptionModel] = field(default_factory=dict)
    """Code of a configurable item → its option model."""

    @cached_property
    def inbound(self) -> Mapping[tuple[str, str], tuple[InboundMapping, ...]]:
        """(system, entity) → compiled inbound mappings."""
        compiled: dict[tuple[str, str], tuple[InboundMapping, ...]] = {}
        for system, loaded in self.mappings.items():
            zone = self.systems[system].system.timezone
            for spec in loaded.inbound:
                place = (system, spec.entity)
                compiled[place] = (*compiled.get(place, ()), compile_inbound(spec, zone))
        return compiled

    @cached_property
    def entities(self) -> tuple[str, ...]:
        """Entities some connected system tells about, in mastering order."""
        told = {entity for _, entity in self.inbound}
        return tuple(entity for entity in self.policies if entity in told)

    def sources_of(self, entity: str) -> tuple[str, ...]:
        """Systems that tell about an entity."""
        return tuple(system for system in self.deployment.systems if (system, entity) in self.inbound)

    def streams(self) -> tuple[tuple[str, str], ...]:
        """Every (system, stream) some mapping reads."""
        read = {(system, mapping.spec.stream) for (system, _), maps in self.inbound.items() for mapping in maps}
        return tuple(sorted(read))


class _Gathering:
    """Runs loaders one after the other and keeps their refusals, so that a person sees all faults at once."""

    def __init__(self) -> None:
        self.errors: list[ConfigurationError] = []

    def attempt(self, load: Callable[[], Loaded]) -> Loaded:
        try:
            return load()
        except ConfigurationError as error:
            self.errors.append(error)
            return cast("Loaded", None)  # never used: `done` raises

    def done(self) -> None:
        if self.errors:
            raise ConfigurationError.joined(self.errors)


def load_configuration(settings: Settings) -> Configuration:
    """Load every file of a deployment; all faults of all files are raised together."""
    deployment = settings.load_deployment()
    gathering = _Gathering()
    names = tuple(deployment.systems)
    systems = {name: gathering.attempt(partial(load_system, name)) for name in names}
    mapped = {name: gathering.attempt(partial(load_mappings, MAPPINGS / name)) for name in names}
    policies = gathering.attempt(load_policies)
    rulebooks = gathering.attempt(load_rulebooks)
    rules = gathering.attempt(lambda: RuleSet(load_sync_rules(deployment.rulebooks)))
    gathering.done()
    for name, system in systems.items():
        gathering.attempt(partial(agree, MAPPINGS / name, name, system))
    calendars = gathering.attempt(lambda: rule_calendars(deployment, rules))
    models = gathering.attempt(
        lambda: load_option_models(deployment.option_models, beside=settings.deployment_file.parent)
    )
    gathering.done()
    return Configuration(deployment, systems, mapped, policies, rulebooks, rules, calendars, models)


@dataclass(frozen=True, slots=True)
class Run:
    """One pass of the stream; `as_of` is the day it plans for."""

    run_id: str
    as_of: date
    actor: Actor
    turn: int = 0
    """Which of many decidings of one run this is; a pass decides once, the relay again and again."""

    @property
    def moment(self) -> datetime:
        """`as_of` as a moment, for the run's record."""
        return datetime(self.as_of.year, self.as_of.month, self.as_of.day, tzinfo=UTC)


@dataclass
class Hub:
    """What every stage function takes: configuration, state, and the doors to the systems."""

    settings: Settings
    configuration: Configuration
    store: Store
    raw: RawFiles
    frames: FrameStore
    environ: Mapping[str, str]
    now: Callable[[], datetime] = utc_now
    _connectors: dict[str, Connector] = field(default_factory=dict)
    _channels: dict[str, Channel] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    kept: dict[str, Any] = field(default_factory=dict)
    """What stages keep from one time to the next in this process; all of it can be made again."""

    @cached_property
    def bindings(self) -> Bindings:
        """The crosswalk in memory."""
        return Bindings(self.store)

    @property
    def deployment(self) -> Deployment:
        """What this plant chose."""
        return self.configuration.deployment

    def connector(self, system: str) -> Connector:
        """The open door to a system."""
        with self._lock:
            if system not in self._connectors:
                redis, chosen = self.settings.redis_url, self.deployment.systems.get(system)
                self._connectors[system] = open_connector(
                    system,
                    self.environ,
                    redis_url=redis,
                    limits=chosen.limits if chosen else None,
                    heard=self._note_circuit,
                )
            return self._connectors[system]

    def _note_circuit(self, circuit: Circuit) -> None:
        """Write down how a connection's circuit stands, for people to see; the work does not depend on it."""
        row = CircuitRow(circuit.system, circuit.state, circuit.since, circuit.until, circuit.said)
        try:
            with self.store.read() as tx:
                standing = circuits.listed(tx).get(row.system)
            if row.state != "closed" or (standing and standing.state != "closed"):
                with self.store.begin() as tx:
                    circuits.note(tx, row)
        except Exception as error:  # noqa: BLE001 - what ails the store is found by those who need it
            LOG.warning("circuit of %s: %s, but not written down: %s", row.system, row.state, type(error).__name__)

    def channel(self, name: str) -> Channel:
        """The open channel to people; raises `ConfigurationError` where a variable it needs is not set."""
        with self._lock:
            if name not in self._channels:
                spec = self.deployment.notifications.channels[name]
                self._channels[name] = open_channel(name, spec, self.environ)
            return self._channels[name]

    def as_of(self) -> date:
        """The planning day: the one that was set, or today in the plant's time zone."""
        return self.settings.as_of or self.now().astimezone(ZoneInfo(self.deployment.timezone)).date()

    def new_run(self, actor: Actor) -> Run:
        """A run named for its moment; names sort by time."""
        moment = self.now()
        return Run(f"{moment:%Y%m%dT%H%M%S}-{moment.microsecond:06d}", self.as_of(), actor)

    def connection_states(self) -> Mapping[str, ConnectionState]:
        """System → shadow, live or paused."""
        with self.store.read() as tx:
            known = connections.listed(tx)
        return {
            name: known[name].state if name in known else ConnectionState(connection.state)
            for name, connection in self.deployment.systems.items()
        }

    def close(self) -> None:
        """Give every connection back."""
        doors: list[Connector | Channel] = [*self._connectors.values(), *self._channels.values()]
        for door in doors:
            door.close()
        self._connectors.clear()
        self._channels.clear()
        self.store.close()


def run_actor(run_id: str) -> Actor:
    """The actor a run's own writes are signed with."""
    return Actor("run", run_id, Role.ENGINEER)


def open_hub(
    environ: Mapping[str, str] | None = None,
    *,
    settings: Settings | None = None,
    configuration: Configuration | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Hub:
    """Read the configuration, open and migrate the store; raises `ConfigurationError` with every fault."""
    environ = os.environ if environ is None else environ
    settings = settings or Settings.from_environment(environ)
    configuration = configuration or load_configuration(settings)
    store = Store.open(settings.database_url)
    hub = Hub(
        settings=settings,
        configuration=configuration,
        store=store,
        raw=RawFiles(settings.home / "raw"),
        frames=FrameStore(settings.home / "frames"),
        environ=environ,
        now=now,
    )
    _first_states(hub)
    return hub


def _first_states(hub: Hub) -> None:
    """A system connected for the first time starts in the state its deployment file names."""
    with hub.store.begin() as tx:
        known = connections.listed(tx)
        for name, connection in hub.deployment.systems.items():
            if name not in known:
                state = ConnectionState(connection.state)
                connections.set_state(tx, name, state, f"deployment:{hub.deployment.name}", hub.now())
