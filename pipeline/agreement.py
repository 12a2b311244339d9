"""What the files of one system say must agree: a mapping speaks of a stream or an operation the system declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import parse, read_text, suggest
from connectors.spec import SystemSpec


def agree(mappings: Path, name: str, system: SystemSpec) -> None:
    """Raise `ConfigurationError` for mappings that would never see a record, or never be asked for a payload."""
    declared = system.system
    faults = [
        *_undeclared(mappings.glob("*.inbound.yaml"), "stream", declared.streams, name),
        *_undeclared(mappings.glob("*.outbound.yaml"), "operation", declared.operations, name),
    ]
    if faults:
        raise ConfigurationError(faults=tuple(faults))


def _undeclared(files: Iterable[Path], key: str, known: Iterable[str], name: str) -> Iterator[Fault]:
    names = tuple(known)
    for file in sorted(files):
        document = parse(read_text(file), str(file))
        asked = document.values[key]
        if asked not in names:
            hint = suggest(asked, names) or f"It declares {', '.join(names) or 'none'}"
            yield document.fault((key,), f"system {name} declares no {key} {asked!r}", hint)
