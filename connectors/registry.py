"""Connector folders by name: found, read, and opened with the environment's addresses and secrets."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, Path_, suggest
from connectors import auth, checking, spec
from connectors.circuit import Circuit
from connectors.declared import DeclaredConnector
from connectors.jsonrpc import JsonRpcConnector
from connectors.port import Connector
from connectors.rest import RestConnector
from connectors.soap import SoapConnector
from connectors.spec import EnvName, Limits, SystemSpec
from connectors.transport import Wire

FOLDER = Path(__file__).parent
Opener = Callable[[SystemSpec, Wire, Callable[[EnvName], str]], DeclaredConnector]


def discover(folder: Path = FOLDER) -> tuple[str, ...]:
    """Names of all connector folders, sorted."""
    return tuple(sorted(file.parent.name for file in folder.glob("*/system.yaml")))


def load_system(name: str, folder: Path = FOLDER) -> SystemSpec:
    """What a folder's `system.yaml` says; raise `ConfigurationError` listing every fault."""
    known = discover(folder)
    if name not in known:
        raise ConfigurationError(f"no connector {name!r}; known: {', '.join(known)}", hint=suggest(name, known))
    found = spec.load(folder / name)
    faults = list(checking.faults(found.system, found.document, found.folder))
    if found.system.system != name:
        message = f"the folder is {name!r}, but system is {found.system.system!r}"
        faults.append(found.document.fault(("system",), message))
    if faults:
        raise ConfigurationError(faults=tuple(faults))
    return found


def open_connector(
    name: str,
    environ: Mapping[str, str],
    *,
    redis_url: str | None = None,
    folder: Path = FOLDER,
    limits: Limits | None = None,
    heard: Callable[[Circuit], None] | None = None,
) -> Connector:
    """A door to one system; raise `ConfigurationError` naming every missing variable and where it is asked for.

    What `limits` sets takes the place of what the folder's `limits` say; the rest stays. `heard` is told how the
    connection's circuit stands whenever that changes.
    """
    found = _limited(load_system(name, folder), limits)
    missing = missing_variables(found, environ)
    if missing:
        raise ConfigurationError(faults=missing)
    ca_file = environ[found.system.ca_file.env] if found.system.ca_file else None
    wire = Wire(
        name, environ[found.system.base_url.env], found.system.limits, redis_url=redis_url, ca_file=ca_file, heard=heard
    )
    return _opener(found)(found, wire, lambda variable: environ[variable.env])


def _limited(found: SystemSpec, limits: Limits | None) -> SystemSpec:
    if limits is None:
        return found
    kept = found.system.limits.model_copy(update=limits.model_dump(exclude_unset=True))
    return found.model_copy(update={"system": found.system.model_copy(update={"limits": kept})})


def missing_variables(found: SystemSpec, environ: Mapping[str, str]) -> tuple[Fault, ...]:
    """One fault for each environment variable that is named but not set, or empty."""
    return tuple(
        found.document.fault(path, f"environment variable {variable} is not set")
        for path, variable in _variables(found.document)
        if not environ.get(variable)
    )


def _variables(document: Document) -> list[tuple[Path_, str]]:
    """Every `env:` of a document, with its place."""
    found: list[tuple[Path_, str]] = []

    def walk(value: object, path: Path_) -> None:
        if isinstance(value, dict):
            if set(value) == {"env"}:
                found.append(((*path, "env"), str(value["env"])))
            for key, part in value.items():
                walk(part, (*path, key))

    walk({key: document.values.get(key) for key in ("base_url", "ca_file", "auth")}, ())
    return found


def _opener(found: SystemSpec) -> Opener:
    """The protocol's connector, or that of the folder's `client.py` where YAML cannot say everything."""
    if (found.folder / "client.py").exists():
        if found.folder.parent != FOLDER:
            raise ConfigurationError(f"{found.folder / 'client.py'} is not read", hint=f"put the folder into {FOLDER}")
        return _own_client(found.folder.name)
    return {"rest": _rest, "jsonrpc": _jsonrpc, "soap": _soap}[found.system.protocol]


def _own_client(name: str) -> Opener:
    """What a folder's `client.py` opens the system with; a slip in it stops this system only."""
    try:
        opener: Opener = importlib.import_module(f"connectors.{name}.client").open_client
    except Exception as error:
        message = f"connectors/{name}/client.py cannot be used: {type(error).__name__}: {error}"
        raise ConfigurationError(message, hint="it must define open_client(spec, wire, value)") from error
    return opener


def _rest(found: SystemSpec, wire: Wire, value: Callable[[EnvName], str]) -> DeclaredConnector:
    return RestConnector(found, wire, auth.build(found.system.auth, value, wire))


def _jsonrpc(found: SystemSpec, wire: Wire, value: Callable[[EnvName], str]) -> DeclaredConnector:
    return JsonRpcConnector(found, wire, auth.build(found.system.auth, value, wire))


def _soap(found: SystemSpec, wire: Wire, value: Callable[[EnvName], str]) -> DeclaredConnector:
    return SoapConnector(found, wire, auth.build(found.system.auth, value, wire), value=value)
