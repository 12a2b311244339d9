"""From text to a canonical type: what does not fit becomes null, and the difference is the fault."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import polars as pl

from canonical.base import Entity, quantities
from canonical.entities import DECIMAL
from mappings.functions import utc_instant

_NUMBER = r"^[+-]?[0-9]{1,29}([.][0-9]+)?$"
_NINE_PLACES = r"^[+-]?[0-9]{1,29}([.][0-9]{1,9}0*)?$"
_WHOLE = r"^[+-]?[0-9]{1,18}([.]0+)?$"
_UNIT_FIELDS = frozenset({"unit", "pack_unit"})


@dataclass(frozen=True, slots=True)
class Cast:
    """How text becomes a type, and what to call it when it does not."""

    rule: str
    expected: str
    apply: Callable[[pl.Expr, str], pl.Expr]


def allowed_codes(model: type[Entity], field: str) -> tuple[str, ...] | None:
    """The values of a field typed as a list of codes; None for any other field."""
    return _codes(model.model_fields[field].annotation)


def _codes(annotation: object) -> tuple[str, ...] | None:
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return tuple(str(value) for value in typing.get_args(annotation))
    if origin in (typing.Union, types.UnionType, typing.Annotated):
        return next((codes for arg in typing.get_args(annotation) if (codes := _codes(arg))), None)
    return None


def unit_fields(model: type[Entity]) -> frozenset[str]:
    """The fields of a model that hold a unit of measure."""
    return (frozenset(quantities(model).values()) | _UNIT_FIELDS) & frozenset(model.model_fields)


def _decimal(text: pl.Expr, _timezone: str) -> pl.Expr:
    return pl.when(text.str.contains(_NINE_PLACES)).then(text).cast(DECIMAL, strict=False)


def rounded_decimal(places: int) -> Callable[[pl.Expr, str], pl.Expr]:
    """A number rounded half to even; up to 18 places are read."""

    def cast(text: pl.Expr, _timezone: str) -> pl.Expr:
        wide = pl.when(text.str.contains(_NUMBER)).then(text).cast(pl.Decimal(38, 18), strict=False)
        return wide.round(places, mode="half_to_even").cast(DECIMAL, strict=False)

    return cast


def _integer(text: pl.Expr, _timezone: str) -> pl.Expr:
    return pl.when(text.str.contains(_WHOLE)).then(text.str.replace(r"[.]0+$", "")).cast(pl.Int64, strict=False)


def _boolean(text: pl.Expr, _timezone: str) -> pl.Expr:
    return pl.when(text == "true").then(True).when(text == "false").then(False)  # noqa: FBT003


def _day(text: pl.Expr, _timezone: str) -> pl.Expr:
    return text.str.to_date("%Y-%m-%d", strict=False)


CASTS: dict[type, Cast] = {
    str: Cast("bad_text", "text", lambda text, _: text),
    Decimal: Cast("bad_number", "a number of at most nine decimal places", _decimal),
    int: Cast("bad_number", "a whole number", _integer),
    bool: Cast("bad_boolean", "true or false", _boolean),
    date: Cast("bad_date", "a date", _day),
    datetime: Cast("bad_time", "a time", utc_instant),
}
