"""Rulebooks: WHEN a fact was created, changed or deleted, IF a condition holds, THEN commands and notices.

A rule addresses a role (`to: erp`); the deployment says which system plays it. `with` names the fact's
fields a command carries (all, where it is left out). Templates hold `{field}` of the fact only.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from canonical.entities import ENTITIES
from canonical.errors import ConfigurationError, Fault
from canonical.facts import FACTS
from canonical.strict_yaml import Document, Path_, load_document, suggest
from rules.conditions import Condition, ConditionError

RULEBOOKS = Path(__file__).parent / "rulebooks"


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class When(_Closed):
    """Which change of which fact a rule looks at; `fields` narrows a change to those fields."""

    fact: str
    event: tuple[Literal["created", "changed", "deleted"], ...]
    fields: tuple[str, ...] = ()


class CommandThen(_Closed):
    """Send a command to the system that plays a role."""

    command: str
    to: str
    entity: str
    key: str
    cancel: bool = False
    after: tuple[str, ...] = ()
    """Documents that must stand first: `role/entity/key template`."""
    body: dict[str, str] = Field(default_factory=dict, alias="with")
    """Body field → fact field; empty: every field of the fact."""
    values: dict[str, str] = Field(default_factory=dict)
    """Body field → constant text."""


class NotifyThen(_Closed):
    """Tell people: who, and what in both languages. What is `urgent` goes out in quiet hours as well."""

    notify: str
    key: str
    text: dict[Literal["en", "zh"], str]
    urgent: bool = False


class Rule(_Closed):
    """One rule."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    why: dict[Literal["en", "zh"], str]
    when: When
    if_: str | None = Field(default=None, alias="if")
    unless: str | None = None
    then: tuple[CommandThen | NotifyThen, ...]
    _if: Condition | None = PrivateAttr(default=None)
    _unless: Condition | None = PrivateAttr(default=None)

    def compile(self, document: Document, path: Path_) -> list[Fault]:
        """Compile the conditions and check every name; returns the faults found."""
        fact = self.when.fact
        if fact not in FACTS:
            return [document.fault((*path, "when", "fact"), f"unknown fact {fact!r}", suggest(fact, FACTS))]
        faults = []
        for key, text in (("if", self.if_), ("unless", self.unless)):
            try:
                condition = Condition(text, fact) if text else None
            except ConditionError as error:
                faults.append(document.fault((*path, key), str(error), error.hint))
            else:
                setattr(self, f"_{key}", condition)
        return [*faults, *self._unknown_names(document, path)]

    def _unknown_names(self, document: Document, path: Path_) -> list[Fault]:
        fields = FACTS[self.when.fact].model_fields
        named: list[tuple[Path_, str]] = [
            ((*path, "when", "fields", index), name) for index, name in enumerate(self.when.fields)
        ]
        faults = []
        for index, then in enumerate(self.then):
            here: Path_ = (*path, "then", index)
            named += [((*here, "key"), name) for name in placeholders(then.key)]
            if isinstance(then, NotifyThen):
                named += [
                    ((*here, "text", lang), name) for lang, text in then.text.items() for name in placeholders(text)
                ]
                continue
            named += [((*here, "with", target), name) for target, name in then.body.items()]
            named += [((*here, "after"), name) for text in then.after for name in placeholders(text)]
            if then.entity not in ENTITIES:
                hint = suggest(then.entity, ENTITIES)
                faults.append(document.fault((*here, "entity"), f"unknown entity {then.entity!r}", hint))
        faults += [
            document.fault(place, f"{self.when.fact} has no field {name!r}", suggest(name, fields))
            for place, name in named
            if name not in fields
        ]
        return faults

    def concerns(self, kind: str, changed: tuple[str, ...]) -> bool:
        """Whether a change of this kind, touching these fields, is what the rule looks at."""
        if kind not in self.when.event:
            return False
        return kind != "changed" or not self.when.fields or bool(set(self.when.fields) & set(changed))

    def fires(self, row: dict[str, object]) -> bool:
        """Whether the conditions let the rule act on this row."""
        if self._if is not None and not self._if.holds(row):
            return False
        return self._unless is None or not self._unless.holds(row)


class Rulebook(_Closed):
    """One file of rules."""

    rules: tuple[Rule, ...]


def placeholders(template: str) -> list[str]:
    """The fact fields a template names."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]


def load_rulebooks(names: tuple[str, ...], folder: Path = RULEBOOKS) -> tuple[Rule, ...]:
    """Every rule of the named rulebooks, compiled; all faults of all files are raised together."""
    rules: list[Rule] = []
    errors: list[ConfigurationError] = []
    for name in names:
        shown = f"rules/rulebooks/{name}.yaml"
        try:
            book, document = load_document(folder / f"{name}.yaml", Rulebook, shown_as=shown)
        except ConfigurationError as error:
            errors.append(error)
            continue
        faults = [fault for index, rule in enumerate(book.rules) for fault in rule.compile(document, ("rules", index))]
        faults += _doubles(book, document)
        if faults:
            errors.append(ConfigurationError(faults=tuple(faults)))
        rules += book.rules
    if errors:
        raise ConfigurationError.joined(errors)
    return tuple(rules)


def _doubles(book: Rulebook, document: Document) -> list[Fault]:
    names = [rule.name for rule in book.rules]
    return [
        document.fault(("rules", index, "name"), f"rule {name!r} stands twice")
        for index, name in enumerate(names)
        if name in names[:index]
    ]
