"""Promises that were accepted; what stands in `held` is the planner's."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Table, text

from store.columns import StrictJson, UtcDateTime
from store.tables.base import arrival, metadata, text_column

OPEN = text("state = 'open'")

promises = Table(
    "promises",
    metadata,
    arrival(),
    text_column("key"),
    text_column("item"),
    Column("quantity", BigInteger, nullable=False),
    Column("wanted", Date, nullable=False),
    Column("promised", Date, nullable=False),
    text_column("customer", nullable=True),
    Column("held", StrictJson, nullable=False),
    text_column("state"),
    text_column("accepted_by"),
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=True),
    text_column("ended_by", nullable=True),
    Column("ended_at", UtcDateTime, nullable=True),
    text_column("note", nullable=True),
    Index("ix_promises_open_key", "key", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
)
