"""Reads mapping files and checks every name in them; faults are placed, gathered, and come with a suggestion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from canonical.base import Entity
from canonical.entities import ENTITIES, field_types, mandatory_fields
from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, load_document, suggest
from canonical.units import known_units
from mappings.casting import allowed_codes, unit_fields
from mappings.functions import COLUMN_FUNCTIONS, VALUE_FUNCTIONS
from mappings.spec import InboundField, InboundSpec, OutboundNode, OutboundSpec, Scalar, UnitSheet

UNITS_FILE = "units.yaml"


@dataclass(frozen=True, slots=True)
class SystemMappings:
    """Every mapping of one system's folder."""

    inbound: tuple[InboundSpec, ...]
    outbound: Mapping[str, OutboundSpec]
    units: Mapping[str, str]
    """The system's unit code → canonical unit."""

    def native_unit(self, unit: str) -> str | None:
        """The system's own code for a canonical unit; the first one listed wins."""
        return next((code for code, canonical in self.units.items() if canonical == unit), None)


def load_system(folder: Path) -> SystemMappings:
    """Load `*.inbound.yaml`, `*.outbound.yaml` and `units.yaml`; raise `ConfigurationError` with all faults at once."""
    errors: list[ConfigurationError] = []
    inbound: list[InboundSpec] = []
    outbound: dict[str, OutboundSpec] = {}
    units: Mapping[str, str] = {}
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        try:
            if path.name.endswith(".inbound.yaml"):
                inbound.append(load_inbound(path))
            elif path.name.endswith(".outbound.yaml"):
                _add(outbound, load_outbound(path), path)
            elif path.name == UNITS_FILE:
                units = load_units(folder)
            else:
                hint = f"Name it <entity>.inbound.yaml, <operation>.outbound.yaml or {UNITS_FILE}"
                _raise([Fault(str(path), 1, 1, "nobody reads a file of this name", hint)])
        except ConfigurationError as error:
            errors.append(error)
    if errors:
        raise ConfigurationError.joined(errors)
    return SystemMappings(tuple(inbound), outbound, units)


def _add(outbound: dict[str, OutboundSpec], spec: OutboundSpec, path: Path) -> None:
    if spec.operation in outbound:
        hint = "Keep one mapping for each operation"
        _raise([Fault(str(path), 1, 1, f"another file here maps {spec.operation!r} already", hint)])
    outbound[spec.operation] = spec


def load_units(folder: Path) -> Mapping[str, str]:
    """The system's unit codes; empty where it has no `units.yaml`."""
    path = folder / UNITS_FILE
    if not path.exists():
        return {}
    sheet, document = load_document(path, UnitSheet)
    _raise(list(_unit_faults(sheet.units, document)))
    return sheet.units


def load_inbound(path: Path) -> InboundSpec:
    """Load and check one inbound mapping; raise `ConfigurationError` with every fault in it."""
    spec, document = load_document(path, InboundSpec)
    _raise(list(inbound_faults(spec, document)))
    if spec.units:
        return spec
    if not (path.parent / UNITS_FILE).exists():
        _raise(list(_no_units(spec, document)))
    return spec.model_copy(update={"units": load_units(path.parent)})


def _no_units(spec: InboundSpec, document: Document) -> Iterator[Fault]:
    """A system's unit codes that nothing explains: a `KG` may be anything until somebody says so."""
    for name in sorted(unit_fields(ENTITIES[spec.entity]) & spec.fields.keys()):
        field = spec.fields[name]
        if field.source and field.map is None:
            message = f"{name} comes as a unit code of the system, and nothing says what its codes mean"
            hint = f"Write {UNITS_FILE} beside this file, `units: {{KGM: kg, EA: pcs}}`. Our units: {_our_units()}"
            yield document.fault(("fields", name), message, hint)


def _our_units() -> str:
    return ", ".join(sorted(known_units()))


def load_outbound(path: Path) -> OutboundSpec:
    """Load and check one outbound mapping; raise `ConfigurationError` with every fault in it."""
    spec, document = load_document(path, OutboundSpec)
    _raise(list(outbound_faults(spec, document)))
    return spec


def _raise(faults: list[Fault]) -> None:
    if faults:
        raise ConfigurationError(faults=tuple(faults))


def inbound_faults(spec: InboundSpec, document: Document) -> Iterator[Fault]:
    """Names and values of an inbound mapping that the vocabulary does not know."""
    model = ENTITIES.get(spec.entity)
    if model is None:
        yield document.fault(("entity",), f"unknown entity {spec.entity!r}", suggest(spec.entity, ENTITIES))
        return
    yield from _unit_faults(spec.units, document)
    if spec.changed_at:
        yield from _call_faults(spec.changed_at.call, ("changed_at",), document)
    for name, field in spec.fields.items():
        if name in model.model_fields:
            yield from _field_faults(model, name, field, document)
        else:
            hint = suggest(name, model.model_fields)
            yield document.fault(("fields", name), f"{spec.entity} has no field {name!r}", hint)
    for name in spec.source_key:
        if name not in model.model_fields:
            hint = suggest(name, model.model_fields)
            yield document.fault(("source_key",), f"{spec.entity} has no field {name!r}", hint)
    needed = dict.fromkeys((*mandatory_fields(model), *(spec.source_key or model.key)))
    for name in needed:
        if name in model.model_fields and name not in spec.fields:
            yield document.fault(("fields",), f"{spec.entity} needs the field {name!r}")


def _call_faults(functions: tuple[str, ...], where: tuple[str, ...], document: Document) -> Iterator[Fault]:
    for called in functions:
        if called not in COLUMN_FUNCTIONS:
            hint = suggest(called, COLUMN_FUNCTIONS)
            yield document.fault((*where, "call"), f"unknown function {called!r}", hint)


def _field_faults(model: type[Entity], name: str, field: InboundField, document: Document) -> Iterator[Fault]:
    where = ("fields", name)
    yield from _call_faults(field.call, where, document)
    constants = [("value", field.value), ("default", field.default)]
    constants += [("cases", case.value) for case in field.cases]
    for key, value in constants:
        yield from _constant_faults(model, name, value, (*where, key), document)
    for key, value in (field.map or {}).items():
        yield from _constant_faults(model, name, value, (*where, "map", key), document)
    if field.places is not None and field_types(model)[name] is not Decimal:
        yield document.fault((*where, "places"), f"{name} is not a decimal number")


def _constant_faults(
    model: type[Entity], name: str, value: Scalar, where: tuple[str | int, ...], document: Document
) -> Iterator[Fault]:
    """A constant must be of the field's type, and a code among its codes."""
    if value is None:
        return
    kind, allowed = field_types(model)[name], allowed_codes(model, name)
    if name in unit_fields(model):
        allowed = tuple(sorted(known_units()))
    if allowed is not None and value not in allowed:
        yield document.fault(where, f"{name} cannot be {value!r}", suggest(str(value), allowed))
    elif (kind is bool) != isinstance(value, bool):
        yield document.fault(where, f"{name} cannot be {value!r}: it is {'true or false' if kind is bool else 'text'}")
    elif kind in (Decimal, int) and not _is_number(str(value)):
        yield document.fault(where, f"{name} cannot be {value!r}: not a number")


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _unit_faults(units: Mapping[str, str], document: Document) -> Iterator[Fault]:
    for code, unit in units.items():
        if unit not in known_units():
            hint = suggest(unit, known_units()) or f"Ours are {_our_units()}"
            yield document.fault(("units", code), f"unknown canonical unit {unit!r}", hint)


def outbound_faults(spec: OutboundSpec, document: Document) -> Iterator[Fault]:
    """Names of an outbound mapping that the vocabulary does not know."""
    if spec.entity not in ENTITIES:
        yield document.fault(("entity",), f"unknown entity {spec.entity!r}", suggest(spec.entity, ENTITIES))
    for name, node in spec.fields.items():
        yield from _node_faults(node, ("fields", name), document)


def _node_faults(node: OutboundNode, where: tuple[str | int, ...], document: Document) -> Iterator[Fault]:
    for called in node.call:
        if called not in VALUE_FUNCTIONS:
            yield document.fault((*where, "call"), f"unknown function {called!r}", suggest(called, VALUE_FUNCTIONS))
    if node.reference is not None and node.reference not in ENTITIES:
        hint = suggest(node.reference, ENTITIES)
        yield document.fault((*where, "reference"), f"unknown entity {node.reference!r}", hint)
    for name, child in (node.fields or {}).items():
        yield from _node_faults(child, (*where, "fields", name), document)
    for index, child in enumerate(node.list_ or ()):
        yield from _node_faults(child, (*where, "list", index), document)
