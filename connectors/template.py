"""Placeholders in `system.yaml`: `{reference}`, `{existing.native_id}`, `{receipts.save.native_id}`.

A placeholder names a value, nothing more: there are no expressions. A text that is one placeholder takes
the value as it is (a whole payload, a number); `{since?}` leaves its key out when there is no value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import quote

from canonical.errors import UnmappableRecord

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w.]*)(\?)?\}")
_UNSAFE = re.compile(r"['\"\\\x00-\x1f]")
_DIGITS = re.compile(r"\d+")


class Omitted:
    """The value of an optional placeholder that has none; its key is left out."""


OMITTED = Omitted()


def names_in(template: object) -> set[str]:
    """Every name a template asks for."""
    if isinstance(template, str):
        return {match.group(1) for match in _PLACEHOLDER.finditer(template)}
    parts = template.values() if isinstance(template, Mapping) else template if isinstance(template, list) else ()
    return {name for part in parts for name in names_in(part)}


def fill(template: object, known: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """A template with its placeholders replaced; raise `UnmappableRecord` where a value is missing or unsafe."""
    if isinstance(template, Mapping):
        filled = {key: fill(value, known) for key, value in template.items()}
        return {key: value for key, value in filled.items() if value is not OMITTED}
    if isinstance(template, list):
        return [value for value in (fill(part, known) for part in template) if value is not OMITTED]
    return _fill_text(template, known) if isinstance(template, str) else template


def fill_path(template: str, known: Mapping[str, Any]) -> str:
    """A path with every value percent-encoded, so that no value can leave its place."""
    return _PLACEHOLDER.sub(lambda match: quote(_text(_found(match.group(1), known)), safe=""), template)


def _fill_text(template: str, known: Mapping[str, Any]) -> Any:  # noqa: ANN401
    whole = _PLACEHOLDER.fullmatch(template)
    if whole is None:
        return _PLACEHOLDER.sub(lambda match: _embedded(match.group(1), known), template)
    if whole.group(2):
        value = look(whole.group(1), known)
        return OMITTED if value is None else value
    return _found(whole.group(1), known)


def _embedded(name: str, known: Mapping[str, Any]) -> str:
    """A value inside a longer text, perhaps a query: quotes could change what the query means.

    Names ending in `_clause` and `columns` are ours, not a caller's.
    """
    text = _text(_found(name, known))
    if not name.endswith(("_clause", "columns")) and unsafe(text):
        raise UnmappableRecord(f"the value of {{{name}}} holds a quote, a backslash or a control character")
    return text


def unsafe(text: str) -> bool:
    """Whether a text holds a quote, a backslash or a control character."""
    return _UNSAFE.search(text) is not None


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _found(name: str, known: Mapping[str, Any]) -> Any:  # noqa: ANN401
    value = look(name, known)
    if value is None:
        raise UnmappableRecord(f"there is no value for {{{name}}}")
    return value


def look(name: str, known: Any) -> Any:  # noqa: ANN401 - mappings, lists and our own frozen values
    """Follow a dotted name; None where it leads nowhere."""
    value = known
    for part in name.split("."):
        value = _member(value, part)
        if value is None:
            return None
    return value


def _member(value: Any, part: str) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and _DIGITS.fullmatch(part):
        return value[int(part)] if int(part) < len(value) else None
    if is_dataclass(value) and part in {field.name for field in fields(value)}:
        return getattr(value, part)
    return None
