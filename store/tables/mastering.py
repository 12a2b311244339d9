"""Golden records, and what stewards decided of them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from store.columns import StrictJson, UtcDateTime
from store.tables.base import POSITION, arrival, metadata, text_column

golden_records = Table(
    "golden_records",
    metadata,
    text_column("entity"),
    text_column("golden_id"),
    Column("version", Integer, nullable=False),
    text_column("content"),
    Column("retired_at", UtcDateTime),
    text_column("redirect_to", nullable=True),
    PrimaryKeyConstraint("entity", "golden_id"),
)

golden_history = Table(
    "golden_history",
    metadata,
    text_column("entity"),
    text_column("golden_id"),
    Column("version", Integer, nullable=False),
    Column("valid_from", UtcDateTime, nullable=False),
    Column("content", StrictJson, nullable=False),
    text_column("run_id"),
    Column("effective_from", UtcDateTime),
    PrimaryKeyConstraint("entity", "golden_id", "version"),
)

golden_codes = Table(
    "golden_codes",
    metadata,
    text_column("entity"),
    text_column("name"),
    text_column("code"),
    Column("allocated_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("entity", "name"),
    UniqueConstraint("entity", "code"),
)

steward_decisions = Table(
    "steward_decisions",
    metadata,
    arrival(),
    text_column("entity"),
    text_column("kind"),
    Column("members", StrictJson, nullable=False),
    Column("others", StrictJson, nullable=False),
    text_column("attribute", nullable=True),
    Column("value", StrictJson),
    Column("expires_at", UtcDateTime),
    Column("about", POSITION),
    Column("needs_approval", Boolean, nullable=False),
    text_column("batch", nullable=True),
    text_column("actor"),
    text_column("reason"),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_steward_decisions_entity", "entity", "position"),
)

candidate_pairs = Table(
    "candidate_pairs",
    metadata,
    text_column("entity"),
    text_column("a_system"),
    text_column("a_key"),
    text_column("b_system"),
    text_column("b_key"),
    text_column("band"),
    Column("posterior", Float, nullable=False),
    Column("evidence", StrictJson, nullable=False),
    text_column("model"),
    text_column("run_id"),
    Column("found_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("entity", "a_system", "a_key", "b_system", "b_key"),
    Index("ix_candidate_pairs_band", "entity", "band"),
)

queue_assignments = Table(
    "queue_assignments",
    metadata,
    Column("item", Text, primary_key=True),
    text_column("assignee", nullable=True),
    Column("due_at", UtcDateTime),
    Column("changed_at", UtcDateTime, nullable=False),
    text_column("changed_by"),
)

queue_items = Table(
    "queue_items",
    metadata,
    Column("item", Text, primary_key=True),
    text_column("entity"),
    text_column("kind"),
    text_column("place"),
    Column("documents", Integer, nullable=False),
    Column("stock_value", BigInteger, nullable=False),
    text_column("searched"),
    Column("content", StrictJson, nullable=False),
    Index("ix_queue_items_place", "place"),
    Index("ix_queue_items_kind", "entity", "kind", "place"),
)

queue_places = Table(
    "queue_places",
    metadata,
    text_column("entity"),
    text_column("golden_id"),
    text_column("item"),
    PrimaryKeyConstraint("entity", "golden_id", "item"),
    Index("ix_queue_places_item", "item"),
)

queue_marks = Table(
    "queue_marks",
    metadata,
    arrival(),
    text_column("entity"),
    text_column("about"),
)
