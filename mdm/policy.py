"""Mastering policies: one YAML per entity says which keys identify, whose values survive, what is compared."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from canonical.base import references
from canonical.entities import ENTITIES, field_types
from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, load_document, suggest

POLICIES = Path(__file__).parent / "policies"


Strategy = Literal[
    "precedence", "recency", "frequency", "completeness", "longest", "shortest", "minimum", "maximum",
    "trust", "aggregate", "same_as",
]  # fmt: skip
"""How one value is chosen among several; ties go to the source of the higher rank."""


class Trust(BaseModel):
    """How far a system is believed: `start` when it has just written, falling by half its way to `floor` each time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: float = Field(ge=0, le=1)
    floor: float = Field(default=0.0, ge=0, le=1)
    half_life_days: float = Field(default=365.0, gt=0)


class Valid(BaseModel):
    """What a value must be to be considered at all; a source that says something else is passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    matches: str | None = None
    """A regular expression (RE2, linear time) that the whole text keeps."""
    one_of: tuple[str, ...] | None = None
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _readable(self) -> Valid:
        try:
            pl.Series([""]).str.contains(self.matches or "")
        except pl.exceptions.ComputeError:
            raise ValueError(f"{self.matches!r} is no regular expression") from None
        return self


class Survival(BaseModel):
    """How one attribute's value survives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Strategy = "precedence"
    precedence: tuple[str, ...] = ()
    """Systems in order, where it differs from the policy's; they break ties of every strategy."""
    valid: Valid | None = None
    trust: dict[str, Trust] = Field(default_factory=dict)
    """By system; one that is not named is trusted half, and never less."""
    aggregate: Literal["sum", "mean", "union", "any", "all"] | None = None
    same_as: str | None = None
    """The attribute whose winning record gives this value too."""

    @model_validator(mode="after")
    def _complete(self) -> Survival:
        needed = {"trust": bool(self.trust), "aggregate": bool(self.aggregate), "same_as": bool(self.same_as)}
        for name, given in needed.items():
            if (self.strategy == name) != given:
                raise ValueError(f"strategy {name!r} and the setting {name!r} belong together")
        return self


class GoldenCode(BaseModel):
    """Golden ids of our own making: a prefix and a number, `M0000417`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: str = Field(pattern=r"^[A-Z][A-Z0-9-]{0,9}$")
    digits: int = Field(default=7, ge=3, le=12)


class Policy(BaseModel):
    """How one entity is mastered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: str
    golden_id: Literal["identity", "source_key", "own"] = "source_key"
    """`identity`: named by the identity value, or by system and key without one. `source_key`: one system owns it.
    `own`: always by system and key, so that equal codes of two systems are two records."""
    precedence: tuple[str, ...]
    """Systems in the order in which their values survive."""
    attributes: dict[str, tuple[str, ...] | Survival] = Field(default_factory=dict)
    """Attribute → how its value survives: a list of systems is its own precedence."""
    code: GoldenCode | None = None
    """Golden ids of our own making instead of the identity value; only where records have an identity."""
    one_to_one: tuple[str, ...] = ()
    """Systems declared free of duplicates: two of their records are joined by no model."""
    cluster_cap: int = Field(default=20, ge=2)
    """No model makes a golden record of more source records."""
    match: bool = False
    """Whether records without a common key are compared by what they say."""
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
        own = self.survival(attribute).precedence
        return (*own, *(system for system in self.precedence if system not in own))

    def survival(self, attribute: str) -> Survival:
        """How an attribute survives."""
        said = self.attributes.get(attribute, ())
        return said if isinstance(said, Survival) else Survival(precedence=said)


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
    named += [
        (("attributes", name, "same_as"), survival.same_as)
        for name in policy.attributes
        if (survival := policy.survival(name)).same_as
    ]
    faults: list[Fault] = [
        document.fault(path, f"{policy.entity} has no field {name!r}", suggest(name, fields))
        for path, name in named
        if name not in fields
    ]
    if policy.code is not None and policy.golden_id != "identity":
        faults.append(document.fault(("code",), "golden codes need golden_id: identity", None))
    faults += [document.fault(("attributes", name), message, None) for name, message in _misfits(policy)]
    if faults:
        raise ConfigurationError(faults=tuple(faults))


_TEXT_ONLY = frozenset({"longest", "shortest", "union"})
_NUMBER_ONLY = frozenset({"sum", "mean"})


def _misfits(policy: Policy) -> Iterator[tuple[str, str]]:
    """Strategies that an attribute's type or another attribute does not allow."""
    types = field_types(ENTITIES[policy.entity])
    for name in policy.attributes:
        survival, kind = policy.survival(name), types.get(name)
        said = survival.aggregate or survival.strategy
        if kind is None:
            continue
        if said in _TEXT_ONLY and kind is not str:
            yield name, f"{said} is for text"
        if said in _NUMBER_ONLY and kind not in {int, Decimal}:
            yield name, f"{said} is for numbers"
        if said in {"any", "all"} and kind is not bool:
            yield name, f"{said} is for yes and no"
        if survival.same_as and policy.survival(survival.same_as).strategy in {"same_as", "aggregate"}:
            yield name, f"{survival.same_as} has no winning record of its own"


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
