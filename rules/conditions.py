"""Rule conditions: the typed `rule-engine` language over one fact's fields, checked when loaded.

Decimals stay exact, unknown fields and wrong types are refused at load, regular-expression operators
are not allowed (they can hang), and an expression is at most `MAX_LENGTH` characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import rule_engine

from canonical.entities import field_types
from canonical.facts import FACTS
from canonical.strict_yaml import suggest

MAX_LENGTH = 300
_FORBIDDEN = ("=~", "!~", "$", " for ")
_TYPES = {
    str: rule_engine.DataType.STRING,
    bool: rule_engine.DataType.BOOLEAN,
    int: rule_engine.DataType.FLOAT,
    Decimal: rule_engine.DataType.FLOAT,
    date: rule_engine.DataType.DATETIME,
    datetime: rule_engine.DataType.DATETIME,
}


class ConditionError(ValueError):
    """A condition is not usable; the message says why, `hint` what may have been meant."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(message)


class Condition:
    """One compiled condition over the fields of one fact."""

    def __init__(self, text: str, fact: str) -> None:
        self.text = text
        if len(text) > MAX_LENGTH:
            raise ConditionError(f"a condition is at most {MAX_LENGTH} characters long")
        for operator in _FORBIDDEN:
            if operator in text:
                raise ConditionError(f"{operator.strip()!r} is not allowed in a condition")
        types = field_types(FACTS[fact])
        context = rule_engine.Context(
            type_resolver=rule_engine.type_resolver_from_dict({name: _TYPES[kind] for name, kind in types.items()}),
            default_timezone="utc",
        )
        try:
            self._rule = rule_engine.Rule(text, context=context)
        except rule_engine.errors.SymbolResolutionError as error:
            name = error.symbol_name
            raise ConditionError(f"{fact} has no field {name!r}", suggest(name, types)) from None
        except rule_engine.errors.EngineError as error:
            raise ConditionError(f"not a condition: {error.message}") from None

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether the condition holds for a row of the fact; a comparison with null is false."""
        try:
            return bool(self._rule.matches({name: _value(value) for name, value in row.items()}))
        except rule_engine.errors.EvaluationError:
            return False


def _value(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
