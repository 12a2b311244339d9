"""Outbound mappings: from a command's canonical body to the payload in the target's own words.

References and units are asked of the context, which knows the crosswalk; nothing is guessed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol

from canonical.errors import UnmappableRecord
from mappings.functions import VALUE_FUNCTIONS
from mappings.spec import OutboundNode, OutboundSpec

_OMIT: Final = object()
Body = Mapping[str, Any]


class OutboundContext(Protocol):
    """What an outbound mapping needs to know about the target."""

    @property
    def reference(self) -> str:
        """Our business key of the document."""
        ...

    @property
    def timezone(self) -> str:
        """The IANA zone in which the target reads times without an offset."""
        ...

    def native(self, entity: str, golden_id: str, *, system: str | None = None, technical: bool = False) -> str:
        """The record's `source_key` (or `native_id` where `technical`) in `system`, by default the target.

        Raises `CrosswalkPending` while the record has none.
        """
        ...

    def native_id(self, entity: str, source_key: str) -> str:
        """The technical id of the target's own record `source_key`; raises `CrosswalkPending` while it is not known."""
        ...

    def unit(self, item_golden_id: str, quantity: Decimal) -> tuple[Decimal, str]:
        """A quantity in the item's stocking unit → quantity and code of the unit the target counts the item in."""
        ...


@dataclass(frozen=True, slots=True)
class OutboundMapping:
    """A mapping ready to build payloads. Safe to share between threads."""

    spec: OutboundSpec

    def apply(self, body: Body, context: OutboundContext) -> dict[str, Any]:
        """Build the payload; raise `UnmappableRecord` for a body that lacks a field."""
        return _object(self.spec.fields, body, context)


def compile_outbound(spec: OutboundSpec) -> OutboundMapping:
    """Make a checked spec ready to build payloads."""
    return OutboundMapping(spec)


def needed_fields(spec: OutboundSpec) -> frozenset[str]:
    """The fields a body must have, or no payload can be built of it; what stands within lists' rows is left out."""
    return frozenset(path.partition(".")[0] for node in spec.fields.values() for path in _needed(node))


def _needed(node: OutboundNode) -> Iterator[str]:
    if node.omit_null or node.default is not None:
        return
    yield from (path for path in (node.source, node.quantity, node.item, node.unit_of, node.each) if path)
    if node.each is None:
        for child in (*(node.fields or {}).values(), *(node.list_ or ())):
            yield from _needed(child)


def _object(fields: Mapping[str, OutboundNode], body: Body, context: OutboundContext) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, node in fields.items():
        value = _value(node, body, context)
        if value is not _OMIT:
            _place(result, name, value)
    return result


def _place(target: dict[str, Any], name: str, value: object) -> None:
    """Dots in a target field's name nest: `FUnitId.FNumber` → `{"FUnitId": {"FNumber": …}}`."""
    *parents, last = name.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    target[last] = value


def _value(node: OutboundNode, body: Body, context: OutboundContext) -> Any:  # noqa: ANN401 - any of JSON's types
    if node.each is not None:
        rows = _rows(node.each, body, needed=not node.omit_null)
        return _OMIT if rows is None else [_object(node.fields or {}, row, context) for row in rows]
    if node.list_ is not None:
        items = [_value(child, body, context) for child in node.list_]
        return [item for item in items if item is not _OMIT]
    if node.fields is not None:
        return _object(node.fields, body, context)
    return _shaped(node, _leaf(node, body, context), context)


def _leaf(node: OutboundNode, body: Body, context: OutboundContext) -> Any:  # noqa: ANN401
    if node.our is not None:
        return context.reference
    if node.quantity is not None:
        quantity = _read(node, node.quantity, body)
        return quantity if quantity in (None, _OMIT) else _converted(node, quantity, body, context)[0]
    if node.unit_of is not None:
        return context.unit(str(_read(node, node.unit_of, body)), Decimal(0))[1]
    if node.source is not None:
        value = _read(node, node.source, body)
        return value if value in (None, _OMIT) or node.reference is None else _native(node, str(value), context)
    return node.value


def _converted(node: OutboundNode, quantity: object, body: Body, context: OutboundContext) -> tuple[Decimal, str]:
    item = _read(node, node.item or "", body)
    return context.unit(str(item), _decimal(quantity))


def _native(node: OutboundNode, named: str, context: OutboundContext) -> str:
    if node.own:
        return context.native_id(node.reference or "", named)
    return context.native(node.reference or "", named, system=node.system, technical=node.native_id)


def _shaped(node: OutboundNode, value: Any, context: OutboundContext) -> Any:  # noqa: ANN401
    """Default, functions, code map and number form, in this order."""
    if value in (None, _OMIT):
        value = node.default if node.default is not None else value
    if value is None or value is _OMIT:
        return _OMIT if node.omit_null else value
    for name in node.call:
        value = VALUE_FUNCTIONS[name](str(value), context.timezone)
    if value == "" and node.call and node.omit_null:
        return _OMIT
    if node.map is not None:
        value = _mapped(node.map, str(value))
    if node.as_ == "number":
        return json_number(_decimal(value))
    if isinstance(value, Decimal):
        return format(_trimmed(value), "f")
    return str(value) if node.as_ == "text" else value


def _mapped(codes: Mapping[str, Any], value: str) -> Any:  # noqa: ANN401
    if value not in codes:
        raise UnmappableRecord(f"code {value!r} is not in the map", hint=f"known: {', '.join(codes)}")
    return codes[value]


def json_number(value: Decimal) -> int | float | str:
    """A JSON number where it holds the value exactly, else its decimal text."""
    if value == value.to_integral_value() and abs(value) < 2**53:
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else format(_trimmed(value), "f")


def _trimmed(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def _decimal(value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise UnmappableRecord(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise UnmappableRecord(f"{value!r} is not a number")
    return number


def _rows(path: str, body: Body, *, needed: bool) -> list[Body] | None:
    rows = _walk(path, body)
    if not needed and rows in (None, _OMIT):
        return None
    if not isinstance(rows, (list, tuple)):
        raise UnmappableRecord(f"the body has no list {path!r}")
    return list(rows)


def _read(node: OutboundNode, path: str, body: Body) -> Any:  # noqa: ANN401
    """The body's value; a missing one is a fault unless the mapping says what happens without it."""
    value = _walk(path, body)
    if value is _OMIT and not node.omit_null and node.default is None:
        raise UnmappableRecord(
            f"the body has no field {path!r}", hint="say it under `with` in the rule, or a `default` in the mapping"
        )
    return value


def _walk(path: str, body: Body) -> Any:  # noqa: ANN401
    value: Any = body
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return _OMIT
        value = value[part]
    return value
