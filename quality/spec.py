"""Rulebooks: what must hold of an entity's records, one YAML file an entity, read by both judging engines.

A null passes every kind of rule except `not_null` and `not_null_share`: whether a value must be there
and whether it is good are two questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from canonical.base import Entity
from canonical.entities import ENTITIES, field_types
from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, load_document, suggest
from quality.patterns import pattern_fault
from quality.verdict import Scope, Severity

RULEBOOKS: Final = Path(__file__).parent / "rulebooks"

Kind = Literal[
    "not_null", "in_set", "between", "positive", "matches", "known_unit", "date_order",
    "unique", "exists_in", "reference_unmarked", "row_count_between", "not_null_share",
]  # fmt: skip
DATASET_KINDS: Final = frozenset({"unique", "exists_in", "reference_unmarked", "row_count_between", "not_null_share"})
FINEST_BELOW: Final = 4_000_000
"""Below it neighbouring floats lie closer together than a billionth."""
_ARITY: Final[Mapping[str, tuple[int, int]]] = {"row_count_between": (0, 0), "date_order": (2, 2), "unique": (1, 9)}
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "in_set": (str,), "matches": (str,), "known_unit": (str,), "exists_in": (str,), "reference_unmarked": (str,),
    "between": (int, Decimal), "positive": (int, Decimal), "date_order": (date, datetime),
}  # fmt: skip


def _as_list(given: object) -> object:
    return [given] if isinstance(given, str) else given


class Rule(BaseModel):
    """One rule. Which of the settings it needs depends on its kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    fields: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    severity: Severity = "error"
    scope: Scope
    """`row`: judged when a record is conformed and again on golden data. `dataset`: on golden data only."""
    blocking: bool = False
    """Stops what depends on the entity; dataset rules only."""
    values: tuple[str, ...] = ()
    min: Decimal | None = None
    max: Decimal | None = None
    pattern: str | None = None
    references: str | None = None
    """`exists_in`, `reference_unmarked`: the entity the field refers to."""
    mark: str | None = None
    """`reference_unmarked`: the true-or-false field that must not be true there."""

    @model_validator(mode="before")
    @classmethod
    def _default_scope(cls, given: object) -> object:
        if isinstance(given, dict) and "scope" not in given:
            return {**given, "scope": "dataset" if given.get("kind") in DATASET_KINDS else "row"}
        return given

    @model_validator(mode="after")
    def _complete(self) -> Self:
        low, high = _ARITY.get(self.kind, (1, 1))
        if not low <= len(self.fields) <= high:
            raise ValueError(f"{self.kind} takes {low if low == high else f'{low} to {high}'} fields")
        if self.scope == "row" and self.kind in DATASET_KINDS:
            raise ValueError(f"{self.kind} looks at the whole frame: its scope is dataset")
        if self.blocking and self.scope == "row":
            raise ValueError("only a dataset rule can be blocking: a failing row is quarantined and the rest goes on")
        for setting in _NEEDED.get(self.kind, ()):
            if getattr(self, setting) in (None, ()):
                raise ValueError(f"{self.kind} needs {setting!r}")
        if self.kind in ("between", "row_count_between") and self.min is None and self.max is None:
            raise ValueError(f"{self.kind} needs 'min' or 'max'")
        for bound in (self.min, self.max):
            if bound is not None and not _comparable(bound):
                raise ValueError(
                    f"{bound} cannot be compared exactly: use up to nine places, below {FINEST_BELOW} if any"
                )
        return self


def _comparable(bound: Decimal) -> bool:
    """True where both engines compare nine-place values with the bound alike (one of them holds bounds as floats)."""
    if not bound.is_finite() or abs(bound) >= 10**15 or bound != round(bound, 9):
        return False
    return abs(bound) < FINEST_BELOW or Decimal(float(bound)) == bound


_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "in_set": ("values",), "matches": ("pattern",), "exists_in": ("references",),
    "reference_unmarked": ("references", "mark"), "not_null_share": ("min",),
}  # fmt: skip


class Rulebook(BaseModel):
    """The rules of one entity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: str
    rules: tuple[Rule, ...] = ()

    def of_scope(self, scope: Scope) -> Rulebook:
        """The rules of one scope only."""
        return self.model_copy(update={"rules": tuple(rule for rule in self.rules if rule.scope == scope)})

    def needs(self) -> frozenset[str]:
        """The other entities whose frames the rules look at."""
        return frozenset(rule.references for rule in self.rules if rule.references)


def load_rulebooks(folder: Path = RULEBOOKS) -> Mapping[str, Rulebook]:
    """Every entity's rulebook, an empty one where no file is; raise `ConfigurationError` with all faults at once."""
    books = {entity: Rulebook(entity=entity) for entity in ENTITIES}
    errors: list[ConfigurationError] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            book = load_rulebook(path)
            books[book.entity] = book
        except ConfigurationError as error:
            errors.append(error)
    if errors:
        raise ConfigurationError.joined(errors)
    return books


def load_rulebook(path: Path) -> Rulebook:
    """One file; raise `ConfigurationError` with every fault in it, placed."""
    book, document = load_document(path, Rulebook)
    faults = tuple(_faults(book, document))
    if faults:
        raise ConfigurationError(faults=faults)
    return book


def _faults(book: Rulebook, document: Document) -> Iterator[Fault]:
    model = ENTITIES.get(book.entity)
    if model is None:
        yield document.fault(("entity",), f"unknown entity {book.entity!r}", suggest(book.entity, ENTITIES))
        return
    names = [rule.name for rule in book.rules]
    for index, rule in enumerate(book.rules):
        where = ("rules", index)
        if rule.name in names[:index]:
            yield document.fault((*where, "name"), f"rule {rule.name!r} stands twice")
        for name in rule.fields:
            yield from _field_faults(model, rule, name, (*where, "fields"), document)
        if rule.pattern is not None and (why := pattern_fault(rule.pattern)):
            yield document.fault((*where, "pattern"), why)
        if rule.references is not None:
            yield from _reference_faults(rule, where, document)


def _field_faults(
    model: type[Entity], rule: Rule, name: str, where: tuple[str | int, ...], document: Document
) -> Iterator[Fault]:
    if name not in model.model_fields:
        yield document.fault(where, f"{model.entity} has no field {name!r}", suggest(name, model.model_fields))
    elif field_types(model)[name] not in _TYPES.get(rule.kind, (field_types(model)[name],)):
        wanted = " or ".join(kind.__name__ for kind in _TYPES[rule.kind])
        yield document.fault(where, f"{rule.kind} judges {wanted}, but {name} is {field_types(model)[name].__name__}")


def _reference_faults(rule: Rule, where: tuple[str | int, ...], document: Document) -> Iterator[Fault]:
    entity = rule.references or ""
    target = ENTITIES.get(entity)
    if target is None:
        yield document.fault((*where, "references"), f"unknown entity {entity!r}", suggest(entity, ENTITIES))
    elif rule.mark is not None and field_types(target).get(rule.mark) is not bool:
        flags = [name for name, kind in field_types(target).items() if kind is bool]
        yield document.fault((*where, "mark"), f"{rule.mark!r} is no mark of {entity}", suggest(rule.mark, flags))
