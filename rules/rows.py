"""Rows of facts and golden records out of the values that JSON and YAML can hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from canonical.entities import ENTITIES, field_types
from canonical.facts import FACTS
from rules.scope import GOLDEN_ID

_TRUTHS = {"true": True, "false": False}


def _truth(value: object) -> bool:
    return value if isinstance(value, bool) else _TRUTHS[str(value)]


_READ: dict[type, Callable[[Any], Any]] = {
    str: str, bool: _truth, int: int, Decimal: Decimal, date: date.fromisoformat, datetime: datetime.fromisoformat,
}  # fmt: skip


def types_of(subject: str) -> Mapping[str, type]:
    """Field → plain type, of a fact or of a golden record as rules see it. Raises `KeyError`."""
    if subject in FACTS:
        return field_types(FACTS[subject])
    return {GOLDEN_ID: str, **field_types(ENTITIES[subject])}


def typed_row(subject: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """A row out of its JSON values; fields the subject does not have are left out, absent ones stay absent."""
    return {
        name: None if content[name] is None else _READ[kind](content[name])
        for name, kind in types_of(subject).items()
        if name in content
    }
