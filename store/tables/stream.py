"""What a pass reads, judges, plans and decides."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.columns import StrictJson, UtcDateTime
from store.tables.base import arrival, metadata, text_column

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    text_column("actor"),
    Column("as_of", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    text_column("state"),
)

run_stages = Table(
    "run_stages",
    metadata,
    text_column("run_id"),
    text_column("stage"),
    text_column("part"),
    Column("counts", StrictJson, nullable=False),
    Column("finished_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("run_id", "stage", "part"),
    Index("ix_run_stages_newest", "stage", "part", "finished_at"),
)

landings = Table(
    "landings",
    metadata,
    arrival(),
    text_column("system"),
    text_column("stream"),
    text_column("digest"),
    text_column("run_id"),
    Column("row_count", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    Column("content", Text),
    UniqueConstraint("system", "stream", "digest", "run_id"),
    Index("ix_landings_stream", "system", "stream", "position"),
    Index(
        "ix_landings_complete",
        "system",
        "stream",
        "position",
        sqlite_where=text("complete = 1"),
        postgresql_where=text("complete"),
    ),
)

watermarks = Table(
    "watermarks",
    metadata,
    text_column("system"),
    text_column("stream"),
    text_column("value", nullable=True),
    Column("fetched_at", UtcDateTime, nullable=False),
    text_column("run_id"),
    PrimaryKeyConstraint("system", "stream"),
)

crosswalk = Table(
    "crosswalk",
    metadata,
    text_column("system"),
    text_column("entity"),
    text_column("source_key"),
    text_column("golden_id"),
    text_column("native_id", nullable=True),
    Column("is_primary", Boolean, nullable=False),
    Column("bound_at", UtcDateTime, nullable=False),
    text_column("home_id", nullable=True),
    PrimaryKeyConstraint("system", "entity", "source_key"),
    Index("ix_crosswalk_golden_id", "entity", "golden_id", "system"),
    Index("ix_crosswalk_native_id", "system", "entity", "native_id"),
    Index("ix_crosswalk_home_id", "entity", "home_id"),
    Index(
        "uq_crosswalk_primary",
        "system",
        "entity",
        "golden_id",
        unique=True,
        sqlite_where=text("is_primary"),
        postgresql_where=text("is_primary"),
    ),
)

documents = Table(
    "documents",
    metadata,
    text_column("system"),
    text_column("entity"),
    text_column("business_key"),
    text_column("native_id"),
    text_column("native_number", nullable=True),
    Column("revision", Integer, nullable=False),
    Column("content", StrictJson),
    text_column("origin"),
    Column("applied_at", UtcDateTime, nullable=False),
    Column("seen_in_pull_at", UtcDateTime),
    PrimaryKeyConstraint("system", "entity", "business_key"),
    UniqueConstraint("system", "entity", "native_id"),
)

conflicts = Table(
    "conflicts",
    metadata,
    text_column("entity"),
    text_column("golden_id"),
    text_column("attribute"),
    Column("values", StrictJson, nullable=False),
    Column("chosen", StrictJson),
    Column("since", UtcDateTime, nullable=False),
    text_column("state"),
    Column("closed_at", UtcDateTime),
    PrimaryKeyConstraint("entity", "golden_id", "attribute"),
    Index("ix_conflicts_state", "state", "entity"),
)

quarantine = Table(
    "quarantine",
    metadata,
    text_column("stage"),
    text_column("system"),
    text_column("entity"),
    text_column("source_key"),
    text_column("rule"),
    text_column("path"),
    text_column("message"),
    Column("payload", StrictJson),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    text_column("state"),
    PrimaryKeyConstraint("stage", "system", "entity", "source_key", "rule", "path"),
    Index("ix_quarantine_state", "state", "entity"),
)

verdicts = Table(
    "verdicts",
    metadata,
    text_column("run_id"),
    text_column("stage"),
    text_column("entity"),
    text_column("rule"),
    text_column("severity"),
    Column("blocking", Boolean, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("checked", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("detail", StrictJson),
    Column("judged_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("run_id", "stage", "entity", "rule"),
)

plan_pegs = Table(
    "plan_pegs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    text_column("supply"),
    text_column("kind"),
    text_column("consumer"),
    text_column("root", nullable=True),
    text_column("item"),
    Column("quantity", BigInteger, nullable=False),
    Index("ix_plan_pegs_root", "root"),
    Index("ix_plan_pegs_supply", "supply"),
)

plan_summaries = Table(
    "plan_summaries",
    metadata,
    arrival(),
    Column("run_id", Text, nullable=False, unique=True),
    Column("as_of", UtcDateTime, nullable=False),
    Column("content", StrictJson, nullable=False),
)

decided = Table(
    "decided",
    metadata,
    text_column("system"),
    text_column("kind"),
    text_column("business_key"),
    Column("revision", Integer, nullable=False),
    text_column("content"),
    PrimaryKeyConstraint("system", "kind", "business_key"),
    Index("ix_decided_business_key", "business_key"),
)

decided_facts = Table(
    "decided_facts",
    metadata,
    text_column("entity"),
    text_column("key"),
    text_column("content"),
    text_column("hash"),
    PrimaryKeyConstraint("entity", "key"),
)

inbox = Table(
    "inbox",
    metadata,
    arrival(),
    text_column("system"),
    text_column("event_id"),
    Column("payload", StrictJson, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    text_column("state"),
    Column("read_at", UtcDateTime),
    text_column("error", nullable=True),
    UniqueConstraint("system", "event_id"),
    Index("ix_inbox_state", "state", "position"),
)

change_events = Table(
    "change_events",
    metadata,
    arrival(),
    Column("id", Text, nullable=False, unique=True),
    text_column("entity"),
    text_column("key"),
    text_column("kind"),
    Column("old", StrictJson),
    Column("new", StrictJson),
    Column("fields", StrictJson, nullable=False),
    text_column("origin"),
    Column("revision", Integer),
    text_column("cause", nullable=True),
    Column("hops", Integer, nullable=False, server_default=text("0")),
    Column("at", UtcDateTime, nullable=False),
    text_column("run_id"),
    Index("ix_change_events_key", "entity", "key"),
)

ticks = Table(
    "ticks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
