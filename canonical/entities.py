"""The list of entities, and the frame schema derived from each model.

A canonical frame has the envelope columns first (which system, which record), then the model's own:

    system: text            source_key: text         native_id: text or null
    changed_at: UTC or null absent: list of text (fields the source did not supply, as opposed to null)
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import MappingProxyType

import polars as pl

from canonical.base import Entity
from canonical.items import Item, ItemRelation, PackConversion
from canonical.orders import (
    Forecast,
    GoodsReceipt,
    Inspection,
    OperationReport,
    PurchaseOrder,
    PurchaseRequest,
    SalesOrder,
    SalesOrderLine,
    Shipment,
    SubcontractOrder,
    TransferOrder,
    WorkOrder,
)
from canonical.partners import Lead, Partner, PartnerRelation, SupplierAgreement
from canonical.stock import Stock, Warehouse
from canonical.structure import Bom, BomLine, CalendarDay, Operation, Routing, WorkCentre

DECIMAL = pl.Decimal(38, 9)
"""Quantities, prices and rates in frames: exact, nine places."""
UTC_TIME = pl.Datetime("us", "UTC")

ENTITIES: dict[str, type[Entity]] = {
    model.entity: model
    for model in (
        Item, ItemRelation, PackConversion, Partner, PartnerRelation, SupplierAgreement, Lead,
        Bom, BomLine, WorkCentre, CalendarDay, Routing, Operation, Warehouse, Stock,
        SalesOrder, SalesOrderLine, Forecast, PurchaseRequest, PurchaseOrder, SubcontractOrder,
        WorkOrder, OperationReport, Inspection, Shipment, GoodsReceipt, TransferOrder,
    )
}  # fmt: skip
"""Every entity by name; masters first, then what refers to them."""

ENVELOPE: dict[str, pl.DataType] = {
    "system": pl.String(),
    "source_key": pl.String(),
    "native_id": pl.String(),
    "changed_at": UTC_TIME,
    "absent": pl.List(pl.String()),
}

_DTYPES: dict[object, pl.DataType] = {
    str: pl.String(),
    bool: pl.Boolean(),
    int: pl.Int64(),
    Decimal: DECIMAL,
    date: pl.Date(),
    datetime: UTC_TIME,
}


def value_type(annotation: object) -> type:
    """The plain Python type behind an annotation: `Annotated[str | None, …]` → `str`, a Literal → its values' type."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return value_type(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        inner = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
        return value_type(inner[0])
    if origin is typing.Literal:
        return type(typing.get_args(annotation)[0])
    if isinstance(annotation, type):
        return annotation
    raise TypeError(f"no frame type for {annotation!r}")


@cache
def field_types(model: type[Entity]) -> Mapping[str, type]:
    """Field → plain Python type."""
    return MappingProxyType({name: value_type(field.annotation) for name, field in model.model_fields.items()})


def model_schema(model: type[Entity]) -> dict[str, pl.DataType]:
    """The model's own columns as Polars types."""
    return {name: _DTYPES[kind] for name, kind in field_types(model).items()}


def frame_schema(model: type[Entity]) -> dict[str, pl.DataType]:
    """Envelope and own columns: the schema of `canonical/<entity>` frames."""
    return {**ENVELOPE, **model_schema(model)}


def golden_schema(model: type[Entity]) -> dict[str, pl.DataType]:
    """`golden_id`, own columns (references are golden ids) and `sources`: the schema of `golden/<entity>` frames."""
    return {"golden_id": pl.String(), **model_schema(model), "sources": pl.List(pl.String())}


def mandatory_fields(model: type[Entity]) -> tuple[str, ...]:
    """Fields without which a record cannot exist."""
    return tuple(name for name, field in model.model_fields.items() if field.is_required())
