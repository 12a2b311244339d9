"""What every canonical record has in common: frozen, closed, and described well enough to derive frames.

An entity is flat (lines are entities of their own), so one model gives the pydantic object at the
edges, the Polars schema in between and the JSON Schema for editors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Annotated, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

MarkT = TypeVar("MarkT")


@dataclass(frozen=True, slots=True)
class Reference:
    """Marks a text field that names another entity's record.

    Before reconcile it holds that record's `source_key` in the same system, afterwards its golden id.
    """

    entity: str


@dataclass(frozen=True, slots=True)
class UnitOf:
    """Marks a quantity by the field that names its unit of measure."""

    field: str


@dataclass(frozen=True, slots=True)
class JsonText:
    """Marks a text field whose value is JSON; a command's body carries it decoded."""


class Entity(BaseModel):
    """One flat business record. Field order is column order."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)

    entity: ClassVar[str]
    """The entity's name, singular, as used in YAML, frames and tables."""
    key: ClassVar[tuple[str, ...]]
    """Fields that identify a record within one source system; `source_key` is made of them."""
    identity: ClassVar[tuple[str, ...]] = ()
    """Fields equal across systems for one and the same thing: a drawing number, a tax number."""
    empty_without: ClassVar[str | None] = None
    """The field without which a record is its system's word that there is no such thing, or none any more."""


@cache
def references(model: type[Entity]) -> Mapping[str, str]:
    """Field → referenced entity, for every `Reference` field of a model, optional ones included."""
    marks = {name: _mark(field, Reference) for name, field in model.model_fields.items()}
    return MappingProxyType({name: mark.entity for name, mark in marks.items() if mark is not None})


@cache
def quantities(model: type[Entity]) -> Mapping[str, str]:
    """Quantity field → the field naming its unit."""
    marks = {name: _mark(field, UnitOf) for name, field in model.model_fields.items()}
    return MappingProxyType({name: mark.field for name, mark in marks.items() if mark is not None})


def json_fields(model: type[Entity]) -> frozenset[str]:
    """The fields that hold JSON text."""
    return frozenset(
        name for name, field in model.model_fields.items() if any(isinstance(mark, JsonText) for mark in field.metadata)
    )


def _mark(field: FieldInfo, kind: type[MarkT]) -> MarkT | None:
    """The field's mark of one kind; `X | None` keeps the marks of `X` inside the union."""
    inner = (mark for part in get_args(field.annotation) for mark in getattr(part, "__metadata__", ()))
    return next((mark for mark in (*field.metadata, *inner) if isinstance(mark, kind)), None)


Quantity = Annotated[Decimal, UnitOf("unit")]
Money = Decimal
ItemRef = Annotated[str, Reference("item")]
PartnerRef = Annotated[str, Reference("partner")]
SalesOrderRef = Annotated[str, Reference("sales_order")]
WorkOrderRef = Annotated[str, Reference("work_order")]
