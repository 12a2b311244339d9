"""Mastering policies: one YAML per entity says which keys identify, whose values survive, what is compared."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from canonical.base import references
from canonical.entities import ENTITIES
from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, load_document, suggest

POLICIES = Path(__file__).parent / "policies"


class Policy(BaseModel):
    """How one entity is mastered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: str
    golden_id: Literal["identity", "source_key"] = "source_key"
    """`identity`: named by the identity value, or by system and key without one. `source_key`: one system owns it."""
    precedence: tuple[str, ...]
    """Systems in the order in which their values survive."""
    attributes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Attribute → its own precedence, where it differs."""
    compare: tuple[str, ...] = ()
    """Attributes on which systems should agree; a difference is recorded as a conflict."""
    item: str | None = None
    """The field naming the item whose stocking unit the quantities are brought to."""
    shared_codes: bool = False
    """Systems that list no such records of their own refer to them by the common code, which is the golden id."""
    crosswalk: bool = True
    """Whether others refer to this entity, or documents of it are written, by native key."""

    def ranked(self, attribute: str) -> tuple[str, ...]:
        """Systems by rank for one attribute: its own precedence, then the general one."""
        own = self.attributes.get(attribute, ())
        return (*own, *(system for system in self.precedence if system not in own))


def load_policies(folder: Path = POLICIES) -> dict[str, Policy]:
    """Every policy by entity, in the order entities depend on one another; faults are gathered."""
    loaded: dict[str, Policy] = {}
    errors: list[ConfigurationError] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            policy, document = load_document(path, Policy, shown_as=f"mdm/policies/{path.name}")
            _check(policy, document)
            loaded[policy.entity] = policy
        except ConfigurationError as error:
            errors.append(error)
    if errors:
        raise ConfigurationError.joined(errors)
    return {entity: loaded[entity] for entity in mastering_order() if entity in loaded}


def _check(policy: Policy, document: Document) -> None:
    if policy.entity not in ENTITIES:
        hint = suggest(policy.entity, ENTITIES)
        raise ConfigurationError(faults=(document.fault(("entity",), f"unknown entity {policy.entity!r}", hint),))
    fields = ENTITIES[policy.entity].model_fields
    named: list[tuple[tuple[str | int, ...], str]] = [(("attributes", name), name) for name in policy.attributes]
    named += [(("compare", index), name) for index, name in enumerate(policy.compare)]
    faults: list[Fault] = [
        document.fault(path, f"{policy.entity} has no field {name!r}", suggest(name, fields))
        for path, name in named
        if name not in fields
    ]
    if faults:
        raise ConfigurationError(faults=tuple(faults))


def mastering_order() -> tuple[str, ...]:
    """Entities sorted so that what a record refers to is mastered before it."""
    done: list[str] = []

    def visit(entity: str) -> None:
        if entity in done:
            return
        for referred in references(ENTITIES[entity]).values():
            if referred != entity:
                visit(referred)
        done.append(entity)

    for entity in ("item", "pack_conversion", *ENTITIES):
        visit(entity)
    return tuple(done)
