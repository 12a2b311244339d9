"""From a command to a payload in the target's words: references and units resolved against what is known now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from canonical.commands import Command
from canonical.errors import ConfigurationError, CrosswalkPending, UnknownUnit
from canonical.keys import template_of
from mappings.outbound import OutboundMapping, compile_outbound
from mappings.spec import OutboundNode
from mdm.units import ItemUnits
from pipeline.hub import Hub
from pipeline.reconcile import item_units
from store import crosswalk, documents, outbox


@dataclass(frozen=True)
class Lookups:
    """What outbound mappings ask: loaded once a delivery, missing documents asked afresh since they grow meanwhile."""

    hub: Hub
    _documents: dict[tuple[str, str, str], tuple[str, str | None]] = field(default_factory=dict)
    _being_made: set[tuple[str, str, str]] = field(default_factory=set)
    _referring: dict[tuple[str, str], tuple[tuple[str, str, str], ...]] = field(default_factory=dict)

    @cached_property
    def units(self) -> ItemUnits:
        """Stocking, pack and own units."""
        return item_units(self.hub)

    @cached_property
    def keys(self) -> Mapping[tuple[str, str, str], tuple[str, str | None]]:
        """(system, entity, golden id) → primary source key and native id."""
        found: dict[tuple[str, str, str], tuple[str, str | None]] = {}
        with self.hub.store.read() as tx:
            for entity, policy in self.hub.configuration.policies.items():
                if policy.crosswalk:
                    for row in crosswalk.primary_keys(tx, entity):
                        found[row.system, entity, row.golden_id] = (row.source_key, row.native_id)
        return found

    def native(self, system: str, entity: str, named: str, *, technical: bool) -> str:
        """The native key of a golden record, or of a document of ours named by its business key."""
        known = self.keys.get((system, entity, named)) or self._document(system, entity, named)
        key = None if known is None else known[1] if technical else known[0]
        if key is None:
            raise CrosswalkPending(
                f"{entity} {named!r} has no key in {system} yet", system=system, entity=entity, key=named
            )
        return key

    def _document(self, system: str, entity: str, named: str) -> tuple[str, str | None] | None:
        place = (system, entity, named)
        if place not in self._documents:
            self._ask(system, entity, [named])
        return self._documents.get(place)

    def native_id(self, system: str, entity: str, source_key: str) -> str:
        """The technical id of a system's record, named by the key it has there."""
        with self.hub.store.read() as tx:
            bound = crosswalk.bindings(tx, entity, [(system, source_key)]).get((system, source_key))
        if bound is None or bound.native_id is None:
            raise CrosswalkPending(
                f"{system} has shown no {entity} {source_key!r}", system=system, entity=entity, key=source_key
            )
        return bound.native_id

    def learn(self, afters: Iterable[str]) -> None:
        """Ask for the documents `system/entity/key` that are not known yet, and which of all are only half made."""
        wanted: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for after in afters:
            system, entity, key = after.split("/", 2)
            wanted[system, entity].add(key)
        for (system, entity), keys in wanted.items():
            self._ask_unknown(system, entity, keys)
            self._note_half_made(system, entity, keys)

    def expect(self, commands: Iterable[Command]) -> None:
        """Ask together for what the payloads of some commands will refer to: each would ask for its own."""
        wanted: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for command in commands:
            for system, entity, name in self._references(command.system, command.kind):
                if isinstance(named := command.body.get(name), str):
                    wanted[system, entity].add(named)
        for (system, entity), names in wanted.items():
            self._ask_unknown(system, entity, names)

    def _references(self, system: str, kind: str) -> tuple[tuple[str, str, str], ...]:
        """(system, entity, field of the body) of the references in a payload, but of items: those stand before."""
        if (system, kind) not in self._referring:
            spec = self.hub.configuration.mappings[system].outbound.get(kind)
            found = _nodes(spec.fields.values()) if spec else ()
            self._referring[system, kind] = tuple(
                (node.system or system, node.reference, node.source)
                for node in found
                if node.reference and node.source and not node.own and node.reference != "item"
            )
        return self._referring[system, kind]

    def _ask_unknown(self, system: str, entity: str, keys: Iterable[str]) -> None:
        if unknown := {key for key in keys if not self._known((system, entity, key))}:
            self._ask(system, entity, unknown)

    def _note_half_made(self, system: str, entity: str, keys: Collection[str]) -> None:
        with self.hub.store.read() as tx:
            half_made = outbox.being_made(tx, system, entity, keys)
        self._being_made.difference_update((system, entity, key) for key in keys)
        self._being_made.update((system, entity, key) for key in half_made)

    def _known(self, place: tuple[str, str, str]) -> bool:
        return place in self.keys or place in self._documents

    def _ask(self, system: str, entity: str, keys: Collection[str]) -> None:
        with self.hub.store.read() as tx:
            for key, found in documents.by_business_key(tx, system, entity, keys).items():
                self._documents[system, entity, key] = (found.native_number or found.native_id, found.native_id)
            policy = self.hub.configuration.policies.get(entity)
            left = [key for key in keys if (system, entity, key) not in self._documents]
            if left and policy is not None and policy.crosswalk:  # mastered since the delivery began
                for row in crosswalk.keys_in(tx, system, entity, left):
                    self._documents.setdefault((system, entity, row.golden_id), (row.source_key, row.native_id))

    def stands(self, after: str) -> bool:
        """Whether the document `system/entity/key` was there, and whole, when `learn` asked for it.

        One that a pull shows while the command that makes it is unfinished may still be changed by that command.
        """
        system, entity, key = after.split("/", 2)
        place = (system, entity, key)
        return self._known(place) and place not in self._being_made


def _nodes(nodes: Iterable[OutboundNode]) -> Iterator[OutboundNode]:
    """All nodes of a mapping but those of lists' rows, which read from a row."""
    for node in nodes:
        yield node
        if node.each is None:
            yield from _nodes((*(node.fields or {}).values(), *(node.list_ or ())))


@dataclass(frozen=True)
class CommandContext:
    """The outbound mapping's view of one command's target."""

    lookups: Lookups
    command: Command

    @property
    def reference(self) -> str:
        """Our business key."""
        return self.command.business_key

    @property
    def timezone(self) -> str:
        """The target's time zone."""
        return self.lookups.hub.configuration.systems[self.command.system].system.timezone

    def native(self, entity: str, golden_id: str, *, system: str | None = None, technical: bool = False) -> str:
        """A reference in the target's (or another system's) own key; raises `CrosswalkPending`.

        Systems know a configured item by its template.
        """
        named = template_of(golden_id) if entity == "item" else golden_id
        return self.lookups.native(system or self.command.system, entity, named, technical=technical)

    def native_id(self, entity: str, source_key: str) -> str:
        """The technical id of the target's own record; raises `CrosswalkPending`."""
        return self.lookups.native_id(self.command.system, entity, source_key)

    def unit(self, item_golden_id: str, quantity: Decimal) -> tuple[Decimal, str]:
        """A quantity as the target counts the item, with the target's code of that unit."""
        system = self.command.system
        amount, unit = self.lookups.units.from_stocking(system, template_of(item_golden_id), quantity)
        code = self.lookups.hub.configuration.mappings[system].native_unit(unit)
        if code is None:
            raise UnknownUnit(f"{system} has no code for {unit!r}", hint=f"add it to mappings/{system}/units.yaml")
        return amount, code


def outbound_mapping(hub: Hub, command: Command) -> OutboundMapping:
    """The mapping of one operation; a missing file is a configuration error that names it."""
    specs = hub.configuration.mappings[command.system].outbound
    if command.kind not in specs:
        raise ConfigurationError(f"mappings/{command.system}/{command.kind}.outbound.yaml is missing")
    return compile_outbound(specs[command.kind])


def build_payload(lookups: Lookups, command: Command) -> dict[str, Any]:
    """The payload of a command; raises `CrosswalkPending`, `RecordRejected` or `ConfigurationError`.

    What is withdrawn is named by our reference alone: where no mapping is left, there is nothing else to say.
    """
    if command.cancelled and command.kind not in lookups.hub.configuration.mappings[command.system].outbound:
        return {}
    return outbound_mapping(lookups.hub, command).apply(command.body, CommandContext(lookups, command))
