"""People, what they did, and what waits for them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, PrimaryKeyConstraint, Table, Text, text

from store.columns import StrictJson, UtcDateTime
from store.tables.base import arrival, metadata, text_column

people = Table(
    "people",
    metadata,
    Column("name", Text, primary_key=True),
    text_column("display_name"),
    Column("speaks_for_others", Boolean, nullable=False, server_default=text("false")),
    Column("added_at", UtcDateTime, nullable=False),
    text_column("added_by"),
)

person_roles = Table(
    "person_roles",
    metadata,
    Column("name", Text, ForeignKey("people.name"), nullable=False),
    text_column("role"),
    Column("granted_at", UtcDateTime, nullable=False),
    text_column("granted_by"),
    PrimaryKeyConstraint("name", "role"),
)

audit = Table(
    "audit",
    metadata,
    arrival(),
    Column("at", UtcDateTime, nullable=False),
    text_column("actor"),
    text_column("action"),
    text_column("object"),
    Column("detail", StrictJson),
    Index("ix_audit_object", "object"),
)

timers = Table(
    "timers",
    metadata,
    arrival(),
    text_column("rule"),
    text_column("fact"),
    text_column("key"),
    Column("base", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    text_column("cause"),
    text_column("state"),
    Column("set_at", UtcDateTime, nullable=False),
    Column("fired_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_timers_due", "state", "due_at"),
    Index(
        "uq_timers_standing",
        "rule",
        "fact",
        "key",
        unique=True,
        sqlite_where=text("state IN ('waiting', 'fired')"),
        postgresql_where=text("state IN ('waiting', 'fired')"),
    ),
)

tasks = Table(
    "tasks",
    metadata,
    arrival(),
    text_column("kind"),
    text_column("owner"),
    text_column("key"),
    Column("title", StrictJson, nullable=False),
    text_column("actor"),
    text_column("cause"),
    Column("due_at", UtcDateTime),
    text_column("state"),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    text_column("closed_by", nullable=True),
    text_column("note", nullable=True),
    Index("ix_tasks_state", "state", "owner", "due_at"),
    Index("ix_tasks_key", "kind", "key"),
    Index(
        "uq_tasks_open",
        "kind",
        "owner",
        "key",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)
