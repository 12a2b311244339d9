"""What a deployment chooses: which systems play which roles, how planning behaves, where things are kept.

The deployment is one YAML file; places and secrets come from the environment (`MILLSTREAM_*`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

import connectors
import rules
from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, load_document, suggest
from connectors.registry import load_system
from connectors.spec import Limits as SystemLimits
from connectors.spec import SystemRole, ZoneName
from pipeline.access import Access
from pipeline.audiences import Notifications
from pipeline.planning_settings import Planning

__all__ = [
    "DEPLOYMENTS", "Connection", "ConnectionState", "Deployment", "Limits", "Planning", "Settings",
]  # fmt: skip

DEPLOYMENTS = Path(__file__).parent / "deployments"
_FOLDERS, _BOOKS = (Path(str(room.__file__)).parent for room in (connectors, rules))
ConnectionState = Literal["shadow", "live", "paused"]
Mastered = Literal["item", "partner"]
CODE_OPERATIONS: Mapping[Mastered, str] = {"item": "write_item_code", "partner": "write_partner_code"}
"""What a system must be able to do to take golden codes back."""


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Connection(_Closed):
    """One connected system: its connector folder is the key it stands under."""

    role: SystemRole
    state: ConnectionState = "shadow"
    """The state a connection starts in, shadow unless the deployment says otherwise: nobody is written to by accident.
    Later changes are commands of a person and are kept in the store."""
    limits: SystemLimits | None = None
    """What this plant's system bears, where it differs from the careful limits of the connector."""
    golden_codes: tuple[Mastered, ...] = ()
    """The master data whose golden codes are written back into the system's own records."""


class Limits(_Closed):
    """Brakes: a run that would do more waits for a person's approval."""

    commands_per_run: int = 20000
    cancelled_share: float = Field(default=0.5, ge=0, le=1)
    cancelled_at_least: int = 20
    """Below so many cancellations the share is not looked at."""


class Forecasting(_Closed):
    """Whether the plan counts on what customers will order."""

    months: int = Field(default=6, ge=1, le=24)
    """How far ahead, this month included."""
    planned: bool = True
    """False: the forecast is made and shown, and nothing is ordered for it."""


class Deployment(_Closed):
    """One plant's hub."""

    name: str
    timezone: ZoneName = "Asia/Shanghai"
    systems: dict[str, Connection]
    rulebooks: tuple[str, ...]
    sales_order_system: str
    planning: Planning = Planning()
    limits: Limits = Limits()
    notifications: Notifications = Notifications()
    access: Access = Access()
    calendars: dict[str, str] = Field(default_factory=dict)
    """Working calendar as rules name it → the one that holds here."""
    forecast: Forecasting | None = None
    """None: demand is what was ordered, and what systems forecast themselves."""
    option_models: tuple[str, ...] = ()
    """Configurable products: names of `planning/option_models`, or files beside the deployment's (`truck.yaml`)."""

    def system_of(self, role: str) -> str | None:
        """The system that plays a role, if one is connected."""
        return next((name for name, connection in self.systems.items() if connection.role == role), None)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the hub keeps what it knows, and which deployment it runs."""

    home: Path
    database_url: str
    redis_url: str | None
    deployment_file: Path
    as_of: date | None
    """The planning day; None means today in the plant's time zone."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read `MILLSTREAM_HOME`, `_DATABASE_URL`, `_REDIS_URL`, `_DEPLOYMENT` and `_AS_OF`."""
        home = Path(environ.get("MILLSTREAM_HOME", ".millstream")).absolute()
        named = environ.get("MILLSTREAM_DEPLOYMENT", "plant")
        file = Path(named) if named.endswith((".yaml", ".yml")) else DEPLOYMENTS / f"{named}.yaml"
        try:
            as_of = date.fromisoformat(environ["MILLSTREAM_AS_OF"]) if environ.get("MILLSTREAM_AS_OF") else None
        except ValueError as error:
            raise ConfigurationError(f"MILLSTREAM_AS_OF: {error}", hint="write the day as 2026-11-02") from None
        return cls(
            home=home,
            database_url=environ.get("MILLSTREAM_DATABASE_URL") or f"sqlite:///{home / 'hub.sqlite'}",
            redis_url=environ.get("MILLSTREAM_REDIS_URL") or None,
            deployment_file=file,
            as_of=as_of,
        )

    def load_deployment(self) -> Deployment:
        """The deployment file, checked; raise `ConfigurationError` with every fault and its place."""
        if not self.deployment_file.exists():
            raise _no_such_deployment(self.deployment_file)
        deployment, document = load_document(self.deployment_file, Deployment)
        if faults := tuple(_faults(deployment, document)):
            raise ConfigurationError(faults=faults)
        return deployment


def _no_such_deployment(file: Path) -> ConfigurationError:
    known = sorted(path.stem for path in DEPLOYMENTS.glob("*.yaml"))
    hint = suggest(file.stem, known) or "MILLSTREAM_DEPLOYMENT takes one of these, or the path of a .yaml file"
    return ConfigurationError(f"there is no deployment {file}; known: {', '.join(known)}", hint=hint)


def _faults(deployment: Deployment, document: Document) -> Iterator[Fault]:
    """Names that nothing stands behind."""
    folders = sorted(path.parent.name for path in _FOLDERS.glob("*/system.yaml"))
    books = sorted(path.stem for path in _BOOKS.glob("rulebooks/*.yaml") if "." not in path.stem)
    for name in deployment.systems:
        if name not in folders:
            hint = suggest(name, folders) or "a system is a folder with a system.yaml under connectors/"
            yield document.fault(("systems", name), f"no connector {name!r}; known: {', '.join(folders)}", hint)
    yield from _code_faults(deployment, document)
    yield from deployment.planning.faults(document)
    if deployment.forecast and deployment.forecast.planned and not deployment.planning.policies.forecast_backward_days:
        message = "orders would not use up the forecast: `planning.policies.forecast_backward_days` is 0"
        yield document.fault(("forecast",), message, "31 lets an order use up what was forecast for its month")
    seller = deployment.sales_order_system
    if seller not in deployment.systems:
        message = f"no system {seller!r} is connected; connected: {', '.join(deployment.systems)}"
        yield document.fault(("sales_order_system",), message, suggest(seller, deployment.systems))
    for place, name in enumerate(deployment.rulebooks):
        if name not in books:
            message = f"no rulebook {name!r}; known: {', '.join(books)}"
            yield document.fault(("rulebooks", place), message, suggest(name, books))


def _code_faults(deployment: Deployment, document: Document) -> Iterator[Fault]:
    """Connections that are to take golden codes back and cannot, or that no rule can name."""
    for name, connection in deployment.systems.items():
        place: tuple[str | int, ...] = ("systems", name, "golden_codes")
        if connection.golden_codes and deployment.system_of(connection.role) != name:
            yield document.fault(
                place, f"rules reach one system of a role, and {name} is not the first {connection.role}"
            )
        for number, entity in enumerate(connection.golden_codes):
            if CODE_OPERATIONS[entity] not in _operations_of(name):
                hint = f"declare it in connectors/{name}/system.yaml, with a mapping of that name"
                yield document.fault((*place, number), f"{name} has no operation {CODE_OPERATIONS[entity]!r}", hint)


def _operations_of(system: str) -> Collection[str]:
    try:
        return load_system(system).system.operations
    except ConfigurationError:
        return CODE_OPERATIONS.values()  # its own faults are told where it is loaded
