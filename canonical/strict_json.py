"""Strict JSON: decimals stay exact; NaN, infinities, duplicate keys and deep nesting are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NoReturn

MAX_BYTES = 64 * 1024 * 1024
_AS_THEY_ARE = frozenset({str, bool, int, type(None)})
_MOMENTS = frozenset({date, datetime})


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {twice!r} stands twice")
    return result


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _finite(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > 60:  # noqa: PLR2004 - 1e999 parses as a decimal but is no quantity
        raise ValueError(f"number {text} is out of range")
    return value


def loads(text: str | bytes) -> Any:  # noqa: ANN401 - JSON is any of its six types
    """Parse JSON; raise `ValueError` for anything a careful sender would not send."""
    return _parsed(text, _EXACT)


def loads_canonical(text: str | bytes) -> Any:  # noqa: ANN401 - as above
    """What `loads(dumps(loads(text)))` gives, in one step: numbers with a point are the text that `dumps` makes."""
    return _parsed(text, _CANONICAL)


def _parsed(text: str | bytes, decoder: json.JSONDecoder) -> Any:  # noqa: ANN401
    if len(text) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    try:
        return decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _plain(value: object) -> Any:  # noqa: ANN401
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value != value.to_integral_value() else str(value.quantize(Decimal(1)))
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: object, *, indent: int | None = None) -> str:
    """Canonical JSON text: sorted keys, decimals as text without trailing zeros, times in ISO 8601."""
    return (_ENCODER if indent is None else _encoder(indent)).encode(value)


def canonical(value: Any) -> Any:  # noqa: ANN401 - as above
    """What `loads(dumps(value))` gives, without the text between where that takes none."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is Decimal or kind in _MOMENTS:
        return _plain(value)
    if kind is list or kind is tuple:
        return [canonical(one) for one in value]
    if kind is dict and all(type(name) is str for name in value):
        return {name: canonical(value[name]) for name in sorted(value)}
    return loads(dumps(value))


def _encoder(indent: int | None = None) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=_plain, allow_nan=False, indent=indent)


def _decoder(parse_float: Callable[[str], object]) -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_float=parse_float, parse_constant=_no_constant)


_ENCODER = _encoder()
"""Made once, as its fellows are: of a short text to make one costs as much as to use it."""
_EXACT = _decoder(_finite)
_CANONICAL = _decoder(lambda number: _plain(_finite(number)))
