"""What a rule can name: the fields of the changed record, what it was and is, and the records related to it.

A symbol is `field` (the record as it stands, or as it last stood when it was deleted), `old.field`,
`new.field` or `relation.field`. Every symbol has a kind, so that a comparison of unlike things is found at load.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from canonical.entities import ENTITIES, field_types
from canonical.facts import FACTS
from canonical.strict_yaml import suggest

SELF, OLD, NEW = "", "old", "new"
"""Where a symbol without a relation is looked up."""
GOLDEN_ID = "golden_id"


class Kind(StrEnum):
    """What a value is. Whole numbers and decimals are both numbers: they compare exactly."""

    NUMBER = "number"
    TEXT = "text"
    TRUTH = "yes or no"
    DAY = "day"
    MOMENT = "moment"
    SPAN = "span of time"
    NOTHING = "null"


_KINDS = {str: Kind.TEXT, bool: Kind.TRUTH, int: Kind.NUMBER, Decimal: Kind.NUMBER, date: Kind.DAY,
          datetime: Kind.MOMENT}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Symbol:
    """One field of one source: "" (the record), `old`, `new`, or the name of a relation."""

    source: str
    name: str

    def __str__(self) -> str:
        return f"{self.source}.{self.name}" if self.source else self.name


class UnknownSymbol(ValueError):
    """A name that stands for nothing here; `hint` says what may have been meant."""

    def __init__(self, message: str, hint: str | None) -> None:
        self.hint = hint
        super().__init__(message)


def kinds_of(named: str) -> dict[str, Kind]:
    """Field → kind of a fact, or of an entity's golden record (`golden_id` included). Raises `KeyError`."""
    if named in FACTS:
        return {name: _KINDS[kind] for name, kind in field_types(FACTS[named]).items()}
    return {GOLDEN_ID: Kind.TEXT} | {name: _KINDS[kind] for name, kind in field_types(ENTITIES[named]).items()}


def values_of(named: str) -> dict[str, tuple[str, ...]]:
    """Field → the only texts it can hold, for those fields whose model lists them."""
    model = FACTS.get(named) or ENTITIES[named]
    found = {name: _listed(each.annotation) for name, each in model.model_fields.items()}
    return {name: values for name, values in found.items() if values}


def _listed(annotation: object) -> tuple[str, ...]:
    if typing.get_origin(annotation) is typing.Literal:
        return tuple(str(value) for value in typing.get_args(annotation))
    inside = (_listed(part) for part in typing.get_args(annotation))
    return next((values for values in inside if values), ())


def key_of(named: str) -> str:
    """The field that identifies a fact, or an entity's golden record."""
    return FACTS[named].key[0] if named in FACTS else GOLDEN_ID


class Names(Protocol):
    """What a condition may name: a rule's records and relations, or any list of named fields."""

    def symbol(self, text: str, /) -> Symbol:
        """A name as a symbol. Raises `UnknownSymbol`."""

    def kind(self, symbol: Symbol, /) -> Kind:
        """What a symbol's value is."""

    def values(self, symbol: Symbol, /) -> tuple[str, ...]:
        """The only texts a symbol can hold; empty where it may hold any."""


@dataclass(frozen=True)
class FieldScope:
    """Named fields of no entity, for conditions outside of rules: the options of a configured product."""

    fields: Mapping[str, Kind]
    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field → the only texts it can hold."""

    def symbol(self, text: str) -> Symbol:
        """A field as a symbol. Raises `UnknownSymbol`."""
        if text not in self.fields:
            raise UnknownSymbol(f"nothing here is called {text!r}", suggest(text, self.fields))
        return Symbol(SELF, text)

    def kind(self, symbol: Symbol) -> Kind:
        """What a field's value is."""
        return self.fields[symbol.name]

    def values(self, symbol: Symbol) -> tuple[str, ...]:
        """The only texts a field can hold; empty where it may hold any."""
        return self.listed.get(symbol.name, ())


@dataclass(frozen=True)
class Scope:
    """Everything a rule about `subject` may name: relation → the fact or entity it leads to."""

    subject: str
    relations: Mapping[str, str] = field(default_factory=dict)

    def kinds(self, source: str) -> dict[str, Kind]:
        """The fields of one source. Raises `UnknownSymbol`."""
        if source in {SELF, OLD, NEW}:
            return kinds_of(self.subject)
        if source not in self.relations:
            known = (OLD, NEW, *self.relations)
            raise UnknownSymbol(f"nothing here is called {source!r}", suggest(source, known))
        return kinds_of(self.relations[source])

    def symbol(self, text: str) -> Symbol:
        """`name` or `source.name` as a symbol. Raises `UnknownSymbol`."""
        source, dot, name = text.rpartition(".")
        if not dot:
            source, name = SELF, text
        fields = self.kinds(source)
        if name not in fields:
            owner = self.relations.get(source, self.subject)
            raise UnknownSymbol(f"{owner} has no field {name!r}", suggest(name, fields))
        return Symbol(source, name)

    def kind(self, symbol: Symbol) -> Kind:
        """What a symbol's value is."""
        return self.kinds(symbol.source)[symbol.name]

    def values(self, symbol: Symbol) -> tuple[str, ...]:
        """The only texts a symbol can hold; empty where it may hold any."""
        named = self.relations.get(symbol.source, self.subject)
        return values_of(named).get(symbol.name, ())

    def __iter__(self) -> Iterator[str]:
        yield from (SELF, OLD, NEW, *self.relations)
