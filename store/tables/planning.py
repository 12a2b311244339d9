"""What people and products leave behind for planning: configured items, and what sales say against a forecast."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from store.columns import StrictJson, UtcDateTime
from store.tables.base import arrival, metadata, text_column

configured_items = Table(
    "configured_items",
    metadata,
    Column("code", Text, primary_key=True),
    text_column("template"),
    text_column("model"),
    Column("content", StrictJson, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)
"""An item a configuration gave, with its BOM and routing; what its code stands for never changes."""

forecast_overrides = Table(
    "forecast_overrides",
    metadata,
    arrival(),
    text_column("item"),
    text_column("month"),
    Column("quantity", StrictJson, nullable=True),
    text_column("actor"),
    text_column("reason"),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "item", "month"),
)
"""What sales expect of an item in a month (`2026-11`) instead of the forecast; null takes it back. Rows only come."""
